"""What a simulated node routes to others by: router MACs, defaults of exits, whose routes it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from overlay.expected import BridgeRole
from overlay.records import EvpnPath
from tests.simulated.links import FIRST_BRIDGE, kernel_mac

if TYPE_CHECKING:
    from collections.abc import Collection

    from overlay.expected import ExitIntent, FabricIntent, NodeIntent, VxlanIntent


def router_macs(node: NodeIntent) -> dict[int, str]:
    """By L3VNI, the MAC of its bridge: what the node's routes name as router MAC."""
    vnis = {vxlan.bridge: vxlan.vni for vxlan in node.vxlans}
    return {
        vnis[bridge.name]: kernel_mac(node, index)
        for index, bridge in enumerate(node.bridges, start=FIRST_BRIDGE)
        if bridge.role is BridgeRole.L3VNI
    }


def routes_to(
    node: NodeIntent,
    other: NodeIntent,
    l3vni: int,
    heard: Collection[NodeIntent],
    with_guests: Collection[VxlanIntent],
) -> bool:
    """Whether a VRF of `node` has a route to `other`: to a guest of these segments, or a default.

    An exit has a default of its own, which gives way on a backup exit; all prefer the primary's.
    """
    vrf = next((vrf.name for vrf in other.vrfs if vrf.l3vni == l3vni), None)
    if vrf is None:
        return False
    routed = {bridge.name for bridge in other.bridges if bridge.vrf == vrf}
    if any(vxlan.bridge in routed and not vxlan.is_l3vni for vxlan in with_guests):
        return True
    theirs, own = exit_of(other, vrf), exit_of(node, vrf)
    if theirs is None or (own is not None and not own.backup):
        return False
    primary = any((e := exit_of(speaker, vrf)) is not None and not e.backup for speaker in heard)
    return not theirs.backup or not primary


def exit_of(node: NodeIntent, vrf: str) -> ExitIntent | None:
    """How a node leads a VRF out, if it does."""
    return next((e for e in (node.bgp.exits if node.bgp else ()) if e.vrf == vrf), None)


def default_route(
    node: NodeIntent,
    rd: str,
    ip: str,
    targets: tuple[str, ...],
    weight: int | None,
    way: ExitIntent,
) -> EvpnPath:
    """The default route that an exit originates (`weight` set), or as the others receive it."""
    l3vni = next(vrf.l3vni for vrf in node.vrfs if vrf.name == way.vrf)
    path = prefix_route(node, rd, f"{ip}/0", targets, weight, l3vni)
    return replace(path, local_pref=50) if way.backup and weight is None else path


def prefix_route(
    node: NodeIntent,
    rd: str,
    prefix: str,
    targets: tuple[str, ...],
    weight: int | None,
    l3vni: int | None,
) -> EvpnPath:
    """A type-5 route that a node originates (`weight` set), or as the others receive it."""
    ip, _, length = prefix.partition("/")
    return EvpnPath(
        rd=rd,
        prefix=f"[5]:[0]:[{length}]:[{ip}]",
        route_type=5,
        eth_tag=0,
        ip=ip,
        prefix_length=int(length),
        status="*>",
        next_hop=node.address,
        weight=weight,
        origin="i",
        route_targets=targets,
        extended=("ET:8",),
        rmac=router_macs(node)[l3vni or 0],
        text=f"*> [5]:[0]:[{length}]:[{ip}] {node.address}",
    )


def heard_through(
    intent: FabricIntent, node: NodeIntent, silent: Collection[str]
) -> frozenset[str]:
    """In a fabric of several AS, whose routes come to a node: its peers' and what they pass on."""
    found: set[str] = set()
    waiting = [node.name]
    while waiting:
        name = waiting.pop()
        if name != node.name and not _passes_on(intent, name):
            continue
        fresh = _peers(intent, name) - found - {node.name} - {*silent}
        found |= fresh
        waiting += fresh
    return frozenset(found)


def _passes_on(intent: FabricIntent, name: str) -> bool:
    if name in intent.external:
        return intent.external[name].reflects
    bgp = intent.nodes[name].bgp
    return bool(bgp and bgp.systems and bgp.systems.passes_on)


def _peers(intent: FabricIntent, name: str) -> set[str]:
    if name in intent.external:
        address = intent.external[name].address
        nodes = intent.nodes.values()
        return {node.name for node in nodes if node.bgp and address in node.bgp.mesh}
    bgp = intent.nodes[name].bgp
    return {intent.owner[peer] for peer in bgp.peers} if bgp else set()
