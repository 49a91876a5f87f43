"""Tenants are kept apart: by packets, from guests on every release, on each topology with a VRF."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lab import guests
from overlay.loading import load_inventory
from tests.live.tenants import (
    BLUE,
    OUTSIDE,
    RED,
    TENANTS,
    answering,
    answering_node,
    captured,
    deploy_as_before,
    foreign,
    furnish,
    nodes_themselves,
    own,
    start_capture,
    strip,
    vteps,
    with_two_tenants,
)
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab
    from tests.live.tenants import Tenant

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

EVERY_NODE = {"exits": ["node1", "node2", "node3"]}
# By the number of nodes, so that few have to be booted in between.
TOPOLOGIES: dict[str, dict[str, Any]] = {
    "l3-symmetric": {},
    "l3-asymmetric": {},
    "exit-single-gateway": {},
    "exit-multi-gateway": {},
    # An exit of each release; with one alone there is no loop to avoid.
    "exit-upstream-bgp": EVERY_NODE,
    "exit-vrrp": {},
    "route-reflectors": {},
}


@pytest.fixture(autouse=True)
def _leaves_no_address(lab: Lab) -> Iterator[None]:
    yield
    strip(lab)


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


def deploy(lab: Lab, inventory: Path) -> None:
    lab.use(inventory)
    lab.deploy()
    guests.start_all(lab.spec)
    furnish(lab)


@pytest.mark.parametrize("slug", TOPOLOGIES)
def test_guests_reach_their_own_vrf_and_the_outside_and_nothing_else(
    lab: Lab, tmp_path: Path, slug: str
) -> None:
    deploy(lab, with_two_tenants(tmp_path, slug, **TOPOLOGIES[slug]))
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


def test_it_was_not_so_before_and_deploying_it_loses_no_packet(lab: Lab, tmp_path: Path) -> None:
    lab.use(with_two_tenants(tmp_path, "l3-symmetric"))
    deploy_as_before(lab, tmp_path)
    guests.start_all(lab.spec)
    furnish(lab)
    reach_their_own(lab, outside=False)
    start_capture(lab)
    hole = seen(lab, lambda lab, _: nodes_themselves(lab))
    leaked = captured(lab)
    for number in vteps(lab.spec.nodes):
        mine = {f"192.168.0.{number}", f"10.255.0.{number}"}
        other = number % 3 + 1
        for tenant in TENANTS:
            assert mine <= hole[tenant.guest(number)], hole
            # To IPv6 a node's own answer finds no way back into the VRF, but the packets leave.
            for guest, vtep in zip(
                tenant.addresses(number), (f"192.168.0.{other}", f"fd00:192::{other}"), strict=True
            ):
                assert f" {guest} > {vtep}: " in leaked[f"node{number}"], leaked
    asked = lab.audit("--check", "vrf-isolation")
    assert {f["host"] for f in asked.roots} == set(lab.spec.nodes), asked.text

    def ping(number: int) -> str:
        other = RED.addresses(number % 3 + 1)[0]
        script = f"timeout -s INT 60 ping -n -q -i 0.1 -W 2 {other}"
        return guests.run(lab.spec, RED.guest(number), script, timeout=120).out

    with ThreadPoolExecutor() as pool:
        pings = [pool.submit(ping, number) for number in vteps(lab.spec.nodes)]
        lab.deploy()
        for done in pings:
            assert " 0% packet loss" in done.result(), done.result()
    furnish(lab)
    reach_nothing_else(lab)
    once_and_taken_back(lab)


def ends(lab: Lab, name: str) -> list[int]:
    """How many unreachable defaults a node's first VRF has, IPv4 and IPv6."""
    said = on(
        lab,
        name,
        "for f in -4 -6; do ip $f route show vrf vrf1 type unreachable | grep -c default; done; :",
    )
    return [int(word) for word in said.split()]


def once_and_taken_back(lab: Lab) -> None:
    nodes = list(lab.spec.nodes)
    assert "Plan: 0 to change" in lab.deploy().stdout
    for name in nodes:
        said = on(lab, name, "ifreload -a && ifreload -a && ifquery --check vrf1 vrf2")
        assert "[fail]" not in said
        assert ends(lab, name) == [1, 1], name
        told = on(
            lab,
            name,
            "vtysh -c 'show bgp l2vpn evpn route type prefix' -c 'show bgp vrf all ipv4 unicast' "
            "-c 'show bgp vrf all ipv6 unicast'",
        )
        assert "[5]:[0]:[0]" not in told
        assert not {"0.0.0.0/0", "::/0"} & set(told.split()), told
    done = lab.run("rollback", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in nodes:
        assert ends(lab, name) == [0, 0], name
        assert "unreachable" not in on(lab, name, "cat /etc/network/interfaces")
    lab.deploy()
    assert all(ends(lab, name) == [1, 1] for name in nodes)
    no_trace_of_a_vrf_that_goes(lab)


def no_trace_of_a_vrf_that_goes(lab: Lab) -> None:
    """The kernel would keep an IPv4 route in the table, for the next VRF that gets it."""
    nodes = list(lab.spec.nodes)
    table = "ip -d link show vrf2 | sed -n 's/.*vrf table \\([0-9]*\\) .*/\\1/p'"
    tables = {name: int(on(lab, name, table)) for name in nodes}
    intent = yaml.safe_load((lab.inventory / "fabric.yaml").read_text())
    del intent["vrfs"][BLUE.vrf]
    intent["networks"] = [it for it in intent["networks"] if it["vrf"] != BLUE.vrf]
    (lab.inventory / "fabric.yaml").write_text(yaml.safe_dump(intent, sort_keys=False))
    lab.deploy()
    for name, number in tables.items():
        left = f"ip route show table {number}; ip -6 route show table {number}; ls /sys/class/net"
        assert "unreachable" not in on(lab, name, left + " 2>&1 || :")
        assert "vrf2" not in on(lab, name, "ls /sys/class/net").split()
