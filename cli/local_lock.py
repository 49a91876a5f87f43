"""One deployment at a time per inventory, on this computer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from overlay.errors import FleetError
from tasks.options import who_we_are

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_NAME = ".evpn-fleet.lock"


@contextlib.contextmanager
def deploying(inventory: Path) -> Iterator[None]:
    """Holds the inventory's lock. Raises FleetError, naming who holds it and for how long.

    The kernel gives it back when we die, however that happens: it is never stale.
    """
    with _open(inventory) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            age = time.time() - os.fstat(file.fileno()).st_mtime
            raise FleetError(
                f"{inventory}: another deployment of it is at work on this computer: "
                f"{file.read(200).strip() or 'by nobody known'}, for {age:.0f} s",
                "wait until it has ended",
            ) from None
        file.truncate(0)
        file.seek(0)
        file.write(f"{who_we_are()}, process {os.getpid()}\n")
        file.flush()
        yield


def _open(inventory: Path) -> TextIO:
    folder = inventory.resolve()
    try:
        return (folder / LOCK_NAME).open("a+", encoding="utf-8")
    except OSError:  # an inventory that is not ours to write to
        name = sha256(str(folder).encode()).hexdigest()[:16]
        return (Path(tempfile.gettempdir()) / f"evpn-fleet-{name}.lock").open(
            "a+", encoding="utf-8"
        )
