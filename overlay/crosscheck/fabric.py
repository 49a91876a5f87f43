"""Cross-validation: what no single value can show to be wrong. Every check names its key."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

from overlay.crosscheck import (
    control,
    external,
    extras,
    flags,
    lan_ports,
    names,
    routed,
    sessions,
    single,
    snat,
    systems,
    targets,
    underlay,
    vrfs,
)
from overlay.derive import carriers_by_vni
from overlay.intent import VXLAN_OVERHEAD, Fabric, Mode, Role, Routing
from overlay.names import Names
from overlay.problems import few, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from overlay.problems import Complaint, KeyPath, Problems
    from overlay.yamlfile import YamlFile


def contradictions(fabric: Fabric) -> Iterator[Complaint]:
    """Every contradiction within the intent."""
    for check in _CHECKS:
        yield from check(fabric)


def crosscheck_hosts(
    fabric: Fabric,
    fabric_file: YamlFile,
    hosts: Collection[str],
    hosts_file: YamlFile,
    problems: Problems,
) -> None:
    """Adds every node that no host is, and every host without intent, to `problems`."""
    if not hosts:
        return  # that hosts.yaml is empty has been said; each node missing from it says no more
    theirs = {name for name, node in fabric.nodes.items() if not node.managed}
    for name in sorted(theirs & set(hosts)):
        problems.add(
            hosts_file,
            (name,),
            "this node is external, which means that nobody logs in to it",
            f"remove it here, or give it another role in {fabric_file.path.name}",
        )
    for name in sorted(set(fabric.nodes) - theirs - set(hosts)):
        close = nearest(name, hosts)
        hint = f"did you mean `{close}`? else " if close else ""
        problems.add(
            fabric_file,
            ("nodes", name),
            f"{hosts_file.path.name} has no such host",
            f"{hint}add `{name}:` with its hostname there",
        )
    for name in sorted(set(hosts) - set(fabric.nodes)):
        problems.add(
            hosts_file,
            (name,),
            "this host has no intent, so it would not be audited",
            f"add it under `nodes:` in {fabric_file.path.name}, or remove it here",
        )


def _modes(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.mode is Mode.EVPN and fabric.bgp is None:
        yield ("bgp",), "evpn mode needs BGP", "add `bgp: {asn: <number>}`"
    if fabric.mode is not Mode.EVPN:
        if fabric.bgp is not None:
            yield ("bgp",), f"mode {fabric.mode.value} runs no BGP", "remove it, or set mode: evpn"
        if fabric.routing is not Routing.NONE:
            yield (
                ("routing",),
                f"an anycast gateway needs mode evpn, not {fabric.mode.value}",
                "set `mode: evpn`, or `routing: none`",
            )


def _forwarding(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.underlay.forwarding is False and fabric.routing is not Routing.NONE:
        yield (
            ("underlay", "forwarding"),
            f"routing {fabric.routing.value} needs nodes that forward",
            "remove this key, or set `routing: none`",
        )


def _addresses(fabric: Fabric) -> Iterator[Complaint]:
    prefix = fabric.underlay.prefix
    first: dict[str, str] = {}
    routers: dict[str, str] = {}
    for name, node in fabric.nodes.items():
        address = str(node.address)
        if node.address not in prefix and node.managed:
            yield (
                ("nodes", name, "address"),
                f"{address} is outside the underlay {prefix}",
                "give it an address in the underlay's prefix, or correct underlay.prefix",
            )
        if address in first:
            yield (
                ("nodes", name, "address"),
                f"{address} is already the VTEP address of {first[address]}",
                "give each node an address of its own",
            )
        first.setdefault(address, name)
        if node.gateway is not None and node.gateway not in prefix:
            yield (
                ("nodes", name, "gateway"),
                f"{node.gateway} is outside the underlay {prefix}",
                "use a gateway address in the underlay's prefix",
            )
        yield from _router_id(fabric, name, routers)


def _router_id(fabric: Fabric, name: str, routers: dict[str, str]) -> Iterator[Complaint]:
    if fabric.mode is not Mode.EVPN:
        return
    node = fabric.nodes[name]
    if not node.managed or (node.role is Role.ROUTER and node.asn is None):
        return  # it runs no BGP, or what is its router-id is not ours to know
    router_id = node.router_id or node.address
    if router_id.version != 4:
        yield (
            ("nodes", name, "router_id"),
            "a BGP router-id has the form of an IPv4 address",
            "add `router_id: <a.b.c.d>`, another one on each node",
        )
    elif str(router_id) in routers and node.router_id is not None:
        yield (
            ("nodes", name, "router_id"),
            f"{router_id} is already the router-id of {routers[str(router_id)]}",
            "give each node a router-id of its own",
        )
    routers.setdefault(str(router_id), name)


def _vnis(fabric: Fabric) -> Iterator[Complaint]:
    l2: dict[int, int] = {}
    for index, network in enumerate(fabric.networks):
        if network.vni in l2:
            yield (
                ("networks", index, "vni"),
                f"VNI {network.vni} is already networks[{l2[network.vni]}]",
                "a VNI is one network: choose another number, or merge the two",
            )
        l2.setdefault(network.vni, index)
    l3: dict[int, str] = {}
    for name, vrf in fabric.vrfs.items():
        if vrf.l3vni is None:
            continue
        key = ("vrfs", name, "l3vni")
        if vrf.l3vni in l2:
            where = f"networks[{l2[vrf.l3vni]}]"
            yield (
                key,
                f"VNI {vrf.l3vni} is also the L2 VNI of {where}",
                "choose a VNI that nothing else uses",
            )
        if vrf.l3vni in l3:
            yield key, f"VNI {vrf.l3vni} is also the L3VNI of {l3[vrf.l3vni]}", "choose another"
        l3.setdefault(vrf.l3vni, name)


def _gateways(fabric: Fabric) -> Iterator[Complaint]:
    seen: dict[str | None, list[tuple[int, ipaddress.IPv4Network | ipaddress.IPv6Network]]]
    seen = defaultdict(list)
    for index, network in enumerate(fabric.networks):
        key: KeyPath = ("networks", index, "gateways")
        if not network.gateways:
            continue
        if fabric.routing is Routing.NONE:
            yield key, "a gateway needs routing", "set `routing: symmetric` (or asymmetric)"
        if network.gateway_mac is None and fabric.overlay.gateway_mac is None:
            yield (
                key,
                "an anycast gateway needs one MAC on all nodes",
                "set `overlay.gateway_mac`, such as '44:39:39:ff:40:94'",
            )
        for text in network.gateways:
            net = ipaddress.ip_interface(text).network
            for other, theirs in seen[network.vrf]:
                if net.version == theirs.version and net.overlaps(theirs):
                    yield (
                        key,
                        f"{net} overlaps {theirs} of VNI {other} in the same routing table",
                        "give each network of a VRF a prefix of its own",
                    )
            seen[network.vrf].append((network.vni, net))


def _vrfs(fabric: Fabric) -> Iterator[Complaint]:
    symmetric = fabric.routing is Routing.SYMMETRIC
    for index, network in enumerate(fabric.networks):
        key: KeyPath = ("networks", index, "vrf")
        if network.vrf is not None and network.vrf not in fabric.vrfs:
            close = nearest(network.vrf, fabric.vrfs)
            hint = f"did you mean `{close}`? else " if close else ""
            yield key, f"there is no VRF {network.vrf}", f"{hint}add it under `vrfs:`"
        if symmetric and network.gateways and network.vrf is None:
            yield (
                key,
                "symmetric routing needs a VRF on every routed network",
                "add `vrf: <name>` here and the VRF with its `l3vni` under `vrfs:`",
            )
    for name, vrf in fabric.vrfs.items():
        if symmetric and vrf.l3vni is None:
            yield (
                ("vrfs", name, "l3vni"),
                "symmetric routing needs an L3VNI in every VRF",
                "add `l3vni: <a VNI that no network uses>`",
            )
        if not symmetric and vrf.l3vni is not None:
            yield (
                ("vrfs", name, "l3vni"),
                f"routing {fabric.routing.value} does not use an L3VNI",
                "remove it, or set `routing: symmetric`",
            )


def _carriers(fabric: Fabric) -> Iterator[Complaint]:
    names = Names(fabric.nodes)
    for index, network in enumerate(fabric.networks):
        for position, glob in enumerate(network.nodes):
            if not names.matching(glob):
                close = nearest(glob, fabric.nodes)
                hint = (
                    f"did you mean `{close}`?" if close else "name a node or a glob such as 'pve*'"
                )
                key: KeyPath = ("networks", index, "nodes", position)
                yield key, f"no node matches {glob!r}", hint
    if fabric.routing is not Routing.ASYMMETRIC:
        return
    carriers = carriers_by_vni(fabric)
    for index, network in enumerate(fabric.networks):
        ours = {
            n for n, node in fabric.nodes.items() if node.managed and node.role is not Role.SPINE
        }
        lacking = ours - set(carriers[network.vni])
        if network.gateways and lacking:
            yield (
                ("networks", index, "nodes"),
                f"asymmetric routing needs each routed VNI on every node: not {few(lacking)}",
                "remove `nodes:`, or set `routing: symmetric`",
            )


def _mtus(fabric: Fabric) -> Iterator[Complaint]:
    version = fabric.underlay.prefix.version
    room = fabric.underlay.mtu - VXLAN_OVERHEAD[version]
    hint = f"raise underlay.mtu, or lower this one to {room}"
    why = f"+ {VXLAN_OVERHEAD[version]} bytes of VXLAN over IPv{version} exceed the underlay's MTU"
    if fabric.overlay.mtu > room:
        yield ("overlay", "mtu"), f"{fabric.overlay.mtu} {why} {fabric.underlay.mtu}", hint
    for index, network in enumerate(fabric.networks):
        if network.mtu is not None and network.mtu > room:
            key: KeyPath = ("networks", index, "mtu")
            yield key, f"{network.mtu} {why} {fabric.underlay.mtu}", hint


def _groups(fabric: Fabric) -> Iterator[Complaint]:
    version = fabric.underlay.prefix.version
    if fabric.overlay.group is not None and fabric.mode is not Mode.MULTICAST:
        yield ("overlay", "group"), "only multicast mode has a group", "remove it"
    for index, network in enumerate(fabric.networks):
        key: KeyPath = ("networks", index, "group")
        group = network.group or fabric.overlay.group
        if network.group is not None and fabric.mode is not Mode.MULTICAST:
            yield key, "only multicast mode has a group", "remove it"
        elif fabric.mode is Mode.MULTICAST and group is None:
            yield (
                key,
                f"multicast mode needs a group for VNI {network.vni}",
                "set `overlay.group` for all networks, such as 225.20.1.1",
            )
        elif fabric.mode is Mode.MULTICAST and group is not None and group.version != version:
            yield (
                key,
                f"{group} is not an IPv{version} address, as the underlay's are",
                "use an address of the underlay's IP version",
            )


_CHECKS = (
    _modes,
    _forwarding,
    _addresses,
    _vnis,
    _gateways,
    _vrfs,
    _carriers,
    _mtus,
    _groups,
    *flags.CHECKS,
    *names.CHECKS,
    *underlay.CHECKS,
    *routed.CHECKS,
    *control.CHECKS,
    *external.CHECKS,
    *vrfs.CHECKS,
    *snat.CHECKS,
    *sessions.CHECKS,
    *systems.CHECKS,
    *targets.CHECKS,
    *extras.CHECKS,
    *lan_ports.CHECKS,
    *single.CHECKS,
)
