"""Static routes of VRFs, declared leaks among them, against the kernel's tables."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

from drift.applies import with_static_vrf_routes, with_vrfs
from drift.causes import Broken, from_interface
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Plane
from drift.planes.vrfs.networks import overrides_part
from drift.planes.vrfs.tables import shows_ipv6, tables_of_vrfs, usable, vrf_by_table
from overlay.expected import EVERYTHING
from overlay.outputs import IP6_ROUTE, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.model import Cause, Evidence, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import StaticVrfRoute, VrfIntent
    from overlay.host_records import Route

# Where a static route stands in FRR's configuration.
_TYPED = frozenset({("ip", "route")})
# FRR's staticd by name or by number, and `ip route add`.
_BY_HAND = frozenset({"static", "196", "boot"})
_BLACKHOLE = "blackhole"


def _from_its_way(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield from from_interface(raw, owner)
    yield Broken.BGP, host  # FRR is stopped
    yield Broken.KERNEL, host
    yield Broken.VNI, host, about.vni
    yield Broken.DOWN, host, about.device
    yield Broken.ROUTING, host, about.vni
    yield Broken.GATEWAY, host


def _from_what_it_overtakes(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.OVERTAKEN, raw.finding.host, raw.finding.object


def _announces_nothing(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ORIGIN, "type5-missing", f"{raw.finding.object} via {raw.about.peer}"


STATIC_ROUTE = Check(
    "vrf-static-route",
    CRITICAL,
    "static route of a VRF missing or wrong",
    "Each static route of a VRF (`routes`) and each declared leak (`leak`) is in the VRF's kernel "
    "table, and the route of lowest metric there leads where the intent says.",
    "What is behind the next hop, or in the other VRF, cannot be reached from this node; where the "
    "route is announced (`advertise: [static]`), from no node that uses this one.",
    (IP_ROUTE,),
    reads=(IP6_ROUTE,),
    applies=with_static_vrf_routes,
    confirm="ip route show vrf vrf1; vtysh -c 'show ip route vrf vrf1 static'",
    remedy="`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` brings back what somebody took "
    "out of FRR. A route that FRR has and does not install has a next hop that is in no subnet of "
    "the node now: `vtysh -c 'show ip route vrf vrf1 10.9.0.0/16'`.",
    explains=_announces_nothing,
    follows=_from_its_way,
    depth=Depth.ROUTE,
)

UNDECLARED_ROUTE = Check(
    "vrf-route-unexpected",
    WARNING,
    "route of a VRF that is not intended",
    "No static route is in a VRF's table, of FRR or typed in by `ip route add`, but those of the "
    "intent: `routes`, `leak`, the default of an exit.",
    "It draws traffic of the VRF to where nobody declared it, and goes before what EVPN tells.",
    (IP_ROUTE, IP_LINK),
    reads=(IP6_ROUTE,),
    applies=with_vrfs,
    confirm="ip route show vrf vrf1",
    remedy="Declare it under `routes:` of the VRF in fabric.yaml, or take it away: `ip route del "
    "10.9.0.0/16 vrf vrf1`, or `vtysh -c 'configure terminal' -c 'vrf vrf1' -c 'no ip route "
    "10.9.0.0/16 10.0.2.7'`.",
    follows=_from_what_it_overtakes,
)


def examine_static_routes(view: HostView) -> Iterator[RawFinding]:
    """The intended static routes of each VRF that are missing or lead elsewhere."""
    if not any(vrf.routes for vrf in view.node.vrfs):
        return
    tables, has_ipv6 = tables_of_vrfs(view), shows_ipv6(view)
    for vrf in view.node.vrfs:
        wanted: dict[str, list[StaticVrfRoute]] = defaultdict(list)
        for route in vrf.routes:
            wanted[route.prefix].append(route)
        for prefix, routes in wanted.items():
            found = tables[vrf.name].get(prefix)
            if (has_ipv6 or ":" not in prefix) and not _leads(routes, found, tables[vrf.name]):
                yield _missing(view, vrf, routes, found)


def _leads(wanted: list[StaticVrfRoute], found: Route | None, table: Mapping[str, Route]) -> bool:
    if found is None:
        return False
    if wanted[0].next_hop is None and wanted[0].into is None:
        return found.type == _BLACKHOLE
    if found.type != "unicast":
        return False
    if not found.hops:
        return True  # by the number of a next hop that this iproute2 does not resolve
    ways = _ways(found)
    direct = {route.into or route.next_hop for route in wanted}
    resolved = {way for route in wanted for way in _resolved(route, table)}
    return direct <= ways <= direct | resolved or ways == resolved


def _ways(route: Route) -> set[str | None]:
    return {hop.device if hop.gateway is None else hop.gateway for hop in route.hops if hop.alive}


def _resolved(wanted: StaticVrfRoute, table: Mapping[str, Route]) -> set[str | None]:
    """Where FRR sends it while EVPN tells that its next hop is a guest of another node."""
    hop = wanted.next_hop
    host = table.get(f"{hop}/{128 if ':' in hop else 32}") if hop is not None else None
    return {wanted.into or hop} if host is None else _ways(host)


def _missing(
    view: HostView, vrf: VrfIntent, wanted: list[StaticVrfRoute], found: Route | None
) -> RawFinding:
    first = wanted[0]
    device = first.into or _device_to(view, vrf, first.next_hop)
    return STATIC_ROUTE.found(
        view.host,
        f"VRF {vrf.name} {first.prefix}",
        "changed" if found else "missing",
        [_said(route) for route in wanted],
        _way(found) if found else None,
        what="leak into another VRF" if first.into else "static route",
        evidence=_line(view, found) if found else (),
        about=About(
            device=device,
            vrf=vrf.name,
            vni=view.vni_by_bridge.get(device),
            peer=view.node.address,
            topics=_TYPED,
            # All that one next hop leads to goes with it.
            group=("vrf-static-route", view.host, vrf.name, first.into or first.next_hop),
        ),
    )


def _device_to(view: HostView, vrf: VrfIntent, next_hop: str | None) -> str:
    """The bridge of the VRF that has the next hop's subnet."""
    if next_hop is None:
        return vrf.name
    hop = ip_address(next_hop)
    for bridge in view.node.bridges:
        if bridge.vrf == vrf.name and any(
            hop in ip_interface(address).network for address in bridge.addresses
        ):
            return bridge.name
    return vrf.name


def _said(route: StaticVrfRoute) -> str:
    if route.into:
        return f"dev {route.into}"
    return f"via {route.next_hop}" if route.next_hop else _BLACKHOLE


def _way(route: Route) -> str:
    if route.type != "unicast":
        return f"{route.type} metric {route.metric}"
    return ", ".join(
        f"via {hop.gateway} dev {hop.device}" if hop.gateway else f"dev {hop.device}"
        for hop in route.hops
        if hop.alive
    )


def _line(view: HostView, route: Route) -> tuple[Evidence, ...]:
    by_itself = ":" in route.prefix and view.state.ipv6_routes is not None
    return lines(IP6_ROUTE if by_itself else IP_ROUTE, [route.text])


def examine_undeclared_routes(view: HostView) -> Iterator[RawFinding]:
    """Static routes that stay within their VRF and nobody intends; `vrf-leak` has the others."""
    vrf_of = vrf_by_table(view)
    vrfs = {vrf.name: vrf for vrf in view.node.vrfs}
    exits = {exit_.vrf for exit_ in view.node.bgp.exits} if view.node.bgp else set[str]()
    by_hand = view.kernel.of_kind(
        lambda table, _, protocol: table in vrf_of and protocol in _BY_HAND
    )
    for route in filter(_is_route, usable(by_hand)):
        vrf = vrfs[vrf_of[route.table]]
        if route.prefix in {it.prefix for it in vrf.routes} or is_kept(view, route.prefix):
            continue
        if route.prefix in EVERYTHING and vrf.name in exits:
            continue  # which default an exit uses is `exit-route`'s to say
        if overrides_part(view, vrf.name, route):
            continue
        if not any(leaves(view, vrf.name, hop.device) for hop in route.hops):
            yield UNDECLARED_ROUTE.found(
                view.host,
                f"VRF {vrf.name} {route.prefix}",
                "extra",
                None,
                _way(route),
                what="static route",
                evidence=_line(view, route),
                about=About(
                    vrf=vrf.name,
                    vni=vrf.l3vni,
                    topics=_TYPED,
                    group=("vrf-route-unexpected", view.host, vrf.name, route.prefix),
                ),
            )


def _is_route(route: Route) -> bool:
    # What ends a lookup stands there by intent, or before a route of EVPN, which is found there.
    return route.type == "unicast" or (route.type == _BLACKHOLE and route.protocol != "boot")


def is_kept(view: HostView, prefix: str) -> bool:
    """Whether a text that is kept by hand names this prefix."""
    texts = (*view.node.frr_extra, *view.node.interfaces_extra)
    return any(prefix in text.split() for text in texts)


def leaves(view: HostView, vrf: str, device: str | None) -> bool:
    """Whether what leaves by this device is outside the VRF; of an unknown device no."""
    link = view.links.get(device or "")
    if link is None or device in {vrf, "lo"} or link.master == vrf:
        return False
    bridge = view.bridges.get(link.name)
    return bridge is None or bridge.vrf != vrf  # else `vrf-membership` says it


STATIC_ROUTES = Plane(examine_static_routes, (STATIC_ROUTE,))
UNDECLARED_ROUTES = Plane(examine_undeclared_routes, (UNDECLARED_ROUTE,))
