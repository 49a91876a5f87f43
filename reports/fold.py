"""Folding: every finding belongs to exactly one root cause, and none is ever lost by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.alike import is_alike
from reports.text import counted, natural_key, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.model import FindingReport


@dataclass(frozen=True, slots=True)
class RootCause:
    """A finding that follows from no other one, with everything that follows from it."""

    finding: FindingReport
    consequences: tuple[FindingReport, ...] = ()

    @property
    def _alike(self) -> list[FindingReport]:
        return [item for item in self.consequences if is_alike(self.finding, item)]

    @property
    def hosts(self) -> set[str]:
        """The nodes that have the same fault, its own included."""
        return {self.finding.host, *(item.host for item in self._alike)}

    @property
    def likewise(self) -> str:
        """Where else the same was found, `Also on 2 more nodes: node2, node3`, or nothing."""
        hosts = self.hosts - {self.finding.host}
        objects = {item.object for item in self._alike} - {self.finding.object}
        said = [f"on {counted(len(hosts), 'more node')}: {_listed(hosts)}"] if hosts else []
        if objects:
            said.append(f"for {_listed(objects)}")
        return f"Also {'; '.join(said)}" if said else ""


_MOST_NAMES = 60
"""A rack or a fabric is named whole; of more the report has each finding."""


def _listed(names: set[str]) -> str:
    ordered = [short_name(name) for name in sorted(names, key=natural_key)]
    left = len(ordered) - _MOST_NAMES
    return ", ".join(ordered[:_MOST_NAMES]) + (f" and {left:,} more" if left > 0 else "")


def root_ids(findings: Iterable[FindingReport]) -> dict[str, str]:
    """Return the root's id for each finding's id; a root is its own.

    A cause that is not in the list makes its consequence a root, and a circle of causes gets one
    of its members: an error in the folding may not hide a finding.
    """
    causes = {item.id: item.caused_by for item in findings}
    roots: dict[str, str] = {}
    for start in causes:
        chain: dict[str, None] = {}
        at = start
        while at not in roots and at not in chain:
            chain[at] = None
            cause = causes[at]
            if cause is None or cause not in causes:
                break
            at = cause
        roots.update(dict.fromkeys(chain, roots.get(at, at)))
    return roots


def fold(findings: Iterable[FindingReport]) -> tuple[RootCause, ...]:
    """Return the root causes in the order to work on them: most severe, then most consequences."""
    everything = tuple(findings)
    roots = root_ids(everything)
    kept: dict[str, FindingReport] = {}
    folded: dict[str, list[FindingReport]] = {}
    for item in everything:
        root = roots[item.id]
        if root == item.id and item.id not in kept:
            kept[item.id] = item
        else:
            folded.setdefault(root, []).append(item)
    causes = [RootCause(item, tuple(folded.get(key, ()))) for key, item in kept.items()]
    return tuple(sorted(causes, key=_urgency))


def _urgency(cause: RootCause) -> tuple[int, int]:
    return (cause.finding.severity.rank, -len(cause.consequences))
