"""Cross-validation of a fabric of several AS: what eBGP between its nodes cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Fabric, Role
from overlay.peering.systems import Systems, asn_of
from overlay.problems import few

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint


def groups(fabric: Fabric) -> Iterator[Complaint]:
    """Two groups that give one node an AS each."""
    for name, node in fabric.nodes.items():
        found = {
            group: it.asn
            for group, it in fabric.groups.items()
            if it.asn is not None and it.holds(name)
        }
        if node.asn is None and len(set(found.values())) > 1:
            first, second = list(found)[:2]
            yield (
                ("groups", second, "asn"),
                f"{name} is in {first} (AS {found[first]}) and in {second} (AS {found[second]})",
                f"give {name} an `asn` of its own, or leave it out of one of the two",
            )


def visitors(fabric: Fabric) -> Iterator[Complaint]:
    systems = Systems(fabric)
    if fabric.bgp is None or not fabric.bgp.listen or not systems.several:
        return
    yield (
        ("bgp", "listen"),
        "the nodes are of several AS, and nobody knows of which one it is who comes by itself",
        "name those peers as `role: external` with their `asn`, or use one AS",
    )


def exits(fabric: Fabric) -> Iterator[Complaint]:
    """What an exit says of its way out, to nodes of another AS and to routers outside."""
    systems = Systems(fabric)
    for name, vrf in fabric.vrfs.items():
        if vrf.primary is not None and systems.several:
            yield (
                ("vrfs", name, "primary"),
                "an exit is a backup by its local preference, which no eBGP session carries",
                "remove it: nodes take an exit of their own AS, else one of the fewest AS away",
            )
    exiting = {exit_ for vrf in fabric.vrfs.values() for exit_ in vrf.exits}
    ours = {name: asn_of(fabric, name, it) for name, it in fabric.nodes.items() if name in exiting}
    for router, node in fabric.nodes.items():
        same = sorted(name for name, asn in ours.items() if asn == node.asn)
        if node.role is Role.ROUTER and same:
            yield (
                ("nodes", router, "asn"),
                f"AS {node.asn} is that of the exit {few(same)} too: their sessions are eBGP",
                "give the router an AS of its own",
            )


CHECKS = (groups, visitors, exits)
