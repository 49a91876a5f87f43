"""One audit and one deployment of an inventory at a time, on this computer.

The kernel gives a lock back when its process ends, however that ends: none is ever stale. The file
says who holds it. Not by `filelock` (4.3 was tried): a file that cannot be made gives the same
Timeout there as one that another process holds, and an audit goes on where none can be made.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import tempfile
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.context import login
from overlay.errors import FleetError
from reports.text import one_line, utc_text
from tasks.options import who_we_are

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.context import Context

LOCK_NAME = ".evpn-fleet.lock"
_MAX_HOLDER = 1_000


@contextlib.contextmanager
def one_audit_at_a_time(context: Context) -> Iterator[None]:
    """Holds the lock of the context's inventory; raises FleetError with who else holds it.

    Where no lock file can be made (a read-only folder), the audit goes on without, with a warning.
    """
    path = context.audits / f".{context.inventory.resolve().name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _open(path)
    except OSError as error:
        context.warn(
            f"{path}: cannot be locked: {error.strerror}; it does not keep out a second audit",
            "let this user write to that folder",
        )
        yield
        return
    holder = json.dumps(_ourselves())
    with _held(file, holder, lambda said, _age: _audited(context, path, said)):
        yield
        file.truncate(0)


@contextlib.contextmanager
def deploying(inventory: Path) -> Iterator[None]:
    """Holds the inventory's lock. Raises FleetError, naming who holds it and for how long."""
    folder = inventory.resolve()
    try:
        file = _open(folder / LOCK_NAME)
    except OSError:  # an inventory that is not ours to write to
        name = sha256(str(folder).encode()).hexdigest()[:16]
        file = _open(Path(tempfile.gettempdir()) / f"evpn-fleet-{name}.lock")
    holder = f"{who_we_are()}, process {os.getpid()}\n"
    with _held(file, holder, lambda said, age: _deployed(inventory, said, age)):
        yield


def _open(path: Path) -> TextIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    return os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")


@contextlib.contextmanager
def _held(file: TextIO, holder: str, taken: Callable[[str, float], FleetError]) -> Iterator[None]:
    """Holds a lock and says in it who does. `taken` makes the error from what another one wrote
    and how many seconds ago.
    """
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            age = time.time() - os.fstat(file.fileno()).st_mtime
            raise taken(file.read(_MAX_HOLDER), age) from None
        file.truncate(0)
        file.write(holder)
        file.flush()
        yield


def _ourselves() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "user": login(),
        "host": socket.gethostname(),
        "since": utc_text(datetime.now(UTC)),
    }


def _audited(context: Context, path: Path, holder: str) -> FleetError:
    what = f"another audit of {context.inventory} is running"
    try:
        told = json.loads(holder)
        said = "process {pid} of {user} on {host}, since {since}".format_map(told)
        hint = f"wait until it is done; if it hangs, stop it: kill {int(told['pid'])}"
    except (ValueError, TypeError, KeyError):
        # It has only just begun and has not written yet, or somebody else wrote there.
        said, hint = f"it holds {path}", "wait until it is done"
    return FleetError(f"{what}: {one_line(said)}", hint)


def _deployed(inventory: Path, holder: str, age: float) -> FleetError:
    who = one_line(holder.strip()[:200]) or "nobody known"
    return FleetError(
        f"{inventory}: another deployment of it is running on this computer: {who}, "
        f"for {age:.0f} s",
        "wait until it has finished",
    )
