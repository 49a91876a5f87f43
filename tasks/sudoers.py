"""The sudoers files of two accounts that are not root: one that audits, one that deploys. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Literal

from overlay.errors import FleetError
from tasks.commands import COMMANDS, privileged

Purpose = Literal["audit", "deploy"]
# Debian's places; `sudo` itself finds a command by its secure_path, which ends there.
_PROGRAMS = {
    "vtysh": "/usr/bin/vtysh",
    "nft": "/usr/sbin/nft",
    "ip": "/usr/bin/ip",
    "cat": "/usr/bin/cat",
    "test": "/usr/bin/test",
}
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# What sudoers would read as its own; `*`, `?`, `[` and `]` would match more than themselves.
_SPECIAL = re.compile(r"([\\:,=#*?\[\]])")


def sudoers(user: str, purpose: Purpose) -> str:
    """The text of /etc/sudoers.d/evpn-fleet-PURPOSE on every node. Raises FleetError.

    The auditing account may run exactly what `audit` and `collect` run as root, word by word. The
    deploying one is as good as root, since it writes what the network starts with.
    """
    if not _USER.fullmatch(user):
        raise FleetError(f"--user {user}: not the name of an account", "such as evpn-audit")
    head = (
        f"# evpn-fleet: what {user} may run as root to {purpose}. Install it with\n"
        f"#   visudo -cf FILE && install -m 440 FILE /etc/sudoers.d/evpn-fleet-{purpose}\n"
    )
    if purpose == "deploy":
        note = "# Whoever deploys is as good as root: guard its key as root's.\n"
        return f"{head}{note}{user} ALL=(root) NOPASSWD: /bin/sh -s\n"
    lines = [f"{user} ALL=(root) NOPASSWD: {_entry(words)}\n" for words in _audited()]
    return head + "".join(lines)


def _audited() -> tuple[str, ...]:
    return tuple(words for command in COMMANDS for words in privileged(command))


def _entry(command: str) -> str:
    program, *words = shlex.split(command)
    return " ".join([_PROGRAMS[program], *(_SPECIAL.sub(r"\\\1", word) for word in words)])
