"""From the intent to each node's expected state."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from overlay.beside.external import external_nodes, visiting_vteps
from overlay.derivation.devices import (
    make_l3vni_bridge,
    make_l3vni_vxlan,
    make_network_bridge,
    make_network_vxlan,
    make_single,
    make_underlay_bridge,
    underlay_port,
)
from overlay.derivation.lan_ports import lan_ports
from overlay.derivation.routed import make_loopback, make_routed
from overlay.derivation.scopes import scope_of
from overlay.derivation.settings import forwarding, of_routed_underlay, sysctls
from overlay.derivation.vrfs import Tenancy, vrfs_by_name
from overlay.expected import BridgeRole, FabricIntent, NodeIntent, VipIntent
from overlay.intent import Fabric, Mode, Network, Node, Protocol, Scope
from overlay.kept.extras import NodeExtras, extras_of
from overlay.names import VrfNames, vtep_names
from overlay.peering.control_plane import ControlPlane
from overlay.snat.intended import translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from overlay.expected import BridgeIntent, VrfIntent


def derive(fabric: Fabric) -> FabricIntent:
    """Every node's expected state, from a cross-checked intent. Pure and deterministic."""
    derivation = Derivation(fabric)
    fabric = derivation.named.of_fabric(fabric)
    nodes = {name: derivation.node(name) for name, node in fabric.nodes.items() if node.managed}
    owner = {str(node.address): name for name, node in fabric.nodes.items()}
    external = external_nodes(fabric)
    for node in external.values():
        owner.setdefault(node.vtep, node.name)
    return FabricIntent(
        fabric,
        nodes,
        derivation.vteps,
        owner,
        derivation.plane.targets,
        seen_as={n.routed.known_as: name for name, n in nodes.items() if n.routed},
        external=external,
        visitors=derivation.visitors,
    )


class Derivation:
    """What the derivation of every node of a fabric shares; `node` derives one of them."""

    def __init__(self, fabric: Fabric, like: Derivation | None = None) -> None:
        """`like`: a derivation of a fabric with the same nodes and carriers, to share them."""
        self.carriers: dict[int, tuple[str, ...]] = (
            like.carriers if like else carriers_by_vni(fabric)
        )
        self.named = VrfNames(fabric)
        self.carried: dict[str, list[Network]] = (
            like.carried if like else _networks_by_node(fabric, self.carriers)
        )
        self._fabric = _carried_part(self.named.of_fabric(fabric), self.carriers)
        self.plane: ControlPlane = ControlPlane(self._fabric, like.plane if like else None)
        self._tenancy = Tenancy(self._fabric, self.plane)
        self.ends: dict[int, tuple[str, ...]] = (
            like.ends if like else _tunnel_ends(fabric, self.carriers)
        )
        self.vteps: dict[int, frozenset[str]] = (
            like.vteps if like else {vni: frozenset(found) for vni, found in self.ends.items()}
        )
        self.visitors = visiting_vteps(fabric)
        self._static = self.ends if fabric.mode is Mode.UNICAST else {}

    def node(
        self, name: str, *, node: Node | None = None, networks: list[Network] | None = None
    ) -> NodeIntent:
        """What the node should hold; `node` and `networks` stand for its own, if they are given.

        Networks name their VRFs as the intent does.
        """
        networks = self.carried[name] if networks is None else networks
        return _derive_node(
            self._fabric,
            name,
            node or self._fabric.nodes[name],
            list(map(self.named.of_network, networks)),
            self._static,
            self.plane,
            self._tenancy,
        )


def _tunnel_ends(
    fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]
) -> dict[int, tuple[str, ...]]:
    """The addresses that carry each L2 VNI: those of the nodes, then of what is external."""
    address = {name: str(node.address) for name, node in fabric.nodes.items()}
    ends = {vni: [address[name] for name in names] for vni, names in carriers.items()}
    for node in fabric.nodes.values():
        for vni in () if node.managed else node.vnis:
            if vni in ends:
                ends[vni].append(node.tunnel_end)
    return {vni: tuple(dict.fromkeys(found)) for vni, found in ends.items()}


def _carried_part(fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]) -> Fabric:
    """Without the networks that no node carries, and the VRFs that no node has for them or by name.

    An exit would tell the outside of a subnet that is nowhere, or route a VRF without a guest.
    """
    networks = tuple(network for network in fabric.networks if carriers[network.vni])
    used = {network.vrf for network in networks}
    used.update(name for names in vrfs_by_name(fabric).values() for name in names)
    vrfs = {name: vrf for name, vrf in fabric.vrfs.items() if name in used}
    return fabric.model_copy(update={"networks": networks, "vrfs": vrfs})


def carriers_by_vni(fabric: Fabric) -> dict[int, tuple[str, ...]]:
    """The names of the nodes that carry each L2 VNI, in the order of the intent."""
    vteps = vtep_names(fabric)
    return {network.vni: vteps.chosen(network.nodes) for network in fabric.networks}


def _networks_by_node(
    fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]
) -> dict[str, list[Network]]:
    carried: dict[str, list[Network]] = defaultdict(list)
    for network in fabric.networks:
        for name in carriers[network.vni]:
            carried[name].append(network)
    return carried


def _has_bfd(fabric: Fabric) -> bool:
    """Whether BFD watches BGP sessions, which not any two releases of FRR have up again."""
    if fabric.underlay.protocol is Protocol.EBGP_UNNUMBERED and fabric.underlay.bfd is not None:
        return True
    return fabric.bgp is not None and fabric.bgp.bfd is not None


def _frr(fabric: Fabric, node: Node) -> str | None:
    return node.frr or (fabric.bgp.frr if fabric.bgp else None)


def _derive_node(
    fabric: Fabric,
    name: str,
    node: Node,
    networks: list[Network],
    static_vteps: Mapping[int, tuple[str, ...]],
    plane: ControlPlane,
    tenancy: Tenancy,
) -> NodeIntent:
    address = str(node.address)
    router = plane.router(node)
    vrfs = tenancy.of(name, networks)
    routed = make_routed(fabric, name, node)
    bridges = [make_loopback(fabric, routed) if routed else make_underlay_bridge(fabric, node)]
    vxlans = []
    for network in networks:
        vxlans.append(make_network_vxlan(fabric, network, node, static_vteps.get(network.vni, ())))
        bridges.append(make_network_bridge(fabric, network, name))
    for vrf in vrfs:
        if vrf.l3vni is not None:
            vxlans.append(make_l3vni_vxlan(fabric, vrf, address, tenancy.l3vni_mtu))
            bridges.append(make_l3vni_bridge(fabric, vrf, tenancy.l3vni_mtu))
    bgp = plane.bgp(name, node)
    kept = _kept(fabric, name, node)
    settings = sysctls(fabric, name, node, plane, router, networks, vrfs)
    single = make_single(fabric, vxlans)
    needs_frr = bgp is not None and (node.address.version == 6 or single is not None)
    return NodeIntent(
        name=name,
        address=address,
        underlay_port=underlay_port(fabric, node),
        underlay_mtu=fabric.underlay.mtu,
        bridges=tuple(bridges),
        vxlans=tuple(vxlans),
        single=single,
        lan_ports=lan_ports(fabric, name, node, networks, underlay_port(fabric, node)),
        vrfs=vrfs,
        bgp=bgp,
        frr=_frr(fabric, node) if needs_frr or _has_bfd(fabric) else None,
        sysctls=_with_kept(
            (*settings, *of_routed_underlay(routed, scope_of(fabric, node))), kept.sysctls
        ),
        forwarding=forwarding(fabric, node),
        role=node.role,
        scope=scope_of(fabric, node),
        router=router,
        vips=tuple(
            VipIntent(vip.id, vip.address, vip.priorities[name])
            for vip in fabric.vips
            if name in vip.priorities
        ),
        frr_extra=kept.frr,
        daemons_extra=kept.daemons,
        interfaces_extra=kept.interfaces,
        routed=routed,
        # Asked of each node, who its exits are would be nodes x VRFs.
        snat=translation(fabric, name, node, _of_overlay(bridges, vrfs))
        if name in plane.exiting
        else None,
    )


def _of_overlay(bridges: Iterable[BridgeIntent], vrfs: Iterable[VrfIntent]) -> Iterator[str]:
    """The devices by which a packet leaves to a guest, of this node or of another one."""
    yield from (
        bridge.name
        for bridge in bridges
        if bridge.role is not BridgeRole.UNDERLAY and bridge.has_device
    )
    yield from (vrf.name for vrf in vrfs)


def _kept(fabric: Fabric, name: str, node: Node) -> NodeExtras:
    """What the node keeps by hand of the files that are ours in its scope.

    Of one that is only observed its further BGP neighbours count: they are intended.
    """
    scope = scope_of(fabric, node)
    kept = extras_of(name, fabric, fabric.groups, node, interfaces=scope is Scope.WHOLE)
    return NodeExtras(frr=kept.frr) if scope is Scope.OBSERVED else kept


def _with_kept(
    derived: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    keys = {key for key, _ in derived}
    return (*derived, *(pair for pair in kept if pair[0] not in keys))
