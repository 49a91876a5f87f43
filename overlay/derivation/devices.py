"""Which devices a node should have: the underlay's bridge, and VXLAN devices with their bridges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from overlay.derivation.lan_ports import ports_on
from overlay.derivation.scopes import scope_of
from overlay.derived.devices import (
    BridgeIntent,
    BridgeRole,
    PortFlags,
    SingleDevice,
    VxlanIntent,
)
from overlay.intent import VXLAN_OVERHEAD, Fabric, Mode, Network, Node, Scope
from overlay.names import (
    is_single,
    l3vni_bridge,
    l3vni_device,
    l3vni_vlan,
    network_bridge,
    network_device,
    network_vlan,
)
from overlay.targets.targets import by_hand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overlay.derived.devices import VrfIntent


def make_underlay_bridge(fabric: Fabric, node: Node) -> BridgeIntent:
    underlay = fabric.underlay
    ours = scope_of(fabric, node) is Scope.WHOLE
    return BridgeIntent(
        name=underlay.bridge,
        role=BridgeRole.UNDERLAY,
        ports=(underlay_port(fabric, node),) if ours else (),
        mtu=underlay.mtu,
        guest_ports=fabric.overlay.guest_ports,
        addresses=(f"{node.address}/{underlay.prefix.prefixlen}",),
        gateway=str(node.gateway) if ours and node.gateway else None,
    )


def underlay_port(fabric: Fabric, node: Node) -> str:
    # What is below somebody else's underlay is not ours to know; a routed one has links instead.
    if fabric.underlay.routed:
        return ""
    return (node.port or fabric.underlay.port) if scope_of(fabric, node) is Scope.WHOLE else ""


def port_flags(fabric: Fabric, network: Network | None = None) -> PortFlags:
    """The flags of a network's VXLAN device; without one, those of an L3VNI's."""
    # Without a control plane the kernel learns from traffic and must flood what it does not know.
    learns = fabric.mode is not Mode.EVPN
    # ARP asks by broadcast, which has a flag of its own and is always flooded. IPv6 asks by
    # multicast: suppression answers only for neighbours that a type-2 route has told of, and for
    # any other the question must reach the other VTEPs.
    over_ipv6 = network is not None and network.routes_ipv6

    def said(key: str, *, default: bool) -> bool:
        values = [getattr(place, key) for place in (network, fabric.overlay) if place is not None]
        return bool(next((value for value in values if value is not None), default))

    return PortFlags(
        learning=learns,
        neigh_suppress=not learns and said("arp_suppression", default=True),
        unicast_flood=learns or said("unicast_flood", default=False),
        multicast_flood=learns or said("multicast_flood", default=over_ipv6),
    )


def make_network_vxlan(
    fabric: Fabric, network: Network, node: Node, static_vteps: tuple[str, ...]
) -> VxlanIntent:
    multicast = fabric.mode is Mode.MULTICAST
    group = network.group or fabric.overlay.group
    return VxlanIntent(
        name=network_device(fabric, network),
        vni=network.vni,
        bridge=network_bridge(fabric, network),
        local=str(node.address),
        mtu=network.mtu or fabric.overlay.mtu,
        dstport=network.dstport or fabric.overlay.dstport,
        learning=fabric.mode is not Mode.EVPN,
        flags=port_flags(fabric, network),
        group=str(group) if multicast and group else None,
        # The group is joined where the tunnels' address is: on the bridge, not on its port.
        physdev=fabric.underlay.bridge if multicast else None,
        static_vteps=static_vteps,
        bound=fabric.overlay.source_address,
        by_hand=by_hand(network.rt, network.rd, node.speaks_as),
        vlan=network_vlan(network) if is_single(fabric) else None,
    )


def make_network_bridge(fabric: Fabric, network: Network, node: str) -> BridgeIntent:
    return BridgeIntent(
        name=network_bridge(fabric, network),
        role=BridgeRole.NETWORK,
        ports=(network_device(fabric, network), *ports_on(network, node)),
        mtu=network.mtu or fabric.overlay.mtu,
        guest_ports=fabric.overlay.guest_ports,
        addresses=network.gateways,
        mac=(network.gateway_mac or fabric.overlay.gateway_mac) if network.gateways else None,
        vrf=network.vrf,
        vlan=network_vlan(network) if is_single(fabric) else None,
    )


def l3vni_mtu(fabric: Fabric) -> int:
    # What any of the VRF's networks may send must fit through its transit VNI.
    wanted = max([fabric.overlay.mtu, *(n.mtu for n in fabric.networks if n.mtu is not None)])
    return min(wanted, fabric.underlay.mtu - VXLAN_OVERHEAD[fabric.underlay.prefix.version])


def make_l3vni_vxlan(fabric: Fabric, vrf: VrfIntent, address: str, mtu: int) -> VxlanIntent:
    assert vrf.l3vni is not None  # noqa: S101 - the caller's condition, for the type checker
    return VxlanIntent(
        name=l3vni_device(fabric, vrf.name),
        vni=vrf.l3vni,
        bridge=l3vni_bridge(fabric, vrf.name),
        local=address,
        mtu=mtu,
        dstport=fabric.vrfs[vrf.name].dstport or fabric.overlay.dstport,
        learning=False,
        flags=port_flags(fabric),
        is_l3vni=True,
        vlan=l3vni_vlan(fabric.vrfs[vrf.name]) if is_single(fabric) else None,
    )


def make_l3vni_bridge(fabric: Fabric, vrf: VrfIntent, mtu: int) -> BridgeIntent:
    return BridgeIntent(
        name=l3vni_bridge(fabric, vrf.name),
        role=BridgeRole.L3VNI,
        ports=(l3vni_device(fabric, vrf.name),),
        mtu=mtu,
        guest_ports=fabric.overlay.guest_ports,
        vrf=vrf.name,
        vlan=l3vni_vlan(fabric.vrfs[vrf.name]) if is_single(fabric) else None,
    )


def make_single(fabric: Fabric, vxlans: Sequence[VxlanIntent]) -> SingleDevice | None:
    """The device that a node's VNIs share, where they do."""
    if not is_single(fabric) or not vxlans:
        return None
    # What one of them needs flooded all of them get: the flags are the port's.
    flags = [vxlan.flags for vxlan in vxlans]
    return SingleDevice(
        name=fabric.overlay.names.single_device,
        bridge=fabric.overlay.names.single_bridge,
        local=vxlans[0].local,
        mtu=fabric.overlay.mtu,
        dstport=fabric.overlay.dstport,
        flags=replace(flags[0], multicast_flood=any(it.multicast_flood for it in flags)),
        guest_ports=fabric.overlay.guest_ports,
        vlans=tuple((vxlan.vlan, vxlan.vni) for vxlan in vxlans if vxlan.vlan is not None),
    )
