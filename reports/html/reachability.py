"""The reachability of a report in words: how many pairs differ, each of them, what is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.text import counted, natural_key, short_name

if TYPE_CHECKING:
    from drift.result import Reachability, ReachState, Unlike
    from reports.model import Report

_LISTED: Final = 200
_NAMED: Final = 12
_SAYS: Final[dict[ReachState, str]] = {
    "flood-missing": "has no flood list entry for",
    "imet-missing": "has no IMET route from",
    "both-missing": "has neither a flood list entry for nor an IMET route from",
    "flood-extra": "has an unintended flood list entry for",
    "imet-extra": "has an unintended IMET route from",
    "both-extra": "has an unintended flood list entry and IMET route of",
}


@dataclass(frozen=True, slots=True)
class UnlikeRow:
    """One difference as a sentence in three parts: the node, what it has, of whom."""

    vni: int
    node: str
    says: str
    vteps: str


@dataclass(frozen=True, slots=True)
class ReachabilityText:
    """The whole picture in words; `more` counts the differences that are not among `rows`."""

    sentences: tuple[str, ...]
    pairs: int
    rows: tuple[UnlikeRow, ...]
    more: int


def reachability_text(report: Report) -> ReachabilityText | None:
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
    return ReachabilityText(tuple(_sentences(reach, len(carriers))), pairs, rows, more)


def _sentences(reach: Reachability, vnis: int) -> list[str]:
    different = len({item.vni for item in reach.unlike})
    unread = sorted({*reach.flood_unread, *reach.imet_unread}, key=natural_key)
    nodes = {node for segment in reach.segments for node in segment.nodes}
    both = "flood list and IMET routes" if reach.imet else "flood list"
    if nodes <= set(unread):
        read = "were" if reach.imet else "was"
        return [f"Reachability is unknown: the {both} {read} not collected on any node."]
    if different:
        differ = "flood list or IMET routes" if reach.imet else "flood list"
        said = f"In {different:,} of {counted(vnis, 'VNI')} the {differ} of at least one node"
        verb = "differ" if reach.imet else "differs"
        sentences = [f"{said} {verb} from the VTEPs that carry the VNI."]
    else:
        each = "the only VNI" if vnis == 1 else f"each of {vnis:,} VNIs"
        readers = "every collected node" if unread else "every node"
        sentences = [f"In {each} {readers} has every other VTEP in its {both}."]
    if unread:
        named = ", ".join(map(short_name, unread[:_NAMED]))
        more = f" and {len(unread) - _NAMED:,} more" if len(unread) > _NAMED else ""
        sentences.append(f"Unknown, because not collected: {named}{more}.")
    return sentences


def _row(item: Unlike) -> UnlikeRow:
    if item.vteps is None:
        return UnlikeRow(item.vni, item.node, _SAYS[item.state], "any other VTEP")
    named = ", ".join(map(short_name, item.vteps[:_NAMED]))
    more = len(item.vteps) - _NAMED
    return UnlikeRow(
        item.vni, item.node, _SAYS[item.state], named + (f" and {more:,} more" if more > 0 else "")
    )
