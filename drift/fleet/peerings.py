"""Who peers with whom by intent, and which of those sessions are not up, as the nodes say.

A full mesh is one peering of all its nodes, not a list of pairs: only what is down is listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.fleet.links import Links, lost_by
from drift.planes.sessions import ESTABLISHED, evpn_sessions, outside_sessions
from drift.result import Down, Peering, Speaker, Topology
from overlay.intent import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift.fleet.links import Lost
    from drift.result import PeeringKind
    from drift.view import HostView
    from overlay.expected import FabricIntent


@dataclass(frozen=True, slots=True)
class Heard:
    """One node's sessions that are not up, within and outside the fabric; None: not read.

    So are its `links`, where it routes the underlay.
    """

    evpn: tuple[Down, ...] | None
    outside: tuple[Down, ...] | None
    links: tuple[Lost, ...] | None


def heard(view: HostView) -> Heard:
    """The sessions of one node, for the summaries that were read of it, and its links."""
    evpn, outside = _down(view, evpn_sessions(view)), _down(view, outside_sessions(view))
    return Heard(evpn, outside, lost_by(view))


def _down(view: HostView, states: Mapping[str, str | None] | None) -> tuple[Down, ...] | None:
    if states is None:
        return None
    owner = view.intent.owner
    down = {peer: state for peer, state in states.items() if state != ESTABLISHED}
    if len(down) > 1 and len(down) == len(states):
        said = set(down.values())
        return (Down(view.host, None, said.pop() if len(said) == 1 else None),)
    return tuple(Down(view.host, owner.get(peer, peer), down[peer]) for peer in down)


class Sessions:
    """Gathers the state of the sessions and links node by node."""

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._evpn: dict[str, tuple[Down, ...]] = {}
        self._outside: dict[str, tuple[Down, ...]] = {}
        self._links = Links(intent)

    def add(self, host: str, facts: Heard) -> None:
        """Counts one node."""
        if facts.evpn is not None:
            self._evpn[host] = facts.evpn
        if facts.outside is not None:
            self._outside[host] = facts.outside
        self._links.add(host, facts.links)

    def topology(self) -> Topology:
        """What was gathered; nodes of the intent that were never added are not read."""
        intent = self._intent
        nodes = intent.nodes.values()
        reflectors = intent.reflectors
        clients = tuple(node.name for node in nodes if node.bgp and not node.reflects)
        external = tuple(node.name for node in intent.external.values() if not node.reflects)
        clients += external if intent.evpn else ()
        # A reflector that is a VTEP has routes of its own, and names all other reflectors.
        both = tuple(node.name for node in nodes if node.reflects and node.carries)
        only = tuple(name for name in reflectors if name not in both)
        routers = tuple(node.name for node in nodes if node.router and node.router.asn is not None)
        exits = tuple(node.name for node in nodes if node.bgp and node.bgp.upstreams)
        found = [
            self._peering("reflector" if reflectors else "full-mesh", reflectors, clients),
            self._peering("reflector", only, both if only else ()),
            self._peering("full-mesh", (), both if len(both) > 1 else ()),
            self._peering("upstream", routers, exits),
            *self._static(),
        ]
        return Topology(
            nodes=tuple(
                Speaker(
                    node.name,
                    Role.REFLECTOR.value if node.reflects else node.role.value,
                    bool(node.bgp and node.bgp.exits),
                )
                for node in nodes
            )
            + tuple(Speaker(name, Role.EXTERNAL.value, exit=False) for name in intent.external),
            peerings=tuple(peering for peering in found if peering.nodes),
            underlay=self._links.underlay(),
        )

    def _peering(self, kind: PeeringKind, hubs: tuple[str, ...], nodes: tuple[str, ...]) -> Peering:
        read = self._outside if kind == "upstream" else self._evpn
        ends = (*hubs, *nodes)
        # Who a node has sessions with in this peering: the hubs, or all where there is no hub.
        others = frozenset(hubs or nodes)
        across = {**dict.fromkeys(nodes, others), **dict.fromkeys(hubs, frozenset(nodes))}
        return Peering(
            kind,
            hubs,
            nodes,
            down=tuple(
                down
                for name in ends
                for down in read.get(name, ())
                if down.peer is None or down.peer in across[name]
            ),
            unread=tuple(name for name in ends if name not in read),
        )

    def _static(self) -> list[Peering]:
        """Exits by the router that their default route points at."""
        routers: dict[str, list[str]] = {}
        for node in self._intent.nodes.values():
            hops = {exit_.gateway for exit_ in node.bgp.exits} if node.bgp else set()
            for hop in sorted(hop for hop in hops if hop):
                routers.setdefault(self._intent.owner.get(hop, hop), []).append(node.name)
        return [Peering("static", (hub,), tuple(nodes)) for hub, nodes in routers.items()]
