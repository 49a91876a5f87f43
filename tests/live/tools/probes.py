"""What the lab's tests ask and wait for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.ssh import run_on
from tests.live.conftest import CONVERGE, growing_pauses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.conftest import Lab


def eventually(what: str, probe: Callable[[], bool], timeout: float = CONVERGE) -> None:
    limit = time.monotonic() + timeout
    pauses = growing_pauses(2.0)
    while not probe():
        assert time.monotonic() < limit, what
        time.sleep(next(pauses))


def on(lab: Lab, node: str, command: str) -> str:
    return run_on(lab.spec.node(node), command).check()
