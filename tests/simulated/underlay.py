"""A routed underlay as the nodes of a simulated fleet show it: neighbours, ways, interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import adjacency_slugs
from overlay.intent import Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from overlay.derived.routed import Edge, RoutedUnderlay, UnderlayLink
    from overlay.expected import FabricIntent, NodeIntent

Shown = dict[str, object]


def live_links(
    node: NodeIntent, silent: Collection[str], lost: Collection[Edge] = ()
) -> Iterator[UnderlayLink]:
    """The links over which a node hears its neighbours."""
    for link in node.routed.links if node.routed and node.name not in silent else ():
        if link.peer not in silent and link.edge not in lost:
            yield link


def neighbours_of(intent: FabricIntent, node: NodeIntent, silent: Collection[str]) -> Shown:
    """What its protocol shows of its neighbours, by slug."""
    routed = node.routed
    if routed is None:
        return {}
    links = list(live_links(node, silent))
    if routed.protocol is Protocol.OSPF:
        shown = _ospf(intent, routed, links)
    elif routed.protocol is Protocol.EBGP_UNNUMBERED:
        shown = _bgp(intent, routed, links)
    else:
        shown = _isis(links)
    return {adjacency_slugs(node)[0]: shown}


def _bgp(intent: FabricIntent, routed: RoutedUnderlay, links: list[UnderlayLink]) -> Shown:
    peers: Shown = {}
    for link in links:
        peer = intent.nodes[str(link.peer)].routed
        assert peer is not None
        peers[link.name] = {
            "remoteAs": peer.system,
            "localAs": routed.system,
            "state": "Established",
            "peerState": "OK",
            "idType": "interface",
        }
    return {"ipv4Unicast": {"peers": peers}}


def _ospf(intent: FabricIntent, routed: RoutedUnderlay, links: list[UnderlayLink]) -> Shown:
    by_neighbour: dict[str, list[Shown]] = {}
    for link in links:
        peer = intent.nodes[str(link.peer)].routed
        assert peer is not None
        entry: Shown = {
            "nbrState": "Full/-",
            "ifaceAddress": link.peer_address,
            "ifaceName": f"{link.name}:{link.address.partition('/')[0]}",
        }
        by_neighbour.setdefault(peer.router_id, []).append(entry)
    return {"neighbors": by_neighbour}


def _isis(links: list[UnderlayLink]) -> Shown:
    up = {"circuit": 0, "level": 2, "state": "Up"}
    circuits = [up | {"adj": link.peer, "interface": link.name} for link in links]
    return {"areas": [{"area": "EVPN-FLEET", "circuits": [{"circuit": 0}, *circuits]}]}


def bfd_of(node: NodeIntent, silent: Collection[str]) -> list[Shown]:
    """Its BFD sessions on links."""
    if node.routed is None or node.routed.bfd is None:
        return []
    return [
        {
            "peer": _gateway(node.routed, str(link.peer_address)),
            "interface": link.name,
            "multihop": False,
            "status": "up",
        }
        for link in live_links(node, silent)
    ]


def ways_of(
    intent: FabricIntent, node: NodeIntent, silent: Collection[str], lost: Collection[Edge] = ()
) -> list[Shown]:
    """Its routes to all others: the shortest, by as many links as begin one."""
    if node.routed is None:
        return []
    first: dict[str, list[tuple[str, str]]] = {node.name: []}
    ring = [node.name]
    while ring:
        reached: dict[str, list[tuple[str, str]]] = {}
        for name in ring:
            for link in live_links(intent.nodes[name], silent, lost):
                peer = str(link.peer)
                if peer in first:
                    continue
                begins = [(link.name, str(link.peer_address))] if name == node.name else first[name]
                known = reached.setdefault(peer, [])
                known += [way for way in begins if way not in known]
        first |= reached
        ring = list(reached)
    return [
        _route(node.routed, intent.nodes[name].address, ways)
        for name, ways in first.items()
        if ways
    ]


def _route(routed: RoutedUnderlay, address: str, ways: list[tuple[str, str]]) -> Shown:
    hops = [_hop(routed, device, peer) for device, peer in ways]
    protocol = "ospf" if routed.system is None else "bgp"
    shown: Shown = {"dst": address, "protocol": protocol, "metric": 20, "flags": []}
    return shown | (hops[0] if len(hops) == 1 else {"nexthops": hops})


def _hop(routed: RoutedUnderlay, device: str, peer: str) -> Shown:
    """Of eBGP the next hop of an IPv4 route is the link-local address of the link's other end."""
    gateway = _gateway(routed, peer)
    if routed.system is None:
        return {"gateway": gateway, "dev": device, "flags": ["onlink"]}
    return {"via": {"family": "inet6", "host": gateway}, "dev": device, "flags": []}


def _gateway(routed: RoutedUnderlay, peer: str) -> str:
    return peer if routed.system is None else "fe80::" + peer.replace(".", ":")


def addressed(routed: RoutedUnderlay) -> Mapping[str, tuple[str, ...]]:
    """The addresses of its links, by name."""
    return {link.name: (link.address,) for link in routed.links}
