"""No node is lost: cut paths, kills, power failures, broken nodes, and machines that lose nothing."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lab import fabric, machines
from lab.paths import lab_paths
from lab.ssh import run_on
from tests.live.matrix import ROOT
from tests.live.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

EXAMPLE = ROOT / "examples" / "l3-symmetric"
MANAGED = (
    "/etc/network/interfaces /etc/frr/frr.conf /etc/frr/daemons /etc/sysctl.d/90-evpn-fleet.conf"
)
NEW_NETWORK = "\n  - vni: 5\n    vrf: vrf1\n    gateways: [10.0.5.254/24]\n"
SWITCH = "--confirm-within", "30"
# The node's own words about where a deployment of it is.
ARMED = "[ -L /var/lib/evpn-fleet/pending ]"
APPLYING = "systemctl --quiet is-active 'evpn-fleet-apply-*'"
APPLIED = "systemctl list-timers --no-legend 'evpn-fleet-undo-*-confirm.timer' | grep -q ."


@pytest.fixture(scope="module")
def fleet(lab: Lab) -> Lab:
    lab.use(EXAMPLE)
    lab.deploy()
    machines.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    return lab


def variant(tmp_path: Path, edit: Callable[[str], str], name: str = "inventory") -> Path:
    """A copy of the example whose intent is edited."""
    folder = tmp_path / name
    shutil.copytree(EXAMPLE, folder)
    intent = folder / "fabric.yaml"
    text = edit(intent.read_text())
    assert text != intent.read_text()
    intent.write_text(text)
    return folder


def with_new_network(text: str) -> str:
    return text.replace("networks:\n", f"networks:{NEW_NETWORK}", 1)


def deploying(inventory: Path, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, ROOT / "run.py", "--inventory", inventory, "deploy", "--yes"]
    return subprocess.Popen(
        [*argv, *SWITCH, *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def deploy(inventory: Path, *arguments: str) -> tuple[int, str]:
    process = deploying(inventory, *arguments)
    said, _ = process.communicate(timeout=300)
    return process.returncode, said


def outcome(said: str, node: str) -> str:
    found = re.search(rf"^{node} +(\S+)", said, re.MULTILINE)
    assert found, said[-3000:]
    return found[1]


def fingerprint(lab: Lab, node: str) -> str:
    """The managed files, and what of them the kernel and FRR hold."""
    return on(
        lab,
        node,
        f"sha256sum {MANAGED}; ip -br link show type vxlan | cut -d ' ' -f 1 | sort; "
        "vtysh -c 'show running-config' | grep -v '^frr version'",
    )


def undecided(lab: Lab, node: str) -> str:
    """What a deployment that is not decided leaves on a node."""
    return on(
        lab,
        node,
        "ls -d /var/lib/evpn-fleet/pending /run/evpn-fleet.lock /tmp/evpn-fleet.* 2>/dev/null; "
        "systemctl list-timers --no-legend 'evpn-fleet-undo-*'; "
        "systemctl list-units --no-legend --state=active 'evpn-fleet-apply-*'; :",
    )


def is_back(lab: Lab, node: str, before: str) -> Callable[[], bool]:
    def probe() -> bool:
        try:
            return undecided(lab, node) == "" and fingerprint(lab, node) == before
        except Exception:  # noqa: BLE001 - a node that boots, or restarts FRR, is not back yet
            return False

    return probe


def until(lab: Lab, node: str, condition: str) -> None:
    """Waits on the node itself: a poll from here would be too late."""
    wait = f'timeout 90 sh -c "until {condition}; do sleep 0.05; done"'
    assert run_on(lab.spec.node(node), wait, timeout=120).rc == 0, condition


def test_a_node_that_cuts_its_own_path_comes_back(fleet: Lab, tmp_path: Path) -> None:
    """node3 is reached over the underlay that the deployment takes away from it."""
    wrong = variant(
        tmp_path, lambda text: text.replace("address: 192.168.0.3", "address: 192.168.0.33")
    )
    paths = lab_paths()
    own = on(fleet, "node3", "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"{paths.known_hosts.read_text()}192.168.0.3 ssh-ed25519 {own}\n")
    jump = tmp_path / "ssh_config"
    jump.write_text(f"Host 192.168.0.3\n  ProxyCommand ssh -F {paths.ssh_config} -W %h:%p node1\n")
    hosts = wrong / "hosts.yaml"
    hosts.write_text(
        hosts.read_text().replace(
            "node3: {hostname: 127.77.0.3, groups: [lab]}",
            "node3: {hostname: 192.168.0.3, port: 22, groups: [lab], "
            f"data: {{ssh_config: {jump}, known_hosts: {known}}}}}",
        )
    )
    before = fingerprint(fleet, "node3")
    code, said = deploy(wrong, "--limit", "node3")
    assert code == 1, said
    assert outcome(said, "node3") == "restored"
    eventually("node3 is not as it was", is_back(fleet, "node3", before))


def test_we_are_killed_at_each_step(fleet: Lab, tmp_path: Path) -> None:
    """One run for each node and step, of inventories of their own, all at once."""
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    steps = dict(zip(fleet.spec.nodes, (ARMED, APPLYING, APPLIED), strict=True))
    runs = {
        node: deploying(variant(tmp_path, with_new_network, node), "--limit", node)
        for node in steps
    }

    def kill(node: str) -> None:
        until(fleet, node, steps[node])
        runs[node].send_signal(signal.SIGKILL)

    _at_once(kill, steps)
    for run in runs.values():
        assert run.wait(timeout=60) == -signal.SIGKILL
    for node in steps:
        eventually(f"{node} is not as it was", is_back(fleet, node, before[node]), 180)
    machines.start_all(fleet.spec)
    fleet.ping("vm1", "vm2")
    fleet.audit_clean()


def test_power_fails_at_each_step(fleet: Lab, tmp_path: Path) -> None:
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    steps = dict(zip(fleet.spec.nodes, (APPLIED, ARMED, APPLYING), strict=True))
    runs = {
        node: deploying(variant(tmp_path, with_new_network, node), "--limit", node)
        for node in steps
    }

    def cut(node: str) -> None:
        until(fleet, node, steps[node])
        fabric.power_off(fleet.spec, node)

    _at_once(cut, steps)
    for run in runs.values():
        run.terminate()
        run.wait(timeout=60)
    fabric.up(fleet.spec)
    for node in steps:
        eventually(f"{node} is not as it was", is_back(fleet, node, before[node]), 180)
    machines.start_all(fleet.spec)
    fleet.ping("vm1", "vm2")
    fleet.audit_clean()


def _at_once(job: Callable[[str], None], nodes: dict[str, str]) -> None:
    failed: list[BaseException] = []

    def guarded(node: str) -> None:
        try:
            job(node)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_broken_node_ends_the_rollout_and_is_restored(fleet: Lab, tmp_path: Path) -> None:
    """node1 goes first and stays deployed; node2 is broken; node3 is not begun."""
    wider = variant(tmp_path, with_new_network)
    before = {node: fingerprint(fleet, node) for node in ("node2", "node3")}
    # FRR's reload fails there; a restart, which restoring falls back to, does not.
    on(fleet, "node2", "mount --bind /bin/false /usr/lib/frr/frr-reload.py")
    try:
        code, said = deploy(wider, "--batch", "1")
    finally:
        on(fleet, "node2", "umount /usr/lib/frr/frr-reload.py")
    assert code == 1, said
    ended = [outcome(said, node) for node in ("node1", "node2", "node3")]
    assert ended == ["deployed", "restored", "not-tried"], said
    assert "Not tried: node3" in said
    for node, was in before.items():
        eventually(f"{node} is not as it was", is_back(fleet, node, was))
    code, said = deploy(wider)
    assert code == 0, said
    ended = [outcome(said, node) for node in ("node1", "node2", "node3")]
    assert ended == ["unchanged", "deployed", "deployed"], said
    back = fleet.run("rollback", "--yes", "--limit", "node1")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "vni: 5" not in on(fleet, "node1", "cat /etc/network/interfaces")
    fleet.deploy()
    fleet.audit_clean()


def test_what_must_not_be_deployed_is_not(fleet: Lab, tmp_path: Path) -> None:
    wider = variant(tmp_path, with_new_network)
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}
    obstacles = {
        "node1": (
            "ip link add foreign0 type dummy && ip link set foreign0 master vmbr2",
            "ip link del foreign0", "foreign0",
        ),
        "node2": (
            "echo '# by hand' >> /etc/frr/frr.conf",
            "sed -i '/^# by hand$/d' /etc/frr/frr.conf", "by hand",
        ),
        "node3": (
            "mount -t tmpfs -o size=8M tmpfs /var/lib/evpn-fleet",
            "umount /var/lib/evpn-fleet", "free",
        ),
    }  # fmt: skip
    for node, (build, _, _) in obstacles.items():
        on(fleet, node, build)
    try:
        code, said = deploy(wider)
    finally:
        for node, (_, clear, _) in obstacles.items():
            on(fleet, node, clear)
    assert code == 1, said
    for node, (_, _, word) in obstacles.items():
        assert re.search(rf"{node}.*{word}", said), f"{node}: {word}\n{said}"
    assert {node: fingerprint(fleet, node) for node in before} == before


def test_two_deployments_at_once(fleet: Lab, tmp_path: Path) -> None:
    wider = variant(tmp_path, with_new_network)
    before = fingerprint(fleet, "node1")
    first = deploying(wider, "--limit", "node1")
    until(fleet, "node1", ARMED)
    code, said = deploy(wider, "--limit", "node2")
    assert code == 1, said
    assert "lock" in said
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=120)
    assert outcome(said, "node1") == "deployed", "a node that is at work is finished"
    assert "Stopping" in said
    fleet.deploy()
    assert fingerprint(fleet, "node1") == before


def test_virtual_machines_lose_nothing(fleet: Lab, tmp_path: Path) -> None:
    """A VNI is added, changed and removed while machines of another one ping ten times a second."""
    fleet.ping("vm1", "vm2")
    wider = variant(tmp_path, with_new_network)
    changed = variant(
        tmp_path, lambda text: with_new_network(text).replace("10.0.5.254", "10.0.5.253"), "changed"
    )
    counted: list[tuple[int, int]] = []
    stop = threading.Event()

    def keep_pinging() -> None:
        while not stop.is_set():
            counted.append(machines.ping(fleet.spec, "vm1", "10.0.2.2", 50, 0.1))

    ports = on(fleet, "node1", "bridge link show")
    pinger = threading.Thread(target=keep_pinging)
    pinger.start()
    try:
        for inventory in (wider, changed, EXAMPLE):
            code, said = deploy(inventory)
            assert code == 0, said
            time.sleep(2)
    finally:
        stop.set()
        pinger.join()
    sent, received = (sum(numbers) for numbers in zip(*counted, strict=True))
    assert sent > 100
    assert received == sent, f"{sent - received} of {sent} packets were lost"
    taps = [line.split()[1] for line in ports.splitlines() if "master vmbr2" in line]
    assert taps
    assert all(tap in on(fleet, "node1", "bridge link show") for tap in taps)
