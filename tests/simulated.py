"""A fleet that is as its intent says, made of observed records; and the same fleet with FRR down,
a node cut off, or a VNI that is not advertised, with all that follows on the other nodes.

`healthy_states(intent)` is the common case: an audit of it must find nothing. Every node also
carries what no intent owns (a management NIC, taps, docker0, guests' MACs), which is no drift.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from overlay.expected import BridgeRole
from overlay.intent import Mode
from overlay.records import (
    ALL_ZERO_MAC,
    BridgeDetail,
    BridgePort,
    CommandResult,
    EvpnPath,
    EvpnTable,
    FdbEntry,
    HostState,
    Link,
    VxlanDetail,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import BridgeIntent, FabricIntent, NodeIntent, VxlanIntent

TEXT_SLUGS = ("ip_link", "bridge_fdb", "bgp_l2vpn_evpn")
_UP = ("BROADCAST", "MULTICAST", "UP", "LOWER_UP")


def healthy_states(intent: FabricIntent, *, guests: int = 1) -> dict[str, HostState]:
    """Every node's state as intended, with so many guests per node and VNI."""
    return Fleet(intent, guests=guests).states()


@dataclass(frozen=True)
class Fleet:
    """An intent and what is wrong with the fleet: whose FRR is stopped, who is cut off from all
    others, and which (node, VNI) is not advertised. Records are shared between nodes where equal.
    """

    intent: FabricIntent
    guests: int = 1
    stopped: frozenset[str] = frozenset()
    cut_off: frozenset[str] = frozenset()
    muted: frozenset[tuple[str, int]] = frozenset()

    def states(self) -> dict[str, HostState]:
        return {name: self._state(node) for name, node in self.intent.nodes.items()}

    def _state(self, node: NodeIntent) -> HostState:
        slugs = TEXT_SLUGS if self.intent.evpn else TEXT_SLUGS[:2]
        json: dict[str, object] = {"ip_address": addresses(node)}
        if node.bgp is not None and node.name not in self.stopped:
            json["evpn_summary"] = self._summary(node)
            json["evpn_vni"] = vni_listing(node)
        return HostState(
            host=node.name,
            commands={slug: CommandResult(slug, "ok", 1) for slug in (*slugs, *json)},
            links={link.name: link for link in links_of(node)},
            fdb=tuple(self._fdb(node)),
            evpn=self._table(node) if self.intent.evpn else None,
            json=json,
        )

    def _hears(self, node: NodeIntent) -> Iterator[NodeIntent]:
        if node.bgp is None or {node.name} & (self.stopped | self.cut_off):
            return
        for other in self.intent.nodes.values():
            if other is not node and other.name not in self.stopped | self.cut_off:
                yield other

    def _summary(self, node: NodeIntent) -> dict[str, object]:
        heard = {other.address for other in self._hears(node)}
        assert node.bgp is not None
        return {
            "routerId": node.bgp.router_id,
            "peers": {
                peer: {"remoteAs": 1234, "state": "Established" if peer in heard else "Active"}
                for peer in node.bgp.peers
            },
        }

    def _table(self, node: NodeIntent) -> EvpnTable:
        assert node.bgp is not None
        if node.name in self.stopped:
            return EvpnTable(said="% BGP instance not found")
        paths = [path for _, path in self._own[node.name]]
        for other in self._hears(node):
            paths += self._sent[other.name]
        return EvpnTable(tuple(paths), node.bgp.router_id if paths else None, empty=not paths)

    @cached_property
    def _own(self) -> dict[str, list[tuple[int, EvpnPath]]]:
        return {
            node.name: list(self._paths(node, weight=32768)) for node in self.intent.nodes.values()
        }

    @cached_property
    def _sent(self) -> dict[str, list[EvpnPath]]:
        return {
            node.name: [path for _, path in self._paths(node, weight=None)]
            for node in self.intent.nodes.values()
        }

    def _paths(self, node: NodeIntent, *, weight: int | None) -> Iterator[tuple[int, EvpnPath]]:
        if node.bgp is None:
            return
        asn = node.bgp.asn & 0xFFFF
        bridges = {bridge.name: bridge for bridge in node.bridges}
        l3vnis = {vrf.name: vrf.l3vni for vrf in node.vrfs}
        for index, vxlan in enumerate(node.vxlans, start=2):
            if vxlan.is_l3vni or (node.name, vxlan.vni) in self.muted:
                continue
            rd = f"{node.bgp.router_id}:{index}"
            l3vni = l3vnis.get(bridges[vxlan.bridge].vrf or "")
            for path in self._paths_of(node, vxlan, rd, asn, l3vni, weight):
                yield vxlan.vni, path

    def _paths_of(
        self,
        node: NodeIntent,
        vxlan: VxlanIntent,
        rd: str,
        asn: int,
        l3vni: int | None,
        weight: int | None,
    ) -> Iterator[EvpnPath]:
        both = (f"{asn}:{vxlan.vni}",) + ((f"{asn}:{l3vni}",) if l3vni else ())
        for mac in guest_macs(node, vxlan, self.guests):
            for ip, targets in ((None, both[:1]), ("10.9.9.9", both)):
                tail = f":[32]:[{ip}]" if ip else ""
                yield EvpnPath(
                    rd=rd,
                    prefix=f"[2]:[0]:[48]:[{mac}]{tail}",
                    route_type=2,
                    eth_tag=0,
                    mac=mac,
                    ip=ip,
                    status="*>",
                    next_hop=node.address,
                    weight=weight,
                    origin="i",
                    route_targets=targets,
                    extended=("ET:8",),
                    text=f"*> [2]:[0]:[48]:[{mac}]{tail} {node.address}",
                )
        yield EvpnPath(
            rd=rd,
            prefix=f"[3]:[0]:[32]:[{node.address}]",
            route_type=3,
            eth_tag=0,
            ip=node.address,
            status="*>",
            next_hop=node.address,
            weight=weight,
            origin="i",
            route_targets=both[:1],
            extended=("ET:8",),
            text=f"*> [3]:[0]:[32]:[{node.address}] {node.address}",
        )

    def _fdb(self, node: NodeIntent) -> Iterator[FdbEntry]:
        yield FdbEntry("33:33:00:00:00:01", node.underlay_port, flags=("self",), state="permanent")
        heard = {other.address: other for other in self._hears(node)}
        for vxlan in node.vxlans:
            if vxlan.is_l3vni:
                yield from (
                    _remote("aa:bb:cc:00:00:99", vxlan.name, vtep) for vtep in list(heard)[:1]
                )
                continue
            tap = f"tap{vxlan.vni}i0"
            for mac in guest_macs(node, vxlan, self.guests):
                yield FdbEntry(mac, tap, master=vxlan.bridge, text=f"{mac} dev {tap}")
            for vtep in self._flood_list(vxlan, heard):
                yield _flood(vxlan.name, vtep)
            for address, other in heard.items():
                for theirs in other.vxlans:
                    if theirs.vni == vxlan.vni and (other.name, vxlan.vni) not in self.muted:
                        for mac in guest_macs(other, theirs, self.guests):
                            yield _remote(mac, vxlan.name, address)

    def _flood_list(self, vxlan: VxlanIntent, heard: dict[str, NodeIntent]) -> list[str]:
        mode = self.intent.fabric.mode
        if mode is Mode.MULTICAST:
            return [str(vxlan.group)]
        if mode is Mode.UNICAST:
            return list(vxlan.remotes)
        return [
            address
            for address, other in heard.items()
            if address in self.intent.vteps[vxlan.vni] and (other.name, vxlan.vni) not in self.muted
        ]


def guest_macs(node: NodeIntent, vxlan: VxlanIntent, guests: int) -> Iterator[str]:
    """The MACs of a node's guests in one VNI: no two guests of a fleet share one."""
    number = _number(node)
    for guest in range(guests):
        yield f"02:{number >> 8:02x}:{number & 255:02x}:{vxlan.vni >> 8 & 255:02x}:{vxlan.vni & 255:02x}:{guest:02x}"


def _number(node: NodeIntent) -> int:
    # The host part of its address: enough to tell the nodes of one underlay apart.
    return int(ipaddress.ip_address(node.address)) & 0xFFFF


_remotes: dict[tuple[str, str, str], FdbEntry] = {}


def _remote(mac: str, device: str, vtep: str) -> FdbEntry:
    key = (mac, device, vtep)
    if key not in _remotes:
        _remotes[key] = FdbEntry(
            mac,
            device,
            dst=vtep,
            flags=("extern_learn", "self"),
            text=f"{mac} dev {device} dst {vtep} self extern_learn",
        )
    return _remotes[key]


def _flood(device: str, vtep: str) -> FdbEntry:
    return FdbEntry(
        ALL_ZERO_MAC,
        device,
        dst=vtep,
        state="permanent",
        flags=("self",),
        text=f"{ALL_ZERO_MAC} dev {device} dst {vtep} self permanent",
    )


def links_of(node: NodeIntent) -> Iterator[Link]:
    """A node's links: those of the intent, and a management NIC, docker0 and taps."""
    yield _link(1, "lo", flags=("LOOPBACK", "UP", "LOWER_UP"), mtu=65536)
    yield _link(2, "mgmt", mtu=1500)
    yield _link(3, "docker0", kind="bridge", mtu=1500, flags=("BROADCAST", "UP", "NO-CARRIER"))
    yield _link(
        4,
        node.underlay_port,
        mtu=node.underlay_mtu,
        master=node.underlay_bridge.name,
        bridge_port=BridgePort(state="forwarding", learning=True, flood=True, isolated=False),
    )
    for index, vrf in enumerate(node.vrfs, start=10):
        yield _link(
            index, vrf.name, kind="vrf", mtu=65575, flags=("NOARP", "MASTER", "UP", "LOWER_UP")
        )
    for index, vxlan in enumerate(node.vxlans, start=1000):
        yield _vxlan(index, vxlan)
    for index, bridge in enumerate(node.bridges, start=100000):
        yield _bridge(index, bridge, node)
        if bridge.role is BridgeRole.NETWORK:
            yield _link(
                index + 100000,
                f"tap{bridge.ports[0].removeprefix('vxlan')}i0",
                mtu=bridge.mtu,
                master=bridge.name,
                bridge_port=BridgePort(learning=True, flood=True),
            )


def _vxlan(index: int, vxlan: VxlanIntent) -> Link:
    return _link(
        index,
        vxlan.name,
        kind="vxlan",
        mtu=vxlan.mtu,
        master=vxlan.bridge,
        vxlan=VxlanDetail(
            vni=vxlan.vni,
            local=vxlan.local,
            group=vxlan.group,
            device=vxlan.physdev,
            dstport=vxlan.dstport,
            learning=vxlan.learning,
        ),
        bridge_port=BridgePort(
            state="forwarding",
            learning=vxlan.flags.learning,
            flood=vxlan.flags.unicast_flood,
            mcast_flood=vxlan.flags.multicast_flood,
            neigh_suppress=vxlan.flags.neigh_suppress,
            isolated=False,
        ),
    )


def _bridge(index: int, bridge: BridgeIntent, node: NodeIntent) -> Link:
    number = _number(node)
    own = f"06:{number >> 8:02x}:{number & 255:02x}:{index & 255:02x}:00:01"
    return _link(
        index,
        bridge.name,
        kind="bridge",
        mtu=bridge.mtu,
        mac=bridge.mac or own,
        master=bridge.vrf,
        bridge=BridgeDetail(stp_state=0),
    )


def _link(index: int, name: str, *, flags: tuple[str, ...] = _UP, **fields: object) -> Link:
    kind = fields.get("kind") or ""
    text = f"{index}: {name}: <{','.join(flags)}> mtu {fields.get('mtu')} {kind}".rstrip()
    return Link(index, name, flags=flags, text=text, **fields)  # type: ignore[arg-type]


def addresses(node: NodeIntent) -> list[dict[str, object]]:
    """What `ip -j address show` prints, as far as checks read it."""
    shown: list[dict[str, object]] = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]}
    ]
    for bridge in node.bridges:
        infos: list[dict[str, object]] = [
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}
        ]
        for address in bridge.addresses:
            ip, _, length = address.partition("/")
            infos.append({"local": ip, "prefixlen": int(length), "scope": "global"})
        shown.append({"ifname": bridge.name, "addr_info": infos})
    return shown


def vni_listing(node: NodeIntent) -> dict[str, object]:
    """What `show evpn vni json` prints, as far as checks read it."""
    vrf_of = {bridge.name: bridge.vrf or "default" for bridge in node.bridges}
    return {
        str(vxlan.vni): {
            "vni": vxlan.vni,
            "type": "L3" if vxlan.is_l3vni else "L2",
            "vxlanIf": vxlan.name,
            "tenantVrf": vrf_of[vxlan.bridge],
        }
        for vxlan in node.vxlans
    }
