"""What the VRFs of symmetric routing know by EVPN, against the routes that the kernel would use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_l3vni
from drift.causes import Broken, from_forwarding, overtakes
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from drift.planes.vrfs.tables import shows_ipv6, tables_of_vrfs
from drift.vrf_evpn_routes import own_router_macs, prefix_of, routed_paths, vtep_of, vteps_of
from overlay.outputs import EVPN_TABLE, IP6_ROUTE, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.host_records import Route
    from overlay.records import EvpnPath

_SHOWN = 3
_OWN = frozenset({"anycast", "broadcast", "local", "unicast"})
# What keeps a route out of the kernel, or stands before it.
_TYPED = frozenset({("ip", "route"), ("ip", "protocol"), ("ip", "table-map")})


def _from_forwarding(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield Broken.OVERTAKEN, raw.finding.host, raw.finding.object
    yield from from_forwarding(raw, owner)


VRF_ROUTE_MISSING = Check(
    "vrf-route-missing",
    CRITICAL,
    "VRF route missing or wrong",
    "Each best type-2 host route and type-5 route with an L3VNI's target is in that VRF's "
    "kernel table, and the route of lowest metric there leads to its VTEP.",
    "BGP knows the way, the kernel goes another one: packets for that guest or prefix are lost.",
    (EVPN_TABLE, IP_ROUTE, IP_LINK),
    by_vni=True,
    applies=with_l3vni,
    confirm="ip route show vrf vrf1; ip -6 route show vrf vrf1; vtysh -c 'show ip route vrf vrf1'",
    remedy="If another route stands before it: `ip route del blackhole 10.0.2.1 vrf vrf1 metric "
    "5`, with the route that is shown. If there is none: `vtysh -c 'clear bgp l2vpn evpn *'` has "
    "zebra install all of them again (sessions start again), and `systemctl restart frr` if it "
    "hangs.",
    explains=overtakes,
    follows=_from_forwarding,
    with_others=True,
    transient=True,
    reads=(IP6_ROUTE,),
)


def examine_vrf_routes(view: HostView) -> Iterator[RawFinding]:
    """Each prefix that a VRF routes by, against what its table does with it."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    tables = tables_of_vrfs(view)
    six = shows_ipv6(view)
    for vxlan in view.l3_vxlans:
        vrf = view.bridges[vxlan.bridge].vrf
        if vrf is None or not view.is_ready(vxlan):
            continue
        wanted = _wanted(view, vxlan, vrf, routes)
        table = tables.get(vrf, {})
        wrong = [
            prefix
            for prefix, paths in wanted.items()
            if (six or ":" not in prefix) and not _leads(vxlan, paths, table.get(prefix))
        ]
        # Nothing at all of a VRF is one fact; else what leads to one VTEP is.
        whole = len(wrong) == len(wanted)
        for prefix in sorted(wrong):
            yield _finding(view, vxlan, vrf, wanted[prefix], table.get(prefix), whole=whole)


def _wanted(
    view: HostView, vxlan: VxlanIntent, vrf: str, routes: Routes
) -> dict[str, list[EvpnPath]]:
    """The received paths that the VRF routes by, by prefix."""
    own = own_router_macs(view, vxlan, routes)
    exits = view.node.bgp.exits if view.node.bgp else ()
    # Which default an exit uses is `exit-route`'s to say.
    left = {prefix for exit_ in exits if exit_.vrf == vrf for prefix in exit_.defaults}
    wanted: dict[str, list[EvpnPath]] = {}
    for path in routed_paths(view, vxlan, routes):
        prefix = prefix_of(path)
        if prefix not in left and path.rmac not in own:
            wanted.setdefault(prefix, []).append(path)
    return wanted


def _leads(vxlan: VxlanIntent, paths: Iterable[EvpnPath], route: Route | None) -> bool:
    """True where the kernel's route leads to these VTEPs, or the prefix is the node's own."""
    if route is None:
        return False
    if route.protocol == "kernel" and route.type in _OWN:
        return True  # its own subnet or address, which goes before what it is told
    if route.type != "unicast":
        return False
    if not route.carries(vxlan.mtu):
        return False
    if not route.hops:
        return True  # by the number of a next hop that this iproute2 does not resolve
    vteps = {path.next_hop for path in paths}
    return all(
        hop.device == vxlan.bridge and vtep_of(hop.gateway or "") in vteps
        for hop in route.hops
        if hop.alive
    )


def _finding(
    view: HostView,
    vxlan: VxlanIntent,
    vrf: str,
    paths: list[EvpnPath],
    route: Route | None,
    *,
    whole: bool,
) -> RawFinding:
    vteps = vteps_of(paths)
    prefix = prefix_of(paths[0])
    table = IP6_ROUTE if ":" in prefix and view.state.ipv6_routes is not None else IP_ROUTE
    return VRF_ROUTE_MISSING.found(
        view.host,
        f"VRF {vrf} {prefix}",
        "missing" if route is None else "changed",
        [f"via {vtep} dev {vxlan.bridge}" for vtep in vteps],
        None if route is None else _way(route),
        what="route in the kernel",
        evidence=lines(table, [route.text] if route is not None else [])
        + lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN),
        about=About(
            vrf=vrf,
            vni=vxlan.vni,
            peer=vteps[0] if vteps else None,
            topics=_TYPED,
            group=("vrf-route-missing", view.host, vrf, *(() if whole else vteps)),
        ),
    )


def _way(route: Route) -> str:
    if route.type != "unicast":
        return f"{route.type} metric {route.metric}"
    small = f" mtu {route.mtu}" if route.mtu is not None else ""
    ways = [
        f"via {vtep_of(hop.gateway)} dev {hop.device}" if hop.gateway else f"dev {hop.device}"
        for hop in route.hops
        if hop.alive
    ]
    return ", ".join(ways) + small


PLANE = Plane(examine_vrf_routes, (VRF_ROUTE_MISSING,))
