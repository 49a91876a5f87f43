"""From the intent to each node's expected state."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_interface
from typing import TYPE_CHECKING

from overlay.control_plane import ControlPlane
from overlay.expected import (
    EVERYTHING,
    BridgeIntent,
    BridgeRole,
    FabricIntent,
    NodeIntent,
    PortFlags,
    VipIntent,
    VrfIntent,
    VxlanIntent,
)
from overlay.intent import (
    VXLAN_OVERHEAD,
    Advertised,
    Fabric,
    Mode,
    Network,
    Node,
    Role,
    Routing,
    Scope,
)
from overlay.kept.extras import NodeExtras, extras_of
from overlay.names import Names, l3vni_bridge, l3vni_device, network_bridge, network_device
from overlay.targets.targets import by_hand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.expected import RouterIntent


def derive(fabric: Fabric) -> FabricIntent:
    """Every node's expected state, from a cross-checked intent. Pure and deterministic."""
    derivation = Derivation(fabric)
    addresses = {name: str(node.address) for name, node in fabric.nodes.items()}
    vteps = {
        vni: frozenset(addresses[name] for name in names)
        for vni, names in derivation.carriers.items()
    }
    nodes = {name: derivation.node(name) for name in fabric.nodes}
    owner = {address: name for name, address in addresses.items()}
    return FabricIntent(fabric, nodes, vteps, owner, derivation.plane.targets)


class Derivation:
    """What the derivation of every node of a fabric shares; `node` derives one of them."""

    def __init__(self, fabric: Fabric, like: Derivation | None = None) -> None:
        """`like`: a derivation of a fabric with the same nodes and carriers, to share them."""
        self.carriers: dict[int, tuple[str, ...]] = (
            like.carriers if like else carriers_by_vni(fabric)
        )
        self._fabric = _carried_part(fabric, self.carriers)
        self.carried: dict[str, list[Network]] = (
            like.carried if like else _networks_by_node(self._fabric, self.carriers)
        )
        self.plane: ControlPlane = ControlPlane(self._fabric, like.plane if like else None)
        self._l3vni_mtu = _l3vni_mtu(self._fabric)
        self._static: dict[int, tuple[str, ...]] = {
            vni: tuple(str(fabric.nodes[name].address) for name in names)
            for vni, names in self.carriers.items()
            if fabric.mode is Mode.UNICAST
        }

    def node(
        self, name: str, *, node: Node | None = None, networks: list[Network] | None = None
    ) -> NodeIntent:
        """What the node should hold; `node` and `networks` stand for its own, if they are given."""
        return _derive_node(
            self._fabric,
            name,
            node or self._fabric.nodes[name],
            self.carried[name] if networks is None else networks,
            self._static,
            self.plane,
            self._l3vni_mtu,
        )


def _carried_part(fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]) -> Fabric:
    """Without the networks that no node carries, and the VRFs that no such network is in.

    An exit would tell the outside of a subnet that is nowhere, or route a VRF without a guest.
    """
    networks = tuple(network for network in fabric.networks if carriers[network.vni])
    used = {network.vrf for network in networks}
    vrfs = {name: vrf for name, vrf in fabric.vrfs.items() if name in used}
    return fabric.model_copy(update={"networks": networks, "vrfs": vrfs})


def carriers_by_vni(fabric: Fabric) -> dict[int, tuple[str, ...]]:
    """The names of the nodes that carry each L2 VNI, in the order of the intent."""
    vteps = Names(name for name, node in fabric.nodes.items() if node.role is Role.VTEP)
    return {network.vni: vteps.chosen(network.nodes) for network in fabric.networks}


def _networks_by_node(
    fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]
) -> dict[str, list[Network]]:
    carried: dict[str, list[Network]] = defaultdict(list)
    for network in fabric.networks:
        for name in carriers[network.vni]:
            carried[name].append(network)
    return carried


def _derive_node(
    fabric: Fabric,
    name: str,
    node: Node,
    networks: list[Network],
    static_vteps: Mapping[int, tuple[str, ...]],
    plane: ControlPlane,
    l3vni_mtu: int,
) -> NodeIntent:
    address = str(node.address)
    router = plane.router(node)
    vrfs = _vrfs(fabric, name, networks, plane)
    bridges = [_underlay_bridge(fabric, node)]
    vxlans = []
    for network in networks:
        vxlans.append(_network_vxlan(fabric, network, node, static_vteps.get(network.vni, ())))
        bridges.append(_network_bridge(fabric, network))
    for vrf in vrfs:
        if vrf.l3vni is not None:
            vxlans.append(_l3vni_vxlan(fabric, vrf, address, l3vni_mtu))
            bridges.append(_l3vni_bridge(fabric, vrf, l3vni_mtu))
    bgp = plane.bgp(name, node)
    kept = _kept(fabric, name, node)
    over_ipv6 = bgp is not None and node.address.version == 6
    return NodeIntent(
        name=name,
        address=address,
        underlay_port=_port(fabric, node),
        underlay_mtu=fabric.underlay.mtu,
        bridges=tuple(bridges),
        vxlans=tuple(vxlans),
        vrfs=vrfs,
        bgp=bgp,
        frr=(node.frr or (fabric.bgp.frr if fabric.bgp else None)) if over_ipv6 else None,
        sysctls=_with_kept(_sysctls(fabric, name, node, plane, router, networks), kept.sysctls),
        forwarding=_forwarding(fabric, node),
        role=node.role,
        scope=_scope(fabric, node),
        router=router,
        vips=tuple(
            VipIntent(vip.id, vip.address, vip.priorities[name])
            for vip in fabric.vips
            if name in vip.priorities
        ),
        frr_extra=kept.frr,
        daemons_extra=kept.daemons,
        interfaces_extra=kept.interfaces,
    )


def _kept(fabric: Fabric, name: str, node: Node) -> NodeExtras:
    """What the node keeps by hand of the files that are ours in its scope."""
    if (scope := _scope(fabric, node)) is Scope.OBSERVED:
        return NodeExtras()
    return extras_of(name, fabric, fabric.groups, node, interfaces=scope is Scope.WHOLE)


def _with_kept(
    derived: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    keys = {key for key, _ in derived}
    return (*derived, *(pair for pair in kept if pair[0] not in keys))


def _vrfs(
    fabric: Fabric, node: str, networks: list[Network], plane: ControlPlane
) -> tuple[VrfIntent, ...]:
    # A VRF is only where one of its networks is, or its way out: elsewhere it would be empty.
    wanted = {network.vrf for network in networks}
    if node in plane.exiting:
        wanted |= {name for name, vrf in fabric.vrfs.items() if node in vrf.exits}
    return tuple(
        VrfIntent(
            name,
            vrf.l3vni if fabric.routing is Routing.SYMMETRIC else None,
            unreachable=_ends(fabric, node, name)
            + (plane.unreachable(name) if node in vrf.exits else ()),
            advertised=_subnets(networks, name) if Advertised.SUBNETS in vrf.advertise else (),
            by_hand=by_hand(vrf.rt, vrf.rd, fabric.nodes[node].speaks_as),
        )
        for name, vrf in fabric.vrfs.items()
        if name in wanted
    )


def _ends(fabric: Fabric, node: str, vrf: str) -> tuple[str, ...]:
    """What must end in a VRF's table, so that no lookup goes on to the main table.

    Where others write the files, IPv6 counts only in a VRF that routes it: Proxmox ends IPv4 alone.
    """
    if _scope(fabric, fabric.nodes[node]) is not Scope.OBSERVED or any(
        net.routes_ipv6 for net in fabric.networks if net.vrf == vrf
    ):
        return EVERYTHING
    return EVERYTHING[:1]


def _subnets(networks: list[Network], vrf: str) -> tuple[str, ...]:
    """The prefixes of the gateways that a node has in a VRF."""
    gateways = (gateway for net in networks if net.vrf == vrf for gateway in net.gateways)
    return tuple(dict.fromkeys(str(ip_interface(gateway).network) for gateway in gateways))


def _underlay_bridge(fabric: Fabric, node: Node) -> BridgeIntent:
    underlay = fabric.underlay
    ours = _scope(fabric, node) is Scope.WHOLE
    return BridgeIntent(
        name=underlay.bridge,
        role=BridgeRole.UNDERLAY,
        ports=(_port(fabric, node),) if ours else (),
        mtu=underlay.mtu,
        guest_ports=fabric.overlay.guest_ports,
        addresses=(f"{node.address}/{underlay.prefix.prefixlen}",),
        gateway=str(node.gateway) if ours and node.gateway else None,
    )


def _scope(fabric: Fabric, node: Node) -> Scope:
    return node.scope or fabric.scope


def _port(fabric: Fabric, node: Node) -> str:
    # What is below somebody else's underlay is not ours to know.
    return (node.port or fabric.underlay.port) if _scope(fabric, node) is Scope.WHOLE else ""


def _port_flags(fabric: Fabric, network: Network | None = None) -> PortFlags:
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


def _network_vxlan(
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
        flags=_port_flags(fabric, network),
        group=str(group) if multicast and group else None,
        # The group is joined where the tunnels' address is: on the bridge, not on its port.
        physdev=fabric.underlay.bridge if multicast else None,
        static_vteps=static_vteps,
        bound=fabric.overlay.source_address,
        by_hand=by_hand(network.rt, network.rd, node.speaks_as),
    )


def _network_bridge(fabric: Fabric, network: Network) -> BridgeIntent:
    return BridgeIntent(
        name=network_bridge(fabric, network),
        role=BridgeRole.NETWORK,
        ports=(network_device(fabric, network),),
        mtu=network.mtu or fabric.overlay.mtu,
        guest_ports=fabric.overlay.guest_ports,
        addresses=network.gateways,
        mac=(network.gateway_mac or fabric.overlay.gateway_mac) if network.gateways else None,
        vrf=network.vrf,
    )


def _l3vni_mtu(fabric: Fabric) -> int:
    # What any of the VRF's networks may send must fit through its transit VNI.
    wanted = max([fabric.overlay.mtu, *(n.mtu for n in fabric.networks if n.mtu is not None)])
    return min(wanted, fabric.underlay.mtu - VXLAN_OVERHEAD[fabric.underlay.prefix.version])


def _l3vni_vxlan(fabric: Fabric, vrf: VrfIntent, address: str, mtu: int) -> VxlanIntent:
    assert vrf.l3vni is not None  # noqa: S101 - the caller's condition, for the type checker
    return VxlanIntent(
        name=l3vni_device(fabric, vrf.name),
        vni=vrf.l3vni,
        bridge=l3vni_bridge(fabric, vrf.name),
        local=address,
        mtu=mtu,
        dstport=fabric.vrfs[vrf.name].dstport or fabric.overlay.dstport,
        learning=False,
        flags=_port_flags(fabric),
        is_l3vni=True,
    )


def _l3vni_bridge(fabric: Fabric, vrf: VrfIntent, mtu: int) -> BridgeIntent:
    return BridgeIntent(
        name=l3vni_bridge(fabric, vrf.name),
        role=BridgeRole.L3VNI,
        ports=(l3vni_device(fabric, vrf.name),),
        mtu=mtu,
        guest_ports=fabric.overlay.guest_ports,
        vrf=vrf.name,
    )


def _forwarding(fabric: Fabric, node: Node) -> bool:
    if fabric.underlay.forwarding is not None:
        return fabric.underlay.forwarding
    if node.role is Role.VTEP:
        return fabric.routing is not Routing.NONE
    return node.role is Role.ROUTER


def _setting(version: int, interface: str, name: str) -> str:
    # A dot in an interface's name is a slash between the parts of a key.
    return f"net.ipv{version}.conf.{interface.replace('.', '/')}.{name}"


def _forwarding_of_bridges(fabric: Fabric, networks: list[Network]) -> list[tuple[str, str]]:
    """Where others write the files: what the kernel asks of a packet that comes in by a bridge.

    The global switch sets all of these, too. Of IPv6 it asks the switch itself.
    """
    routed = [network_bridge(fabric, network) for network in networks if network.gateways]
    vrfs = {network.vrf for network in networks if network.vrf}
    if fabric.routing is Routing.SYMMETRIC:
        routed += [l3vni_bridge(fabric, vrf) for vrf in fabric.vrfs if vrf in vrfs]
    found = [(_setting(4, name, "forwarding"), "1") for name in routed]
    if any(network.routes_ipv6 for network in networks):
        found.append(("net.ipv6.conf.all.forwarding", "1"))
    return found


def _without_duplicate_detection(fabric: Fabric, networks: list[Network]) -> list[tuple[str, str]]:
    """For bridges with an IPv6 anycast gateway, which every node has, with one MAC.

    Two nodes that get it at about the same moment each find it taken, and the kernel uses it on
    neither.
    """
    return [
        (_setting(6, network_bridge(fabric, net), "accept_dad"), "0")
        for net in networks
        if net.routes_ipv6
    ]


def _sysctls(
    fabric: Fabric,
    name: str,
    node: Node,
    plane: ControlPlane,
    router: RouterIntent | None,
    networks: list[Network],
) -> tuple[tuple[str, str], ...]:
    # Gateways forward per interface; an L3VNI's bridge and a VRF only by the global switch.
    switch = str(int(_forwarding(fabric, node)))
    settings = [("net.ipv4.ip_forward", switch), ("net.ipv6.conf.all.forwarding", switch)]
    if _scope(fabric, node) is Scope.OBSERVED and fabric.underlay.forwarding is None:
        settings = _forwarding_of_bridges(fabric, networks)
    if name in plane.exit_names and len(plane.exit_names) > 1:
        # A packet may come in by one exit and its answer leave by another. What exists already
        # does not follow `default`, and the stricter of `all` and the interface counts.
        places = ("default", "all", fabric.underlay.bridge)
        settings += [(f"net.ipv4.conf.{place}.rp_filter", "0") for place in places]
    if any(net.vrf and net.routes_ipv6 for net in networks):
        # ifupdown2 of Debian 12 puts a bridge into its VRF when it has its addresses already, and
        # the kernel takes the IPv6 ones away then.
        settings.append(("net.ipv6.conf.all.keep_addr_on_down", "1"))
    if _scope(fabric, node) is not Scope.OBSERVED:
        settings += _without_duplicate_detection(fabric, networks)
    if router and len({route.next_hop for route in router.routes}) > 1:
        # Static ECMP does not see that an exit is dead; its unanswered ARP does. IPv6 always looks.
        settings.append(("net.ipv4.fib_multipath_use_neigh", "1"))
    return tuple(settings)
