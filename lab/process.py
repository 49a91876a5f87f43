"""Detached processes and their pid files; a recycled pid is never taken for ours."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def spawn(
    argv: Sequence[str], *, log: Path, pid_file: Path, environ: Mapping[str, str], cwd: Path
) -> int:
    """Start a process in its own session, output to ``log``; record and return its pid."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(environ),
            cwd=cwd,
        )
    # For a moment after exec a process has no arguments yet, and would not be known as ours.
    deadline = time.monotonic() + 1
    while is_alive(process.pid) and not _arguments(process.pid)[0] and time.monotonic() < deadline:
        time.sleep(0.002)
    pid_file.write_text(f"{process.pid}\n")
    return process.pid


def read_pid(pid_file: Path, *marks: str) -> int | None:
    """The recorded process, if it lives and its arguments hold every mark; else None."""
    pid = recorded_pid(pid_file)
    return pid if pid is not None and is_ours(pid, *marks) else None


def recorded_pid(pid_file: Path) -> int | None:
    """What the file says, whether such a process lives or not; None without a number in it."""
    try:
        return int(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def is_ours(pid: int, *marks: str) -> bool:
    """Whether that process lives and each mark is one whole argument of it."""
    arguments = _arguments(pid)
    return all(mark.encode() in arguments for mark in marks) and is_alive(pid)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is not a zombie."""
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] != "Z"


def kill_session(pid: int, *, timeout: float = 10.0) -> None:
    """SIGKILL every process of the session that ``pid`` leads, and wait until all are gone.

    The session, not only the group: UML runs each of its guest's processes as one of ours.
    """
    deadline = time.monotonic() + timeout
    while members := session_members(pid):
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        with suppress(ChildProcessError):
            # Only when this very Python started it; otherwise init reaps it.
            os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            raise LabError(
                f"processes {sorted(members)} do not end after SIGKILL",
                "see `ps -o pid,stat,cmd -p PID`; stop the lab again when they are gone",
            )
        time.sleep(0.02)


def session_members(session: int) -> set[int]:
    """The living processes whose session is that one."""
    found = set()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        fields = _stat_fields(int(entry.name))
        if fields and fields[0] != "Z" and int(fields[3]) == session:
            found.add(int(entry.name))
    return found


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return [b""]


def _stat_fields(pid: int) -> list[str]:
    """state, ppid, pgrp, session, … of a process; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    # The command's name stands in brackets and may hold anything, also brackets.
    return text.rpartition(")")[2].split()
