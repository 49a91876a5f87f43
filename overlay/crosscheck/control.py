"""Cross-validation of the control plane: reflectors, exits, floating addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.intent import Fabric, Mode, Role, Routing, Scope
from overlay.peering.systems import Systems, asn_of
from overlay.problems import few, nearest
from overlay.values import OTHER_VRFS, UNDERLAY

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.problems import Complaint, KeyPath


def reflectors(fabric: Fabric) -> Iterator[Complaint]:
    found = [n for n, node in fabric.nodes.items() if node.reflects and node.managed]
    only = [name for name in found if not fabric.nodes[name].carries]
    cluster = fabric.bgp.cluster_id if fabric.bgp else None
    within = _with_clients(fabric, only)
    if within and fabric.bgp is not None and cluster is None:
        yield (
            ("bgp", "cluster_id"),
            f"{few(within)} reflect routes, but there is no cluster ID",
            "add `cluster_id:` under `bgp:`, such as 1.1.1.1; it is the same on each reflector",
        )
    if found and fabric.mode is not Mode.EVPN:
        yield (
            ("nodes", found[0], "role" if only[:1] == found[:1] else "reflector"),
            f"mode {fabric.mode.value} has no routes to reflect",
            "remove the reflector, or set `mode: evpn`",
        )
    if cluster is not None and not found:
        yield (
            ("bgp", "cluster_id"),
            "no node has `role: reflector`",
            "give one `role: reflector` (or a VTEP `reflector: true`), or remove this key",
        )
    for name, node in fabric.nodes.items():
        if node.reflector and node.role is Role.ROUTER:
            yield (
                ("nodes", name, "reflector"),
                f"{name} is a router outside the fabric, and has no EVPN routes to reflect",
                "remove it, or set `role: vtep`: an exit of a VRF can be a reflector, too",
            )


def _with_clients(fabric: Fabric, names: list[str]) -> list[str]:
    """Those of the reflectors that have clients by iBGP: to others they pass routes on by eBGP."""
    systems = Systems(fabric)
    if not systems.several:
        return names
    nodes = ((name, fabric.nodes[name]) for name in names)
    return [name for name, it in nodes if systems.clients_of(it, asn_of(fabric, name, it))]


def exits(fabric: Fabric) -> Iterator[Complaint]:
    upstreams = any(n.role is Role.ROUTER and n.asn is not None for n in fabric.nodes.values())
    for name, vrf in fabric.vrfs.items():
        if vrf.exits and fabric.routing is not Routing.SYMMETRIC:
            yield (
                ("vrfs", name, "exits"),
                f"an exit needs symmetric routing, not {fabric.routing.value}",
                "set `routing: symmetric`, or remove the exits",
            )
        for index, node in enumerate(vrf.exits):
            yield from _exit(fabric, ("vrfs", name, "exits", index), node, upstreams=upstreams)
        if "unreachable" in vrf.model_fields_set and not vrf.exits:
            yield (
                ("vrfs", name, "unreachable"),
                f"{name} has no exit, so its guests reach nothing but its own networks",
                "remove this key, or name the exits that it should hold for",
            )
        if vrf.primary is not None and vrf.primary not in vrf.exits:
            yield (
                ("vrfs", name, "primary"),
                f"{vrf.primary} is not an exit of {name}",
                f"name one of its exits: {', '.join(vrf.exits) or 'it has none'}",
            )


def overlaps(fabric: Fabric) -> Iterator[Complaint]:
    """VRFs may use one prefix twice, but not where both are routed to one outside.

    Where all exits are only observed it is as it is.
    """
    seen: list[tuple[str, Prefix]] = []
    routed = {name for name, vrf in fabric.vrfs.items() if not _only_observed(fabric, vrf.exits)}
    for index, network in enumerate(fabric.networks):
        if network.vrf is None or network.vrf not in routed:
            continue
        for gateway in network.gateways:
            prefix = ipaddress.ip_interface(gateway).network
            for vrf, theirs in seen:
                if vrf != network.vrf and _overlap(prefix, theirs):
                    yield (
                        ("networks", index, "gateways"),
                        f"{prefix} overlaps {theirs} of VRF {vrf}, and both have exits",
                        "give one of them another prefix: the outside router needs distinct ones",
                    )
            seen.append((network.vrf, prefix))


def shut(fabric: Fabric) -> Iterator[Complaint]:
    """What a VRF's guests must not reach is none of its own networks."""
    for name, vrf in fabric.vrfs.items():
        own = [
            (network.vni, ipaddress.ip_interface(gateway).network)
            for network in fabric.networks
            if network.vrf == name
            for gateway in network.gateways
        ]
        for index, word in enumerate(vrf.unreachable if vrf.exits else ()):
            if word == OTHER_VRFS:
                continue  # that VRFs with exits do not overlap is another check
            prefix = fabric.underlay.prefix if word == UNDERLAY else ipaddress.ip_network(word)
            said = "the underlay " if word == UNDERLAY else ""
            written = "unreachable" in vrf.model_fields_set
            key: KeyPath = ("vrfs", name, "unreachable", index) if written else ("vrfs", name)
            for vni, network in own:
                if _overlap(prefix, network):
                    yield (
                        key,
                        f"{said}{prefix} overlaps {network} of VNI {vni}, which is in this VRF",
                        "use a prefix outside the VRF"
                        if said == ""
                        else "give the network another prefix: an exit cannot tell the two apart",
                    )


def _only_observed(fabric: Fabric, names: Iterable[str]) -> bool:
    nodes = (fabric.nodes[name] for name in names if name in fabric.nodes)
    return all(scope_of(fabric, node) is Scope.OBSERVED for node in nodes)


def _overlap(one: Prefix, other: Prefix) -> bool:
    return one.version == other.version and one.overlaps(other)


def _exit(fabric: Fabric, key: KeyPath, name: str, *, upstreams: bool) -> Iterator[Complaint]:
    node = fabric.nodes.get(name)
    if node is None or node.role is not Role.VTEP:
        vteps = [n for n, other in fabric.nodes.items() if other.role is Role.VTEP]
        close = nearest(name, vteps)
        hint = f"did you mean `{close}`?" if close else "name a node with `role: vtep`"
        if node is not None and node.role is Role.REFLECTOR:
            hint = f"let {name} be both: `role: vtep` with `reflector: true`; or name a VTEP"
        yield key, f"{name} is not a VTEP of this fabric", hint
    elif node.gateway is None and not upstreams:
        yield (
            key,
            f"{name} has no route to the outside",
            f"give it a default gateway (`nodes.{name}.gateway`), or add a router with an `asn`",
        )


def vips(fabric: Fabric) -> Iterator[Complaint]:
    taken = {str(node.address): name for name, node in fabric.nodes.items()}
    ids: set[int] = set()
    for index, vip in enumerate(fabric.vips):
        key: KeyPath = ("vips", index)
        address = vip.address.partition("/")[0]
        if ipaddress.ip_address(address) not in fabric.underlay.prefix:
            yield (
                (*key, "address"),
                f"{address} is outside the underlay {fabric.underlay.prefix}",
                "use an address in the underlay's prefix",
            )
        if address in taken:
            yield (
                (*key, "address"),
                f"{address} is already the address of {taken[address]}",
                "choose one",
            )
        taken.setdefault(address, f"vips[{index}]")
        if vip.id in ids:
            yield (*key, "id"), f"VRRP group {vip.id} is used twice", "choose another number"
        ids.add(vip.id)
        for node in vip.priorities:
            if node in fabric.nodes and not fabric.nodes[node].managed:
                yield (
                    (*key, "priorities", node),
                    f"{node} is external: nothing is configured there",
                    "name nodes of the fabric only",
                )
            if node not in fabric.nodes:
                close = nearest(node, fabric.nodes)
                hint = f"did you mean `{close}`?" if close else "name a node of this fabric"
                yield (*key, "priorities", node), f"there is no node {node}", hint
        if len(set(vip.priorities.values())) < len(vip.priorities):
            yield (
                (*key, "priorities"),
                "two nodes have the same priority, so the master would be arbitrary",
                "give each node another number; the highest one is the master",
            )


def timers(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.bgp is None:
        return
    given = fabric.bgp.timers
    if given.hold < 3 * given.keepalive:
        key = "hold" if "hold" in given.model_fields_set else "keepalive"
        yield (
            ("bgp", "timers", key),
            f"hold {given.hold} s is less than three keepalives of {given.keepalive} s",
            f"set `hold: {3 * given.keepalive}` or more, or a shorter keepalive",
        )


CHECKS = (reflectors, timers, exits, overlaps, shut, vips)
