"""The checks that were not made, joined where it was for one reason on the same hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.model import Report


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """Checks that were skipped for one reason, and the hosts on which each of them was."""

    checks: tuple[str, ...]
    reason: str
    names: tuple[str, ...]

    @property
    def hosts(self) -> int:
        """On how many hosts."""
        return len(self.names)


def skipped_groups(report: Report) -> list[SkippedGroup]:
    """Return what was skipped, in the report's order of each group's first check.

    What an unreachable host lacks is one reason, not one for each command.
    """
    unreached = {
        name: f"the node did not answer: {host.error}"
        for name, host in report.hosts.items()
        if host.error is not None and not host.commands
    }
    hosts: dict[tuple[str, str], list[str]] = {}
    for item in report.skipped:
        reason = unreached.get(item.host, item.reason)
        hosts.setdefault((item.check, reason), []).append(item.host)
    checks: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (check, reason), names in hosts.items():
        checks.setdefault((reason, tuple(names)), []).append(check)
    return [SkippedGroup(tuple(found), reason, names) for (reason, names), found in checks.items()]
