"""The topology of a report as a drawing: where each box and wire lies, and what it says in words.

Up to `MAX_DRAWN` nodes are drawn one by one; more become one box for each part of the fabric.
The same report gives the same drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reports.html.links import failures_of, sentence_on, without_any
from reports.html.peerings import sessions_of
from reports.html.shapes import GAP, HEIGHT, LEFT, MARKS, PITCH, TOP, WIDTH, Box, Wire
from reports.html.trunks import MAX_LINKS_DRAWN, area_of, draw_links, draw_trunks
from reports.text import clip, counted, natural_key, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift.result import Link, Peering, Topology
    from reports.fold import RootCause
    from reports.html.shapes import WireState
    from reports.model import Report

MAX_DRAWN: Final = 40
_PER_ROW: Final = 6
_MESH_DRAWN: Final = 6
_LABEL: Final = 17
_TIERS: Final = {
    "router": "Outside",
    "spine": "Spines",
    "reflector": "Reflectors",
    "exit": "Exits",
    "vtep": "VTEPs",
    "external": "External",
}

_SHALLOW = 46
_GROUP_WIDTH, _GROUP_GAP = 620, 140

STATUS_MARKS: Final = (
    ("in-sync", "✓", "in sync"),
    ("affected", "~", "affected by another node"),
    ("drift", "✕", "drift"),
    ("incomplete", "!", "incomplete"),
    ("unaudited", "?", "not audited"),
)
"""The statuses of a node, how they are marked, and their words."""

_MARK: Final = {status: mark for status, mark, _ in STATUS_MARKS}
_WORDS: Final = {status: words for status, _, words in STATUS_MARKS}


@dataclass(frozen=True, slots=True)
class Tier:
    """The name of a row of boxes."""

    y: int
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The drawing, what it shows in sentences, and each session and link that is not up."""

    width: int
    height: int
    tiers: tuple[Tier, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    summary: tuple[str, ...]
    failures: tuple[str, ...]
    failing: tuple[str, ...]
    hidden_mesh: bool
    hidden_links: bool
    not_up: int

    @property
    def has_links(self) -> bool:
        """Whether links of the underlay are drawn, beside the sessions."""
        return any(wire.is_link for wire in self.wires)

    @property
    def kinds(self) -> frozenset[str]:
        """The states of boxes and wires that are drawn, for the legend."""
        wires = (f"link {it.state}" if it.is_link else it.state for it in self.wires)
        return frozenset((*(box.status for box in self.boxes), *wires))


def draw_topology(report: Report, causes: Sequence[RootCause]) -> Drawing | None:
    """Return the drawing of a report's topology; None for a report without one."""
    topology = report.topology
    if topology is None or not topology.nodes:
        return None
    sessions = [sessions_of(peering) for peering in topology.peerings if peering.kind != "static"]
    statuses = _statuses(report, causes)
    routed = topology.underlay
    underlay = (sentence_on(routed),) if routed else ()
    links_down = failures_of(routed) if routed else ()
    links = routed.links if routed else ()
    tiers = _tiers(topology)
    layout = _Single if len(topology.nodes) <= MAX_DRAWN else _Grouped
    drawn = layout(tiers, statuses, topology)
    quiet = {"in-sync", "affected"}
    failing = sorted((n for n in statuses if statuses[n] not in quiet), key=natural_key)
    return Drawing(
        width=drawn.width,
        height=drawn.height,
        tiers=tuple(drawn.tiers),
        boxes=tuple(drawn.boxes.values()),
        # What is up lies below what is not.
        wires=tuple(sorted(drawn.wires, key=lambda wire: wire.state != "up")),
        summary=(*underlay, *(found.sentence for found in sessions)),
        failures=(*links_down, *(line for found in sessions for line in found.failures)),
        failing=tuple(failing) if len(topology.nodes) > MAX_DRAWN else (),
        hidden_mesh=drawn.hidden_mesh,
        hidden_links=drawn.hidden_links,
        not_up=sum(found.down + found.unknown for found in sessions)
        + sum(link.state != "up" for link in links),
    )


def _statuses(report: Report, causes: Sequence[RootCause]) -> dict[str, str]:
    """The status of each node; `affected` for one where only consequences were found."""
    found: dict[str, str] = {name: host.status for name, host in report.hosts.items()}
    roots = {cause.finding.host for cause in causes}
    return {
        name: "affected" if status == "drift" and name not in roots else status
        for name, status in found.items()
    }


def _tiers(topology: Topology) -> dict[str, list[str]]:
    """The nodes of each part, top down, those outside that are not ours among them."""
    tiers: dict[str, list[str]] = {part: [] for part in _TIERS}
    for node in topology.nodes:
        tiers["exit" if node.exit and node.role == "vtep" else node.role].append(node.name)
    known = {node.name for node in topology.nodes}
    for peering in topology.peerings:
        if peering.kind == "static":
            tiers["router"] += [hub for hub in peering.hubs if hub not in known]
    return {part: sorted(names, key=natural_key) for part, names in tiers.items() if names}


def _part_of_each(tiers: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: part for part, names in tiers.items() for name in names}


def _within_a_part(links: Sequence[Link], tiers: Mapping[str, list[str]]) -> bool:
    parts = _part_of_each(tiers)
    return any(parts.get(link.one) == parts.get(link.two) for link in links)


class _Single:
    """Every node a box, in rows by part."""

    def __init__(
        self,
        tiers: Mapping[str, list[str]],
        statuses: Mapping[str, str],
        topology: Topology,
    ) -> None:
        self.tiers: list[Tier] = []
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.hidden_mesh = False
        links = topology.underlay.links if topology.underlay else ()
        self.hidden_links = len(links) > MAX_LINKS_DRAWN
        columns = min(_PER_ROW, max(map(len, tiers.values())))
        self.width = LEFT + columns * (WIDTH + GAP)
        y = TOP + (_SHALLOW if _within_a_part(links, tiers) else 0)
        for part, names in tiers.items():
            self.tiers.append(Tier(y + HEIGHT // 2, _TIERS[part]))
            for start in range(0, len(names), _PER_ROW):
                row = names[start : start + _PER_ROW]
                self._row(row, y, statuses)
                y += PITCH
        last = len(list(tiers.values())[-1])
        self._deepest = 110 if last <= _PER_ROW else _SHALLOW
        for peering in topology.peerings:
            self.wires += self._wires(peering)
        self._draw_links(links, tiers)
        arcs = [wire.y for wire in self.wires if "Q" in wire.path]
        self.height = max([y - PITCH + HEIGHT, *(arc for arc in arcs)]) + 14

    def _row(self, names: list[str], y: int, statuses: Mapping[str, str]) -> None:
        taken = len(names) * (WIDTH + GAP) - GAP
        x = LEFT + (self.width - LEFT - GAP - taken) // 2
        for name in names:
            status = statuses.get(name, "unaudited")
            self.boxes[name] = Box(
                x,
                y,
                WIDTH,
                clip(short_name(name), _LABEL),
                f"{short_name(name)}: {_WORDS[status]}",
                status,
                _MARK[status],
                node=name if name in statuses else None,
            )
            x += WIDTH + GAP

    def _draw_links(self, links: tuple[Link, ...], tiers: Mapping[str, list[str]]) -> None:
        if not self.hidden_links:
            self.wires += draw_links(links, self.boxes)
            return
        areas = {
            part: area_of([self.boxes[name] for name in names], HEIGHT)
            for part, names in tiers.items()
        }
        self.wires += draw_trunks(links, _part_of_each(tiers), areas, below=35)
        # A node without any link would be a star of wires.
        alone = without_any(links)
        for name in alone & self.boxes.keys():
            self.boxes[name] = replace(self.boxes[name], note="no link up")
        lost = [k for k in links if k.state != "up" and not {k.one, k.two} & alone]
        self.wires += draw_links(lost, self.boxes)

    def _wires(self, peering: Peering) -> Iterator[Wire]:
        sessions = sessions_of(peering)
        mesh = peering.kind == "full-mesh"
        every = not mesh or len(peering.nodes) <= _MESH_DRAWN
        self.hidden_mesh = self.hidden_mesh or not every
        if not every:
            # A node without any session would be a star of wires.
            for name in sessions.silent.keys() & self.boxes.keys():
                box = self.boxes[name]
                self.boxes[name] = replace(box, note="no session up")
        for one, two in sessions.pairs():
            if not every and {one, two} & sessions.silent.keys():
                continue
            state: WireState = "static" if peering.kind == "static" else sessions.state(one, two)
            if one in self.boxes and two in self.boxes and (every or state != "up"):
                yield self._wire(self.boxes[one], self.boxes[two], state, sessions.says(one, two))

    def _wire(self, one: Box, two: Box, state: WireState, title: str) -> Wire:
        upper, lower = sorted((one, two), key=lambda box: (box.y, box.x))
        x1, x2 = upper.x + upper.width // 2, lower.x + lower.width // 2
        mark = MARKS.get(state, "")
        if upper.y == lower.y:
            # In one row: below the boxes, the deeper the farther apart.
            y = upper.y + HEIGHT
            deep = min(8 + 19 * abs(x2 - x1) // (WIDTH + GAP), self._deepest)
            path = f"M{x1} {y}Q{(x1 + x2) // 2} {y + 2 * deep} {x2} {y}"
            return Wire(path, state, title, (x1 + x2) // 2, y + deep, mark)
        y1, y2 = upper.y + HEIGHT, lower.y
        return Wire(f"M{x1} {y1}L{x2} {y2}", state, title, (x1 + x2) // 2, (y1 + y2) // 2, mark)


class _Grouped:
    """One box for each part, with counts."""

    hidden_mesh = False
    hidden_links = False

    def __init__(
        self,
        tiers: Mapping[str, list[str]],
        statuses: Mapping[str, str],
        topology: Topology,
    ) -> None:
        self.tiers: list[Tier] = []
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.width = LEFT + _GROUP_WIDTH + 2 * GAP
        self._parts = _part_of_each(tiers)
        y = TOP
        for part, names in tiers.items():
            self.tiers.append(Tier(y + 30, _TIERS[part]))
            self.boxes[part] = self._box(names, y, statuses)
            y += _GROUP_GAP
        self.height = y - _GROUP_GAP + 60 + 60
        for peering in topology.peerings:
            self.wires += self._wires(peering)
        if topology.underlay:
            areas = {part: area_of([box], 60) for part, box in self.boxes.items()}
            self.wires += draw_trunks(topology.underlay.links, self._parts, areas, below=16)

    @staticmethod
    def _box(names: list[str], y: int, statuses: Mapping[str, str]) -> Box:
        found = [statuses.get(name, "unaudited") for name in names]
        counts = {state: found.count(state) for state in _WORDS if state in found}
        worst = next(s for s in ("drift", "incomplete", "unaudited", *_WORDS) if s in counts)
        detail = ", ".join(f"{n:,} {_WORDS[state].split(' by ')[0]}" for state, n in counts.items())
        label = counted(len(names), "node")
        title = f"{label}: {detail}"
        mark = _MARK[worst]
        return Box(LEFT, y, _GROUP_WIDTH, label, title, worst, mark, detail=detail)

    def _wires(self, peering: Peering) -> Iterator[Wire]:
        sessions = sessions_of(peering)
        hub = self._parts.get(peering.hubs[0]) if peering.hubs else None
        parts = {part for name in peering.nodes if (part := self._parts.get(name)) is not None}
        lowest = [part for part in self.boxes if part in parts][-1:]
        state: WireState = "down" if sessions.down else "unknown" if sessions.unknown else "up"
        if peering.kind == "static":
            state = "static"
        for part in lowest:
            box = self.boxes[part]
            x, y = box.x + box.width // 2, box.y
            if hub is None or hub == part:
                path = f"M{x - 60} {y + 60}Q{x} {y + 120} {x + 60} {y + 60}"
                yield Wire(path, state, sessions.sentence, x, y + 108, label=sessions.sentence)
                continue
            # Right below the hub, so that a part between the two does not cover the label.
            top = self.boxes[hub].y + 60
            path = f"M{x} {top}L{x} {y}"
            place = top + (_GROUP_GAP - 60) // 2
            yield Wire(path, state, sessions.sentence, x, place, label=sessions.sentence)
