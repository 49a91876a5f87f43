"""The networks that a node is the gateway of: the kernel's own route to each, none across it."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from drift.applies import with_gateways
from drift.causes import Broken, from_interface
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from drift.planes.vrfs.tables import LOCAL_TABLE, MAIN_TABLE, shows_ipv6, vrf_by_table
from overlay.outputs import IP6_ROUTE, IP_ADDRESS, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import BridgeIntent
    from overlay.host_records import Route

# What drops a packet, or has the next routing rule look for its way.
_ENDS = frozenset({"blackhole", "prohibit", "throw", "unreachable"})
# The kernel's own beside the route to a network.
_TO_A_GROUP = frozenset({"anycast", "broadcast", "multicast"})
_OWN = _TO_A_GROUP | {"local"}
# Of `ip route add`, by hand or from a script; a routing daemon's routes have another protocol.
_BY_HAND = frozenset({None, "boot"})
# Of addresses that the node has.
_KERNEL = "kernel"


def _from_address(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host = raw.finding.host
    yield from from_interface(raw, owner)
    # The kernel makes the route when the address is given, while the bridge is up.
    yield Broken.GATEWAY, host
    yield Broken.DOWN, host, raw.about.device
    yield Broken.ROUTING, host, raw.about.vni
    # `vrf-route-missing` says more of what stands before a route that EVPN tells.
    yield Broken.OVERTAKEN, host, raw.finding.object


GATEWAY_ROUTE = Check(
    "gateway-route",
    CRITICAL,
    "network's route missing or overridden",
    "In the table of its VRF, or the main one without, each network with a gateway has a route to "
    "its bridge, and no route to a part of it that drops packets, keeps them, or leads to another "
    "device and is not a routing daemon's; and the node has no address in it but the gateway's.",
    "What the node routes to guests of that network is lost: packets for an address of its own end "
    "in the node, which is a warning while no guest is known to have it.",
    (IP_ROUTE, IP_ADDRESS, IP_LINK),
    applies=with_gateways,
    confirm="ip route show vrf vrf1 root 10.0.2.0/24; ip -6 route show vrf vrf1",
    remedy="Remove the route that is shown: `ip route del blackhole 10.0.2.1 vrf vrf1`. If the "
    "node has a guest's address: `ip address del 10.0.2.1/32 dev vrf1`. If the bridge's own is "
    "missing: `ip route add 10.0.2.0/24 vrf vrf1 dev vmbr2 proto kernel scope link src 10.0.2.254`."
    " A route that is meant to be there belongs into suppressions.yaml.",
    follows=_from_address,
    reads=(IP6_ROUTE,),
)


class _Network(NamedTuple):
    prefix: ipaddress.IPv4Network | ipaddress.IPv6Network
    bridge: BridgeIntent


def overrides_part(view: HostView, vrf: str, route: Route) -> bool:
    """Whether a VRF's route concerns a part of a network with a gateway: `gateway-route` says it.

    Or it is harmless: a route by hand to the very bridge of that network.
    """
    by_hand = route.type in _ENDS or route.protocol in _BY_HAND
    return by_hand and any(
        network.bridge.vrf == vrf and _is_within(route, network) for network in _networks(view)
    )


def examine_networks(view: HostView) -> Iterator[RawFinding]:
    """Each gateway's network: how the kernel routes to it as a whole, and to parts of it."""
    networks = list(_networks(view))
    exact, odd = _routes(view, {str(network.prefix) for network in networks})
    kept = _kept(view)
    declared = {(vrf.name, route.prefix) for vrf in view.node.vrfs for route in vrf.routes}
    for network in networks:
        table = network.bridge.vrf or MAIN_TABLE
        best = min(
            exact.get((table, str(network.prefix)), ()),
            key=lambda route: route.metric,
            default=None,
        )
        if best is None or not _leads(best, network.bridge):
            yield _finding(view, network, str(network.prefix), best)
        # A VRF's rule comes before that of the local table.
        for route in kept.get(table if network.bridge.vrf else LOCAL_TABLE, ()):
            if _is_within(route, network):
                harmless = not _is_announced(view, network, route)
                yield _finding(view, network, route.prefix, route, harmless=harmless)
        for route in odd.get(table, ()):
            if (table, route.prefix) in declared or _leads(route, network.bridge):
                continue
            if _is_within(route, network) and not _is_edge(route, network):
                yield _finding(view, network, route.prefix, route)


def _networks(view: HostView) -> Iterator[_Network]:
    """Those whose address is there, and has made its route: else `gateway-address` says enough."""
    six = shows_ipv6(view)
    for bridge in view.node.bridges:
        link = (view.state.addresses or {}).get(bridge.name)
        held = {one.interface for one in link.addresses} if link is not None else set()
        for address in bridge.addresses if bridge.routed else ():
            if address in held and (six or ":" not in address):
                yield _Network(ipaddress.ip_interface(address).network, bridge)


def _routes(
    view: HostView, wanted: set[str]
) -> tuple[dict[tuple[str, str], list[Route]], dict[str, list[Route]]]:
    """The routes to whole networks by table and prefix, and by table those of unusual kinds."""
    names = vrf_by_table(view)
    exact: dict[tuple[str, str], list[Route]] = defaultdict(list)
    odd: dict[str, list[Route]] = defaultdict(list)
    for route in view.kernel.all:
        if route.prefix in wanted and route.type not in _OWN:
            exact[names.get(route.table, route.table), route.prefix].append(route)
    for route in view.kernel.of_kind(_is_odd):
        if route.prefix not in wanted or route.type in _OWN:
            odd[names.get(route.table, route.table)].append(route)
    return exact, odd


def _is_odd(_table: str, kind: str, protocol: str | None) -> bool:
    """Whether within a network nobody but somebody's hand has made it, or something wrong."""
    if kind == "local":
        return protocol in _BY_HAND  # the others are those of addresses
    if kind == "unicast":
        return protocol in _BY_HAND or protocol == _KERNEL
    return True


def _is_edge(route: Route, network: _Network) -> bool:
    """Whether it is for the first or last address of a network: the kernel has its own."""
    edges = {str(network.prefix.network_address), str(network.prefix.broadcast_address)}
    return route.type in _TO_A_GROUP and route.prefix.partition("/")[0] in edges


def _kept(view: HostView) -> dict[str, tuple[Route, ...]]:
    """By table the routes to addresses of the node itself that are no gateway's."""
    names = vrf_by_table(view)
    gateways = {address.partition("/")[0] for it in view.node.bridges for address in it.addresses}
    kept: dict[str, tuple[Route, ...]] = {}
    for route in view.kernel.of_kind(lambda _table, kind, _: kind == "local"):
        if route.prefix.partition("/")[0] not in gateways:
            table = names.get(route.table, route.table)
            if table == LOCAL_TABLE or route.protocol not in _BY_HAND:
                kept[table] = (*kept.get(table, ()), route)
    return kept


def _is_announced(view: HostView, network: _Network, route: Route) -> bool:
    """Whether a guest is known to have the address: a route of EVPN tells of it."""
    vni = view.vni_by_bridge.get(network.bridge.name)
    if view.routes is None or vni is None:
        return False
    address = route.prefix.partition("/")[0]
    return any(ip == address for ip, _ in view.routes.addressed.get(vni, {}))


def _leads(route: Route, bridge: BridgeIntent) -> bool:
    """Whether it leads to the bridge's guests themselves, and to none of them for another."""
    direct = all(hop.device == bridge.name and hop.gateway is None for hop in route.hops)
    return route.type == "unicast" and direct and route.carries(bridge.mtu)


def _is_within(route: Route, network: _Network) -> bool:
    if (":" in route.prefix) != (network.prefix.version == 6):
        return False
    try:
        prefix = ipaddress.ip_network(route.prefix)
    except ValueError:  # an MPLS label
        return False
    return network.prefix.supernet_of(prefix)  # type: ignore[arg-type]


def _finding(
    view: HostView,
    network: _Network,
    prefix: str,
    route: Route | None,
    *,
    harmless: bool = False,
) -> RawFinding:
    bridge = network.bridge
    slug = IP6_ROUTE if ":" in prefix and view.state.ipv6_routes is not None else IP_ROUTE
    return GATEWAY_ROUTE.found(
        view.host,
        f"{f'VRF {bridge.vrf}' if bridge.vrf else 'main table'} {prefix}",
        "missing" if route is None else "changed",
        f"dev {bridge.name}",
        None if route is None else _way(route),
        what="route in the kernel",
        evidence=lines(slug, [route.text] if route is not None else []),
        severity=WARNING if harmless else None,
        about=About(
            device=bridge.name,
            vrf=bridge.vrf,
            vni=view.vni_by_bridge.get(bridge.name),
            # Who has lost or overridden one has mostly done so to others of the VRF.
            group=("gateway-route", view.host, bridge.vrf),
        ),
    )


def _way(route: Route) -> str:
    ways = [
        f"via {hop.gateway} dev {hop.device}" if hop.gateway else f"dev {hop.device}"
        for hop in route.hops
    ]
    small = [f"mtu {route.mtu}"] if route.mtu is not None else []
    kind = [] if route.type == "unicast" else [route.type]
    return " ".join([*kind, ", ".join(ways), *small]).strip()


PLANE = Plane(examine_networks, (GATEWAY_ROUTE,))
