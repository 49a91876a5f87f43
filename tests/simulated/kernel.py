"""What zebra of a simulated node has made of EVPN routes: VRF routes, and neighbour entries."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from tests.simulated.links import FIRST_TABLE
from tests.simulated.outside import shown_route
from tests.simulated.routing import exit_of, router_macs, routes_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from overlay.expected import NodeIntent, VxlanIntent

    # By node and VNI, the guests that it announces: (address, MAC).
    Guests = Mapping[tuple[str, int], list[tuple[str, str]]]
    Shown = dict[str, object]

# Of VRFs, and those that every kernel begins with; ifupdown2 moves that of local addresses.
RULES: list[Shown] = [
    {"priority": 1000, "src": "all", "l3mdev": None},
    {"priority": 32765, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
]
_EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}


def vrf_routes(
    node: NodeIntent, heard: Collection[NodeIntent], guests: Guests, version: int
) -> Iterator[Shown]:
    """The routes of one family that a node's VRFs have learnt from others by their L3VNIs."""
    for place, vrf in enumerate(node.vrfs):
        table = str(FIRST_TABLE + place)
        for vxlan in (v for v in node.vxlans if v.vni == vrf.l3vni):
            for other in heard:
                for address, _ in _routed_guests(other, vrf.name, guests):
                    if (":" in address) == (version == 6):
                        yield _learnt(address, vxlan, [other.address], table, version)
            hops = [
                other.address
                for other in heard
                if (way := exit_of(other, vrf.name)) is not None
                and _EVERYTHING[version] in way.defaults
                and routes_to(node, other, vxlan.vni, heard, ())
            ]
            if hops and exit_of(node, vrf.name) is None:
                yield _learnt("default", vxlan, hops, table, version)
            for prefix, announcing in _announced(node, vrf.name, heard).items():
                if (":" in prefix) == (version == 6):
                    yield _learnt(prefix, vxlan, announcing, table, version)


def _announced(node: NodeIntent, vrf: str, heard: Collection[NodeIntent]) -> dict[str, list[str]]:
    """The prefixes that others announce and the node does not have itself, with their VTEPs."""
    own = {
        str(ipaddress.ip_interface(address).network)
        for bridge in node.bridges
        if bridge.vrf == vrf
        for address in bridge.addresses
    }
    own |= {route.prefix for it in node.vrfs if it.name == vrf for route in it.routes}
    found: dict[str, list[str]] = {}
    for other in heard:
        for prefix in (p for it in other.vrfs if it.name == vrf for p in it.advertised):
            if prefix not in own:
                found.setdefault(prefix, []).append(other.address)
    return found


def connected(node: NodeIntent, version: int) -> Iterator[Shown]:
    """The kernel's own routes to the networks that a node is in: the underlay's, and gateways'."""
    tables = {vrf.name: str(FIRST_TABLE + place) for place, vrf in enumerate(node.vrfs)}
    underlay = node.underlay_bridge.name
    groups: Shown = {"dst": "ff00::/8", "type": "multicast", "protocol": "kernel"}
    if version == 6:
        yield groups | {"dev": "mgmt", "table": "local"}
    for bridge in (it for it in node.bridges if it.routed or it.name == underlay):
        for interface in map(ipaddress.ip_interface, bridge.addresses):
            if interface.version == version:
                kernel: Shown = {"dev": bridge.name, "protocol": "kernel"}
                kernel |= {"table": tables[bridge.vrf]} if bridge.vrf else {}
                if node.routed is None or bridge.name != underlay:  # else a loopback's
                    yield kernel | {"dst": str(interface.network)}
                local = {} if bridge.vrf else {"table": "local"}
                yield kernel | {"dst": str(interface.ip), "type": "local"} | local
                if version == 6:  # once for a device, however many addresses it has
                    yield kernel | groups | local


def _routed_guests(node: NodeIntent, vrf: str, guests: Guests) -> Iterator[tuple[str, str]]:
    bridges = {bridge.name for bridge in node.bridges if bridge.vrf == vrf}
    for vxlan in node.vxlans:
        if vxlan.bridge in bridges and not vxlan.is_l3vni:
            yield from guests.get((node.name, vxlan.vni), [])


def _learnt(prefix: str, vxlan: VxlanIntent, hops: list[str], table: str, version: int) -> Shown:
    ways = [_way(vxlan.bridge, hop, version) for hop in hops]
    common: Shown = {"table": table, "protocol": "bgp", "metric": 20}
    if len(ways) == 1:
        return ways[0] | {"dst": prefix} | common
    return {"dst": prefix, "nexthops": ways, "flags": []} | common


def _way(device: str, hop: str, version: int) -> Shown:
    if version == 4 and ":" in hop:
        return {"via": {"family": "inet6", "host": hop}, "dev": device, "flags": ["onlink"]}
    mapped = f"::ffff:{hop}" if version == 6 and ":" not in hop else hop
    return shown_route("", device, mapped) | {"flags": ["onlink"]}


def neighbours(node: NodeIntent, heard: Collection[NodeIntent], guests: Guests) -> Iterator[Shown]:
    """What `ip -j neigh show` prints: EVPN's entries, and what the kernel has asked for itself."""
    yield {"dst": "10.255.0.254", "dev": "mgmt", "lladdr": "02:00:00:00:00:01", "state": ["STALE"]}
    yield {"dst": "10.255.0.253", "dev": "mgmt", "state": ["FAILED"]}
    for vxlan in node.vxlans:
        for other in heard:
            if vxlan.is_l3vni:
                yield from _next_hops(node, other, vxlan, heard, guests)
            elif vxlan.flags.neigh_suppress:
                for address, mac in guests.get((other.name, vxlan.vni), []):
                    yield _of_zebra(address, vxlan.bridge, mac)


def _next_hops(
    node: NodeIntent,
    other: NodeIntent,
    vxlan: VxlanIntent,
    heard: Collection[NodeIntent],
    guests: Guests,
) -> Iterator[Shown]:
    vrf = next((vrf.name for vrf in other.vrfs if vrf.l3vni == vxlan.vni), None)
    if vrf is None:
        return
    led = [address for address, _ in _routed_guests(other, vrf, guests)]
    led += [prefix for it in other.vrfs if it.name == vrf for prefix in it.advertised]
    way = exit_of(other, vrf)
    if way is not None and routes_to(node, other, vxlan.vni, heard, ()):
        led += way.defaults
    mac = router_macs(other)[vxlan.vni]
    for six in sorted({":" in destination for destination in led}):
        hop = other.address
        yield _of_zebra(f"::ffff:{hop}" if six and ":" not in hop else hop, vxlan.bridge, mac)


def _of_zebra(address: str, device: str, mac: str) -> Shown:
    return {
        "dst": address,
        "dev": device,
        "lladdr": mac,
        "extern_learn": None,
        "state": ["NOARP"],
        "protocol": "zebra",
    }
