"""The kinds of packets that a node's overlay lives on, by where they pass a packet filter."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from drift.model import About
from drift.planes.filters.walk import Packets
from overlay.expected import BridgeRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.planes.filters.walk import Network
    from drift.view import HostView
    from overlay.expected import BridgeIntent, VxlanIntent
    from overlay.records import PacketChain

    Fields = dict[str, frozenset[str]]

BGP_PORT = "179"
# Each by one sample of its own, so that what lets one of them pass is told from what drops all.
_PROTOCOLS = {4: ("ip", "icmp"), 6: ("ip6", "ipv6-icmp")}
_OF_IP = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_BRIDGED_IP = {4: "net.bridge.bridge-nf-call-iptables", 6: "net.bridge.bridge-nf-call-ip6tables"}


@dataclass(frozen=True)
class Traffic:
    """One kind of packets, in words, each of its samples, and what is broken when it is lost.

    Of `guarded` packets only what drops all is said: other outputs show what became of them.
    `perhaps` says that it is not certain whether they pass there.
    """

    what: str
    samples: tuple[Packets, ...]
    about: About
    guarded: bool = False
    perhaps: bool = False


class Carried:
    """What of the overlay passes the chains of one node."""

    def __init__(self, view: HostView) -> None:
        self._view = view
        self._node = view.node

    def by(self, chain: PacketChain) -> Iterator[Traffic]:
        """What passes a base chain, by its family and hook."""
        if chain.family == "netdev" or chain.hook == "ingress":
            yield from self._by_devices(chain)
        elif chain.family == "bridge":
            yield from self._frames(chain.hook)
        elif chain.family == "arp":
            yield from self._questions(chain.hook)
        else:
            for version in _OF_IP.get(chain.family, ()):
                yield from self._tunnels(chain.hook, version)
                yield from self._routed(chain.hook, version)
                yield from self._bridged(chain.hook, version)
            if chain.family in {"ip6", "inet"}:
                yield from self._discovery(chain.hook)

    # What comes in by a device, or leaves by it, whatever it is.

    def _by_devices(self, chain: PacketChain) -> Iterator[Traffic]:
        key = "meta oifname" if chain.hook == "egress" else "meta iifname"
        way = "to" if chain.hook == "egress" else "from"
        if not chain.devices:  # nft 1.0 does not say which
            said = f"all {way} a device that nft does not name"
            yield Traffic(said, (Packets("all"),), About(), perhaps=True)
        for device, about in self.devices.items():
            if device in chain.devices:
                fields = {key: frozenset({device})}
                yield Traffic(f"all {way} {device}", (Packets("all", fields),), about)

    @cached_property
    def devices(self) -> dict[str, About]:
        """Those that all of a network's or of the node's traffic goes through."""
        found = {
            it.name: About(
                device=it.name,
                vni=self._view.vni_by_bridge.get(it.name),
                vrf=it.vrf,
                underlay=it.role is BridgeRole.UNDERLAY,
            )
            for it in self._node.bridges
        }
        for vxlan in self._node.vxlans:
            found[vxlan.name] = About(device=vxlan.name, vni=vxlan.vni)
        single = self._node.single
        for name in (single.name, single.bridge) if single else ():
            found[name] = About(device=name, vnis=frozenset(single.vnis if single else ()))
        for name in self._outside:
            found[name] = About(device=name, underlay=True)
        return found

    @cached_property
    def _outside(self) -> frozenset[str]:
        """What the underlay's packets come in by and leave by."""
        if self._node.routed is not None:
            return frozenset(link.name for link in self._node.routed.links)
        ports = {self._node.underlay_port} - {""}
        return frozenset(ports | set(self._node.underlay_bridge.ports))

    # Encapsulated packets, and BGP.

    def _tunnels(self, hook: str, version: int) -> Iterator[Traffic]:
        if ipaddress.ip_address(self._node.address).version != version:
            return
        routed = self._node.routed is not None
        devices = set(self._outside) if routed else {self._node.underlay_bridge.name}
        if hook in {"prerouting", "input"}:
            yield from self._of_tunnels(_by("iif", devices), incoming=True)
        elif hook in {"output", "postrouting"}:
            yield from self._of_tunnels(_by("oif", devices), incoming=False)

    def _of_tunnels(self, place: Fields, *, incoming: bool) -> Iterator[Traffic]:
        ours = ipaddress.ip_network(self._node.address)
        ip, _ = _PROTOCOLS[ours.version]
        theirs = self._vteps
        if not theirs:
            return
        source, target = (theirs, (ours,)) if incoming else ((ours,), theirs)
        addresses = {f"{ip} saddr": source, f"{ip} daddr": target}
        ports = frozenset(str(vxlan.dstport) for vxlan in self._node.vxlans)
        udp = place | _known(ours.version, "udp") | {"udp dport": ports, "th dport": ports}
        about = About(underlay=True)
        way = "from" if incoming else "to"
        vxlan = Packets("VXLAN", udp, addresses, vital=True)
        yield Traffic(f"VXLAN packets {way} other VTEPs", (vxlan,), about)
        if self._node.bgp is None:
            return
        # A session that is there, or that the peer may begin, may pass by its state.
        tcp = place | _known(ours.version, "tcp")
        tcp["ct state"] = frozenset({"new", "established"})
        ends = (tcp | {f"tcp {end}": frozenset({BGP_PORT})} for end in ("dport", "sport"))
        bgp = tuple(Packets("BGP", it) for it in ends)
        yield Traffic(f"BGP {way} other nodes", bgp, about, guarded=True)

    @cached_property
    def _vteps(self) -> tuple[Network, ...]:
        """The addresses of the VTEPs that it shares a VNI with."""
        intent = self._view.intent
        all_of = {it for vxlan in self._node.vxlans for it in intent.vteps.get(vxlan.vni, ())}
        return tuple(ipaddress.ip_network(it) for it in sorted(all_of - {self._node.address}))

    # What guests send to other networks of their VRF.

    def _routed(self, hook: str, version: int) -> Iterator[Traffic]:
        ip, _ = _PROTOCOLS[version]
        for bridge in self._node.bridges:
            networks = _networks(bridge, version)
            others = self._beside(bridge)
            if not networks or not others:
                continue
            about = About(vrf=bridge.vrf, vni=self._view.vni_by_bridge.get(bridge.name))
            there = tuple(network for it in others for network in _networks(it, version))
            sent = {f"{ip} saddr": networks} | ({f"{ip} daddr": there} if there else {})
            received = {f"{ip} daddr": networks} | ({f"{ip} saddr": there} if there else {})
            ways = {it.name for it in others}
            # With a VRF a packet passes the first hook twice, and stays the VRF's.
            inside = {bridge.vrf} if bridge.vrf else {bridge.name}
            for fields in {
                "prerouting": [_by("iif", {bridge.name}), _by("iif", inside)],
                "forward": [_by("iif", inside) | _by("oif", ways)],
                "postrouting": [_by("oif", ways)],
            }.get(hook, []):
                said = f"what guests of {bridge.name} send to other networks"
                yield Traffic(said, _samples(version, fields, sent), about)
            inside = {bridge.vrf} if bridge.vrf else ways
            for fields in {
                "forward": [_by("iif", inside) | _by("oif", {bridge.name})],
                "postrouting": [_by("oif", {bridge.name})],
            }.get(hook, []):
                said = f"what other networks send to guests of {bridge.name}"
                yield Traffic(said, _samples(version, fields, received), about)

    def _beside(self, bridge: BridgeIntent) -> list[BridgeIntent]:
        """The other bridges of its VRF: packets from one network leave by them."""
        return [
            it
            for it in self._node.bridges
            if it.vrf == bridge.vrf and it.name != bridge.name
            if it.routed or it.role is BridgeRole.L3VNI
        ]

    def _discovery(self, hook: str) -> Iterator[Traffic]:
        """What guests ask a gateway over IPv6."""
        for bridge in self._node.bridges if hook == "input" else ():
            if _networks(bridge, 6):
                fields = _by("iif", {bridge.vrf or bridge.name}) | _known(6, "ipv6-icmp")
                fields["icmpv6 type"] = frozenset({"nd-neighbor-solicit"})
                about = About(vrf=bridge.vrf, vni=self._view.vni_by_bridge.get(bridge.name))
                said = f"neighbour discovery of guests of {bridge.name}"
                yield Traffic(said, (Packets("discovery", fields),), about)

    # Frames, as the filter of bridges sees them, or with br_netfilter that of IP, too.

    def _frames(self, hook: str) -> Iterator[Traffic]:
        for vxlan in self._node.vxlans:
            yield from self._of_bridge(hook, vxlan)
        for device in self._outside if self._node.routed is None else ():
            if hook in {"prerouting", "input"}:
                yield from self._of_tunnels(_by("iif", {device}), incoming=True)
            elif hook in {"output", "postrouting"}:
                yield from self._of_tunnels(_by("oif", {device}), incoming=False)

    def _of_bridge(self, hook: str, vxlan: VxlanIntent) -> Iterator[Traffic]:
        bridge = self._view.bridges[vxlan.bridge]
        about = About(vni=vxlan.vni, vrf=bridge.vrf)
        own = frozenset({self._bridge_of(vxlan)})
        named = {"meta ibrname": own, "meta obrname": own}
        for said, fields in (
            self._to_and_from_l3vni(hook, vxlan)
            if vxlan.is_l3vni
            else self._of_guests(hook, vxlan, bridge)
        ):
            for version in (4, 6) if _networks(bridge, 6) else (4,):
                yield Traffic(said, _samples(version, fields | named, {}), about)

    def _of_guests(
        self, hook: str, vxlan: VxlanIntent, bridge: BridgeIntent
    ) -> Iterator[tuple[str, Fields]]:
        tunnel, ports = {self._tunnel_of(vxlan)}, self._guests_ports(bridge.name)
        if not ports:
            return
        macs = self._macs(bridge.name, ports)
        sent = {"ether saddr": macs} if macs else {}
        received = {"ether daddr": macs} if macs else {}
        if hook in {"prerouting", "forward", "postrouting"}:
            there = _by("iif", ports) | _by("oif", tunnel) | sent
            yield f"frames of guests of {bridge.name} to other nodes", there
            back = _by("iif", tunnel) | _by("oif", ports) | received
            yield f"frames of other nodes to guests of {bridge.name}", back
        elif hook == "input" and bridge.routed:
            yield f"frames of guests to the gateway {bridge.name}", _by("iif", ports) | sent
        elif hook == "output" and bridge.routed:
            yield f"frames of the gateway {bridge.name} to guests", _by("oif", ports) | received

    def _to_and_from_l3vni(self, hook: str, vxlan: VxlanIntent) -> Iterator[tuple[str, Fields]]:
        if hook in {"prerouting", "input"}:
            yield f"routed frames from L3VNI {vxlan.vni}", _by("iif", {self._tunnel_of(vxlan)})
        elif hook in {"output", "postrouting"}:
            yield f"routed frames to L3VNI {vxlan.vni}", _by("oif", {self._tunnel_of(vxlan)})

    def _bridged(self, hook: str, version: int) -> Iterator[Traffic]:
        if (self._view.state.settings or {}).get(_BRIDGED_IP[version]) != "1":
            return
        for vxlan in self._view.l2_vxlans:
            bridge = {self._bridge_of(vxlan)}
            fields: Fields | None = {
                "prerouting": _by("iif", bridge),
                "forward": _by("iif", bridge) | _by("oif", bridge),
                "postrouting": _by("oif", bridge),
            }.get(hook)
            if fields is not None:
                said = f"frames between guests of {vxlan.bridge} and other nodes"
                about = About(vni=vxlan.vni)
                yield Traffic(said, _samples(version, fields, {}), about)

    def _tunnel_of(self, vxlan: VxlanIntent) -> str:
        """The device that frames of the VNI come and leave by, as a filter sees it."""
        return self._node.single.name if self._node.single else vxlan.name

    def _bridge_of(self, vxlan: VxlanIntent) -> str:
        return self._node.single.bridge if self._node.single else vxlan.bridge

    def _guests_ports(self, bridge: str) -> set[str]:
        ours = {vxlan.name for vxlan in self._node.vxlans}
        return {
            link.name
            for link in self._view.links.values()
            if link.master == bridge and link.name not in ours
        }

    def _macs(self, bridge: str, ports: set[str]) -> frozenset[str]:
        """Those of the node's own guests."""
        return frozenset(
            entry.mac
            for entry in self._view.state.fdb or ()
            if entry.master == bridge and entry.device in ports and entry.state != "permanent"
        )

    def _questions(self, hook: str) -> Iterator[Traffic]:
        """ARP of gateways and of the underlay."""
        key = {"input": "iif", "output": "oif"}.get(hook)
        for bridge in self._node.bridges if key else ():
            if bridge.routed or bridge.role is BridgeRole.UNDERLAY:
                fields = _by(str(key), {bridge.name}) | {"meta protocol": frozenset({"arp"})}
                about = self.devices[bridge.name]
                yield Traffic(f"ARP of {bridge.name}", (Packets("ARP", fields),), about)


def _by(key: str, names: set[str]) -> Fields:
    found = frozenset(names)
    return {f"meta {key}name": found, f"meta {key}": found}


def _known(version: int, protocol: str) -> Fields:
    """What is known of a new packet of that protocol."""
    ip, _ = _PROTOCOLS[version]
    return {
        "meta protocol": frozenset({ip}),
        "ether type": frozenset({ip}),
        "meta nfproto": frozenset({f"ipv{version}"}),
        "meta l4proto": frozenset({protocol}),
        "ct state": frozenset({"new"}),
        "ct status": frozenset({"plain"}),  # no address of it is translated
    }


def _samples(
    version: int, fields: Fields, networks: dict[str, tuple[Network, ...]]
) -> tuple[Packets, ...]:
    """A ping, and what is none."""
    _, icmp = _PROTOCOLS[version]
    word = "icmp" if version == 4 else "icmpv6"
    ping = fields | _known(version, icmp) | {f"{word} type": frozenset({"echo-request"})}
    other = fields | _known(version, "udp") | {"meta l4proto": frozenset({"tcp", "udp"})}
    return Packets("ping", ping, networks), Packets("other", other, networks)


def _networks(bridge: BridgeIntent, version: int) -> tuple[Network, ...]:
    if not bridge.routed:
        return ()
    found = (ipaddress.ip_interface(address).network for address in bridge.addresses)
    return tuple(it for it in found if it.version == version)
