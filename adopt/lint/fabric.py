"""Rules about what the hosts of an EVPN fabric must have alike, and how their routes get around."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from adopt.bgp import EVPN
from adopt.hostfiles import FRR_CONF
from adopt.lint.control import known_sessions, listens, other_end, owners
from adopt.lint.finding import Finding, Level, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.bgp import Instance
    from adopt.devices import Attribute
    from adopt.hostfiles import Host


def _finding(rule: str, host: Host, line: int, what: str, remedy: str) -> Finding:
    return Finding(rule, Level.ERROR, host.name, FRR_CONF, line, what, remedy)


def advertisers(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A host with VXLAN devices that speaks EVPN tells the others of its VNIs."""
    for host in hosts:
        main = host.main
        speaks = [n for n in main.sessions() if main.active_in(n, EVPN)] if main else []
        if main and speaks and (host.vxlans or host.singles) and not main.has_evpn:
            yield _finding(
                "no-advertise-all-vni",
                host,
                main.line,
                "it speaks EVPN and has VXLAN devices, and no `advertise-all-vni`: it announces "
                "none of its VNIs, and takes no route of others for them",
                f"add `advertise-all-vni` under `address-family {EVPN}`",
            )


def remote_as(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A neighbour that is one of these hosts has the AS that it says of itself."""
    for host, instance, neighbor, other in known_sessions(hosts):
        said = instance.remote_as(neighbor)
        if other.main is None or not said:
            continue
        wanted = instance.asn if said == "internal" else said
        if not wanted.isdecimal() or wanted == other.main.asn or _renamed(other.main):
            continue
        yield _finding(
            "remote-as-differs",
            host,
            neighbor.line,
            f"{neighbor.name} is {other.name}, whose AS is {other.main.asn}, not {wanted}: "
            "the session never comes up",
            f"write `neighbor {neighbor.name} remote-as {other.main.asn}`",
        )


def _renamed(instance: Instance) -> bool:
    """Whether it speaks to somebody as another AS."""
    return any("local-as" in line.words for line in instance.lines)


def full_mesh(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Two VTEPs of one AS peer with each other, or with one that passes routes on.

    So does a neighbour of another AS that both have.
    """
    owner = owners(hosts)
    vteps = [h for h in hosts if h.vxlans and h.main and h.main.has_evpn]
    if any(h.main.reflects for h in hosts if h.main) or not _all_known(vteps, owner):
        return
    for one, other in combinations(vteps, 2):
        main = one.main
        if main is None or other.main is None or main.asn != other.main.asn:
            continue
        theirs = {device.vni for device in other.vxlans}
        shared = [d.vni for d in one.vxlans if d.vni is not None and d.vni in theirs]
        peered = (
            other_end(one, other) or other_end(other, one) or _outside(main) & _outside(other.main)
        )
        if shared and not peered and not listens(main, other) and not listens(other.main, one):
            yield _finding(
                "mesh-incomplete",
                one,
                main.line,
                f"it does not peer with {other.name}, which has VNI {min(shared)} too, and no "
                "reflector passes their routes on: iBGP does not, and neither knows of the other",
                "name each of the two as the other's neighbour, or make a route reflector",
            )


def _outside(instance: Instance) -> set[str]:
    """Its EVPN neighbours of other AS."""
    return {
        neighbor.name
        for neighbor in instance.sessions()
        if instance.is_external(neighbor) and instance.active_in(neighbor, EVPN)
    }


def _all_known(vteps: Sequence[Host], owner: dict[str, Host]) -> bool:
    """Whether every neighbour of theirs is one of these hosts: else that may be a reflector."""
    names = {n.name for host in vteps if host.main for n in host.main.sessions()}
    return names <= set(owner)


def ports(hosts: Sequence[Host]) -> Iterator[Finding]:
    """All VTEPs of a VNI send to, and listen on, one UDP port."""
    first: dict[int, tuple[Host, Attribute | None]] = {}
    for host in hosts:
        for device in host.vxlans:
            if device.vni is None:
                continue
            said = device.first("vxlan-port")
            other, there = first.setdefault(device.vni, (host, said))
            here = said.word if said else _PORT
            wanted = there.word if there else _PORT
            if other is not host and here != wanted:
                yield at(
                    "udp-port-differs",
                    host,
                    (said,) if said else device.all("vxlan-id")[:1],
                    f"{device.name} sends VNI {device.vni} to UDP port {here}, and {other.name} "
                    f"listens on {wanted}",
                    "give all VTEPs of a VNI one `vxlan-port`",
                )


_PORT = "4789"  # ifupdown2's default
RULES = (advertisers, remote_as, full_mesh, ports)
