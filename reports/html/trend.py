"""The trend of a report: the latest audits as bars, and how long the fabric has been like this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.text import counted
from reports.wording import since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.fold import RootCause
    from reports.model import Report, TrendPoint

_HEIGHT: Final = 44
_WIDTH: Final = 300
_SLOT: Final = 14


@dataclass(frozen=True, slots=True)
class Part:
    """One severity's share of a bar."""

    severity: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One audit: `clean` has neither a finding nor an incomplete node."""

    x: float
    width: float
    title: str
    parts: tuple[Part, ...]
    clean: bool
    incomplete: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """The drawing and what it says: `highest` is the number of root causes of its highest bar."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    highest: int
    words: str


def trend_of(report: Report) -> Trend | None:
    """Return the latest audits as bars, oldest first; None without two to compare."""
    points = report.trend
    if len(points) < 2:
        return None
    highest = max(_roots(point) for point in points)
    slot = min(_SLOT, _WIDTH / len(points))
    numbers = ", ".join(f"{_roots(point):,}" for point in points)
    return Trend(
        round(slot * len(points)) + 1,
        _HEIGHT,
        tuple(_bar(point, number * slot, slot, highest) for number, point in enumerate(points)),
        highest,
        f"Root causes in the last {counted(len(points), 'audit')}, oldest first: {numbers}",
    )


def standing(report: Report, causes: Sequence[RootCause]) -> str:
    """Return in a sentence how long the fabric has been like this; nothing without a history."""
    known = [cause.finding for cause in causes if cause.finding.first_seen is not None]
    if known:
        oldest = min(known, key=lambda item: item.first_seen or "")
        said = since(oldest, report)
        if len(causes) == 1:
            return f"It is {said}." if said.startswith("new") else f"It has been open {said}."
        if said.startswith("new"):
            return "All of them are new in this run."
        return f"The oldest has been open {said}."
    clean = 0
    while clean < len(report.trend) and _clean(report.trend[-1 - clean]):
        clean += 1
    if clean < 2:
        return ""
    return f"So were all of the last {clean:,} audits, since {report.trend[-clean].finished}."


def _roots(point: TrendPoint) -> int:
    return point.critical + point.warning + point.info


def _clean(point: TrendPoint) -> bool:
    return not (_roots(point) or point.incomplete)


def _bar(point: TrendPoint, x: float, slot: float, highest: int) -> Bar:
    parts: list[Part] = []
    y = float(_HEIGHT - 6)
    for severity, number in (
        ("critical", point.critical),
        ("warning", point.warning),
        ("info", point.info),
    ):
        if number:
            height = max(1.5, (_HEIGHT - 10) * number / max(highest, 1))
            y -= height
            parts.append(Part(severity, round(y, 1), round(height, 1)))
    found = f"{point.critical:,} critical, {point.warning:,} warning, {point.info:,} info"
    unread = f", {counted(point.incomplete, 'incomplete node')}" if point.incomplete else ""
    title = f"{point.finished}: {found}{unread}"
    width = round(max(slot - 2, slot * 0.7), 1)
    return Bar(round(x, 1), width, title, tuple(parts), _clean(point), point.incomplete > 0)
