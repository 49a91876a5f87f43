"""Routes that zebra has left in the tables of VRFs, though EVPN tells nothing of them any more."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from drift.applies import with_l3vni
from drift.causes import from_forwarding
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from drift.planes.vrfs.tables import vrf_by_table
from drift.vrf_evpn_routes import vtep_of
from overlay.outputs import EVPN_TABLE, IP6_ROUTE, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.host_records import Route

_OF_BGP = "bgp"

VRF_ROUTE_STALE = Check(
    "vrf-route-stale",
    CRITICAL,
    "VRF route without an EVPN route",
    "Each route of BGP in a VRF's kernel table that leads a part of one of the node's own networks "
    "over the L3VNI has a type-2 or type-5 route of another node behind it.",
    "What the VRF routes there is sent to a VTEP that no longer, or never, has it, in place of the "
    "guest on this node.",
    (EVPN_TABLE, IP_ROUTE, IP_LINK),
    by_vni=True,
    applies=with_l3vni,
    confirm="ip route show vrf vrf1 proto bgp; vtysh -c 'show ip route vrf vrf1 bgp'",
    remedy="`ip route del 10.0.2.1 vrf vrf1 proto bgp`. If FRR shows it, too: `systemctl restart "
    "frr`.",
    follows=from_forwarding,
    transient=True,
    reads=(IP6_ROUTE,),
)


def examine_stale_routes(view: HostView) -> Iterator[RawFinding]:
    """The routes over each L3VNI's bridge, against what the VRF could route by."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    over = {
        (vrf, vxlan.bridge): (vxlan, _told(vxlan, routes))
        for vxlan in view.l3_vxlans
        if (vrf := view.bridges[vxlan.bridge].vrf) is not None and view.is_ready(vxlan)
    }
    names = vrf_by_table(view)
    for route in view.kernel.of_kind(
        lambda table, kind, protocol: table in names and (kind, protocol) == ("unicast", _OF_BGP)
    ):
        vrf = names[route.table]
        for hop in route.hops:
            vxlan, told = over.get((vrf, hop.device or ""), (None, frozenset()))
            if vxlan is not None and route.prefix not in told:
                # Of another one a peer of the VRF may have told, a guest that speaks BGP.
                if _is_in_a_network(view, vrf, route):
                    yield _finding(view, vxlan, vrf, route)
                break


def _told(vxlan: VxlanIntent, routes: Routes) -> frozenset[str]:
    """The destinations that another node has told: one of the node's own is behind no tunnel."""
    return frozenset(
        f"{ip}/{length if length is not None else 128 if ':' in ip else 32}"
        for (ip, length), paths in routes.addressed.get(vxlan.vni, {}).items()
        if not all(path.local for path in paths)
    )


def _finding(view: HostView, vxlan: VxlanIntent, vrf: str, route: Route) -> RawFinding:
    slug = IP6_ROUTE if ":" in route.prefix and view.state.ipv6_routes is not None else IP_ROUTE
    ways = sorted({vtep_of(hop.gateway or "") for hop in route.hops})
    return VRF_ROUTE_STALE.found(
        view.host,
        f"VRF {vrf} {route.prefix}",
        "extra",
        None,
        [f"via {way} dev {vxlan.bridge}" for way in ways],
        what="route in the kernel",
        evidence=lines(slug, [route.text]),
        about=About(
            vrf=vrf,
            vni=vxlan.vni,
            peer=ways[0],
            group=("vrf-route-stale", view.host, vrf),
        ),
    )


def _is_in_a_network(view: HostView, vrf: str, route: Route) -> bool:
    """Whether the node would reach it by a bridge of its own."""
    prefix = ipaddress.ip_network(route.prefix)
    return any(
        prefix.version == network.version and prefix.subnet_of(network)  # type: ignore[arg-type]
        for bridge in view.node.bridges
        if bridge.vrf == vrf
        for network in (ipaddress.ip_interface(text).network for text in bridge.addresses)
    )


PLANE = Plane(examine_stale_routes, (VRF_ROUTE_STALE,))
