"""What the benchmarks share: a whole process measured, and the figures of this machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used: seconds on the wall and of the CPU, and its peak RSS in MiB."""

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
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps(asdict(Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))))
    return process.returncode


def machine() -> str:
    """One line about where the figures were taken."""
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs"


if __name__ == "__main__":
    sys.exit(_measure(sys.argv[1:]))
