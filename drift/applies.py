"""Where a check applies: predicates on the fabric and on one node's intent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Mode, Protocol
from overlay.outputs import (
    BGP_SUMMARY,
    EVPN_SUMMARY,
    ISIS_NEIGHBORS,
    OPENFABRIC_NEIGHBORS,
    OSPF_NEIGHBORS,
)

if TYPE_CHECKING:
    from overlay.expected import FabricIntent, NodeIntent


_ADJACENCIES = {
    Protocol.OSPF: OSPF_NEIGHBORS,
    Protocol.ISIS: ISIS_NEIGHBORS,
    Protocol.OPENFABRIC: OPENFABRIC_NEIGHBORS,
    Protocol.EBGP_UNNUMBERED: BGP_SUMMARY,
}


def with_evpn(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.bgp is not None


def with_evpn_vnis(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A VTEP in EVPN mode; one that only reflects has no VNI of its own."""
    return node.bgp is not None and node.carries


def with_vnis(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.carries


def with_multicast(intent: FabricIntent, node: NodeIntent) -> bool:
    return intent.fabric.mode is Mode.MULTICAST and node.carries


def with_l3vni(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(vxlan.is_l3vni for vxlan in node.vxlans)


def with_neighbours(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node for which zebra makes neighbour entries: of next hops, or for ARP suppression."""
    return node.bgp is not None and any(
        vxlan.is_l3vni or vxlan.flags.neigh_suppress for vxlan in node.vxlans
    )


def with_exits(intent: FabricIntent, node: NodeIntent) -> bool:
    """A node with a VRF that somebody routes to the outside."""
    return node.bgp is not None and any(
        intent.fabric.vrfs[vrf.name].exits for vrf in node.vrfs if vrf.l3vni is not None
    )


def with_prefixes(intent: FabricIntent, node: NodeIntent) -> bool:
    """A node with a VRF of which somebody announces a prefix: a default, or its subnets."""
    vrfs = intent.fabric.vrfs
    return with_exits(intent, node) or any(vrfs[vrf.name].advertise for vrf in node.vrfs)


def with_vrfs(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.vrfs)


def with_static_vrf_routes(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node with a static route in a VRF, or a leak into one."""
    return any(vrf.routes for vrf in node.vrfs)


def with_way_out(_intent: FabricIntent, node: NodeIntent) -> bool:
    """An exit, or a router outside with its way back."""
    return node.router is not None or bool(node.bgp and node.bgp.exits)


def with_snat(_intent: FabricIntent, node: NodeIntent) -> bool:
    """An exit that translates addresses by rules of ours: where others write, they are theirs."""
    return node.snat is not None and node.is_written


def with_single_device(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node with one VXLAN device for all its VNIs."""
    return node.single is not None


def with_gateways(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(bridge.routed for bridge in node.bridges)


def with_vips(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.vips)


def with_sysctls(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.sysctls)


def with_frr(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node whose frr.conf says more than FRR does by itself."""
    spoken = node.bgp or node.router or node.routed
    return spoken is not None or bool(node.vips)


def with_managed_files(_intent: FabricIntent, node: NodeIntent) -> bool:
    """A node whose files are ours to write: in the observed scope none is."""
    return node.is_written


def with_managed_frr(intent: FabricIntent, node: NodeIntent) -> bool:
    """A node whose frr.conf is ours, and says more than FRR does by itself."""
    return node.is_written and with_frr(intent, node)


def with_sessions(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(session_slugs(node))


def with_bfd(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.bfd is not None or bool(node.routed and node.routed.bfd)


def with_routed_underlay(_intent: FabricIntent, node: NodeIntent) -> bool:
    return node.routed is not None


def adjacency_slugs(node: NodeIntent) -> tuple[str, ...]:
    """What shows a node's neighbours in the protocol that routes its underlay."""
    return (_ADJACENCIES[node.routed.protocol],) if node.routed else ()


def session_slugs(node: NodeIntent) -> tuple[str, ...]:
    """What shows a node's sessions: EVPN ones, those of an exit with a router outside, or both."""
    outside = node.router.asn is not None if node.router else bool(node.bgp and node.bgp.upstreams)
    return ((EVPN_SUMMARY,) if node.bgp else ()) + ((BGP_SUMMARY,) if outside else ())


def with_probes(intent: FabricIntent, node: NodeIntent) -> bool:
    """A node that shares a VNI with another one."""
    return any(len(intent.vteps.get(vxlan.vni, ())) > 1 for vxlan in node.vxlans)
