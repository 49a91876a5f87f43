"""Cross-validation of VRFs: where they are, what they announce, their static routes and leaks."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from overlay.derivation.vrfs import holders_of, is_within, subnets_of
from overlay.derive import carriers_by_vni
from overlay.derived.devices import EVERYTHING
from overlay.intent import Fabric, Routing, Vrf
from overlay.keys.routes import BLACKHOLE, CONNECTED, STATIC, SUBNETS, VrfRoute
from overlay.names import vtep_names
from overlay.problems import few, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from overlay.names import Names
    from overlay.problems import Complaint, KeyPath


def _nodes(fabric: Fabric) -> Iterator[Complaint]:
    vteps = vtep_names(fabric)
    for name, vrf in fabric.vrfs.items():
        key: KeyPath = ("vrfs", name, "nodes")
        yield from _globs(vteps, key, vrf.nodes)
        if vrf.nodes and fabric.routing is not Routing.SYMMETRIC:
            yield (
                key,
                f"routing {fabric.routing.value} has no L3VNI to a node without networks",
                "remove this key, or set `routing: symmetric`",
            )


def _globs(vteps: Names, key: KeyPath, globs: Sequence[str]) -> Iterator[Complaint]:
    for index, glob in enumerate(globs):
        if not vteps.matching(glob):
            close = nearest(glob, vteps.matching("*"))
            hint = f"did you mean `{close}`?" if close else "name a VTEP, or a glob such as 'pve*'"
            yield (*key, index), f"no VTEP matches {glob!r}", hint


def _advertise(fabric: Fabric) -> Iterator[Complaint]:
    for name, vrf in fabric.vrfs.items():
        key: KeyPath = ("vrfs", name, "advertise")
        if vrf.advertise and fabric.routing is not Routing.SYMMETRIC:
            yield (
                key,
                f"routing {fabric.routing.value} has no type-5 routes",
                "remove this key, or set `routing: symmetric`",
            )
            continue
        held = {*subnets_of(fabric.networks, name), *(route.prefix for route in vrf.routes)}
        for index, word in enumerate(vrf.advertise):
            if word in vrf.advertise[:index]:
                yield (*key, index), f"{word} stands here already", "remove one of the two"
            elif word == SUBNETS and CONNECTED in vrf.advertise:
                yield (*key, index), "`connected` holds the subnets already", "remove `subnets`"
            elif word == STATIC and not vrf.routes:
                yield (*key, index), f"{name} has no `routes`", "add `routes:`, or remove it"
            elif word not in {SUBNETS, CONNECTED, STATIC, *held}:
                yield (
                    (*key, index),
                    f"{word} is neither a subnet nor a static route of {name}",
                    f"to sum up others add it to `routes:`, with `via: {BLACKHOLE}`",
                )


def _routes(fabric: Fabric) -> Iterator[Complaint]:
    if not any(vrf.routes for vrf in fabric.vrfs.values()):
        return
    carriers = carriers_by_vni(fabric)
    holders, vteps = holders_of(fabric, carriers), vtep_names(fabric)
    for name, vrf in fabric.vrfs.items():
        subnets = subnets_of(fabric.networks, name)
        for index, route in enumerate(vrf.routes):
            key: KeyPath = ("vrfs", name, "routes", index)
            found = [
                *_target(name, vrf, route, key, subnets),
                *_next_hop(fabric, name, route, key),
                *_among_others(vrf, index, key),
                *_globs(vteps, (*key, "nodes"), route.nodes),
            ]
            yield from found
            if not found and route.nodes:
                able = holders[name]
                if route.via != BLACKHOLE:
                    able = {
                        node
                        for net in fabric.networks
                        if is_within(route.via, map(ip_network, subnets_of([net], name)))
                        for node in carriers[net.vni]
                    }
                yield from _where(fabric, route, (*key, "nodes"), able, name)


def _target(
    name: str, vrf: Vrf, route: VrfRoute, key: KeyPath, subnets: Sequence[str]
) -> Iterator[Complaint]:
    at = (*key, "prefix")
    if route.prefix in subnets:
        yield at, f"{route.prefix} is a subnet of {name}, so it is connected", "remove this route"
    elif route.prefix in EVERYTHING and vrf.exits:
        yield (
            at,
            f"{name} has exits, which lead to {route.prefix}",
            "remove this route, or the `exits` of the VRF",
        )


def _next_hop(fabric: Fabric, name: str, route: VrfRoute, key: KeyPath) -> Iterator[Complaint]:
    if route.via == BLACKHOLE:
        return
    at = (*key, "via")
    gateways = [ip_interface(g) for n in fabric.networks if n.vrf == name for g in n.gateways]
    if (":" in route.via) != (":" in route.prefix):
        yield (
            at,
            f"{route.via} and {route.prefix} are not of one IP version",
            "use a next hop of the prefix's version",
        )
    elif any(ip_address(route.via) == gateway.ip for gateway in gateways):
        yield at, f"{route.via} is an anycast gateway of {name} itself", "name the next router"
    elif not is_within(route.via, (gateway.network for gateway in gateways)):
        yield (
            at,
            f"{route.via} is in no subnet of {name}",
            f"use an address in one of its subnets, or give a network of {name} a gateway there",
        )


def _among_others(vrf: Vrf, index: int, key: KeyPath) -> Iterator[Complaint]:
    route = vrf.routes[index]
    for other in vrf.routes[:index]:
        if other.prefix != route.prefix:
            continue
        if other.via == route.via:
            yield key, f"{route.prefix} via {route.via} stands here already", "merge the two"
        elif BLACKHOLE in (other.via, route.via):
            yield (
                key,
                f"{route.prefix} goes both to {BLACKHOLE} and to a next hop",
                "keep one of the two",
            )


def _where(
    fabric: Fabric, route: VrfRoute, key: KeyPath, able: set[str], vrf: str
) -> Iterator[Complaint]:
    chosen = vtep_names(fabric).chosen(route.nodes)
    lacking = [node for node in chosen if node not in able]
    if not lacking:
        return
    if route.via == BLACKHOLE:
        yield key, f"VRF {vrf} is not on {few(lacking)}", f"add them to `vrfs.{vrf}.nodes`"
    else:
        yield (
            key,
            f"no gateway in the subnet of {route.via} is on {few(lacking)}",
            "name nodes that carry its network; others learn the route by `advertise: [static]`",
        )


def _leaks(fabric: Fabric) -> Iterator[Complaint]:
    for name, vrf in fabric.vrfs.items():
        taken: dict[str, str] = {route.prefix: "its own `routes`" for route in vrf.routes}
        for index, leak in enumerate(vrf.leak):
            key: KeyPath = ("vrfs", name, "leak", index)
            if leak.source == name or leak.source not in fabric.vrfs:
                close = nearest(leak.source, [other for other in fabric.vrfs if other != name])
                what = "the VRF itself" if leak.source == name else "no VRF of this fabric"
                hint = f"did you mean `{close}`?" if close else "name another VRF"
                yield (*key, "from"), f"{leak.source} is {what}", hint
                continue
            for position, prefix in enumerate(leak.prefixes):
                at = (*key, "prefixes", position)
                if prefix in taken:
                    yield at, f"{prefix} comes from {taken[prefix]} already", "keep one of the two"
                taken.setdefault(prefix, f"VRF {leak.source}")
                yield from _leaked(fabric, name, leak.source, prefix, at)


def _leaked(
    fabric: Fabric, name: str, source: str, prefix: str, key: KeyPath
) -> Iterator[Complaint]:
    def overlapping(vrf: str) -> list[str]:
        held = [*subnets_of(fabric.networks, vrf), *(r.prefix for r in fabric.vrfs[vrf].routes)]
        wanted = ip_network(prefix)
        return [
            it
            for it in held
            if (other := ip_network(it)).version == wanted.version
            and wanted.overlaps(other)
            and it not in EVERYTHING
        ]

    if prefix in EVERYTHING:
        yield key, f"{prefix} is everything", f"name what of {source} should be reached"
    elif own := overlapping(name):
        yield key, f"{prefix} overlaps {own[0]} of {name} itself", "name a prefix outside this VRF"
    elif not overlapping(source):
        yield (
            key,
            f"{source} has neither a subnet nor a static route within {prefix}",
            f"name what of {source} should be reached, such as one of its subnets",
        )


CHECKS = (_nodes, _advertise, _routes, _leaks)
