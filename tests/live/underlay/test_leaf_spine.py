"""Two spines and three leaves: onto blank nodes, with a spine that loses power and a dead link."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab import fabric, faults, guests
from lab.spec import load_lab
from tests.live.matrix import ROOT, rounds, severity
from tests.live.test_topologies import assert_as_intended, assert_imported
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

# The machines of the lab that all tests share, each of the release that the example names.
MACHINES = {
    "leaf1": "node1", "leaf2": "node2", "leaf3": "node3", "spine1": "router", "spine2": "rrserver1",
}  # fmt: skip
INTERVAL = 0.05


@pytest.fixture(scope="module")
def leaves(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The example on blank nodes, guests started; afterwards another topology is in its place."""
    inventory = as_machines(ROOT / "examples" / "leaf-spine", tmp_path_factory.mktemp("leaf-spine"))
    lab.use(inventory)
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    yield lab
    lab.use(ROOT / "examples" / "l3-symmetric")
    lab.deploy()
    assert_as_intended(lab)
    left = on(lab, "node1", "ip -br address; pgrep -l 'ospfd|isisd|fabricd' || :")
    assert "10.255.1." not in left
    assert not re.findall("ospfd|isisd|fabricd", left)


def as_machines(example: Path, folder: Path) -> Path:
    """A copy of an example whose nodes are called as the lab's machines are."""
    shutil.copytree(example, folder, dirs_exist_ok=True)
    for name in ("fabric.yaml", "hosts.yaml", "lab.yaml"):
        text = (folder / name).read_text()
        for old, new in MACHINES.items():
            text = re.sub(rf"\b{old}\b", new, text)
        (folder / name).write_text(text)
    return folder


def lost_seconds(lab: Lab, source: str, target: str, seconds: float) -> float:
    """For how long the pings of a guest were not answered."""
    address = str(lab.spec.guest(target).addresses[0]).partition("/")[0]
    sent, received = guests.ping(lab.spec, source, address, round(seconds / INTERVAL), INTERVAL)
    assert sent
    return (sent - received) * INTERVAL


def of_the_underlay(audit: Audit) -> list[str]:
    return [finding["check"] for finding in audit.roots]


def test_guests_reach_each_other_by_both_spines(leaves: Lab) -> None:
    _reach_by_both_spines(leaves)


def _reach_by_both_spines(leaves: Lab) -> None:
    leaves.ping("vm1", "vm2")  # within VNI 2
    leaves.ping("vm1", "vm3")  # routed, through the L3VNI
    leaves.audit_clean()
    assert_as_intended(leaves)

    # Of a next hop by its number `ip route` of Debian 12 does not always show the ways.
    def both_ways() -> bool:
        ways = on(leaves, "node1", "vtysh -c 'show ip route 10.255.1.3/32'")
        return set(re.findall(r"via (eno1\.\d+)", ways)) == {"eno1.11", "eno1.12"}

    # The protocol may be at its last calculation when everything is there already.
    eventually("node1 has one way to node3", both_ways)
    # Full frames: 1500 bytes of a virtual machine and 50 of the tunnel.
    full = guests.run(leaves.spec, "vm1", "ping -c 2 -W 1 -M do -s 1472 10.0.2.2")
    assert " 2 received" in full.out, full.out
    assert_imported(leaves)
    assert "Plan: 0 to change" in leaves.deploy().stdout


@pytest.mark.parametrize("spine", ["router", "rrserver1"])
def test_a_spine_loses_power(leaves: Lab, spine: str) -> None:
    _lose_power(leaves, spine)


def _lose_power(leaves: Lab, spine: str, at_most: float = 1) -> None:
    """Guests lose less than a second, and the audit has one finding for it."""
    pairs = [("vm1", "vm2"), ("vm2", "vm3"), ("vm3", "vm1")]
    for pair in pairs:
        leaves.ping(*pair)
    with ThreadPoolExecutor() as pool:
        pings = [pool.submit(lost_seconds, leaves, *pair, 8.0) for pair in pairs]
        time.sleep(2)
        fabric.power_off(leaves.spec, spine)
        lost = [ping.result() for ping in pings]
    try:
        print(f"{spine}: {lost}")
        assert max(lost) < at_most, lost
        audit = leaves.audit_until(lambda audit: of_the_underlay(audit) == ["underlay-adjacency"])
        assert of_the_underlay(audit) == ["underlay-adjacency"], audit.text
        assert spine in audit.roots[0]["expected"], audit.text
        assert audit.report["hosts"][spine]["status"] == "incomplete"
        assert audit.code == 3
    finally:
        fabric.power_on(leaves.spec, spine)
    leaves.audit_clean()


@pytest.mark.parametrize("name", ["underlay-adjacency", "underlay-route"])
def test_a_fault_is_its_one_finding(leaves: Lab, name: str) -> None:
    """On a leaf of each release; a dead link is seen from both ends, and is one finding."""
    fault = faults.find_fault(name)
    example = load_lab(ROOT / "examples" / "leaf-spine")
    for node in (MACHINES[leaf] for broken in rounds(fault, example) for leaf in broken):
        _break(leaves, name, node)
    leaves.audit_clean()
    leaves.ping("vm2", "vm1")


def _break(leaves: Lab, name: str, node: str) -> None:
    # One end may notice it a second before the other.
    seen = 2 if name == "underlay-adjacency" else 1

    def hosts_of(audit: Audit) -> list[str]:
        return [f["host"] for f in audit.report["findings"] if f["check"] == name]

    faults.inject(leaves.spec, name, node)
    try:
        audit = leaves.audit_until(
            lambda audit: of_the_underlay(audit) == [name] and len(hosts_of(audit)) == seen
        )
        assert of_the_underlay(audit) == [name], audit.text
        assert {f["severity"] for f in audit.roots} == {severity(faults.find_fault(name))}
        assert node in hosts_of(audit), audit.text
        assert len(hosts_of(audit)) == seen, audit.text
    finally:
        faults.heal(leaves.spec, name, node)


def test_a_link_that_is_down_is_named(leaves: Lab) -> None:
    on(leaves, "node3", "ip link set eno1.32 down")
    try:
        audit = leaves.audit_until(lambda audit: of_the_underlay(audit) == ["link-down"])
        assert audit.brief == [("node3", "link-down", "eno1.32")], audit.text
    finally:
        on(leaves, "node3", "ifup eno1.32 || ifreload -a")
    leaves.audit_clean()
    eventually(
        "both ways are back",
        lambda: on(leaves, "node3", "ip route show 10.255.1.1").count("dev eno1.3") == 2,
    )


@pytest.mark.parametrize(
    ("protocol", "daemon", "spine", "leaf", "at_most"),
    [
        ("isis", "isisd", "router", "node1", 1.0),
        # fabricd's BFD sessions notice within 900 ms, and no sooner.
        ("openfabric", "fabricd", "rrserver1", "node2", 1.3),
    ],
)
def test_another_protocol_takes_over(
    leaves: Lab, protocol: str, daemon: str, spine: str, leaf: str, at_most: float
) -> None:
    """It is deployed to all nodes at once, onto the one that runs; then all is as before."""
    before = on(leaves, leaf, "pgrep -l 'ospfd|isisd|fabricd'").split()[1]
    path = leaves.inventory / "fabric.yaml"
    text = re.sub(r"protocol: \w+", f"protocol: {protocol}", path.read_text())
    path.write_text(re.sub(r"bfd: {.*}", "bfd: true", text) if daemon == "fabricd" else text)
    done = leaves.run("deploy", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "they are deployed together" in done.stdout
    _reach_by_both_spines(leaves)
    running = on(leaves, leaf, "pgrep -l 'ospfd|isisd|fabricd'").split()[1::2]
    assert running == [daemon] != [before]
    _lose_power(leaves, spine, at_most)
    _break(leaves, "underlay-adjacency", leaf)
    leaves.audit_clean()
    leaves.ping("vm2", "vm1")
