"""The main job on real machines: deploy onto blank nodes, traffic, audits, faults, a dead node."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from lab import fabric, guests
from lab.fault_catalogue import CATALOGUE
from lab.spec import Guest
from lab.ssh import run_on
from parsers import parse_evpn, parse_fdb, parse_links
from tasks.commands import TEXT_SLUGS
from tests.live.conftest import ROOT, Lab
from tests.oracle import evpn_from_json, fdb_from_json, links_from_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

EXAMPLES = ROOT / "examples"
FILES = (
    "/etc/network/interfaces /etc/frr/frr.conf /etc/frr/daemons /etc/sysctl.d/90-evpn-fleet.conf"
)


def change_times(lab: Lab) -> dict[str, str]:
    """When the managed files were last put in place, and when FRR started, on each node."""
    command = f"stat -c '%n %i %Z' {FILES}; systemctl show -p ActiveEnterTimestamp frr"
    return {name: run_on(node, command).check() for name, node in lab.spec.nodes.items()}


@pytest.fixture(scope="module")
def l2_evpn(lab: Lab) -> Lab:
    lab.use(EXAMPLES / "l2-evpn")
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    return lab


def test_plan_on_blank_nodes_shows_what_would_change(lab: Lab) -> None:
    lab.use(EXAMPLES / "l2-evpn")
    done = lab.run("plan")
    assert done.returncode == 2, done.stderr
    assert "+iface vxlan2 inet manual" in done.stdout
    assert "Plan: 3 to change, 0 in sync, 0 could not be read" in done.stdout


def test_l2_evpn_carries_traffic_within_each_vni(l2_evpn: Lab) -> None:
    l2_evpn.ping("vm1", "vm2")
    l2_evpn.ping("vm3", "vm4")


def test_l2_evpn_audits_clean(l2_evpn: Lab) -> None:
    audit = l2_evpn.audit_clean()
    assert audit.report["summary"]["hosts"] == {
        "total": 3, "in_sync": 3, "drifted": 0, "incomplete": 0,
    }  # fmt: skip
    assert audit.report["summary"]["checks_run"] > 20


def test_l2_evpn_a_second_deploy_touches_nothing(l2_evpn: Lab) -> None:
    before = change_times(l2_evpn)
    done = l2_evpn.deploy()
    assert "Plan: 0 to change, 3 in sync, 0 could not be read" in done.stdout
    assert change_times(l2_evpn) == before


# So that each node has a guest in each network: what it loses under a fault is looked at.
MORE_GUESTS = (
    Guest("vm5", "node3", "vmbr2", "tap905i0", "02:00:00:00:09:05", ("10.0.2.3/24",), ("10.0.2.254",)),
    Guest("vm6", "node1", "vmbr3", "tap906i0", "02:00:00:00:09:06", ("10.0.3.1/24",), ("10.0.3.254",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def l3_symmetric(lab: Lab) -> Iterator[Lab]:
    lab.use(EXAMPLES / "l3-symmetric")
    lab.blank()
    lab.deploy()
    more = {guest.name: guest for guest in MORE_GUESTS}
    lab.spec = replace(lab.spec, guests={**lab.spec.guests, **more})
    guests.start_all(lab.spec)
    spec = lab.spec
    yield lab
    for name in more:
        guests.stop(spec, name)


@pytest.mark.smoke
def test_l3_symmetric_routes_between_vnis_across_nodes(l3_symmetric: Lab) -> None:
    l3_symmetric.ping("vm1", "vm2")
    l3_symmetric.ping("vm1", "vm3")
    l3_symmetric.ping("vm3", "vm2")


@pytest.mark.smoke
def test_l3_symmetric_audits_clean(l3_symmetric: Lab) -> None:
    l3_symmetric.audit_clean()


@pytest.mark.smoke
def test_l3_symmetric_a_second_deploy_touches_nothing(l3_symmetric: Lab) -> None:
    before = change_times(l3_symmetric)
    done = l3_symmetric.deploy()
    assert "Plan: 0 to change, 3 in sync, 0 could not be read" in done.stdout
    assert change_times(l3_symmetric) == before


@pytest.mark.parametrize(
    "node",
    [
        pytest.param("node1", id="bookworm"),
        pytest.param("node2", id="trixie"),
        pytest.param("node3", id="forky", marks=pytest.mark.forky),
    ],
)
def test_ttp_reads_what_json_says_at_the_same_moment(l3_symmetric: Lab, node: str) -> None:
    l3_symmetric.ping("vm1", "vm2")
    pairs = {
        "bridge fdb show": "bridge -j fdb show",
        "ip -d link show": "ip -j -d link show",
        "vtysh -c 'show bgp l2vpn evpn'": "vtysh -c 'show bgp l2vpn evpn json'",
    }
    # One shell, so that text and JSON are of the same moment.
    script = "; echo @@@@; ".join(command for pair in pairs.items() for command in pair)
    outputs = run_on(l3_symmetric.spec.node(node), script).check().split("@@@@\n")
    fdb, fdb_json, links, links_json, evpn, evpn_json = outputs
    assert Counter(parse_fdb(fdb)) == Counter(fdb_from_json(json.loads(fdb_json)))
    assert parse_links(links) == links_from_json(json.loads(links_json))
    assert parse_evpn(evpn) == evpn_from_json(json.loads(evpn_json))


def test_a_snapshot_audits_like_the_live_fabric(l3_symmetric: Lab, tmp_path: Path) -> None:
    done = l3_symmetric.run("collect", "--output", str(tmp_path / "snapshot"))
    assert done.returncode == 0, done.stderr
    audit = l3_symmetric.audit("--from", str(tmp_path / "snapshot"))
    assert audit.code == 0, audit.text
    assert audit.report["run"]["source"] == "snapshot"


def test_the_three_texts_are_enough_for_an_audit(l3_symmetric: Lab, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    assert l3_symmetric.run("collect", "--output", str(snapshot)).returncode == 0
    (snapshot / "snapshot.json").unlink()
    for file in snapshot.glob("*/*"):
        if file.stem not in TEXT_SLUGS:
            file.unlink()
    audit = l3_symmetric.audit("--from", str(snapshot))
    assert audit.code == 0, audit.text
    skipped = {entry["check"] for entry in audit.report["skipped"]}
    needy = {c.id for c in CHECKS.values() if set(c.needs) - set(TEXT_SLUGS)}
    assert {"session-down", "l3vni", "gateway-address", "sysctl", "config-file"} <= skipped <= needy


HERE = sorted(name for name, fault in CATALOGUE.items() if fault.topology == "l3-symmetric")
# One of each: the kernel's links, addresses, routes and forwarding database, and what lies in files.
SMOKE = {
    "bridge-port-learning",
    "config-file",
    "flood-unexpected",
    "gateway-address",
    "gateway-route",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.smoke if name in SMOKE else ()) for name in HERE],
)
def test_each_fault_is_exactly_its_finding(l3_symmetric: Lab, name: str) -> None:
    # So that there are type-2 routes with and without a router MAC, which some faults need.
    l3_symmetric.ping("vm1", "vm2")
    l3_symmetric.ping("vm1", "vm3")
    if name == "neighbor-missing-guest":
        # A guest's address is announced once it has asked its gateway: then each node has one.
        l3_symmetric.ping("vm2", "vm3")
    l3_symmetric.prove(name)


@pytest.mark.smoke
def test_of_all_those_faults_nothing_is_left(l3_symmetric: Lab) -> None:
    l3_symmetric.audit_clean()


def test_a_node_without_power_is_incomplete_and_nothing_is_said_of_it(l3_symmetric: Lab) -> None:
    lab = l3_symmetric
    fabric.power_off(lab.spec, "node3")
    try:
        audit = lab.audit()
        assert audit.code == 3, audit.text
        assert audit.seconds < 30
        assert audit.report["hosts"]["node3"]["status"] == "incomplete"
        assert "127.77.0.3" in audit.report["hosts"]["node3"]["error"]
        assert [f for f in audit.report["findings"] if f["host"] == "node3"] == []
        # When its sessions' hold time is over, the others see it gone: one cause, not dozens.
        audit = lab.audit_until(lambda audit: audit.report["findings"] != [], timeout=240)
        assert audit.code == 3
        assert len(audit.roots) == 1, audit.text
    finally:
        fabric.power_on(lab.spec, "node3")
    guests.start_all(lab.spec)
    lab.audit_clean()


def test_the_inventory_that_ships_is_the_example(l3_symmetric: Lab) -> None:
    """`inventory/` is the lab's own fabric, so the README's commands work as written."""
    for name in ("hosts", "groups", "defaults", "lab"):
        shipped = (ROOT / "inventory" / f"{name}.yaml").read_text()
        assert shipped == (EXAMPLES / "l3-symmetric" / f"{name}.yaml").read_text()
    l3_symmetric.use(ROOT / "inventory")
    done = l3_symmetric.run("plan", "--json")
    assert done.returncode == 0, done.stdout
    assert all(plan["changes"] == [] for plan in json.loads(done.stdout))
    l3_symmetric.use(EXAMPLES / "l3-symmetric")
