"""Processor time of a worker of pytest-xdist with its whole lab: nodes, guests and command lines.

A worker has processes of its own (`worker.sh`), so it sees those in /proc and no others. What a
process took that has ended, whoever waited for it keeps.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_TICKS = os.sysconf("SC_CLK_TCK")
# Of /proc/PID/stat, behind the name: utime, stime, cutime, cstime.
_TIMES = slice(11, 15)


def seconds_of(stat: str) -> float:
    """What a process took, and those that it has waited for, from its /proc/PID/stat."""
    # Its name stands in brackets and may hold anything, also brackets.
    return sum(map(int, stat.rpartition(")")[2].split()[_TIMES])) / _TICKS


def of_all_processes() -> float:
    """What all processes in sight have taken so far, in seconds."""
    total = 0.0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended
                total += seconds_of(Path(entry.path, "stat").read_text())
    return total


class ProcessorTime:
    """A plugin of a worker: its lab tests' reports say what processor time each phase took."""

    def __init__(self) -> None:
        self._before: float | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begins to count; what is between two tests is of neither."""
        self._before = of_all_processes() if item.get_closest_marker("lab") else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._before is not None:
            now = of_all_processes()
            # A report travels with whatever attributes it has.
            report.processor_seconds = now - self._before
            self._before = now
        return report
