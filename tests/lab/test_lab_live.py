"""The lab on real machines: it starts, survives, and leaves nothing.  Ends with the lab down."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab import fabric, guests
from lab.errors import LabError
from lab.paths import lab_paths
from lab.process import session_members
from lab.spec import LabSpec, load_lab
from lab.ssh import run_on

pytestmark = pytest.mark.lab

LAB = """
nodes:
  node1: {release: bookworm}
  node2: {release: trixie}
machines:
  vm1: {node: node1, bridge: labtest, addresses: [192.0.2.1/24, "2001:db8::1/64"]}
  vm2: {node: node1, bridge: labtest, addresses: [192.0.2.2/24, "2001:db8::2/64"]}
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> LabSpec:
    if reason := fabric.supported():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "lab.yaml").write_text(LAB)
    fabric.down()
    return load_lab(folder)


def leftovers() -> list[str]:
    """Everything on this computer that only a lab makes."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(a.startswith("lab.name=") for a in arguments) or "lab.forward" in arguments:
            found.append(f"process {' '.join(arguments)[:80]}")
        if arguments[0].startswith("ssh: /run/evpn-fleet-lab"):
            found.append(f"shared connection {arguments[0]}")
    for command in ("ip netns list", "ip -o link show type tun", "cat /proc/mounts"):
        text = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
        found += [line for line in text.splitlines() if "evpn" in line or " m1: " in line]
    paths = lab_paths()
    found += [str(path) for path in (paths.runtime, paths.ssh_config) if path.exists()]
    found += [str(path) for path in paths.nodes.rglob("*.cow")]
    return found


def states(spec: LabSpec) -> dict[str, str]:
    return {node.name: node.state for node in fabric.status(spec).nodes}


def test_up_starts_blank_nodes_with_an_identity_of_their_own(spec: LabSpec) -> None:
    steps: list[str] = []
    status = fabric.up(spec, steps.append, only=["node1"])
    assert {node.name: node.state for node in status.nodes} == {"node1": "running", "node2": "off"}
    status = fabric.up(spec, steps.append)
    assert status.up, steps
    ids, keys = set(), lab_paths().known_hosts.read_text()
    for node in spec.nodes.values():
        assert run_on(node, "hostname").check() == f"{node.name}\n"
        ids.add(run_on(node, "cat /etc/machine-id").check())
        assert run_on(node, "systemctl --failed --plain --no-legend").check() == ""
        shown = run_on(node, "cat /etc/ssh/ssh_host_ed25519_key.pub").check().split()[1]
        assert f"{node.known_host} ssh-ed25519 {shown}\n" in keys
        assert run_on(node, ". /etc/os-release; echo $VERSION_CODENAME").out.strip() == node.release
        assert "bgpd=no" in run_on(node, "cat /etc/frr/daemons").check()
        assert run_on(node, "ip link set eno1 mtu 9000 && ip link set eno1 mtu 1500").rc == 0
        assert "mgmt" not in run_on(node, "cat /etc/network/interfaces").check()
    assert len(ids) == 2


def test_the_unprivileged_user_has_no_rights(spec: LabSpec) -> None:
    argv = ["ssh", "-F", str(lab_paths().ssh_config), "-l", "fleet", "node1", "sudo -n id -u || id"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "(fleet)" in done.stdout


def test_up_again_changes_nothing_and_is_quick(spec: LabSpec) -> None:
    before = fabric.status(spec)
    begun, steps = time.monotonic(), []
    assert fabric.up(spec, steps.append).up
    assert time.monotonic() - begun < 5
    assert steps == ["the lab is already up: 2 nodes"]
    assert [n.pid for n in fabric.status(spec).nodes] == [n.pid for n in before.nodes]


def test_two_changes_at_once_are_refused(spec: LabSpec) -> None:
    with fabric._changing(lab_paths()), pytest.raises(LabError, match="another `lab` command"):
        fabric.up(spec)


def reaches(spec: LabSpec, guest: str, address: str) -> bool:
    """Within ten seconds: a neighbour that was given up is not asked for again at once."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        if guests.ping(spec, guest, address, 3) == (3, 3):
            return True
    return False


def test_machines_start_twice_and_reach_each_other(spec: LabSpec) -> None:
    node = spec.node("node1")
    for name in spec.guests:
        guests.stop(spec, name)
    run_on(node, "ip link del labtest 2>/dev/null || :").check()
    with pytest.raises(LabError, match="has no bridge labtest"):
        guests.start(spec, "vm1")
    run_on(node, "ip link add labtest type bridge && ip link set labtest up").check()
    guests.start_all(spec)
    port = spec.guest("vm1").port
    run_on(node, f"ip link set {port} nomaster").check()
    assert guests.ping(spec, "vm2", "192.0.2.1", 2) == (2, 0)
    guests.start_all(spec)
    assert reaches(spec, "vm2", "192.0.2.1")
    assert reaches(spec, "vm2", "2001:db8::1")
    assert guests.ping(spec, "vm2", "198.51.100.1") == (0, 0)
    mac = guests.run(spec, "vm1", "cat /sys/class/net/eth0/address").check().strip()
    assert mac == spec.guest("vm1").mac
    guests.stop(spec, "vm1")
    guests.stop(spec, "vm1")
    with pytest.raises(LabError, match="did not run"):
        guests.ping(spec, "vm1", "192.0.2.2")


def test_a_killed_node_is_seen_and_comes_back_on_its_own_disk(spec: LabSpec) -> None:
    fabric.up(spec)
    node = spec.node("node1")
    run_on(node, "echo kept > /root/mark && sync").check()
    old = fabric.status(spec).nodes[0].pid
    assert old is not None
    os.kill(old, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while states(spec)["node1"] != "off" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert states(spec) == {"node1": "off", "node2": "running"}
    survivor = fabric.status(spec).nodes[1].pid
    fabric.power_off(spec, "node1")
    assert session_members(old) == set(), "a power failure leaves no process of that machine"
    assert fabric.up(spec).up
    assert run_on(node, "cat /root/mark").check() == "kept\n"
    assert fabric.status(spec).nodes[1].pid == survivor
    assert len(list(lab_paths().nodes.glob("*/disk.cow"))) == 2


def test_power_off_and_on(spec: LabSpec) -> None:
    fabric.power_off(spec, "node2")
    fabric.power_off(spec, "node2")
    assert states(spec)["node2"] == "off"
    fabric.power_on(spec, "node2")
    assert states(spec)["node2"] == "running"


def test_blank_gives_a_fresh_disk_and_the_same_host_key(spec: LabSpec) -> None:
    node = spec.node("node1")
    run_on(node, "touch /root/mark && sync").check()
    fabric.blank(spec, "node1")
    assert run_on(node, "test -e /root/mark").rc == 1


def test_down_leaves_nothing_twice(spec: LabSpec) -> None:
    threads = threading.active_count()
    fabric.down()
    assert leftovers() == []
    steps: list[str] = []
    fabric.down(steps.append)
    assert steps == ["the lab is down"]
    assert leftovers() == []
    assert threading.active_count() <= threads
    assert set(states(spec).values()) == {"off"}
    with pytest.raises(LabError, match="the lab is down"):
        run_on(spec.node("node1"), "true")
    with pytest.raises(LabError, match="the lab is down"):
        fabric.power_on(spec, "node1")
