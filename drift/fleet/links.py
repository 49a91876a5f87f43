"""The links of a routed underlay by intent, and which of them are not up, as the nodes say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.planes.underlay.adjacency import adjacencies_of, lost_links
from drift.result import Link, Underlay

if TYPE_CHECKING:
    from drift.result import LinkState
    from drift.view import HostView
    from overlay.derived.routed import Edge
    from overlay.expected import FabricIntent


@dataclass(frozen=True, slots=True)
class Lost:
    """A link without a complete adjacency at a node; `state` is FRR's word, None: no neighbour."""

    edge: Edge
    state: str | None


def lost_by(view: HostView) -> tuple[Lost, ...] | None:
    """The links of one node that are not up; None where its neighbours were not read."""
    routed = view.node.routed
    if routed is None or adjacencies_of(view) is None:
        return None
    lost = lost_links(view, routed)
    return tuple(
        Lost(link.edge, seen.state if (seen := lost[link.name]) else None)
        for link in routed.links
        if link.edge is not None and link.name in lost
    )


class Links:
    """Gathers the state of the links node by node."""

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._read: set[str] = set()
        self._lost: dict[Edge, list[str | None]] = {}

    def add(self, host: str, lost: tuple[Lost, ...] | None) -> None:
        """Counts one node."""
        if lost is None:
            return
        self._read.add(host)
        for one in lost:
            self._lost.setdefault(one.edge, []).append(one.state)

    def underlay(self) -> Underlay | None:
        """What was gathered; None where no link of the intent says who is at its other end."""
        nodes = self._intent.nodes.values()
        routed = [node.routed for node in nodes if node.routed is not None]
        edges = {link.edge for part in routed for link in part.links if link.edge is not None}
        if not edges:
            return None
        return Underlay(routed[0].protocol.value, tuple(self._link(edge) for edge in sorted(edges)))

    def _link(self, edge: Edge) -> Link:
        """Down if either end says so, unknown if neither was read."""
        one, two, _ = edge
        state: LinkState = "up" if {one, two} & self._read else "unknown"
        if edge not in self._lost:
            return Link(one, two, state)
        said = ", ".join(dict.fromkeys(filter(None, self._lost[edge])))
        return Link(one, two, "down", said or None)
