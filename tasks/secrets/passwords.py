"""Passwords, read where the intent says that they are; only what is deployed needs them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from overlay.errors import FleetError
from overlay.sessions.intended import SecretSource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from overlay.expected import NodeIntent

Passwords = Mapping[SecretSource, str]
# What the kernel takes as a key (TCP_MD5SIG_MAXKEYLEN), and FRR reads as one word of a line.
_PASSWORD = re.compile(r"[\x21-\x7e]{1,80}")
_SECONDS = 60


def read_passwords(nodes: Iterable[NodeIntent], folder: Path) -> Passwords:
    """Every password that these nodes need, each source asked once; `folder` is the intent's.

    Raises FleetError that names the source, and never shows what it gave.
    """
    sources = {source for node in nodes if node.is_written for source in node.passwords}
    return {source: _read(source, folder) for source in sorted(sources, key=str)}


def _read(source: SecretSource, folder: Path) -> str:
    password = _printed(source, folder) if source.command else _in_environment(source)
    if not _PASSWORD.fullmatch(password):
        raise FleetError(
            f"{source} holds no password that FRR takes: it has {len(password)} characters",
            "a BGP password has 1 to 80 characters of ASCII, and no blank among them",
        )
    return password


def _in_environment(source: SecretSource) -> str:
    value = os.environ.get(source.env or "")
    if value is None:
        raise FleetError(
            f"{source} is not set, and the intent takes a BGP password from it",
            f"set it for this command alone, such as `{source.env}=$(pass show fabric/bgp) "
            "python run.py deploy`, or name a `command:` in fabric.yaml",
        )
    return value


def _printed(source: SecretSource, folder: Path) -> str:
    """The first line that a command prints; what it asks and complains of is on the terminal."""
    try:
        done = subprocess.run(
            source.words,
            stdout=subprocess.PIPE,
            cwd=folder,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        said = f"cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        said = f"did not end within {_SECONDS} s"
    else:
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace").partition("\n")[0].removesuffix("\r")
        said = f"failed with exit status {done.returncode}"
    raise FleetError(
        f"{source}, which prints a BGP password, {said}",
        f"run it in {folder} by hand; it must print the password as its first line",
    )
