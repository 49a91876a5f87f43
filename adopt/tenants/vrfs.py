"""What VRFs route beside their networks: static routes, leaks, what they announce, and where."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Any

from adopt.bgp import EVPN
from adopt.hostfiles import FRR_CONF
from adopt.survey import Word
from overlay.expected import EVERYTHING
from overlay.keys.routes import BLACKHOLE, CONNECTED, STATIC, SUBNETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.hostfiles import Host
    from adopt.survey import Survey
    from overlay.host_records import FrrLine

    Keys = dict[str, Any]

_VIA_ANOTHER_VRF = "nexthop-vrf"


def route_vrfs(survey: Survey, vrfs: dict[str, Keys], networks: Sequence[Keys]) -> None:
    """Adds `routes`, `leak`, `advertise` and `nodes` to the keys of each VRF."""
    vteps = [host.name for host in survey.vteps]
    subnets: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in vrfs}
    carried: dict[str, set[str]] = {name: set() for name in vrfs}
    for network in networks:
        vrf = network.get("vrf")
        if vrf in vrfs:
            for node in network.get("nodes", vteps):
                carried[vrf].add(node)
                subnets[vrf][node] += [
                    str(ip_interface(gateway).network) for gateway in network.get("gateways", ())
                ]
    for name, keys in vrfs.items():
        static = _static_routes(survey, name, keys)
        holders = [host.name for host in survey.vteps if name in host.devices]
        keys.update(_routes(static, subnets[name], holders))
        keys.update(_leaks(survey, name, vrfs))
        keys.update(_advertised(survey, name, subnets[name], static))
    for name, keys in vrfs.items():
        there = set(carried[name])
        if there:  # a VRF without any network is only where it is named
            there.update(keys.get("exits", ()))
            there |= {node for other in _leaking_from(vrfs, name) for node in carried[other]}
        more = [h.name for h in survey.vteps if name in h.devices and h.name not in there]
        if more and "l3vni" in keys:
            keys["nodes"] = more


def _in_vrf(host: Host, vrf: str) -> Iterator[tuple[FrrLine, list[str]]]:
    """The static routes of a VRF as FRR is told of them: prefix, next hop and what follows."""
    for line in host.frr:
        words = line.words
        if words[:2] not in (["ip", "route"], ["ipv6", "route"]) or len(words) < 4:
            continue
        if line.blocks[:1] == (f"vrf {vrf}",):
            yield line, words[2:]
        elif not line.blocks and words[-2:] == ["vrf", vrf]:
            yield line, words[2:-2]


def _static_routes(survey: Survey, vrf: str, keys: Keys) -> dict[tuple[str, str], list[str]]:
    """By prefix and next hop, the hosts that have such a route."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for host in survey.vteps:
        for _, said in _in_vrf(host, vrf):
            prefix = _prefix(said[0])
            if prefix is None or len(said) != 2 or (prefix in EVERYTHING and keys.get("exits")):
                continue
            via = BLACKHOLE if said[1].lower() in (BLACKHOLE, "null0") else _address(said[1])
            if via is not None:
                found[prefix, via].append(host.name)
    return found


def _routes(
    static: dict[tuple[str, str], list[str]], subnets: dict[str, list[str]], holders: list[str]
) -> Keys:
    routes = []
    for (prefix, via), hosts in static.items():
        usual = holders
        if via != BLACKHOLE:
            hop = ip_address(via)
            usual = [
                node for node, nets in subnets.items() if any(hop in ip_network(n) for n in nets)
            ]
        nodes = {} if set(hosts) == set(usual) else {"nodes": hosts}
        routes.append({"prefix": prefix, "via": via} | nodes)
    return {"routes": routes} if routes else {}


def _leaks(survey: Survey, vrf: str, vrfs: dict[str, Keys]) -> Keys:
    """The leaks that most hosts with the VRF have."""
    words = defaultdict(list)
    holders = [host for host in survey.vteps if vrf in host.devices]
    for host in holders:
        for line, said in _in_vrf(host, vrf):
            prefix = _prefix(said[0])
            if said[1:] == [said[1], _VIA_ANOTHER_VRF, said[1]] and said[1] in vrfs and prefix:
                words[said[1], prefix].append((host, line.line))
    leaks: dict[str, list[str]] = defaultdict(list)
    for (source, prefix), there in words.items():
        lines = {host.name: line for host, line in there}
        said_by = [
            Word(host, host.name in lines, FRR_CONF, lines.get(host.name, 0)) for host in holders
        ]
        if survey.most(f"VRF {vrf}: whether it reaches {prefix} of {source}", said_by, False):
            leaks[source].append(prefix)
    found = [{"from": source, "prefixes": prefixes} for source, prefixes in leaks.items()]
    return {"leak": found} if found else {}


def _leaking_from(vrfs: dict[str, Keys], name: str) -> set[str]:
    """The VRFs that bring this one to their nodes: by a leak from it, or from one in between."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        source = waiting.pop()
        for other, keys in vrfs.items():
            if other not in found and any(it["from"] == source for it in keys.get("leak", ())):
                found.add(other)
                waiting.append(other)
    return found


def _advertised(
    survey: Survey,
    vrf: str,
    subnets: dict[str, list[str]],
    static: dict[tuple[str, str], list[str]],
) -> Keys:
    """`advertise:` of a VRF, where most hosts that have a prefix of it announce their own."""
    said = {
        host.name: lines
        for host in survey.vteps
        for instance in [host.instance(vrf)]
        if instance and (lines := instance.said("advertise", family=EVPN))
    }
    own: dict[str, set[str]] = {node: set(nets) for node, nets in subnets.items()}
    fixed: dict[str, set[str]] = defaultdict(set)
    for (prefix, _), hosts in static.items():
        for node in hosts:
            fixed[node].add(prefix)
    filters = {host.name: _Filter(host, said[host.name]) for host in survey.vteps
               if host.name in said}  # fmt: skip
    found = _announced(filters, own, fixed)
    # Who has nothing of what is announced is silent under the intent, too.
    words = [
        Word(host, host.name in said, FRR_CONF, said[host.name][0].line if host.name in said else 0)
        for host in survey.vteps
        if host.name in said
        or (CONNECTED in found and vrf in host.devices)
        or _held(found, own.get(host.name, set()), fixed[host.name])
    ]
    if not survey.most(f"VRF {vrf}: whether it announces {', '.join(found)}", words, False):
        return {}
    return {"advertise": found}


def _announced(
    filters: dict[str, _Filter], own: dict[str, set[str]], fixed: dict[str, set[str]]
) -> list[str]:
    """What `advertise:` says where it means what the filters of these hosts let pass."""
    if not filters:
        return []
    if not all(it.known for it in filters.values()):
        return [SUBNETS]
    found = []
    if any(it.open for it in filters.values()):
        found.append(CONNECTED)
    elif _pass(filters, own):
        found.append(SUBNETS)
    if _pass(filters, fixed):
        found.append(STATIC)
    held = {p for node in filters for p in _held(found, own.get(node, set()), fixed[node])}
    possible = {p for nets in (*own.values(), *fixed.values()) for p in nets}
    passed = {p for it in filters.values() for p in it.prefixes}
    return [*found, *sorted(passed & possible - held)]


def _held(found: Sequence[str], own: set[str], fixed: set[str]) -> set[str]:
    """What a host announces of its subnets and static routes under such an `advertise:`."""
    held = (own | fixed).intersection(found)
    held |= own if {SUBNETS, CONNECTED}.intersection(found) else set()
    return held | (fixed if STATIC in found else set())


def _pass(filters: dict[str, _Filter], prefixes: dict[str, set[str]]) -> bool:
    """Whether what each host has of these passes its filter, and some host has any."""
    wanted = [(it, prefixes.get(node, set())) for node, it in filters.items()]
    return any(own for _, own in wanted) and all(own <= it.prefixes for it, own in wanted)


class _Filter:
    """What the route-map behind `advertise` lets pass: prefixes, and whatever is connected.

    `known` is False where there is none, or it names no prefix-list that says so.
    """

    def __init__(self, host: Host, lines: list[FrrLine]) -> None:
        maps = {
            name for line in lines if line.words[3:4] == ["route-map"] for name in line.words[4:5]
        }
        clauses = [line for line in host.frr if line.blocks and _map_of(line.blocks[0]) in maps]
        lists = {
            line.words[-1]
            for line in clauses
            if line.words[:1] == ["match"] and line.words[2:4] == ["address", "prefix-list"]
        }
        self.open = any(line.words[:2] == ["match", "tag"] for line in clauses)
        self.prefixes = {
            prefix
            for line in host.frr
            if line.words[1:2] == ["prefix-list"] and line.words[2:3] and line.words[2] in lists
            if "permit" in line.words[:-1]
            if (prefix := _prefix(line.words[line.words.index("permit") + 1]))
        }
        self.known = bool(maps) and (self.open or bool(self.prefixes))


def _map_of(block: str) -> str:
    words = block.split()
    return words[1] if words[:1] == ["route-map"] and words[2:3] == ["permit"] else ""


def _prefix(text: str) -> str | None:
    try:
        return str(ip_network(text))
    except ValueError:
        return None


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
