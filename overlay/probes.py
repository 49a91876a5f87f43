"""Whom a node asks in an audit with `--probe`, and how large the packets are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.intent import VXLAN_OVERHEAD

if TYPE_CHECKING:
    from overlay.expected import FabricIntent, NodeIntent, VxlanIntent

MOST_PEERS = 8
"""So many VTEPs a node asks at most: all of a small fabric, of a large one a sample."""
_MOST_TUNNELS = 17
"""VNIs to choose from: that of the VRF, and networks with a guest on the node that asks."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A VNI that two nodes share, and a gateway that answers ARP in it on the other one.

    `mac` is the gateway's on a network's bridge, None in an L3VNI: there each node has its own.
    `device` and `bridge` are real ones: of a single VXLAN device's network that device and its
    bridge, where the network is a `vlan`; of its L3VNI `bridge` is the VLAN interface.
    """

    device: str
    bridge: str
    vlan: int | None
    vni: int
    port: int
    gateway: str
    mac: str | None


@dataclass(frozen=True, slots=True)
class Path:
    """A VTEP to ask, and the size of the IP packets that must get there in one piece."""

    address: str
    size: int
    tunnels: tuple[Tunnel, ...] = ()


def paths_of(intent: FabricIntent, node: NodeIntent) -> tuple[Path, ...]:
    """The paths that a node asks: to VTEPs that share a VNI with it, at most MOST_PEERS.

    Each node asks those that follow it, at distances that double: every node is asked and asks,
    neighbours in a rack as well as far ones, and a fabric is asked MOST_PEERS times its nodes.
    """
    # As a set: most VNIs of a fabric have the same members.
    members = {intent.vteps[vxlan.vni] for vxlan in node.vxlans if vxlan.vni in intent.vteps}
    sharing = frozenset().union(*members)
    ring = [
        other
        for other in intent.nodes.values()
        if other.address in sharing or other.name == node.name
    ]
    if node not in ring:
        return ()
    at, count = ring.index(node), len(ring)
    if count - 1 <= MOST_PEERS:
        steps = list(range(1, count))
    else:
        steps = sorted({1 << power for power in range(MOST_PEERS) if 1 << power < count})
    return tuple(_path(node, ring[(at + step) % count]) for step in steps)


def _path(node: NodeIntent, other: NodeIntent) -> Path:
    theirs = {vxlan.vni for vxlan in other.vxlans}
    shared = [vxlan for vxlan in node.vxlans if vxlan.vni in theirs]
    overhead = VXLAN_OVERHEAD[6 if ":" in node.address else 4]
    tunnels = (_tunnel(node, other, vxlan) for vxlan in sorted(shared, key=_l3vnis_first))
    return Path(
        other.address,
        max(vxlan.mtu for vxlan in shared) + overhead,
        tuple(tunnel for tunnel in tunnels if tunnel is not None)[:_MOST_TUNNELS],
    )


def _l3vnis_first(vxlan: VxlanIntent) -> bool:
    return not vxlan.is_l3vni


def _tunnel(node: NodeIntent, other: NodeIntent, vxlan: VxlanIntent) -> Tunnel | None:
    """Asked by ARP, so where the other node has no IPv4 gateway nothing can be asked."""
    bridge = next(bridge for bridge in node.bridges if bridge.name == vxlan.bridge)
    theirs = {one.vni: one.bridge for one in other.vxlans}
    gateways = (
        address.partition("/")[0]
        for one in other.bridges
        if one.routed
        and (one.vrf == bridge.vrf if vxlan.is_l3vni else one.name == theirs[vxlan.vni])
        for address in one.addresses
        if ":" not in address
    )
    gateway = next(gateways, None)
    if gateway is None or (bridge.mac is None and not vxlan.is_l3vni):
        return None
    mac = None if vxlan.is_l3vni else bridge.mac
    device, place, vlan = vxlan.name, vxlan.bridge, None
    if node.single is not None:
        device = node.single.name
        if not vxlan.is_l3vni:
            place, vlan = node.single.bridge, vxlan.vlan
    return Tunnel(device, place, vlan, vxlan.vni, vxlan.dstport, gateway, mac)
