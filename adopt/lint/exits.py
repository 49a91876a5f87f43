"""Rules about VRFs and their exits: loops, shared RDs, VRFs that fall through."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from adopt.bgp import EVPN, IPV4, IPV6
from adopt.hostfiles import FRR_CONF
from adopt.lint.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.bgp import Instance
    from adopt.hostfiles import Host
    from overlay.host_records import FrrLine

# Next words of a route that leads nowhere.
_ENDS = frozenset({"unreachable", "blackhole", "reject", "Null0"})
# The local preference of a route that says none.
_USUAL_PREFERENCE = 100


def _exits(hosts: Sequence[Host]) -> dict[str, list[tuple[Host, Instance, list[FrrLine]]]]:
    """The hosts that tell a VRF's default route to the others, by VRF."""
    found = defaultdict(list)
    for host in hosts:
        for instance in host.bgp:
            lines = instance.said("default-originate", family=EVPN)
            if instance.vrf and lines:
                found[instance.vrf].append((host, instance, lines))
    return found


def loops(hosts: Sequence[Host]) -> Iterator[Finding]:
    """An exit among several prefers its own way out to another exit's default."""
    for vrf, exits in _exits(hosts).items():
        if len(exits) < 2:
            continue
        for host, instance, lines in exits:
            own = _own_way_out(host, vrf) or _prefers_what_it_imports(host, instance)
            if not own and not _refuses_default(host):
                others = ", ".join(h.name for h, _, _ in exits if h is not host)
                yield Finding(
                    "exits-loop",
                    Level.ERROR,
                    host.name,
                    FRR_CONF,
                    lines[0].line,
                    f"{host.name} takes the default of {others} into {vrf} and prefers it to its "
                    "own way out: the exits hand packets to each other in a loop",
                    f"in `vrf {vrf}` write `ip route 0.0.0.0/0 GATEWAY nexthop-vrf default`, or "
                    "refuse their defaults inbound (`match evpn default-route`)",
                    tuple(line.line for line in lines[1:]),
                )


def _defaults(host: Host, vrf: str) -> list[list[str]]:
    """The words of the static default routes in a VRF."""
    return [
        line.words
        for line in host.frr
        if line.blocks[:1] == (f"vrf {vrf}",)
        and line.words[1:3] in (["route", "0.0.0.0/0"], ["route", "::/0"])
    ]


def _own_way_out(host: Host, vrf: str) -> bool:
    return any(not _ENDS & {*words[3:4]} for words in _defaults(host, vrf))


def _prefers_what_it_imports(host: Host, instance: Instance) -> bool:
    """Whether the default that the VRF imports from the main table beats those of other exits."""
    if not instance.said("import", "vrf", "default", family=IPV4):
        return False
    named = set(instance.values("import", "vrf", "route-map", family=IPV4))
    return any(
        line.words[:2] == ["set", "local-preference"]
        and line.words[-1].isdecimal()
        and int(line.words[-1]) > _USUAL_PREFERENCE
        and line.blocks
        and line.blocks[0].split()[1] in named
        for line in host.frr
    )


def _refuses_default(host: Host) -> bool:
    """Whether every EVPN neighbour has an inbound route-map that denies default routes."""
    main = host.main
    if main is None:
        return False
    denying = {
        line.blocks[0].split()[1]
        for line in host.frr
        if line.words == ["match", "evpn", "default-route"]
        and line.blocks
        and line.blocks[0].split()[2:3] == ["deny"]
    }
    sessions = [n for n in main.sessions() if main.active_in(n, EVPN)]
    groups = main.neighbors
    return bool(sessions) and all(
        any(
            kind == "route-map" and name in denying
            for holder in (n, groups.get(n.group or ""))
            if holder
            for kind, name, _ in holder.policies.get((EVPN, "in"), ())
        )
        for n in sessions
    )


def route_distinguishers(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Each exit originates its routes under an RD of its own."""
    for vrf, exits in _exits(hosts).items():
        if len(exits) < 2:
            continue
        gateways = [_gateways(host, vrf) for host, _, _ in exits]
        shared = set.intersection(*gateways) if gateways else set()
        first: dict[str, Host] = {}
        for host, instance, _ in exits:
            for line in instance.said("rd", family=EVPN):
                if len(line.words) < 2:
                    continue
                other = first.setdefault(line.words[1], host)
                if other is not host:
                    yield _one_rd(host, line.line, f"`rd {line.words[1]}` is also {other.name}'s")
            header = next((x for x in host.frr if x.statement == (_header(instance),)), None)
            told = instance.said("bgp", "router-id") or instance.said("rd", family=EVPN)
            if header and shared and not told:
                yield _one_rd(
                    host,
                    header.line,
                    f"without `bgp router-id` the VRF takes the gateway's address "
                    f"({min(shared)}) for it, which every exit has",
                )


def _one_rd(host: Host, line: int, why: str) -> Finding:
    return Finding(
        "one-rd-for-all-exits",
        Level.ERROR,
        host.name,
        FRR_CONF,
        line,
        f"{why}: a route reflector passes on the routes of one exit only",
        f"add `bgp router-id {host.vtep or 'ADDRESS'}` to the VRF's instance",
    )


def _header(instance: Instance) -> str:
    return f"router bgp {instance.asn} vrf {instance.vrf}"


def _gateways(host: Host, vrf: str) -> set[str]:
    return {
        str(interface.ip)
        for bridge in host.bridges
        if bridge.word("vrf") == vrf
        for interface, _ in bridge.addresses
        if interface.version == 4
    }


def imported_defaults(hosts: Sequence[Host]) -> Iterator[Finding]:
    """What an exit imports from its VRF does not beat what its upstream router tells."""
    for vrf, exits in _exits(hosts).items():
        for host, _, _ in exits:
            main = host.main
            if main is None:
                continue
            lines = []
            for family in (IPV4, IPV6):
                upstream = any(
                    main.is_external(n) and main.active_in(n, family) for n in main.sessions()
                )
                if upstream and not main.said("import", "vrf", "route-map", family=family):
                    lines += main.said("import", "vrf", vrf, family=family)
            if lines:
                yield Finding(
                    "import-brings-defaults",
                    Level.WARNING,
                    host.name,
                    FRR_CONF,
                    lines[0].line,
                    f"`import vrf {vrf}` brings another exit's default into the main table, where "
                    "its shorter AS path beats the upstream router's: with a second exit it loops",
                    "add `import vrf route-map NAME` that denies 0.0.0.0/0 and ::/0",
                    tuple(line.line for line in lines[1:]),
                )


def falling_through(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A VRF without a default route hands what it does not know to the main table."""
    for host in hosts:
        for device in host.devices.values():
            if device.kind != "vrf" or _defaults(host, device.name):
                continue
            commands = device.all("up", "post-up", "pre-up")
            if any("unreachable" in a.value or "blackhole" in a.value for a in commands):
                continue
            yield Finding(
                "vrf-falls-through",
                Level.NOTE,
                host.name,
                device.file,
                device.line,
                f"{device.name} has no default route of its own: what it does not know is looked "
                "up in the main table, so guests reach the underlay",
                f"in its stanza: `post-up ip route replace vrf {device.name} unreachable default "
                "metric 4278198272`, and the same with `ip -6`",
            )


RULES = (loops, route_distinguishers, imported_defaults, falling_through)
