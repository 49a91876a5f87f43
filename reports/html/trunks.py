"""Where the links of the underlay lie in a drawing: each as a wire, or one for all of two parts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.html.links import count_up, words_on
from reports.html.shapes import HEIGHT, MARKS, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from drift.result import Link
    from reports.html.shapes import Box, WireState

MAX_LINKS_DRAWN: Final = 24
"""More links are drawn as one wire between two parts, beside those that are not up."""
_MARGIN: Final = 14
_INSET, _LINE = 90, 22


@dataclass(frozen=True, slots=True)
class Area:
    """What the boxes of one part of the fabric take."""

    left: int
    right: int
    top: int
    bottom: int


def area_of(boxes: Sequence[Box], height: int) -> Area:
    """Around boxes of one height."""
    return Area(
        left=min(box.x for box in boxes),
        right=max(box.x + box.width for box in boxes),
        top=min(box.y for box in boxes),
        bottom=max(box.y for box in boxes) + height,
    )


def draw_links(links: Sequence[Link], boxes: Mapping[str, Box]) -> Iterator[Wire]:
    """Each link from box to box; at a box they lie side by side, in the order of the other ends."""
    links = [link for link in links if link.one in boxes and link.two in boxes]
    place = _side_by_side(links, boxes)
    for number, link in enumerate(links):
        (x1, upper), (x2, lower) = sorted(
            ((place[number, name], boxes[name]) for name in (link.one, link.two)),
            key=lambda end: (end[1].y, end[0]),
        )
        y1, y2 = upper.y + HEIGHT, lower.y
        path, middle = f"M{x1} {y1}L{x2} {y2}", (y1 + y2) // 2
        if upper.y == lower.y:
            # In one row: above the boxes, since sessions are below them.
            deep = min(10 + abs(x2 - x1) // 12, 40)
            path = f"M{x1} {y2}Q{(x1 + x2) // 2} {y2 - 2 * deep} {x2} {y2}"
            middle = y2 - deep
        mark = MARKS.get(link.state, "")
        yield Wire(path, link.state, words_on(link), (x1 + x2) // 2, middle, mark, is_link=True)


def _side_by_side(links: Sequence[Link], boxes: Mapping[str, Box]) -> dict[tuple[int, str], int]:
    """Where each link (by its number) leaves each of its two boxes."""
    leaving: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number, link in enumerate(links):
        for name, other in ((link.one, link.two), (link.two, link.one)):
            leaving[name].append((boxes[other].x, boxes[other].y, number))
    found = {}
    for name, ends in leaving.items():
        box = boxes[name]
        for slot, (_, _, number) in enumerate(sorted(ends)):
            room = box.width - 2 * _MARGIN
            found[number, name] = box.x + _MARGIN + room * (2 * slot + 1) // (2 * len(ends))
    return found


def draw_trunks(
    links: Iterable[Link], parts: Mapping[str, str], areas: Mapping[str, Area], below: int
) -> Iterator[Wire]:
    """All links between two parts as one wire, which says how many of them are up.

    It says so `below` the boxes of the upper part, where nothing else is said.
    """
    between: dict[tuple[str, str], list[Link]] = defaultdict(list)
    order = list(areas)
    for link in links:
        ends = [parts[name] for name in (link.one, link.two) if name in parts]
        if len(ends) == 2:
            upper, lower = sorted(ends, key=order.index)
            between[upper, lower].append(link)
    seen: dict[str, int] = defaultdict(int)
    for (upper, lower), found in sorted(between.items()):
        number = seen[upper]
        seen[upper] += 1
        area = areas[upper]
        # Left and right in turn: in the middle are the sessions.
        x = area.right - _INSET if number % 2 else area.left + _INSET
        y = area.bottom + below + _LINE * (number // 2)
        path = f"M{x} {area.bottom}L{x} {areas[lower].top}"
        if upper == lower:
            path = f"M{x - 60} {area.bottom}Q{x} {area.bottom + 50} {x + 60} {area.bottom}"
            y = area.bottom + 40
        says = count_up(tuple(found))
        yield Wire(path, _state(found), says, x, y, label=says, is_link=True)


def _state(links: Iterable[Link]) -> WireState:
    states = {link.state for link in links}
    return "down" if "down" in states else "unknown" if "unknown" in states else "up"
