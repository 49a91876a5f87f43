"""The reachability of a report in words: how many pairs differ, each of them, what is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.text import counted, natural_key, short_name

if TYPE_CHECKING:
    from drift.result import ReachState
    from reports.model import Report
    from reports.pictures import ReachabilityReport, UnlikeReport

_LISTED: Final = 200
_NAMED: Final = 12
_SAYS: Final[dict[ReachState, str]] = {
    "flood-missing": "has no flood list entry for",
    "imet-missing": "has no IMET route from",
    "both-missing": "has neither flood list entry nor IMET route of",
    "flood-extra": "has a flood list entry that is not intended, for",
    "imet-extra": "has an IMET route that is not intended, from",
    "both-extra": "has a flood list entry and an IMET route that are not intended, of",
}


@dataclass(frozen=True, slots=True)
class UnlikeRow:
    """One difference as a sentence in three parts: the node, what it has, of whom."""

    vni: int
    node: str
    says: str
    vteps: str


@dataclass(frozen=True, slots=True)
class ReachText:
    """The whole picture in words; `more` counts the differences that are not among `rows`."""

    sentences: tuple[str, ...]
    pairs: int
    rows: tuple[UnlikeRow, ...]
    more: int


def reach_text(report: Report) -> ReachText | None:
    """Return what a report says of reachability; None for a report without VNIs."""
    reach = report.reachability
    if reach is None or not reach.segments:
        return None
    carriers = {vni: len(segment.nodes) for segment in reach.segments for vni in segment.vnis}
    pairs = sum(
        carriers.get(item.vni, 1) - 1 if item.vteps is None else len(item.vteps)
        for item in reach.unlike
    )
    rows = tuple(map(_row, reach.unlike[:_LISTED]))
    more = len(reach.unlike) - len(rows)
    return ReachText(tuple(_sentences(reach, len(carriers))), pairs, rows, more)


def _sentences(reach: ReachabilityReport, vnis: int) -> list[str]:
    different = len({item.vni for item in reach.unlike})
    what = "flood list and IMET routes" if reach.imet else "flood list"
    unread = sorted({*reach.flood_unread, *reach.imet_unread}, key=natural_key)
    readers = "every node that was read" if unread else "every node"
    nodes = {node for segment in reach.segments for node in segment.nodes}
    if nodes <= set(unread):
        return ["Of no node the " + what + " were read: nothing is known."]
    if different:
        said = f"In {different:,} of {counted(vnis, 'VNI')} the {what} of a node differ from the"
        sentences = [f"{said} VTEPs that carry the VNI."]
    else:
        each = "the only VNI" if vnis == 1 else f"each of {vnis:,} VNIs"
        sentences = [f"In {each} {readers} has every other VTEP in its {what}."]
    if unread:
        named = ", ".join(map(short_name, unread[:_NAMED]))
        more = f" and {len(unread) - _NAMED:,} more" if len(unread) > _NAMED else ""
        sentences.append(f"Unknown, because not read: {named}{more}.")
    return sentences


def _row(item: UnlikeReport) -> UnlikeRow:
    if item.vteps is None:
        return UnlikeRow(item.vni, item.node, _SAYS[item.state], "any other VTEP")
    named = ", ".join(map(short_name, item.vteps[:_NAMED]))
    more = len(item.vteps) - _NAMED
    return UnlikeRow(
        item.vni, item.node, _SAYS[item.state], named + (f" and {more:,} more" if more > 0 else "")
    )
