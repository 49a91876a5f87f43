"""One VXLAN device for all VNIs: onto blank nodes, its faults, the way there and back.

And from there through what it is combined with, each deployed on top of the one before; beside
somebody else's underlay `test_scopes.py` has it.
"""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab import guests
from lab.fault_catalogue import CATALOGUE
from lab.faults import Target
from lab.spec import load_lab
from tests.live.matrix import ROOT
from tests.live.tenants import furnish, strip, with_two_tenants
from tests.live.test_topologies import (
    OUTSIDE,
    assert_as_intended,
    assert_imported,
    outside,
    reaches,
    shows_routing,
)
from tests.live.tools.isolation import (
    reach_nothing_else,
    reach_their_own,
    stay_apart_without_a_way_out,
)
from tests.live.tools.probes import eventually, on
from tests.live.tools.singles import as_single, changed, no_vtep_too_old
from tests.live.underlay.leaf_spine import as_machines, route_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

# A guest's way within a VNI, to another one, and in one that is not routed.
WAYS = (("vm1", "vm2"), ("vm3", "vm1"), ("vm5", "vm6"))
INTERVAL = 0.1
# An address of vm3 that nobody has asked for before its fault.
UNHEARD = "fd00:3::9"
# What faults break: VNI 2.
TARGET = Target(bridge="vmbr1", vxlan="vxlan0", vni=2, vlan=2)


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("single") / "fabric"
    shutil.copytree(ROOT / "examples" / "single-device", folder)
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
    with no_vtep_too_old(lab):
        lab.use(single)
        lab.blank()
        lab.deploy()
        guests.start_all(lab.spec)
        lab.target = TARGET
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


# Of the others one that names the device, which is not the one that a VNI's part is called by.
FAULTS = [name for name, it in CATALOGUE.items() if it.topology == "single-device"]
FAULTS.append("packet-filter-rule")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_once(fabric_of_one: Lab, fault: str) -> None:
    fabric_of_one.prove(fault)
    fabric_of_one.audit_clean()


POLICY = "/etc/systemd/network/99-default.link.d"


def test_a_guests_port_does_not_change_the_router_mac(fabric_of_one: Lab) -> None:
    """Where systemd gives bridges no MAC, they take the lowest of their ports'."""

    def router_mac() -> str:
        return on(fabric_of_one, "node2", "cat /sys/class/net/vmbr4000/address")

    on(
        fabric_of_one,
        "node2",
        f"mkdir -p {POLICY}; printf '[Link]\\nMACAddressPolicy=none\\n' > {POLICY}/none.conf; "
        "udevadm control --reload; ip link del vmbr1; ip link del vxlan0; ifreload -a",
    )
    try:
        before = router_mac()
        assert before == on(fabric_of_one, "node2", "cat /sys/class/net/vxlan0/address")
        on(
            fabric_of_one,
            "node2",
            "ip link add tap900i0 type veth peer name guest900; "
            "ip link set tap900i0 address 02:00:00:00:00:01; ip link set tap900i0 master vmbr1 up",
        )
        assert router_mac() == before
    finally:
        undo = f"ip link del tap900i0; rm -r {POLICY}; udevadm control --reload"
        on(fabric_of_one, "node2", undo)
    guests.start_all(fabric_of_one.spec)
    reach_each_other(fabric_of_one)
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
    """There and back, each by a deployment, and there once more by a rollback."""
    running = fabric_of_one
    moves = (
        ("to a device each", apart, running.deploy),
        ("to one device", single, running.deploy),
        ("to a device each by rollback", apart, lambda: running.run("rollback", "--yes")),
    )
    for name, inventory, change in moves:
        running.inventory = single if name.endswith("rollback") else inventory
        seconds = lost(running, change)
        record_property(name, {" to ".join(way): round(it, 1) for way, it in seconds.items()})
        running.inventory = inventory
        running.spec = load_lab(inventory)
        # Nobody plugs a guest in again.
        reach_each_other(running)
        running.audit_clean()


def take(lab: Lab, inventory: Path) -> None:
    """Deploys it on top of what is there: nothing is left of that, and nothing is to be done."""
    # A guest in the VLAN of a network that goes would be a finding, and the deployment undone.
    for name in lab.spec.guests:
        guests.stop(lab.spec, name)
    lab.use(inventory)
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    lab.target = TARGET
    lab.audit_clean()
    assert_imported(lab)


def answered_by_vxlan(lab: Lab) -> None:
    """Each node asks each other one, by pings and by a VXLAN packet."""
    count = len({guest.node for guest in lab.spec.guests.values()})
    ways = count * (count - 1)
    wanted = {"nodes": count, "paths": ways, "tunnels": ways, "answered": ways}
    audit = lab.audit_until(lambda audit: audit.report["run"]["probe"] == wanted, "--probe")
    assert audit.report["run"]["probe"] == wanted, audit.text
    assert audit.report["findings"] == [], audit.text


def named(
    lab: Lab, node: str, breaks: str, repairs: str, *, check: str, guest: str, address: str
) -> None:
    """What breaks it on a node stops a guest's ping, and is the one finding until it is repaired."""
    if address != UNHEARD:
        reaches(lab, guest, address)
    on(lab, node, breaks)
    try:
        audit = lab.audit_until(
            lambda audit: [(f["host"], f["check"]) for f in audit.roots] == [(node, check)]
        )
        assert [(f["host"], f["check"]) for f in audit.roots] == [(node, check)], audit.text
        asked = guests.run(lab.spec, guest, f"ping -c 2 -W 1 {address} || :").out
        assert " 0 received" in asked
    finally:
        on(lab, node, repairs)
    lab.audit_clean()
    reaches(lab, guest, address)


def test_asymmetric_routing_and_ipv6_gateways(fabric_of_one: Lab, tmp_path: Path) -> None:
    """Onto a device for each VNI, which the moves have left."""
    take(fabric_of_one, asymmetric_over_ipv6(tmp_path))
    shows_routing(fabric_of_one)
    for guest, address in (("vm1", "fd00:2::2"), ("vm2", "fd00:3::3")):
        reaches(fabric_of_one, guest, address)
    answered_by_vxlan(fabric_of_one)
    # node1 has no guest in VNI 3, and routes to it all the same.
    named(
        fabric_of_one,
        "node1",
        "bridge vlan del dev vmbr1 vid 3 self",
        "bridge vlan add dev vmbr1 vid 3 self",
        check="port-vlan",
        guest="vm1",
        address="10.0.3.3",
    )
    named(
        fabric_of_one,
        "node2",
        "bridge link set dev vxlan0 mcast_flood off",
        "bridge link set dev vxlan0 mcast_flood on",
        check="bridge-port-flood",
        guest="vm4",
        address=UNHEARD,
    )


def asymmetric_over_ipv6(folder: Path) -> Path:
    inventory = folder / "asymmetric"
    shutil.copytree(ROOT / "examples" / "l3-asymmetric", inventory)
    with changed(as_single(inventory), "fabric.yaml") as intent:
        for network in intent["networks"]:
            network["gateways"].append(f"fd00:{network['vni']}::fe/64")
    with changed(inventory, "lab.yaml") as lab:
        for guest in lab["machines"].values():
            number = guest["addresses"][0].partition("/")[0].rpartition(".")[2]
            guest["addresses"].append(f"fd00:{guest['vlan']}::{number}/64")
            guest["gateways"].append(f"fd00:{guest['vlan']}::fe")
        lab["machines"]["vm3"]["addresses"].append(f"{UNHEARD}/64")
    return inventory


def test_two_tenants_behind_exits_that_reflect(fabric_of_one: Lab, tmp_path: Path) -> None:
    """Exits to a router with BGP, two of them route reflectors, and a floating address."""
    exits = ["node1", "node2", "node3"]
    inventory = as_single(with_two_tenants(tmp_path, "exit-upstream-bgp", exits=exits))
    with changed(inventory, "fabric.yaml") as intent:
        for name in ("node2", "node3"):
            intent["nodes"][name]["reflector"] = True
        priorities = {"node1": 200, "node2": 100}
        intent["vips"] = [{"address": "192.168.0.10/24", "id": 1, "priorities": priorities}]
    take(fabric_of_one, inventory)
    furnish(fabric_of_one)
    try:
        reach_their_own(fabric_of_one, outside=True)
        reach_nothing_else(fabric_of_one)
        stay_apart_without_a_way_out(fabric_of_one)
        ping = "ping -c 2 -i 0.2 -W 1 192.168.0.10"
        eventually(
            "no floating address", lambda: " 2 received" in on(fabric_of_one, "router", ping)
        )
    finally:
        strip(fabric_of_one)
    fabric_of_one.audit_clean()


def test_several_as_and_one_exit(fabric_of_one: Lab, tmp_path: Path) -> None:
    """VTEPs of two AS with a route server of a third; the exit knows its router by an address."""
    inventory = tmp_path / "several-as"
    shutil.copytree(ROOT / "examples" / "several-as", inventory)
    with changed(as_single(inventory), "fabric.yaml") as intent:
        intent["vrfs"]["vrf1"]["exits"] = ["node1"]
        intent["nodes"]["node1"]["gateway"] = "192.168.0.254"
        intent["nodes"]["router"] = {"address": "192.168.0.254", "role": "router"}
    for name, more in (
        ("lab.yaml", {"release": "forky", "number": 4}),
        ("hosts.yaml", {"hostname": "127.77.0.4", "groups": ["lab"]}),
    ):
        with changed(inventory, name) as content:
            content.get("nodes", content)["router"] = more
    take(fabric_of_one, inventory)
    shows_routing(fabric_of_one)
    outside(fabric_of_one)
    for guest in ("vm1", "vm2", "vm3"):
        reaches(fabric_of_one, guest, OUTSIDE)
    answered_by_vxlan(fabric_of_one)
    fabric_of_one.prove("exit-route-vrf")
    fabric_of_one.audit_clean()


def test_a_routed_underlay(fabric_of_one: Lab, tmp_path: Path) -> None:
    """The device's tunnels leave from a loopback, by both spines; sessions of eBGP route it."""
    # No link joins FRR 8.4 and 10.3: docs/inventory.md says what BFD does there.
    spines = {"spine1": "router", "spine2": "rrserver2"}
    leaves = {"leaf1": "node1", "leaf2": "node2", "leaf3": "node3"}
    inventory = tmp_path / "leaf-spine"
    as_machines(ROOT / "examples" / "leaf-spine", inventory, leaves | spines)
    route_by(inventory, "ebgp-unnumbered")
    take(fabric_of_one, as_single(inventory))
    fabric_of_one.ping("vm1", "vm2")
    fabric_of_one.ping("vm1", "vm3")
    full = guests.run(fabric_of_one.spec, "vm1", "ping -c 2 -W 1 -M do -s 1472 10.0.2.2")
    assert " 2 received" in full.out, full.out
    answered_by_vxlan(fabric_of_one)
    assert "Plan: 0 to change" in fabric_of_one.deploy().stdout
