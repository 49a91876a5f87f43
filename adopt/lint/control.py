"""Rules about BGP: who peers with whom, in which families, under which policy."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from adopt.bgp import EVPN, IPV4, IPV6, family_of, is_number
from adopt.hostfiles import FRR_CONF
from adopt.lint.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.bgp import Instance, Neighbor
    from adopt.hostfiles import Host

# FRR's own default of `bgp listen limit`.
LISTEN_LIMIT = 100
_DIRECTIONS = ("in", "out")


def _finding(
    rule: str, host: Host, line: int, what: str, remedy: str, level: Level = Level.ERROR
) -> Finding:
    return Finding(rule, level, host.name, FRR_CONF, line, what, remedy)


def owners(hosts: Sequence[Host]) -> dict[str, Host]:
    """The host behind each address; one whose tunnels leave from it before one that only has it."""
    found: dict[str, Host] = {}
    for host in hosts:
        for address in host.speaker:
            if address not in found or host.vtep == address:
                found[address] = host
    return found


def undefined_neighbors(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A neighbour has an AS number, is another host, and is activated somewhere."""
    for host in hosts:
        for instance in host.bgp:
            for neighbor in instance.sessions():
                if instance.remote_as(neighbor) is None:
                    own = neighbor.name in host.speaker
                    line = neighbor.options[0].line
                    idle = [n.name for n in _idle(instance)]
                    meant = f": {idle[0]} was meant?" if own and idle else ""
                    yield _finding(
                        "neighbor-without-remote-as",
                        host,
                        line,
                        f"{neighbor.name} is {host.name} itself, and no neighbour"
                        if own
                        else f"{neighbor.name} has no `remote-as`: FRR refuses the statement",
                        f"name the other node here{meant}"
                        if own
                        else f"add `neighbor {neighbor.name} remote-as {instance.asn}`",
                    )
            for neighbor in _idle(instance):
                yield _finding(
                    "neighbor-never-activated",
                    host,
                    neighbor.line,
                    f"{neighbor.name} is activated in no address family: nothing is exchanged",
                    f"add `neighbor {neighbor.name} activate` under `address-family {EVPN}`",
                )


def _idle(instance: Instance) -> list[Neighbor]:
    families = {IPV4, IPV6, EVPN}
    families |= {family for n in instance.neighbors.values() for family in n.families}
    return [
        n
        for n in instance.sessions()
        if instance.remote_as(n) and not any(instance.active_in(n, f) for f in families)
    ]


# Of a host whose files say no address of its own.
_UNKNOWN = "ADDRESS"


def one_sided(hosts: Sequence[Host]) -> Iterator[Finding]:
    """What one end of a session says, the other end says too."""
    for host, instance, neighbor, other in known_sessions(hosts):
        if other.main is None:
            continue
        there = other_end(other, host)
        if any(other.main.remote_as(n) is None for n in there):
            continue  # that is said of the other end
        if not there and not listens(other.main, host):
            own = host.vtep or min(host.speaker, default=_UNKNOWN)
            yield _finding(
                "peer-on-one-side",
                host,
                neighbor.line,
                f"{other.name} does not name {host.name} as its neighbour: the session "
                "never comes up",
                f"add `neighbor {own} remote-as {instance.asn}` on {other.name}",
            )
        elif there and neighbor.families.get(EVPN) and not _speaks(other.main, there):
            yield _finding(
                "family-on-one-side",
                host,
                neighbor.families[EVPN],
                f"{neighbor.name} ({other.name}) does not activate {EVPN} for this end",
                "remove the line, or activate the family on the other end",
            )


def known_sessions(hosts: Sequence[Host]) -> Iterator[tuple[Host, Instance, Neighbor, Host]]:
    """Each session of a host with another of these hosts: the host, its instance, who is named."""
    owner = owners(hosts)
    for host in hosts:
        for instance in host.bgp:
            for neighbor in instance.sessions():
                other = owner.get(neighbor.name)
                if other is not None and other is not host:
                    yield host, instance, neighbor, other


def other_end(other: Host, host: Host) -> list[Neighbor]:
    """What `other` has as its neighbours of `host`'s addresses."""
    main = other.main
    return [n for n in main.sessions() if n.name in host.speaker] if main else []


def _speaks(instance: Instance, neighbors: list[Neighbor]) -> bool:
    return any(instance.active_in(n, EVPN) for n in neighbors)


def listens(instance: Instance, host: Host) -> bool:
    """Whether an instance lets the host in without naming it."""
    return any(
        _within(address, prefix)
        for prefix in instance.values("bgp", "listen", "range")
        for address in host.speaker
    )


def _within(address: str, prefix: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        return False


def policies(hosts: Sequence[Host]) -> Iterator[Finding]:
    """An eBGP session says what it lets in and out: else FRR exchanges nothing (since 7.4)."""
    for host in hosts:
        if any(line.statement == ("frr defaults datacenter",) for line in host.frr):
            continue  # that profile switches the guard off
        for instance in host.bgp:
            if instance.said("no", "bgp", "ebgp-requires-policy"):
                continue
            for neighbor in instance.sessions():
                if instance.is_external(neighbor):
                    yield from _policy(host, instance, neighbor)


def _policy(host: Host, instance: Instance, neighbor: Neighbor) -> Iterator[Finding]:
    group = instance.neighbors.get(neighbor.group or "")
    lacking = []
    for family in (IPV4, IPV6):
        if not instance.active_in(neighbor, family):
            continue
        for direction in _DIRECTIONS:
            key = (family, direction)
            if not neighbor.policies.get(key) and not (group and group.policies.get(key)):
                lacking.append(f"{family.removesuffix(' unicast')} {direction}")
    if lacking:
        yield _finding(
            "ebgp-without-policy",
            host,
            neighbor.line,
            f"the eBGP session with {neighbor.name} has no policy ({', '.join(lacking)}): since "
            "FRR 7.4 such a session exchanges no route",
            "say what is let in and out: `neighbor … route-map NAME in` and `… out` in each "
            "address family",
        )


def prefix_lists(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A prefix-list of one family denies everything in the other one."""
    for host in hosts:
        defined = {
            (line.words[0], line.words[2])
            for line in host.frr
            if line.words[1:2] == ["prefix-list"] and len(line.words) > 2
        }
        for instance in host.bgp:
            for line in instance.lines:
                words = line.words
                if words[:1] != ["neighbor"] or words[2:3] != ["prefix-list"] or len(words) < 5:
                    continue
                wanted = "ipv6" if family_of(line) == IPV6 else "ip"
                other = "ip" if wanted == "ipv6" else "ipv6"
                if (wanted, words[3]) not in defined and (other, words[3]) in defined:
                    yield _finding(
                        "prefix-list-of-the-other-family",
                        host,
                        line.line,
                        f"{words[3]} is an `{other} prefix-list`: in {family_of(line)} it denies "
                        "every route",
                        f"write an `{wanted} prefix-list` of its own, and name it here",
                    )


def listen_limits(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A reflector takes as many dynamic neighbours as there are clients."""
    for host in hosts:
        for instance in host.bgp:
            ranges = instance.said("bgp", "listen", "range")
            limits = instance.said("bgp", "listen", "limit")
            said = instance.values("bgp", "listen", "limit")
            limit = int(said[-1]) if said and is_number(said[-1]) else LISTEN_LIMIT
            clients = [
                other.name
                for other in hosts
                if other is not host
                and other.main is not None
                and any(n.name in host.speaker for n in other.main.sessions())
            ]
            if ranges and len(clients) > limit:
                yield _finding(
                    "listen-limit",
                    host,
                    (limits or ranges)[-1].line,
                    f"{len(clients)} hosts peer with it, and it takes {limit} dynamic neighbours"
                    + ("" if limits else " (FRR's default)"),
                    f"write `bgp listen limit {2 * len(clients)}`",
                )


def router_ids(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Each speaker has a router-id of its own."""
    first: dict[str, Host] = {}
    for host in hosts:
        for line in host.main.said("bgp", "router-id") if host.main else ():
            other = first.setdefault(line.words[-1], host)
            if other is not host:
                yield _finding(
                    "router-id-used-twice",
                    host,
                    line.line,
                    f"{line.words[-1]} is also the router-id of {other.name}: they do not peer, "
                    "and their routes have one RD",
                    "give each host its own address as router-id",
                )


RULES = (
    undefined_neighbors,
    one_sided,
    policies,
    prefix_lists,
    listen_limits,
    router_ids,
)
