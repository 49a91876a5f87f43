"""What the benchmarks share: a whole process measured, and the figures of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children used: seconds on the wall and of the CPU, and the peak of
    their memory together in MiB (PSS: what they share counts once), sampled ten times a second.
    """

    wall: float
    cpu: float
    rss: float


def run_measured(argv: Sequence[str]) -> Usage:
    """Runs a program to its end, its own children included. Raises SystemExit when it fails."""
    # By way of a fresh small process: until its exec a child counts as large as its parent, and
    # Linux keeps that peak.
    way = [sys.executable, str(Path(__file__).resolve()), *argv]
    done = subprocess.run(way, cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit status {done.returncode}")
    return Usage(**json.loads(done.stdout))


def _measure(argv: Sequence[str]) -> int:
    begun = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    tree = _Tree(process.pid)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    # A process that ends between two samples has been as large as this, at least.
    peak = max(tree.end(), used.ru_maxrss / 1024)
    print(json.dumps(asdict(Usage(wall, used.ru_utime + used.ru_stime, peak))))
    return process.returncode


class _Tree:
    """Watches the memory of a process and of all below it, in a thread, until `end`."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """The peak in MiB."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self._peak = max(self._peak, sum(map(_pss, _below(self._root))) / 1024)


def _below(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):  # it has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _below(int(child))


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0


def machine() -> str:
    """One line about where the figures were taken."""
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs"


if __name__ == "__main__":
    sys.exit(_measure(sys.argv[1:]))
