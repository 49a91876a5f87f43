"""The ways to each VTEP of a routed underlay: that there is one, and as many as there could be.

What the lost adjacencies take away is theirs to say. So the ways that a node should have are
counted over the links that are left, which only shows across nodes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.applies import adjacency_slugs, with_routed_underlay
from drift.causes import Broken, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Across
from drift.planes.underlay.adjacency import UNDERLAY_ADJACENCY, lost_links
from drift.planes.vrfs.tables import MAIN_TABLE
from overlay.intent import Role
from overlay.outputs import IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.derived.routed import Edge
    from overlay.expected import FabricIntent, NodeIntent

_Devices = frozenset[str]
_SPEAKERS = frozenset({Role.VTEP, Role.REFLECTOR})


def _cuts_off(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.finding.kind == "missing":
        yield Broken.PATH, *sorted((raw.finding.host, peer_of(raw, owner)))


def _from_either_end(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    for host in (peer_of(raw, owner), raw.finding.host):
        yield Broken.UNDERLAY, host
        yield Broken.BGP, host


def _slugs(node: NodeIntent) -> tuple[str, ...]:
    return (IP_ROUTE, *adjacency_slugs(node))


UNDERLAY_ROUTE = Check(
    "underlay-route",
    CRITICAL,
    "no route to a VTEP",
    "In a routed underlay each node has a route to the address of each other VTEP and reflector, "
    "by every link that begins a shortest way over the adjacencies that are there.",
    "Without a route all traffic with that VTEP is lost; without one of its legs (a warning) the "
    "others carry more, and fewer of them may fail.",
    (IP_ROUTE, *UNDERLAY_ADJACENCY.needs),
    needs_on=_slugs,
    applies=with_routed_underlay,
    confirm="ip route show 10.255.1.2; vtysh -c 'show ip route 10.255.1.2'",
    remedy="`vtysh -c 'show ip ospf database router 10.255.1.2'` says whether that node announces "
    "its address: its loopback must be in the area (of eBGP: `vtysh -c 'show bgp ipv4 unicast "
    "10.255.1.2/32'`, and the node's `network` statement). If FRR has the route and the kernel "
    "has not, restart FRR. Legs are lost where links cost differently (`show ip ospf interface`).",
    explains=_cuts_off,
    follows=_from_either_end,
    depth=Depth.PROTOCOL + 1,
    pairwise=Pairwise.PATH,
    with_others=True,
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """By which links a node reaches the others: mostly by the `usual` ones; and its lost links."""

    usual: _Devices
    other: dict[str, _Devices]
    lost: frozenset[Edge]


def _facts(view: HostView, _shared: Shared) -> _Facts | None:
    routed = view.node.routed
    if routed is None:
        return None
    best: dict[str, tuple[int, _Devices]] = {}
    for route in view.state.routes or ():
        if route.table != MAIN_TABLE or not route.prefix.endswith("/32"):
            continue
        # What ends there instead (unreachable, blackhole) leads nowhere, and hides what is behind.
        hops = route.hops if route.type == "unicast" else ()
        devices = frozenset(hop.device for hop in hops if hop.device and hop.alive)
        address = route.prefix.removesuffix("/32")
        if address not in best or route.metric < best[address][0]:
            best[address] = route.metric, devices
    ways = {
        address: best[address][1] if address in best else frozenset[str]()
        for address in _targets(view.intent, view.node)
    }
    counted = Counter(ways.values()).most_common(1)
    usual = counted[0][0] if counted else frozenset[str]()
    lost = lost_links(view, routed)
    return _Facts(
        usual,
        {address: devices for address, devices in ways.items() if devices != usual},
        frozenset(link.edge for link in routed.links if link.edge and link.name in lost),
    )


def _targets(intent: FabricIntent, node: NodeIntent) -> Iterator[str]:
    return (
        other.address
        for other in intent.nodes.values()
        if other.role in _SPEAKERS and other is not node
    )


class UnderlayRoutes:
    """What each node's routes lack, compared with the links that are left."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._intent = intent
        self._facts: dict[str, _Facts] = {}

    def add(self, host: str, facts: _Facts | None) -> None:
        if facts is not None:
            self._facts[host] = facts

    def findings(self) -> Iterator[RawFinding]:
        graph = self._links_left()
        for host, facts in self._facts.items():
            node = self._intent.nodes[host]
            wanted = _first_links(graph, host) if graph is not None else {}
            for address in _targets(self._intent, node):
                devices = facts.other.get(address, facts.usual)
                begins = wanted.get(self._intent.owner[address], frozenset())
                if not devices or begins - devices:
                    yield _lacking(host, address, begins, devices)

    def _links_left(self) -> dict[str, list[tuple[str, str]]] | None:
        """By node its links that are left, as (interface, peer); None where not all are known."""
        lost: frozenset[Edge] = frozenset()
        lost = lost.union(*(facts.lost for facts in self._facts.values()))
        graph: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for node in self._intent.nodes.values():
            for link in node.routed.links if node.routed else ():
                if link.edge is None or link.peer is None:
                    return None
                if link.edge not in lost:
                    graph[node.name].append((link.name, link.peer))
        return graph


def _first_links(graph: Mapping[str, list[tuple[str, str]]], source: str) -> dict[str, _Devices]:
    """By node the links of `source` that a shortest way there begins with."""
    first: dict[str, _Devices] = {source: frozenset()}
    ring = [source]
    while ring:
        reached: dict[str, _Devices] = {}
        for name in ring:
            for interface, peer in graph.get(name, ()):
                if peer not in first:
                    begins = first[name] if name != source else frozenset({interface})
                    reached[peer] = reached.get(peer, frozenset()) | begins
        first |= reached
        ring = list(reached)
    return first


def _lacking(host: str, address: str, wanted: _Devices, found: _Devices) -> RawFinding:
    return UNDERLAY_ROUTE.found(
        host,
        f"VTEP {address}",
        "changed" if found else "missing",
        wanted or "a route",
        found,
        attribute="route" if not found else "legs",
        what="route" if not found else "equal ways",
        evidence=lines(IP_ROUTE, []),
        severity=WARNING if found else None,
        about=About(peer=address),
    )


ACROSS = Across(UNDERLAY_ROUTE, _facts, UnderlayRoutes)
