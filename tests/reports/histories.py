"""Runs for the history's tests: reports whose findings and times are chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import examples
from overlay.records import HostState
from reports.history.record import remember
from reports.text import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from drift.model import Finding
    from drift.result import SkippedCheck
    from reports.model import Report

SERIES: Final = "../inventory"
BEGIN: Final = datetime(2025, 11, 1, tzinfo=UTC)
HOSTS: Final = ("leaf1", "leaf2", "leaf3")


def at(minutes: float) -> str:
    """Return the time so many minutes after the beginning."""
    return utc_text(BEGIN + timedelta(minutes=minutes))


def run_at(
    minutes: float,
    findings: Iterable[Finding] = (),
    *,
    hosts: Iterable[str] = HOSTS,
    down: Iterable[str] = (),
    skipped: Iterable[SkippedCheck] = (),
) -> Report:
    """Return the report of a run that ended so many minutes after the beginning."""
    states = examples.states(hosts) | {name: HostState(name, error="no answer") for name in down}
    made = examples.report(states, findings, skipped)
    info = made.run.model_copy(
        update={"id": f"run-{minutes}", "started": at(minutes - 1), "finished": at(minutes)}
    )
    return made.model_copy(update={"run": info})


def record(history: Path, report: Report, keep_days: int = 365) -> Report:
    """Record one report in the tests' series."""
    return remember(report, history, SERIES, keep_days)
