"""One VXLAN device for all VNIs: onto blank nodes, its faults, and the way there and back."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab import guests
from lab.fault_catalogue import CATALOGUE
from lab.faults import Target
from lab.spec import load_lab
from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended, assert_imported
from tests.live.tools.probes import on
from tests.live.underlay.leaf_spine import as_machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

# Debian 13 and testing: 12 has FRR 8.4, which does not know such a device.
MACHINES = {"node1": "rrserver2", "node2": "node2", "node3": "node3"}
# A guest's way within a VNI, to another one, and in one that is not routed.
WAYS = (("vm1", "vm2"), ("vm3", "vm1"), ("vm5", "vm6"))
INTERVAL = 0.1


@pytest.fixture(scope="module")
def single(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single")
    as_machines(ROOT / "examples" / "single-device", folder, MACHINES)
    # Hosts are read in the order of their names.
    fabric = (folder / "fabric.yaml").read_text()
    first = "  rrserver2: {address: 192.168.0.1}\n"
    assert first in fabric
    (folder / "fabric.yaml").write_text(fabric.replace(first, "") + first)
    return folder


@pytest.fixture(scope="module")
def apart(single: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same networks and guests with a device and a bridge for each VNI."""
    folder = tmp_path_factory.mktemp("apart")
    for path in single.iterdir():
        if path.is_file():
            (folder / path.name).write_text(path.read_text())
    fabric = (folder / "fabric.yaml").read_text()
    for line in (r"  device: single.*\n", r"  frr: .*\n", r"    vlan: 20.*\n"):
        fabric, found = re.subn(line, "", fabric)
        assert found == 1, line
    (folder / "fabric.yaml").write_text(fabric)
    machines = (folder / "lab.yaml").read_text().replace("vlan: 20,", "vlan: 10020,")
    machines = re.sub(r"bridge: vmbr1, vlan: (\d+),", r"bridge: vmbr\1,", machines)
    (folder / "lab.yaml").write_text(machines)
    return folder


@pytest.fixture(scope="module")
def fabric_of_one(lab: Lab, single: Path, apart: Path) -> Iterator[Lab]:
    lab.use(single)
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    lab.target = Target(bridge="vmbr1", vxlan="vxlan0", vni=2, vlan=2)
    yield lab
    lab.use(apart)
    lab.deploy()
    assert_as_intended(lab)


def reach_each_other(lab: Lab) -> None:
    for source, target in WAYS:
        lab.ping(source, target)


def test_it_carries_traffic_and_is_left_alone_then(fabric_of_one: Lab) -> None:
    reach_each_other(fabric_of_one)
    assert_as_intended(fabric_of_one)
    fabric_of_one.audit_clean()
    # Full frames, and nothing into a network that is not routed.
    for source, address, passes in (("vm1", "10.0.2.2", True), ("vm5", "10.0.2.2", False)):
        ping = f"ping -n -q -c 2 -i 0.2 -W 1 -M do -s 1472 {address}"
        said = guests.run(fabric_of_one.spec, source, ping).out
        assert (" 2 received" in said) is passes, said
    # ifreload leaves the map and what FRR has put there as they are, under a guest's ping.
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(guests.ping, fabric_of_one.spec, "vm1", "10.0.2.2", 150, INTERVAL)
        for name in fabric_of_one.spec.nodes:
            on(fabric_of_one, name, "ifreload -a")
        sent, received = asked.result()
    assert sent == received
    assert "Plan: 0 to change" in fabric_of_one.deploy().stdout
    fabric_of_one.audit_clean()


def test_import_says_what_runs(fabric_of_one: Lab) -> None:
    assert_imported(fabric_of_one)


@pytest.mark.parametrize(
    "fault", [name for name, it in CATALOGUE.items() if it.topology == "single-device"]
)
def test_a_fault_is_named_once(fabric_of_one: Lab, fault: str) -> None:
    fabric_of_one.prove(fault)
    fabric_of_one.audit_clean()


def test_a_vni_comes_and_goes_and_changes_its_vlan(fabric_of_one: Lab) -> None:
    path = fabric_of_one.inventory / "fabric.yaml"
    before = path.read_text()
    other_vlan = before.replace("vlan: 20 ", "vlan: 21 ")
    # A network is its VNI: guests follow it into another VLAN, and stay where another VNI comes.
    changes = (other_vlan, other_vlan.replace("vni: 10020", "vni: 10021"), other_vlan, before)
    try:
        for change in changes:
            path.write_text(change)
            fabric_of_one.deploy()
            fabric_of_one.audit_clean()
            fabric_of_one.ping("vm5", "vm6")
    finally:
        path.write_text(before)


def lost(lab: Lab, change: Callable[[], object]) -> dict[tuple[str, str], float]:
    """For how many seconds guests do not reach each other while something is changed."""
    ended: list[bool] = []

    def ask(way: tuple[str, str]) -> float:
        address = str(lab.spec.guest(way[1]).addresses[0]).partition("/")[0]
        missing = 0
        while not ended:
            sent, received = guests.ping(lab.spec, way[0], address, 50, INTERVAL)
            missing += (sent or 50) - received
        return missing * INTERVAL

    with ThreadPoolExecutor() as pool:
        asked = {way: pool.submit(ask, way) for way in WAYS}
        try:
            change()
        finally:
            ended.append(True)
        return {way: future.result() for way, future in asked.items()}


def test_guests_stay_when_each_vni_gets_a_device_and_back(
    fabric_of_one: Lab, single: Path, apart: Path, record_property: Callable[[str, object], None]
) -> None:
    """There and back, each by a deployment, and back once more by a rollback."""
    running = fabric_of_one
    moves = (
        ("to a device each", apart, running.deploy),
        ("to one device", single, running.deploy),
        ("to a device each again", apart, running.deploy),
        ("back by rollback", single, lambda: running.run("rollback", "--yes")),
    )
    for name, inventory, change in moves:
        running.inventory = apart if name == "back by rollback" else inventory
        seconds = lost(running, change)
        record_property(name, {" to ".join(way): round(it, 1) for way, it in seconds.items()})
        running.inventory = inventory
        running.spec = load_lab(inventory)
        # Nobody plugs a guest in again.
        reach_each_other(running)
        running.audit_clean()
