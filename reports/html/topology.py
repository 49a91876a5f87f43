"""The topology of a report as a drawing: where each box and wire lies, and what it says in words.

Up to `MAX_DRAWN` nodes are drawn one by one; more become one box for each part of the fabric.
The same report gives the same drawing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from reports.html.peerings import sessions_of
from reports.text import clip, counted, natural_key, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift.result import Peering, Topology
    from reports.fold import RootCause
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

_LEFT, _TOP = 108, 14
_WIDTH, _HEIGHT, _GAP, _PITCH = 136, 42, 22, 104
_SHALLOW = 46
_GROUP_WIDTH, _GROUP_GAP = 620, 140

WireState = Literal["up", "down", "unknown", "static"]
_MARKS: Final = {"down": "×", "unknown": "?"}
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
class Box:
    """One node, or all nodes of one part; `node` is whose details it leads to, if it is one.

    `detail` is a second line in it, `note` one below it.
    """

    x: int
    y: int
    width: int
    label: str
    title: str
    status: str
    mark: str
    node: str | None = None
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A session, or many; `mark` is drawn in its middle, or `label`."""

    path: str
    state: WireState
    title: str
    x: int
    y: int
    mark: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """The name of a row of boxes."""

    y: int
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The drawing, what it shows in sentences, and each session that is not up."""

    width: int
    height: int
    tiers: tuple[Tier, ...]
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    summary: tuple[str, ...]
    failures: tuple[str, ...]
    failing: tuple[str, ...]
    hidden_mesh: bool
    not_up: int

    @property
    def kinds(self) -> frozenset[str]:
        """The states of boxes and wires that are drawn, for the legend."""
        return frozenset((*(box.status for box in self.boxes), *(it.state for it in self.wires)))


def draw_topology(report: Report, causes: Sequence[RootCause]) -> Drawing | None:
    """Return the drawing of a report's topology; None for a report without one."""
    topology = report.topology
    if topology is None or not topology.nodes:
        return None
    sessions = [sessions_of(peering) for peering in topology.peerings if peering.kind != "static"]
    statuses = _statuses(report, causes)
    tiers = _tiers(topology)
    layout = _Single if len(topology.nodes) <= MAX_DRAWN else _Grouped
    drawn = layout(tiers, statuses, topology.peerings)
    quiet = {"in-sync", "affected"}
    failing = sorted((n for n in statuses if statuses[n] not in quiet), key=natural_key)
    return Drawing(
        width=drawn.width,
        height=drawn.height,
        tiers=tuple(drawn.tiers),
        boxes=tuple(drawn.boxes.values()),
        # What is up lies below what is not.
        wires=tuple(sorted(drawn.wires, key=lambda wire: wire.state != "up")),
        summary=tuple(found.sentence for found in sessions),
        failures=tuple(line for found in sessions for line in found.failures),
        failing=tuple(failing) if len(topology.nodes) > MAX_DRAWN else (),
        hidden_mesh=drawn.hidden_mesh,
        not_up=sum(found.down + found.unknown for found in sessions),
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


class _Single:
    """Every node a box, in rows by part."""

    def __init__(
        self,
        tiers: Mapping[str, list[str]],
        statuses: Mapping[str, str],
        peerings: tuple[Peering, ...],
    ) -> None:
        self.tiers: list[Tier] = []
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.hidden_mesh = False
        columns = min(_PER_ROW, max(map(len, tiers.values())))
        self.width = _LEFT + columns * (_WIDTH + _GAP)
        y = _TOP
        for part, names in tiers.items():
            self.tiers.append(Tier(y + _HEIGHT // 2, _TIERS[part]))
            for start in range(0, len(names), _PER_ROW):
                row = names[start : start + _PER_ROW]
                self._row(row, y, statuses)
                y += _PITCH
        last = len(list(tiers.values())[-1])
        self._deepest = 110 if last <= _PER_ROW else _SHALLOW
        for peering in peerings:
            self.wires += self._wires(peering)
        arcs = [wire.y for wire in self.wires if "Q" in wire.path]
        self.height = max([y - _PITCH + _HEIGHT, *(arc for arc in arcs)]) + 14

    def _row(self, names: list[str], y: int, statuses: Mapping[str, str]) -> None:
        taken = len(names) * (_WIDTH + _GAP) - _GAP
        x = _LEFT + (self.width - _LEFT - _GAP - taken) // 2
        for name in names:
            status = statuses.get(name, "unaudited")
            self.boxes[name] = Box(
                x,
                y,
                _WIDTH,
                clip(short_name(name), _LABEL),
                f"{short_name(name)}: {_WORDS[status]}",
                status,
                _MARK[status],
                node=name if name in statuses else None,
            )
            x += _WIDTH + _GAP

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
        mark = _MARKS.get(state, "")
        if upper.y == lower.y:
            # In one row: below the boxes, the deeper the farther apart.
            y = upper.y + _HEIGHT
            deep = min(8 + 19 * abs(x2 - x1) // (_WIDTH + _GAP), self._deepest)
            path = f"M{x1} {y}Q{(x1 + x2) // 2} {y + 2 * deep} {x2} {y}"
            return Wire(path, state, title, (x1 + x2) // 2, y + deep, mark)
        y1, y2 = upper.y + _HEIGHT, lower.y
        return Wire(f"M{x1} {y1}L{x2} {y2}", state, title, (x1 + x2) // 2, (y1 + y2) // 2, mark)


class _Grouped:
    """One box for each part, with counts."""

    hidden_mesh = False

    def __init__(
        self,
        tiers: Mapping[str, list[str]],
        statuses: Mapping[str, str],
        peerings: tuple[Peering, ...],
    ) -> None:
        self.tiers: list[Tier] = []
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.width = _LEFT + _GROUP_WIDTH + 2 * _GAP
        self._parts = {name: part for part, names in tiers.items() for name in names}
        y = _TOP
        for part, names in tiers.items():
            self.tiers.append(Tier(y + 30, _TIERS[part]))
            self.boxes[part] = self._box(names, y, statuses)
            y += _GROUP_GAP
        self.height = y - _GROUP_GAP + 60 + 60
        for peering in peerings:
            self.wires += self._wires(peering)

    @staticmethod
    def _box(names: list[str], y: int, statuses: Mapping[str, str]) -> Box:
        found = [statuses.get(name, "unaudited") for name in names]
        counts = {state: found.count(state) for state in _WORDS if state in found}
        worst = next(s for s in ("drift", "incomplete", "unaudited", *_WORDS) if s in counts)
        detail = ", ".join(f"{n:,} {_WORDS[state].split(' by ')[0]}" for state, n in counts.items())
        label = counted(len(names), "node")
        title = f"{label}: {detail}"
        mark = _MARK[worst]
        return Box(_LEFT, y, _GROUP_WIDTH, label, title, worst, mark, detail=detail)

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
