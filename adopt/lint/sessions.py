"""Rules about the options of BGP sessions: what both ends must say alike. No password is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF
from adopt.lint.control import listens, other_end, owners
from adopt.lint.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.bgp import Instance, Neighbor
    from adopt.hostfiles import Host
    from overlay.host_records import FrrLine


def passwords(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Both ends of a session have one password, or none."""
    owner = owners(hosts)
    for host in hosts:
        for neighbor in host.main.sessions() if host.main else ():
            other = owner.get(neighbor.name)
            if host.main is None or other is None or other is host or other.main is None:
                continue
            there = _passwords_for(other.main, other_end(other, host), listens(other.main, host))
            here = _password(host.main, neighbor)
            if there is None or (here.words[3:] if here else None) in there:
                continue
            yield Finding(
                "password-on-one-side" if here is None or None in there else "password-differs",
                Level.ERROR,
                host.name,
                FRR_CONF,
                here.line if here else neighbor.line,
                f"its password for {neighbor.name} ({other.name}) is not the one that {other.name} "
                "has for this end: the session never comes up"
                if here and None not in there
                else f"{(other if here else host).name} has no password for its session with "
                f"{(host if here else other).name}, which has one: it never comes up",
                "write the same `neighbor … password` at both ends",
            )


def _passwords_for(
    instance: Instance,
    neighbors: list[Neighbor],
    listening: bool,  # noqa: FBT001
) -> list[list[str] | None] | None:
    """What an instance may have as the password of one that it names or lets in; None: neither."""
    if not neighbors and listening:
        neighbors = [n for n in instance.neighbors.values() if n.is_group]
    found = [_password(instance, neighbor) for neighbor in neighbors]
    return [line.words[3:] if line else None for line in found] or None


def _password(instance: Instance, neighbor: Neighbor) -> FrrLine | None:
    """A neighbour's own password, else its group's."""
    group = instance.neighbors.get(neighbor.group or "")
    for place in (neighbor, *([group] if group else [])):
        said = [line for line in place.options if line.words[2:3] == ["password"]]
        if said:
            return said[-1]
    return None


RULES = (passwords,)
