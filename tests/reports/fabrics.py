"""Reports of simulated fabrics: with reachability and topology, healthy and otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import examples
from drift.engine import audit
from drift.result import (
    Down,
    Peering,
    Reachability,
    Segment,
    Speaker,
    Topology,
    Unlike,
)
from reports.build import build_report
from tests.drift import worlds
from tests.simulated.fleet import Fleet, healthy_states

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.expected import FabricIntent
    from overlay.records import HostState
    from reports.model import Report


def report_of(intent: FabricIntent, states: dict[str, HostState]) -> Report:
    """Return the report of an audit of those states."""
    return build_report(run=examples.run(), hosts=states, result=audit(intent, states))


def healthy(intent: FabricIntent) -> Report:
    return report_of(intent, healthy_states(intent))


def stopped(intent: FabricIntent, *names: str) -> Report:
    """Some nodes' FRR is stopped."""
    return report_of(intent, Fleet(intent, stopped=frozenset(names)).states())


def flood_missing() -> Report:
    """Of three nodes, node2 lacks the flood list entry of node3 in VNI 2."""
    intent = worlds.symmetric()
    states = healthy_states(intent)

    def drop(entry):
        lost = entry.is_flood and (entry.device, entry.dst) == ("vxlan2", "192.168.0.3")
        return None if lost else entry

    worlds.fdb("node2", drop)(states)
    return report_of(intent, states)


def unread(intent: FabricIntent, names: Iterable[str]) -> Report:
    """Some nodes did not answer."""
    states = healthy_states(intent)
    for name in names:
        worlds.unreachable(name)(states)
    return report_of(intent, states)


def hostile() -> Report:
    """Names and states that no intent lets through, as an edited report.json may hold them."""
    report = examples.hostile()
    names = (*report.hosts, "x" * 10_000, "\u202e\u0000")
    reach = Reachability(
        imet=True,
        segments=(Segment(vnis=(2,), nodes=names),),
        flood_unread=(names[1],),
        imet_unread=names[1:],
        unlike=(
            Unlike(vni=2, node=names[0], state="both-missing", vteps=names[1:]),
            Unlike(vni=2, node=names[2], state="flood-extra", vteps=(examples.HOSTILE,)),
        ),
    )
    mesh = Peering(
        kind="full-mesh",
        hubs=(),
        nodes=names,
        down=tuple(
            Down(node=name, peer=examples.HOSTILE, state=examples.HOSTILE) for name in names
        ),
    )
    topology = Topology(
        nodes=tuple(Speaker(name=name, role="vtep", exit=False) for name in names),
        peerings=(mesh, replace(mesh, kind="static", hubs=(examples.HOSTILE,))),
    )
    return report.model_copy(update={"reachability": reach, "topology": topology})


def large() -> Report:
    """2,000 nodes with 20,000 findings, 40 VNIs, and 6,000 differences in their flood lists."""
    report = examples.large()
    names = tuple(report.hosts)
    vnis = tuple(range(10_000, 10_040))
    reach = Reachability(
        imet=True,
        segments=(
            Segment(vnis=vnis[:30], nodes=names),
            Segment(vnis=vnis[30:], nodes=names[:500]),
        ),
        flood_unread=names[::400],
        imet_unread=names[::400],
        unlike=tuple(
            Unlike(
                vni=vnis[n % 3],
                node=names[n // 3],
                state="flood-missing",
                vteps=None if n % 100 == 0 else names[n % 7 : n % 7 + 20],
            )
            for n in range(6_000)
        ),
    )
    mesh = Peering(
        kind="reflector",
        hubs=names[:2],
        nodes=names[2:],
        down=tuple(Down(node=name, peer=names[0], state="Active") for name in names[2:900]),
    )
    topology = Topology(
        nodes=tuple(
            Speaker(name=name, role="reflector" if n < 2 else "vtep", exit=2 <= n < 9)
            for n, name in enumerate(names)
        ),
        peerings=(mesh,),
    )
    return report.model_copy(update={"reachability": reach, "topology": topology})
