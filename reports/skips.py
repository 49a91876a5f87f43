"""The checks that were not made, joined where it was for one reason on the same hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.model import Report


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """Checks that were skipped for one reason, and on how many hosts each of them."""

    checks: tuple[str, ...]
    reason: str
    hosts: int


def skipped_groups(report: Report) -> list[SkippedGroup]:
    """Return what was skipped, in the report's order of each group's first check."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for item in report.skipped:
        hosts.setdefault((item.check, item.reason), []).append(item.host)
    checks: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (check, reason), names in hosts.items():
        checks.setdefault((reason, tuple(names)), []).append(check)
    return [
        SkippedGroup(tuple(found), reason, len(names)) for (reason, names), found in checks.items()
    ]
