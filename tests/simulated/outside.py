"""A simulated node's way out, what it translates there, external nodes, and the configuration that FRR runs."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING, Any

from overlay.intent import Role
from tests.simulated.links import FIRST_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.expected import FabricIntent, NodeIntent, StaticVrfRoute, VipIntent
    from overlay.snat.intended import Translation

_DEFAULT = re.compile(r"vrrp \d+ priority 100$|bgp listen limit 100$")


def outside_peers(node: NodeIntent) -> list[str]:
    """The addresses of a node's eBGP peers: routers of an exit, exits of a router."""
    if node.router is not None:
        return list(node.router.exits) if node.router.asn is not None else []
    return [upstream.address for upstream in node.bgp.upstreams] if node.bgp else []


def shown_route(
    prefix: str, device: str, gateway: str, table: str | None = None
) -> dict[str, object]:
    shown: dict[str, object] = {"dst": prefix, "gateway": gateway, "dev": device, "flags": []}
    return shown | ({"table": table} if table else {})


def shown_group(node: NodeIntent, vip: VipIntent, *, master: bool) -> dict[str, object]:
    """One group of `show vrrp json`, as far as checks read it."""
    ours = {
        "status": "Master" if master else "Backup",
        "effectivePriority": vip.priority,
        "addresses": [vip.ip],
    }
    other = {"status": "Initialize", "effectivePriority": vip.priority, "addresses": []}
    six = ":" in vip.ip
    return {
        "vrid": vip.id,
        "shutdown": False,
        "interface": node.underlay_bridge.name,
        "v4": other if six else ours,
        "v6": ours if six else other,
    }


def ends_of(node: NodeIntent, version: int) -> list[dict[str, object]]:
    """The unreachable routes of a node's VRFs, as `ip -j route show table all` prints them."""
    everything = {4: "0.0.0.0/0", 6: "::/0"}[version]
    device = {"dev": "lo"} if version == 6 else {}
    return [
        {
            "type": "unreachable",
            "dst": "default" if prefix == everything else prefix,
            "table": vrf.name,
            "metric": 4278198272,
            "flags": [],
        }
        | device
        for vrf in node.vrfs
        for prefix in vrf.unreachable
        if (":" in prefix) == (version == 6)
    ]


def static_of(node: NodeIntent, version: int) -> list[dict[str, object]]:
    """The static routes of a node's VRFs, as FRR puts them into the kernel."""
    found = []
    for place, vrf in enumerate(node.vrfs):
        common = {"table": str(FIRST_TABLE + place), "protocol": "static", "metric": 20}
        for prefix in dict.fromkeys(route.prefix for route in vrf.routes):
            if (":" in prefix) != (version == 6):
                continue
            routes = [route for route in vrf.routes if route.prefix == prefix]
            ways = [_way(node, vrf.name, route) for route in routes]
            dst = {"dst": "default" if prefix in ("0.0.0.0/0", "::/0") else prefix}
            one = ways[0] if len(ways) == 1 else {"nexthops": ways, "flags": []}
            found.append(one | dst | common)
    return found


def _way(node: NodeIntent, vrf: str, route: StaticVrfRoute) -> dict[str, object]:
    if route.into is not None:
        return {"dev": route.into, "flags": []}
    if route.next_hop is None:
        return {"type": "blackhole", "flags": []}
    hop = ip_address(route.next_hop)
    device = next(
        bridge.name
        for bridge in node.bridges
        if bridge.vrf == vrf and any(hop in ip_interface(it).network for it in bridge.addresses)
    )
    return {"gateway": route.next_hop, "dev": device, "flags": []}


def running_config(text: str) -> str:
    """What `show running-config` makes of a frr.conf, as FRR 8.4.4 and 10.3 do."""
    said = text.replace("version 3", "").replace("service integrated-vtysh-config", "")
    kept = (line.rstrip() for line in said.splitlines() if not _DEFAULT.search(line))
    head = "Building configuration...\n\nCurrent configuration:\n!\nfrr version 10.3\n"
    return head + "no ip forwarding\n" + "\n".join(kept) + "\nend\n"


def external_vteps(intent: FabricIntent) -> Iterator[NodeIntent]:
    """Each external node that carries something, as if it were one of ours."""
    for number, external in enumerate(intent.external.values(), start=1):
        carried = {
            vxlan.vni: (node, vxlan)
            for node in intent.nodes.values()
            for vxlan in node.vxlans
            if vxlan.vni in external.vnis
        }
        if not carried:
            continue
        like = next(iter(carried.values()))[0]
        names = {vxlan.bridge for _, vxlan in carried.values()}
        bridges = (bridge for node, _ in carried.values() for bridge in node.bridges)
        router_id = f"10.254.0.{number}"
        yield replace(
            like,
            name=external.name,
            address=external.vtep,
            role=Role.VTEP,
            vxlans=tuple(
                replace(vxlan, local=external.vtep, by_hand=replace(vxlan.by_hand, rd=None))
                for _, vxlan in carried.values()
            ),
            bridges=tuple(
                {b.name: replace(b, vrf=None) for b in bridges if b.name in names}.values()
            ),
            vrfs=(),
            bgp=like.bgp
            and replace(
                like.bgp,
                asn=like.bgp.remote_as(external.address),
                router_id=router_id,
                exits=(),
                upstreams=(),
                reflector=None,
            ),
        )


_OURS = {"family": "inet", "table": "evpn_fleet_snat"}


def listed(snat: Translation) -> dict[str, Any]:
    """What `nft -j list table` prints of an exit that translates as intended.

    As nftables 1.0.6 printed it of the rendered files: a set of one is no set.
    """
    chain = {"name": "postrouting", "handle": 1, "type": "nat", "hook": "postrouting"}
    rules = [[_match({"meta": {"key": "oifname"}}, snat.devices), {"accept": None}]]
    families = filter(None, map(snat.guests_of, (4, 6)))
    rules += [[_addresses("daddr", guests), {"accept": None}] for guests in families]
    for it in snat.translated:
        to = {"family": "ip6" if ":" in it.address else "ip", "addr": it.address}
        rules.append([_addresses("saddr", it.prefixes), {"snat": to}])
    return {
        "nftables": [
            {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
            {"table": {"family": "inet", "name": "evpn_fleet_snat", "handle": 9}},
            {"chain": {**_OURS, **chain, "prio": 100, "policy": "accept"}},
            *(
                {"rule": {**_OURS, "chain": "postrouting", "handle": 3 + place, "expr": rule}}
                for place, rule in enumerate(rules)
            ),
        ]
    }


def _addresses(field: str, prefixes: tuple[str, ...]) -> dict[str, Any]:
    protocol = "ip6" if ":" in prefixes[0] else "ip"
    left = {"payload": {"protocol": protocol, "field": field}}
    split = (prefix.split("/") for prefix in prefixes)
    return _match(left, [{"prefix": {"addr": addr, "len": int(length)}} for addr, length in split])


def _match(left: dict[str, Any], members: Iterable[Any]) -> dict[str, Any]:
    several = list(members)
    right = several[0] if len(several) == 1 else {"set": several}
    return {"match": {"op": "==", "left": left, "right": right}}
