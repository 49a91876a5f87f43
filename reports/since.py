"""What a history adds to a report, in words: since when, and what changed since the last run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reports.text import counted

if TYPE_CHECKING:
    from reports.model import FindingReport, Report


def since(item: FindingReport, report: Report) -> str:
    """Return `new in this run`, `since TIME (3 days)`, or nothing without a history."""
    if item.first_seen is None:
        return ""
    if item.first_seen == report.run.finished:
        return "new in this run"
    age = datetime.fromisoformat(report.run.finished) - datetime.fromisoformat(item.first_seen)
    return f"since {item.first_seen} ({_age(age)})"


def changes(report: Report) -> str:
    """Return how the findings differ from the previous run's in a sentence; nothing without one."""
    if report.previous is None:
        return ""
    new, gone = len(report.previous.new), len(report.previous.gone)
    if not new + gone:
        return "No finding is new or gone since the previous audit."
    return f"Since the previous audit: {counted(new, 'finding')} new, {gone:,} gone."


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 60:
        return counted(minutes, "minute")
    if minutes < 48 * 60:
        return counted(minutes // 60, "hour")
    return counted(minutes // (24 * 60), "day")
