"""Which interfaces a node routes the underlay on, and who is at their other ends."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from overlay.derived.devices import BridgeIntent, BridgeRole
from overlay.derived.routed import HELLO, RoutedUnderlay, UnderlayLink, system_of
from overlay.derived.speakers import BfdIntent
from overlay.keys.links import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.intent import Fabric, Node
    from overlay.keys.links import Link

_VLAN = re.compile(r"(.+)\.([1-9][0-9]{0,3})")


def links_of(fabric: Fabric, node: Node) -> Mapping[str, Link]:
    """The interfaces that a node routes the underlay on, as they are written."""
    return fabric.underlay.interfaces if node.interfaces is None else node.interfaces


def make_routed(fabric: Fabric, name: str, node: Node) -> RoutedUnderlay | None:
    """A node's part in a routed underlay; None where it is not routed."""
    if not fabric.underlay.routed:
        return None
    underlay = fabric.underlay
    return RoutedUnderlay(
        protocol=underlay.protocol,
        loopback=underlay.loopback,
        address=f"{node.address}/32",
        router_id=node.speaks_as,
        links=tuple(_links(fabric, name, node)),
        hello=underlay.hello if underlay.hello != HELLO.get(underlay.protocol) else None,
        bfd=BfdIntent(underlay.bfd.interval, underlay.bfd.multiplier) if underlay.bfd else None,
        system=system_of(node.address) if underlay.protocol is Protocol.EBGP_UNNUMBERED else None,
    )


def _links(fabric: Fabric, name: str, node: Node) -> Iterator[UnderlayLink]:
    count: Counter[str] = Counter()
    for interface, link in links_of(fabric, node).items():
        peer = fabric.nodes.get(link.peer) if link.peer else None
        edge = None
        if link.peer is not None:
            first, second = sorted((name, link.peer))
            edge = (first, second, count[link.peer])
            count[link.peer] += 1
        vlan = _VLAN.fullmatch(interface)
        yield UnderlayLink(
            name=interface,
            address=link.address or f"{node.address}/32",
            nic=vlan[1] if vlan else "",
            peer=link.peer,
            peer_address=str(peer.address) if peer else None,
            edge=edge,
        )


def make_loopback(fabric: Fabric, routed: RoutedUnderlay) -> BridgeIntent:
    """What holds the VTEP address where the underlay is routed: it has no ports."""
    return BridgeIntent(
        name=routed.loopback,
        role=BridgeRole.UNDERLAY,
        ports=(),
        mtu=fabric.underlay.mtu,
        guest_ports=fabric.overlay.guest_ports,
        addresses=(routed.address,),
    )
