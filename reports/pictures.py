"""The optional parts of report.json that draw the fabric: who reaches whom, who peers with whom.

Both hold what is intended once and then only what is otherwise, so that a healthy fabric's parts
grow with its nodes, not with their square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from drift.result import (
    PeeringKind,  # noqa: TC001 - pydantic reads it at run time
    ReachState,  # noqa: TC001 - likewise
)
from reports.strict import Strict
from reports.text import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drift.result import Reachability, Topology


class SegmentReport(Strict):
    """VNIs that the same nodes carry: each should have each other in its flood list."""

    vnis: tuple[int, ...]
    nodes: tuple[str, ...]


class UnlikeReport(Strict):
    """What a node has otherwise than intended in one VNI."""

    vni: int
    node: str
    state: ReachState
    vteps: tuple[str, ...] | None = Field(
        description="By node, or by address where no node owns it; null: every other of the VNI",
    )


class ReachabilityReport(Strict):
    """Who has whom in its flood list and as an IMET route; a pair that is not named is as intended.

    Nothing is known of the rows of the nodes that were not read.
    """

    imet: bool = Field(description="False where VTEPs are not learned from IMET routes")
    segments: tuple[SegmentReport, ...]
    flood_unread: tuple[str, ...]
    imet_unread: tuple[str, ...]
    unlike: tuple[UnlikeReport, ...]


class SpeakerReport(Strict):
    """One node of the intent and its part in the fabric."""

    name: str
    role: Literal["vtep", "reflector", "router"]
    exit: bool = Field(description="True for a node that routes to the outside")


class DownReport(Strict):
    """A session that `node` does not see Established."""

    node: str
    peer: str | None = Field(description="null: none of the node's sessions is up")
    state: str | None = Field(description="FRR's word; null: not listed, or several")


class PeeringReport(Strict):
    """Sessions of each hub with each node; `full-mesh`: of each node with each other.

    `static` is no session but a default route to the hub. A session is up where neither end says
    otherwise and at least one was read.
    """

    kind: PeeringKind
    hubs: tuple[str, ...]
    nodes: tuple[str, ...]
    down: tuple[DownReport, ...] = ()
    unread: tuple[str, ...] = ()


class TopologyReport(Strict):
    """The nodes of the fabric and how they are joined."""

    nodes: tuple[SpeakerReport, ...]
    peerings: tuple[PeeringReport, ...]


def reachability_report(found: Reachability | None) -> ReachabilityReport | None:
    """Return the part of the report, if there is one; texts are bounded."""
    if found is None:
        return None
    return ReachabilityReport(
        imet=found.imet,
        segments=tuple(
            SegmentReport(vnis=segment.vnis, nodes=_bounded(segment.nodes))
            for segment in found.segments
        ),
        flood_unread=_bounded(found.flood_unread),
        imet_unread=_bounded(found.imet_unread),
        unlike=tuple(
            UnlikeReport(
                vni=item.vni,
                node=bounded(item.node),
                state=item.state,
                vteps=None if item.vteps is None else _bounded(item.vteps),
            )
            for item in found.unlike
        ),
    )


def topology_report(found: Topology | None) -> TopologyReport | None:
    """Return the part of the report, if there is one; texts are bounded."""
    if found is None:
        return None
    return TopologyReport(
        nodes=tuple(
            SpeakerReport.model_validate(
                {"name": bounded(node.name), "role": node.role, "exit": node.exit}
            )
            for node in found.nodes
        ),
        peerings=tuple(
            PeeringReport(
                kind=peering.kind,
                hubs=_bounded(peering.hubs),
                nodes=_bounded(peering.nodes),
                down=tuple(
                    DownReport(
                        node=bounded(item.node),
                        peer=None if item.peer is None else bounded(item.peer),
                        state=None if item.state is None else bounded(item.state),
                    )
                    for item in peering.down
                ),
                unread=_bounded(peering.unread),
            )
            for peering in found.peerings
        ),
    )


def _bounded(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(bounded, names))
