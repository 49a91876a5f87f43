"""What a node's files say that neither the intent derives nor we ever wrote: foreign statements.

A deployment replaces these files as a whole, so each such statement would be gone without a word.
What we wrote ourselves is not foreign: a statement of our last deployment that the intent dropped
is removed as intended. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import ParseError
from overlay.redaction import redact
from parsers.configuration import (
    chosen_statements,
    daemon_settings,
    parse_frr_config,
    parse_running_config,
    sysctl_settings,
)
from parsers.frr import read_frr_config
from tasks.files import BACKUPS, DAEMONS, FRR_CONF, SYSCTL, is_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tasks.files import ManagedFile

RUNNING = "FRR's running configuration"
# What is asked for foreign statements, each with the key that keeps one.
KEPT_BY = {
    RUNNING: "frr_extra",
    FRR_CONF.path: "frr_extra",
    DAEMONS.path: "daemons_extra",
    SYSCTL.path: "sysctl_extra",
}
_SHOWN = 20
# Those that run whatever the file says.
_ALWAYS_ON = frozenset({"zebra", "staticd", "mgmtd", "watchfrr"})
_PACKAGED_OPTIONS = frozenset({"--daemon", "-A", "127.0.0.1", "::1", "-s", "90000000"})
# Lines that say nothing by themselves: they close a block, or are a comment's frame.
_CLOSES = re.compile(r"!|#|end|exit|exit-.*")


@dataclass(frozen=True, slots=True)
class Foreign:
    """One foreign statement; `line` counts from 1, `words` is its own line in the file.

    `path` is RUNNING, and `line` of `show running-config`, for one that no file holds.
    """

    path: str
    line: int
    statement: str
    words: str


def last_deployed(path: str) -> str:
    """A shell command that prints a file as the last confirmed deployment left it; or nothing."""
    return (
        f"cd {BACKUPS} 2>/dev/null || exit 0\nlast=\nfor number in [0-9][0-9][0-9][0-9]; do\n"
        '  [ "$(head -n 1 $number/outcome 2>/dev/null)" != confirmed ] || last=$number\ndone\n'
        f'[ -z "$last" ] || [ ! -f $last/new{path} ] || cat $last/new{path}'
    )


def foreign_statements(
    file: ManagedFile, now: str | None, wanted: str | None, last: str | None
) -> tuple[Foreign, ...]:
    """The statements of `now` that are neither in `wanted` nor in `last`, in the file's order.

    `now` lies on the node, `wanted` would be deployed, `last` is what our last deployment left
    there. Each is None where there is no such file.
    """
    find = _FINDERS.get(file.path)
    if find is None or now is None or now in (wanted, last if is_ours(last) else None):
        return ()
    # Another password for what has one in the intent is not foreign: the plan says that it changes.
    ours = (redact(wanted or ""), redact(last or "") if is_ours(last) else "")
    found = find(redact(now), ours)
    lines = now.splitlines()
    return tuple(
        Foreign(file.path, line, statement, " ".join(lines[line - 1].split()))
        for statement, line in sorted(found.items(), key=lambda pair: pair[1])
    )


def foreign_in_running(
    running: str, now: str | None, wanted: str | None, last: str | None
) -> tuple[Foreign, ...]:
    """The statements that FRR runs and that are in none of the three texts of its frr.conf.

    Empty where `running` is not a whole `show running-config`: FRR does not run there.
    """
    running = redact(running)
    try:
        found = parse_running_config(running)
    except ParseError:
        return ()
    known = {
        statement
        for text in (now, wanted, last)
        for statement in parse_frr_config(redact(text or ""))
    }
    known |= {statement[:depth] for statement in known for depth in range(1, len(statement))}
    lines = {line.statement: line.line for line in read_frr_config(running)}
    return tuple(
        Foreign(RUNNING, lines.get(statement, 1), " / ".join(statement), statement[-1])
        for statement in sorted(found - known, key=lambda one: lines.get(one, 1))
    )


def _in_frr_conf(now: str, ours: Sequence[str]) -> dict[str, int]:
    known = {statement for text in ours for statement in chosen_statements(text)}
    known |= {statement[:depth] for statement in known for depth in range(1, len(statement))}
    return {
        " / ".join(statement): line
        for statement, line in chosen_statements(now).items()
        if statement not in known
    }


def _in_daemons(now: str, ours: Sequence[str]) -> dict[str, int]:
    known = [{key: value for key, (value, _) in daemon_settings(text).items()} for text in ours]
    return {
        f"{key}={value}": line
        for key, (value, line) in daemon_settings(now).items()
        if not _is_packaged(key, value) and all(them.get(key) != value for them in known)
    }


def _is_packaged(key: str, value: str) -> bool:
    """True for what FRR's package says by itself, or what makes no difference."""
    if key.endswith("_options"):
        return set(value.split()) <= _PACKAGED_OPTIONS
    return value == "no" or (value == "yes" and key in _ALWAYS_ON | {"vtysh_enable"})


def _in_sysctl(now: str, ours: Sequence[str]) -> dict[str, int]:
    known = {key for text in ours for key in sysctl_settings(text)}
    return {
        f"{key} = {value}": line
        for key, (value, line) in sysctl_settings(now).items()
        if key not in known
    }


_FINDERS: Mapping[str, Callable[[str, Sequence[str]], dict[str, int]]] = {
    FRR_CONF.path: _in_frr_conf,
    DAEMONS.path: _in_daemons,
    SYSCTL.path: _in_sysctl,
}


def foreign_refusals(host: str, found: Sequence[Foreign]) -> list[str]:
    """Why a node with these statements is not deployed, by file, each with what to do about it."""
    said = []
    for path in dict.fromkeys(one.path for one in found):
        lines = [f"  line {one.line}: {one.statement}" for one in found if one.path == path]
        shown = lines[:_SHOWN]
        if len(lines) > _SHOWN:
            shown.append(f"  … and {len(lines) - _SHOWN} more")
        said.append(
            f"{host}: {path} holds what the intent does not derive, and a deployment would remove "
            "it:\n" + "\n".join(shown) + "\n"
            f"  next: keep it under `{KEPT_BY[path]}:` in fabric.yaml (of the fabric, a group or "
            "the node), or have it removed with --replace-foreign"
        )
    return said


def is_taken_over(last: str, now: str, wanted: str, foreign: Sequence[Foreign]) -> bool:
    """Whether an edit by hand (`last` to `now`) loses nothing but foreign statements to `wanted`.

    Each line that it added is in `wanted` too, or foreign and named as such, and each that it
    removed is not in `wanted`.
    """
    was, is_now, will_be = (
        {" ".join(line.split()) for line in text.splitlines()} for text in (last, now, wanted)
    )
    named = {one.words for one in foreign}
    blocks = {part for one in foreign for part in one.statement.split(" / ")}
    added = {line for line in is_now - was - will_be - named - blocks if line}
    return all(_CLOSES.fullmatch(line) for line in added) and not (was - is_now) & will_be
