"""Cross-validation of a routed underlay: its links, and what does not go together with it."""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import TYPE_CHECKING

from overlay.derivation.routed import links_of
from overlay.derived.routed import system_of
from overlay.intent import Fabric, Mode, Protocol, Role
from overlay.peering.systems import asn_of
from overlay.problems import few, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint, KeyPath

_UNROUTED = "set `underlay.protocol: none`"


def protocols(fabric: Fabric) -> Iterator[Complaint]:
    bfd = fabric.underlay.bfd
    if bfd is not None and not fabric.underlay.routed:
        yield (
            ("underlay", "bfd"),
            "underlay.protocol is none: nothing routes the underlay",
            "set the protocol, or remove this key; `bgp.bfd` is BFD of the BGP sessions",
        )
    own = bfd is not None and (bfd.interval, bfd.multiplier) != (300, 3)
    if fabric.underlay.protocol is Protocol.OPENFABRIC and own:
        yield (
            ("underlay", "bfd"),
            "FRR's fabricd knows no BFD profile, so its sessions have 300 ms and a multiplier of 3",
            "write `bfd: true`, or set `underlay.protocol: isis` (or ospf)",
        )
    if fabric.underlay.routed and fabric.underlay.prefix.version != 4:
        yield (
            ("underlay", "prefix"),
            "a routed underlay is one of IPv4",
            f"use an IPv4 prefix for the loopbacks, or {_UNROUTED}",
        )


def roles(fabric: Fabric) -> Iterator[Complaint]:
    routed = fabric.underlay.routed
    for name, node in fabric.nodes.items():
        if node.role is Role.SPINE and not routed:
            yield (
                ("nodes", name, "role"),
                "a spine routes the underlay, and underlay.protocol is none",
                "set `underlay.protocol:` and the interfaces, or remove the node",
            )
        if node.role is Role.ROUTER and routed:
            yield (
                ("nodes", name, "role"),
                (
                    "a router outside is a neighbour of the underlay's bridge, and a routed "
                    "underlay has none"
                ),
                f"remove it, or {_UNROUTED}",
            )
        if node.gateway is not None and routed:
            yield (
                ("nodes", name, "gateway"),
                (
                    "a gateway on the underlay is reached by the underlay's bridge, and a routed "
                    "underlay has none"
                ),
                "say it in `interfaces_extra`, on the interface that leads there, or " + _UNROUTED,
            )


def beside(fabric: Fabric) -> Iterator[Complaint]:
    """What needs the nodes to be in one layer-2 network."""
    if not fabric.underlay.routed:
        return
    if fabric.mode is Mode.MULTICAST:
        yield (
            ("mode",),
            (
                "multicast mode over a routed underlay needs multicast routing (PIM), which is not "
                "rendered"
            ),
            f"set `mode: evpn` or `mode: unicast`, or {_UNROUTED}",
        )
    if fabric.underlay.forwarding is False:
        yield (
            ("underlay", "forwarding"),
            "the nodes of a routed underlay forward",
            f"remove this key, or {_UNROUTED}",
        )
    for index in range(len(fabric.vips)):
        yield (
            ("vips", index),
            "a floating address (VRRP) needs its nodes in one layer-2 network",
            f"remove it, or {_UNROUTED}",
        )
    for name, vrf in fabric.vrfs.items():
        if vrf.exits:
            yield (
                ("vrfs", name, "exits"),
                "an exit leaves by the underlay's bridge, and a routed underlay has none",
                f"remove the exits, or {_UNROUTED}",
            )


def links(fabric: Fabric) -> Iterator[Complaint]:
    if not fabric.underlay.routed:
        return
    ends = _Ends(fabric)
    for name, node in fabric.nodes.items():
        at: KeyPath = ("nodes", name, "interfaces")
        if node.interfaces is None:
            at = ("underlay", "interfaces")
        found = links_of(fabric, node)
        if not found:
            yield (
                at,
                f"{name} has no interface to route the underlay on",
                "name some under `underlay.interfaces`, or under `interfaces` of the node",
            )
        for interface, link in found.items():
            if interface in {fabric.underlay.loopback, "lo"}:
                yield (
                    (*at, interface),
                    "it is the loopback, and a link leads to another node",
                    "name a NIC, a bond or a VLAN",
                )
            if link.peer is not None:
                yield from ends.complain((*at, interface), name, interface)


class _Ends:
    """Who names whom as a peer, and with which addresses."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._links = {name: links_of(fabric, node) for name, node in fabric.nodes.items()}
        self._count = Counter(
            (name, link.peer) for name, links in self._links.items() for link in links.values()
        )

    def complain(self, key: KeyPath, name: str, interface: str) -> Iterator[Complaint]:
        link = self._links[name][interface]
        peer = link.peer or ""
        if peer == name:
            yield (*key, "peer"), f"it is {name} itself", "name the node at the other end"
        elif peer not in self._links:
            close = nearest(peer, self._links)
            hint = f"did you mean `{close}`?" if close else "name a node of this fabric"
            yield (*key, "peer"), f"there is no node {peer}", hint
        elif self._count[name, peer] != self._count[peer, name]:
            yield (
                (*key, "peer"),
                (
                    f"it is the peer of {_interfaces(self._count[name, peer])} of {name}, and "
                    f"{name} that of {_interfaces(self._count[peer, name])} of {peer}"
                ),
                f"name {name} as the peer of as many interfaces of {peer}",
            )
        elif not self._facing(name, interface):
            shown = link.address or "none of its own"
            yield (
                (*key, "address"),
                f"its address is {shown}, and no interface of {peer} towards {name} fits that",
                "give both ends addresses of one prefix, or none to either",
            )

    def _facing(self, name: str, interface: str) -> bool:
        """Whether the same link of the peer is numbered alike."""
        link = self._links[name][interface]
        peer = link.peer or ""
        ours = [one for one, it in self._links[name].items() if it.peer == peer]
        theirs = [it for it in self._links[peer].values() if it.peer == name]
        other = theirs[ours.index(interface)]
        if link.address is None or other.address is None:
            return link.address is other.address
        mine, its = ipaddress.ip_interface(link.address), ipaddress.ip_interface(other.address)
        return mine.network == its.network and mine.ip != its.ip


def _interfaces(count: int) -> str:
    return "1 interface" if count == 1 else f"{count} interfaces"


def addresses(fabric: Fabric) -> Iterator[Complaint]:
    """The addresses of links are IPv4, and each is one link's alone."""
    if not fabric.underlay.routed:
        return
    taken = {node.address: f"{name}'s VTEP address" for name, node in fabric.nodes.items()}
    for name, node in fabric.nodes.items():
        for interface, link in (node.interfaces or {}).items():
            if link.address is None:
                continue
            key: KeyPath = ("nodes", name, "interfaces", interface, "address")
            address = ipaddress.ip_interface(link.address).ip
            if address.version != 4:
                yield key, f"{address} is not an IPv4 address", "use one of IPv4, or none"
            elif address in taken:
                yield key, f"{address} is already {taken[address]}", "give the link another one"
            taken.setdefault(address, f"that of {interface} on {name}")
    own = fabric.underlay.interfaces.items()
    shared = [interface for interface, link in own if link.address or link.peer]
    heirs = [name for name, node in fabric.nodes.items() if node.interfaces is None]
    if shared and len(heirs) > 1:
        yield (
            ("underlay", "interfaces", shared[0]),
            f"{few(heirs)} would all have this address or peer",
            "say it under `interfaces` of each node",
        )


def systems(fabric: Fabric) -> Iterator[Complaint]:
    """On the links of eBGP each node is an AS of its own, which nobody is for EVPN."""
    if fabric.underlay.protocol is not Protocol.EBGP_UNNUMBERED:
        return
    taken: dict[int, str] = {}
    for name, node in fabric.nodes.items():
        number = system_of(node.address)
        if number in taken:
            yield (
                ("nodes", name, "address"),
                (
                    f"on the links it would be AS {number}, which {taken[number]} is: that number "
                    "is made of the address's last three bytes"
                ),
                "give it an address that differs in them, or use ospf, openfabric or isis",
            )
        taken.setdefault(number, name)
    for name, node in fabric.nodes.items():
        asn = asn_of(fabric, name, node)
        if asn in taken:
            said: KeyPath = ("nodes", name)
            if node.asn is not None:
                said = ("nodes", name, "asn")
            elif fabric.bgp is not None and fabric.bgp.asn == asn:
                said = ("bgp", "asn")
            yield (
                said,
                f"AS {asn} is that of {taken[asn]} on the underlay's links",
                "use another AS for EVPN, such as one of 64512 to 65534",
            )
            return


CHECKS = (protocols, roles, beside, links, addresses, systems)
