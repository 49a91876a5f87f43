"""Ways from one VRF into another, or between a VRF and the main table: only those declared."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from drift.applies import with_vrfs
from drift.causes import from_interface, overtakes
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from drift.planes.vrfs.networks import overrides_part
from drift.planes.vrfs.static_routes import is_kept, leaves
from drift.planes.vrfs.tables import MAIN_TABLE, vrf_by_table
from overlay.expected import EVERYTHING
from overlay.outputs import IP6_ROUTE, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.host_records import Route
    from overlay.records import Link

    # The VRF that it concerns, the place that the route is in, and the device that it leads to.
    Leak = tuple[str, str, Link]


VRF_LEAK = Check(
    "vrf-leak",
    CRITICAL,
    "undeclared leak between VRFs",
    "No route of a VRF leads into another VRF or the main table but the leaks that the intent "
    "declares (`leak`) and the default of an exit, and none of the main table into a VRF but on "
    "its exits.",
    "Tenants reach each other, or the underlay and the node itself, where nobody declared it.",
    (IP_ROUTE, IP_LINK),
    reads=(IP6_ROUTE,),
    applies=with_vrfs,
    confirm="ip route show vrf vrf1; ip route show table main; vtysh -c 'show ip route vrf vrf1'",
    remedy="Declare it under `leak:` of the VRF in fabric.yaml, or take it away: `ip route del "
    "10.0.6.0/24 vrf vrf1`. What FRR leaks stands as `import vrf` in `router bgp 1234 vrf vrf1`, "
    "or as `ip route … nexthop-vrf` in `vrf vrf1`: `vtysh -c 'show running-config'`.",
    explains=overtakes,
    follows=from_interface,
    depth=Depth.ROUTE,
)


def examine_leaks(view: HostView) -> Iterator[RawFinding]:
    """Every route that leaves its VRF, or leads from the main table into one, undeclared."""
    vrf_of = vrf_by_table(view)
    exits = {exit_.vrf for exit_ in view.node.bgp.exits} if view.node.bgp else set[str]()
    declared = {
        (vrf.name, route.prefix, route.into) for vrf in view.node.vrfs for route in vrf.routes
    }
    # A VRF leads thousands of routes to a few devices.
    is_outside = cache(partial(leaves, view))
    here = {MAIN_TABLE, *vrf_of}
    for route in view.kernel.of_kind(lambda table, kind, _: kind == "unicast" and table in here):
        if route.table == MAIN_TABLE:
            found = _into_a_vrf(view, route, exits)
        else:
            vrf = vrf_of[route.table]
            outside = any(is_outside(vrf, hop.device) for hop in route.hops)
            found = _out_of(view, vrf, route, exits, declared) if outside else None
        # Asked last: what is kept may be long, and a table has thousands of routes.
        if found is not None and not is_kept(view, route.prefix):
            yield _found(view, route, *found)


def _alive(view: HostView, route: Route) -> Iterator[Link]:
    """The devices by which a route leads somewhere."""
    for hop in route.hops:
        link = view.links.get(hop.device or "")
        if link is not None and hop.alive:
            yield link


def _into_a_vrf(view: HostView, route: Route, exits: Collection[str]) -> Leak | None:
    for link in _alive(view, route):
        inside = _vrf_of(view, link)
        if inside is not None and inside not in exits:
            return inside, "the main table", link
    return None


def _out_of(
    view: HostView,
    vrf: str,
    route: Route,
    exits: Collection[str],
    declared: Collection[tuple[str, str, str | None]],
) -> Leak | None:
    if vrf in exits and route.prefix in EVERYTHING:
        return None
    for link in _alive(view, route):
        if not leaves(view, vrf, link.name) or (vrf, route.prefix, link.name) in declared:
            continue
        if not overrides_part(view, vrf, route):
            return vrf, f"VRF {vrf}", link
    return None


def _vrf_of(view: HostView, link: Link) -> str | None:
    """The intended VRF that a device is, or is in."""
    ours = {vrf.name for vrf in view.node.vrfs}
    return next((name for name in (link.name, link.master) if name in ours), None)


def _found(view: HostView, route: Route, vrf: str, place: str, link: Link) -> RawFinding:
    by_itself = ":" in route.prefix and view.state.ipv6_routes is not None
    into = link.master if link.master in view.links and view.links[link.master].vrf_table else None
    return VRF_LEAK.found(
        view.host,
        f"{place} {route.prefix}",
        "extra",
        None,
        f"dev {link.name}" + (f" in VRF {into}" if into else ""),
        what="leak",
        evidence=lines(IP6_ROUTE if by_itself else IP_ROUTE, [route.text]),
        about=About(
            device=link.name,
            vrf=vrf,
            vni=view.l3vni_by_vrf.get(vrf),
            topics=frozenset({("ip", "route")}),
            group=("vrf-leak", view.host, place, link.name),
        ),
    )


PLANE = Plane(examine_leaks, (VRF_LEAK,))
