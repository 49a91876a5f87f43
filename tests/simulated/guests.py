"""Guests of simulated nodes, and the EVPN routes and FDB entries that come of them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from overlay.records import ALL_ZERO_MAC, EvpnPath, FdbEntry
from tests.simulated.links import number_of
from tests.simulated.routing import router_macs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from overlay.expected import NodeIntent, VxlanIntent


def network_paths(
    node: NodeIntent,
    vxlan: VxlanIntent,
    rd: str,
    of: Callable[[int], tuple[str, ...]],
    l3vni: int | None,
    weight: int | None,
    guests: int,
) -> Iterator[EvpnPath]:
    """What a node originates for one network: type-2 routes of its guests, and its IMET route."""
    bridged = of(vxlan.vni)
    both = bridged + (of(l3vni) if l3vni else ())
    rmac = router_macs(node)[l3vni] if l3vni else None
    for guest, mac in enumerate(guest_macs(node, vxlan, guests)):
        own = guest_address(node, vxlan, guest)
        for ip, targets in ((None, bridged), (own, both)):
            tail = f":[128]:[{ip}]" if ip else ""
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
                rmac=rmac if ip else None,
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
        route_targets=bridged,
        extended=("ET:8",),
        text=f"*> [3]:[0]:[32]:[{node.address}] {node.address}",
    )


def guest_macs(node: NodeIntent, vxlan: VxlanIntent, guests: int) -> Iterator[str]:
    """The MACs of a node's guests in one VNI: no two guests of a fleet share one."""
    number = number_of(node)
    for guest in range(guests):
        yield f"02:{number >> 8:02x}:{number & 255:02x}:{vxlan.vni >> 8 & 255:02x}:{vxlan.vni & 255:02x}:{guest:02x}"


def guest_address(node: NodeIntent, vxlan: VxlanIntent, guest: int) -> str:
    """The address of a node's guest, by its place among those of that VNI."""
    address = f"fd00:9::{number_of(node):x}:{vxlan.vni:x}:{guest:x}"
    return str(ipaddress.ip_address(address))


_remotes: dict[tuple[str, str, str], FdbEntry] = {}


def remote_entry(mac: str, device: str, vtep: str) -> FdbEntry:
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


def flood_entry(device: str, vtep: str) -> FdbEntry:
    return FdbEntry(
        ALL_ZERO_MAC,
        device,
        dst=vtep,
        state="permanent",
        flags=("self",),
        text=f"{ALL_ZERO_MAC} dev {device} dst {vtep} self permanent",
    )
