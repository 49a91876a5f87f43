"""Which VRFs each node has, and what they hold there."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from overlay.derivation.devices import l3vni_mtu
from overlay.derivation.scopes import scope_of
from overlay.derived.devices import EVERYTHING, StaticVrfRoute, VrfIntent
from overlay.intent import Fabric, Network, Routing, Scope, Vrf
from overlay.keys.routes import BLACKHOLE, CONNECTED, STATIC, SUBNETS
from overlay.names import vtep_names
from overlay.targets.targets import by_hand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from overlay.keys.routes import VrfRoute
    from overlay.peering.control_plane import ControlPlane

    Subnet = IPv4Network | IPv6Network


class Tenancy:
    """What the derivation of every node shares of its VRFs; `of` derives those of one node."""

    def __init__(self, fabric: Fabric, plane: ControlPlane) -> None:
        self._fabric = fabric
        self._plane = plane
        self.l3vni_mtu: int = l3vni_mtu(fabric)
        self._placed = vrfs_by_name(fabric)
        self._place = {name: place for place, name in enumerate(fabric.vrfs)}
        self._chosen: dict[tuple[str, ...], frozenset[str]] = {}

    def of(self, node: str, networks: list[Network]) -> tuple[VrfIntent, ...]:
        """The VRFs of a node that carries these networks, in the order of the intent."""
        wanted = {network.vrf for network in networks if network.vrf is not None}
        wanted.update(self._placed.get(node, ()))
        if node in self._plane.exiting:
            wanted |= {name for name, vrf in self._fabric.vrfs.items() if node in vrf.exits}
        here = with_leaked(self._fabric.vrfs, wanted).intersection(self._place)
        return tuple(
            self._vrf(node, name, self._fabric.vrfs[name], networks)
            for name in sorted(here, key=self._place.__getitem__)
        )

    def _vrf(self, node: str, name: str, vrf: Vrf, networks: list[Network]) -> VrfIntent:
        fabric, plane = self._fabric, self._plane
        subnets = subnets_of(networks, name)
        here = (route for route in vrf.routes if self._has(node, route, subnets))
        found = (StaticVrfRoute(it.prefix, None if it.via == BLACKHOLE else it.via) for it in here)
        static = tuple(sorted(found, key=_place))
        leaks = tuple(
            StaticVrfRoute(prefix, into=leak.source)
            for leak in vrf.leak
            if leak.source in fabric.vrfs
            for prefix in leak.prefixes
        )
        return VrfIntent(
            name,
            vrf.l3vni if fabric.routing is Routing.SYMMETRIC else None,
            unreachable=_ends(fabric, node, name)
            + (plane.unreachable(name) if node in vrf.exits else ()),
            advertised=_advertised(vrf, subnets, static),
            open=CONNECTED in vrf.advertise,
            routes=tuple(sorted(static + leaks, key=_place)),
            by_hand=by_hand(vrf.rt, vrf.rd, fabric.nodes[node].speaks_as),
        )

    def _has(self, node: str, route: VrfRoute, subnets: Iterable[str]) -> bool:
        if not route.nodes:
            return route.via == BLACKHOLE or is_within(route.via, map(ip_network, subnets))
        if route.nodes not in self._chosen:
            chosen = vtep_names(self._fabric).chosen(route.nodes)
            self._chosen[route.nodes] = frozenset(chosen)
        return node in self._chosen[route.nodes]


def vrfs_by_name(fabric: Fabric) -> dict[str, list[str]]:
    """By node, the VRFs that are put there by name (`nodes` of a VRF)."""
    placed: dict[str, list[str]] = defaultdict(list)
    named = {name: vrf for name, vrf in fabric.vrfs.items() if vrf.nodes}
    if named:
        vteps = vtep_names(fabric)
        for vrf_name, vrf in named.items():
            for node in vteps.chosen(vrf.nodes):
                placed[node].append(vrf_name)
    return placed


def holders_of(fabric: Fabric, carriers: Mapping[int, tuple[str, ...]]) -> dict[str, set[str]]:
    """By VRF, the nodes that have it: by a network, as an exit, by name, or for a leak."""
    by_node: dict[str, set[str]] = defaultdict(set)
    for node, names in vrfs_by_name(fabric).items():
        by_node[node].update(names)
    for network in fabric.networks:
        for node in carriers[network.vni] if network.vrf is not None else ():
            by_node[node].add(network.vrf or "")
    for name, vrf in fabric.vrfs.items():
        for node in vrf.exits:
            by_node[node].add(name)
    holders: dict[str, set[str]] = {name: set() for name in fabric.vrfs}
    for node, held in by_node.items():
        for name in with_leaked(fabric.vrfs, held).intersection(holders):
            holders[name].add(node)
    return holders


def with_leaked(vrfs: Mapping[str, Vrf], names: Collection[str]) -> set[str]:
    """These VRFs, and all that something is leaked from into one of them."""
    found, waiting = set(names), list(names)
    while waiting:
        vrf = vrfs.get(waiting.pop())
        more = {leak.source for leak in vrf.leak} - found if vrf else set()
        found |= more
        waiting += more
    return found


def subnets_of(networks: Iterable[Network], vrf: str) -> tuple[str, ...]:
    """The prefixes of the gateways that these networks have in a VRF."""
    gateways = (gateway for net in networks if net.vrf == vrf for gateway in net.gateways)
    return tuple(dict.fromkeys(map(_subnet_of, gateways)))


# Each node that carries a network has its gateways: to read one takes 60 us.
@lru_cache(maxsize=1 << 16)
def _subnet_of(gateway: str) -> str:
    return str(ip_interface(gateway).network)


def is_within(address: str, subnets: Iterable[Subnet]) -> bool:
    """Whether one of the subnets holds the address."""
    return any(ip_address(address) in subnet for subnet in subnets)


def _place(route: StaticVrfRoute) -> tuple[object, ...]:
    """So that files do not change with the order in which somebody writes the intent."""
    prefix = ip_network(route.prefix)
    return prefix.version, prefix, route.next_hop or "", route.into or ""


def _advertised(
    vrf: Vrf, subnets: tuple[str, ...], static: tuple[StaticVrfRoute, ...]
) -> tuple[str, ...]:
    def said() -> Iterator[str]:
        if {SUBNETS, CONNECTED} & {*vrf.advertise}:
            yield from subnets
        if STATIC in vrf.advertise:
            yield from (route.prefix for route in static)
        held = {*subnets, *(route.prefix for route in static)}
        yield from sorted(prefix for prefix in vrf.advertise if prefix in held)

    return tuple(dict.fromkeys(said()))


def _ends(fabric: Fabric, node: str, vrf: str) -> tuple[str, ...]:
    """What must end in a VRF's table, so that no lookup goes on to the main table.

    Where others write the files, IPv6 counts only in a VRF that routes it: Proxmox ends IPv4 alone.
    """
    if scope_of(fabric, fabric.nodes[node]) is not Scope.OBSERVED or any(
        net.routes_ipv6 for net in fabric.networks if net.vrf == vrf
    ):
        return EVERYTHING
    return EVERYTHING[:1]
