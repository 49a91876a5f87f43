"""One audit of an inventory at a time: a second one would ask every node twice, to no use."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.context import login
from overlay.errors import FleetError
from reports.run import utc_text
from reports.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.context import Context

_MAX_HOLDER = 1_000


@contextlib.contextmanager
def one_audit_at_a_time(context: Context) -> Iterator[None]:
    """Holds the lock of the context's inventory; raises FleetError with who else holds it.

    The kernel gives it back when its process ends, however that ends: no lock is ever stale. Where
    no lock file can be made (a read-only folder), the audit goes on without, with a warning.
    """
    path = context.audits / f".{context.inventory.resolve().name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        context.warn(
            f"{path}: cannot be locked: {error.strerror}; nothing keeps a second audit away",
            "let this user write to that folder",
        )
        yield
        return
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _taken(context, path, file.read(_MAX_HOLDER)) from None
        file.truncate(0)
        file.write(json.dumps(_ourselves()))
        file.flush()
        yield
        file.truncate(0)


def _ourselves() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "user": login(),
        "host": socket.gethostname(),
        "since": utc_text(datetime.now(UTC)),
    }


def _taken(context: Context, path: Path, holder: str) -> FleetError:
    what = f"another audit of {context.inventory} is running"
    try:
        told = json.loads(holder)
        said = "process {pid} of {user} on {host}, since {since}".format_map(told)
        hint = f"wait until it is done; if it hangs, end it: kill {int(told['pid'])}"
    except (ValueError, TypeError, KeyError):
        # It has only just begun and has not written yet, or somebody else wrote there.
        said, hint = f"it holds {path}", "wait until it is done"
    return FleetError(f"{what}: {one_line(said)}", hint)
