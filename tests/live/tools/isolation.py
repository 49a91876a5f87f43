"""Whether tenants are kept apart: by packets, from guests of each on every node of a topology."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lab import guests
from overlay.loading import load_inventory
from tests.live.tenants import (
    OUTSIDE,
    TENANTS,
    answering,
    answering_node,
    captured,
    foreign,
    furnish,
    own,
    start_capture,
    strip,
    vteps,
    with_two_tenants,
)
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab
    from tests.live.tenants import Tenant

EVERY_NODE = {"exits": ["node1", "node2", "node3"]}
# The topologies with gateways, and what more is said of their tenants' VRFs. (The symmetric one is in
# test_isolation.py.)
TWO_TENANTS: dict[str, dict[str, Any]] = {
    "l3-asymmetric": {},
    "exit-single-gateway": {},
    "exit-multi-gateway": {},
    # An exit of each release; with one alone there is no loop to avoid.
    "exit-upstream-bgp": EVERY_NODE,
    "exit-vrrp": {},
    "route-reflectors": {},
}


def all_guests(lab: Lab) -> list[tuple[Tenant, str]]:
    return [(it, it.guest(number)) for it in TENANTS for number in vteps(lab.spec.nodes)]


def seen(lab: Lab, wanted: Any) -> dict[str, set[str]]:
    """By guest, what of `wanted(lab, tenant)` answers; all guests at once."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda g: answering(lab, g[1], wanted(lab, g[0])), all_guests(lab))
        return {guest: set(it) for (_, guest), it in zip(all_guests(lab), found, strict=True)}


def reach_their_own(lab: Lab, *, outside: bool) -> None:
    """Waits until each guest reaches all of its own VRF, and the outside if it has an exit."""
    more = {OUTSIDE} if outside else set()
    lacking: dict[str, set[str]] = {}

    def probe() -> bool:
        wanted = {guest: own(lab, it) | more for it, guest in all_guests(lab)}
        found = seen(lab, lambda lab, it: own(lab, it) | more)
        lacking.clear()
        lacking.update({guest: wanted[guest] - found[guest] for guest in wanted})
        return not any(lacking.values())

    try:
        eventually("guests do not reach their own VRF", probe, timeout=180)
    except AssertionError:
        lost = {guest: it for guest, it in lacking.items() if it}
        said = "\n".join(way_of(lab, guest) for guest in lost)
        pytest.fail(f"{said}\nnot reached: {lost}")


def way_of(lab: Lab, guest: str) -> str:
    """What a guest's node, and each exit, know of the way to other nodes and outside."""
    node = lab.spec.guest(guest).node
    vrf = next(it.vrf for it in TENANTS if guest in {it.guest(n) for n in vteps(lab.spec.nodes)})
    asked = (
        f"ip route show vrf {vrf}; ip -6 route show vrf {vrf}; ip neigh | grep zebra; "
        f"bridge fdb show | grep extern_learn; "
        "vtysh -c 'show bgp l2vpn evpn route detail type prefix' | grep -A9 -F '[0]:['"
    )
    return "\n".join(f"{name}:\n{on(lab, name, asked)}" for name in {node, *exits_of(lab)})


def reach_nothing_else(lab: Lab) -> None:
    """No node, no management network and nobody of another VRF answers, or is sent a packet."""
    start_capture(lab)
    try:
        found = seen(lab, foreign)
    finally:
        leaked = captured(lab)
    assert {guest: it for guest, it in found.items() if it} == {}
    assert leaked == {}


def exits_of(lab: Lab) -> list[str]:
    nodes = load_inventory(lab.inventory).intent.nodes.values()
    return [node.name for node in nodes if node.bgp and node.bgp.exits]


def set_way_out(lab: Lab, name: str, *, there: bool) -> None:
    """Takes an exit's way out from its VRFs, in FRR, or gives it back."""
    bgp = load_inventory(lab.inventory).intent.nodes[name].bgp
    assert bgp is not None
    no = "" if there else "no "
    for exit_ in bgp.exits:
        if exit_.gateway:
            said = f"{no}ip route 0.0.0.0/0 {exit_.gateway} nexthop-vrf default"
            on(lab, name, f"vtysh -c 'configure terminal' -c 'vrf {exit_.vrf}' -c '{said}'")
        else:
            shut = f"{'no ' if there else ''}neighbor {bgp.upstreams[0].address} shutdown"
            on(lab, name, f"vtysh -c 'configure terminal' -c 'router bgp {bgp.asn}' -c '{shut}'")


def stay_apart_without_a_way_out(lab: Lab) -> None:
    """An exit whose way out is gone hands nothing to its main table instead."""
    exits = exits_of(lab)
    try:
        for name in exits:
            set_way_out(lab, name, there=False)
        eventually(
            "the outside still answers", lambda: not any(seen(lab, lambda *_: {OUTSIDE}).values())
        )
        reach_nothing_else(lab)
    finally:
        for name in exits:
            set_way_out(lab, name, there=True)
    reach_their_own(lab, outside=True)


def become_two_tenants(lab: Lab, folder: Path, slug: str) -> None:
    """Deploys two tenants on a topology that is there as it is, and shows that they are kept apart."""
    for name in lab.spec.guests:
        guests.stop(lab.spec, name)
    lab.use(with_two_tenants(folder, slug, **TWO_TENANTS[slug]))
    lab.deploy()
    guests.start_all(lab.spec)
    furnish(lab)
    try:
        stay_apart(lab)
    finally:
        strip(lab)


def stay_apart(lab: Lab) -> None:
    """Guests reach their own VRF and the outside, if it has an exit, and nothing else."""
    outside = bool(exits_of(lab))
    reach_their_own(lab, outside=outside)
    reach_nothing_else(lab)
    # The other way round: nobody converses with a guest from a main table, but an exit itself, which
    # has its VRFs' networks there.
    every = {address for it in TENANTS for address in own(lab, it)}
    for name in sorted(set(lab.spec.nodes) - set(exits_of(lab))):
        assert answering_node(lab, name, every) == set(), name
    if outside:
        stay_apart_without_a_way_out(lab)
    audit = lab.audit("--check", "vrf-isolation", "--check", "exit-route")
    assert audit.report["findings"] == [], audit.text
