"""The way out: routes of exits and of routers outside, against `ip -j route show table all`."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_way_out
from drift.causes import Broken, between, from_interface, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from drift.planes.vrfs.tables import MAIN_TABLE
from overlay.expected import BridgeRole
from overlay.intent import Scope
from overlay.outputs import IP_ROUTE
from overlay.snat.intended import without_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.model import Cause, Owner, RawFinding, Severity
    from drift.view import HostView
    from overlay.expected import ExitIntent, NodeIntent, RouterIntent
    from overlay.host_records import NextHop, Route

DEFAULT_ROUTE = {4: "0.0.0.0/0", 6: "::/0"}
_STATIC = frozenset({("ip", "route")})


def _from_way_out(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host = raw.finding.host
    yield from from_interface(raw, owner)
    yield Broken.UNDERLAY, host
    yield Broken.BGP, host
    if raw.about.peer is not None:
        yield between(host, peer_of(raw, owner))


EXIT_ROUTE = Check(
    "exit-route",
    CRITICAL,
    "no way out, or none back",
    "An exit has a default route of its own that does not lead back into the overlay (on a "
    "backup exit it may), and a router outside has a route to each network of the exits.",
    "Traffic to the outside is lost, or goes round in a loop between exits. While each VRF has its "
    "own way out, it is a warning that the node itself has none.",
    (IP_ROUTE,),
    applies=with_way_out,
    confirm="ip route show default; ip route show vrf vrf1 default",
    remedy="On an exit: `ip route replace default via 192.168.0.254 dev vmbr0` with its "
    "`gateway:`, or fix its BGP session with the outside router. A router without its "
    "way back lacks the static route in frr.conf or its session with the exit: `vtysh "
    "-c 'show ip route'`.",
    follows=_from_way_out,
    with_others=True,
)


def examine_routes(view: HostView) -> Iterator[RawFinding]:
    """An exit's way out of the node and of each of its VRFs; a router's way back to the exits."""
    tables: dict[str, list[Route]] = defaultdict(list)
    for route in view.state.routes or ():
        if route.type == "unicast":
            tables[route.table].append(route)
    node = view.node
    if node.router is not None:
        yield from _ways_back(view, node.router, tables[MAIN_TABLE])
    elif node.bgp is not None and node.bgp.exits:
        yield from _way_out(view, node.bgp.exits[0], tables)
        for exit_ in node.bgp.exits:
            yield from _way_out_of_vrf(view, exit_, tables)


def _best(routes: list[Route], prefix: str) -> Route | None:
    alive = [route for route in routes if route.prefix == prefix and _ways(route)]
    return min(alive, key=lambda route: route.metric, default=None)


def _ways(route: Route) -> list[NextHop]:
    return [hop for hop in route.hops if hop.alive]


def _gateways(route: Route) -> list[str]:
    return sorted(hop.gateway for hop in _ways(route) if hop.gateway is not None)


def _via(route: Route) -> str:
    """The ways of a route as `ip route` says them."""
    return ", ".join(
        f"via {hop.gateway} dev {hop.device}" if hop.gateway else f"dev {hop.device}"
        for hop in _ways(route)
    )


def _of_vrf(view: HostView, vrf: str, tables: Mapping[str, list[Route]]) -> list[Route]:
    """The routes of a VRF's table, which is printed by its name or by its number."""
    link = view.links.get(vrf)
    names = {vrf} | ({str(link.vrf_table)} if link and link.vrf_table else set())
    return [route for name in sorted(names) for route in tables.get(name, ())]


def _hop(view: HostView, exit_: ExitIntent) -> str | None:
    """The address that it exits by: its gateway, or the router that tells it a default."""
    if exit_.gateway is not None:
        return exit_.gateway
    upstreams = view.node.bgp.upstreams if view.node.bgp else ()
    return upstreams[0].address if upstreams else None


def _default_of(hop: str | None) -> str:
    return DEFAULT_ROUTE[6 if hop and ":" in hop else 4]


def _way_out(
    view: HostView, exit_: ExitIntent, tables: Mapping[str, list[Route]]
) -> Iterator[RawFinding]:
    """The node's own default route, in the main table."""
    hop = _hop(view, exit_)
    prefix = _default_of(hop)
    main = tables.get(MAIN_TABLE, [])
    best = _best(main, prefix)
    about = About(
        device=view.node.underlay_bridge.name,
        peer=hop,
        topics=_STATIC,
        group=("way out", view.host),
    )
    if best is not None and _leads_back(view, best):
        yield _changed(view, "main table", f"via {hop}" if hop else "a way out", best, about)
        return
    own = best is not None
    if exit_.gateway is not None and view.node.scope is Scope.WHOLE:
        # The gateway is in our interfaces file. Another default may stand beside it (management).
        own = any(exit_.gateway in _gateways(route) for route in main if route.prefix == prefix)
    elif not own and view.node.scope is not Scope.WHOLE:
        own = _best(_of_vrf(view, exit_.vrf, tables), prefix) is not None
    if not own:
        found = (_best(_of_vrf(view, name, tables), prefix) for name in _vrfs(view))
        there = all(way is not None and not _leads_back(view, way) for way in found)
        yield _absent(
            view,
            "main table",
            f"via {hop}" if hop else "a way out",
            best,
            about,
            severity=WARNING if there else None,
        )


def _vrfs(view: HostView) -> list[str]:
    return [exit_.vrf for exit_ in view.node.bgp.exits] if view.node.bgp else []


def _way_out_of_vrf(
    view: HostView, exit_: ExitIntent, tables: Mapping[str, list[Route]]
) -> Iterator[RawFinding]:
    """A VRF needs a default of its own, which must not lead to another exit."""
    hop = _hop(view, exit_)
    best = _best(_of_vrf(view, exit_.vrf, tables), _default_of(hop))
    if best is not None and (exit_.backup or not _leads_back(view, best)):
        return
    place, wanted = f"VRF {exit_.vrf}", f"via {hop}" if hop else "a way out"
    about = About(
        vrf=exit_.vrf,
        vni=view.l3vni_by_vrf.get(exit_.vrf),
        peer=hop,
        topics=_STATIC,
        # One way out that is gone is gone for each of its VRFs.
        group=None if best is not None else ("way out", view.host),
    )
    if best is not None:
        yield _changed(view, place, wanted, best, about)
    else:
        yield _absent(view, place, wanted, None, about)


def _absent(
    view: HostView,
    place: str,
    wanted: str,
    best: Route | None,
    about: About,
    *,
    severity: Severity | None = None,
) -> RawFinding:
    return EXIT_ROUTE.found(
        view.host,
        place,
        "missing",
        wanted,
        _via(best) if best else None,
        what="default route",
        evidence=lines(IP_ROUTE, [_shown(best)] if best else []),
        severity=severity,
        about=about,
    )


def _leads_back(view: HostView, route: Route) -> bool:
    return any(hop.device in view.transit_links for hop in _ways(route))


def _changed(view: HostView, place: str, wanted: str, route: Route, about: About) -> RawFinding:
    return EXIT_ROUTE.found(
        view.host,
        place,
        "changed",
        wanted,
        _via(route),
        attribute="default route",
        evidence=lines(IP_ROUTE, [_shown(route)]),
        about=about,
    )


def _shown(route: Route) -> str:
    table = "" if route.table == MAIN_TABLE else f" table {route.table}"
    return f"{route.prefix} {_via(route)}{table}"


def _ways_back(view: HostView, router: RouterIntent, main: list[Route]) -> Iterator[RawFinding]:
    """A route outside to each network of the exits: its static next hops, or any that BGP told."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for route in router.routes:
        wanted[route.prefix].add(route.next_hop)
    told = _told(view, router) if router.asn is not None else {}
    for prefix in sorted({*wanted, *told}):
        best = _best(main, prefix)
        hops = sorted(wanted[prefix]) if prefix in wanted else [told[prefix]]
        if best is not None and (prefix in told or _gateways(best) == hops):
            continue
        yield EXIT_ROUTE.found(
            view.host,
            f"route {prefix}",
            "changed" if best else "missing",
            hops,
            _gateways(best) if best else None,
            attribute="next hops" if best else "",
            what="next hops of the way back",
            evidence=lines(IP_ROUTE, [_shown(best)] if best else []),
            about=About(
                peer=told.get(prefix),
                topics=_STATIC,
                group=("exit-route", view.host),
            ),
        )


def _told(view: HostView, router: RouterIntent) -> dict[str, str]:
    """The networks that exits tell a router over their sessions, each with one such exit."""
    told: dict[str, str] = {}
    for address in router.exits:
        node = view.intent.nodes[view.intent.owner[address]]
        for prefix in _networks(node):
            # Over an IPv4 session IPv6 may have no next hop that the router reaches.
            if (":" in prefix) == (":" in address):
                told.setdefault(prefix, address)
    return told


def _networks(node: NodeIntent) -> tuple[str, ...]:
    """What an exit tells the outside: its subnets, but those whose addresses it translates."""
    vrfs = {exit_.vrf for exit_ in node.bgp.exits} if node.bgp else set()
    translated = node.snat.translated if node.snat else ()
    subnets = (
        str(ipaddress.ip_interface(address).network)
        for bridge in node.bridges
        if bridge.role is BridgeRole.NETWORK and bridge.vrf in vrfs
        for address in bridge.addresses
    )
    return without_hidden(subnets, (prefix for it in translated for prefix in it.prefixes))


PLANE = Plane(examine_routes, (EXIT_ROUTE,))
