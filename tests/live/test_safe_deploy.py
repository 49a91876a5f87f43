"""No node is lost: cut paths, a tool that is killed, a power failure, at each step."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from lab import fabric, faults, guests
from lab.paths import lab_paths
from tests.live.deploys import (
    APPLIED,
    APPLYING,
    ARMED,
    deploy,
    deploying,
    fingerprint,
    is_back,
    outcome,
    until,
    variant,
    with_new_network,
)
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

ADDRESSES = {"node2": "192.168.0.2", "node3": "192.168.0.3"}


def over_the_underlay(lab: Lab, tmp_path: Path, name: str, edits: dict[str, str]) -> Path:
    """An inventory with edited nodes, each reached over what the deployment takes away from it."""

    def edit(text: str) -> str:
        for node, keys in edits.items():
            own = f"{node}: {{address: {ADDRESSES[node]}}}"
            assert own in text
            text = text.replace(own, f"{node}: {{{keys}}}")
        return text

    wrong = variant(tmp_path, edit, name)
    paths = lab_paths()
    known, jump = tmp_path / f"{name}-known_hosts", tmp_path / f"{name}-ssh_config"
    known.write_text(paths.known_hosts.read_text())
    for node in edits:
        address = ADDRESSES[node]
        key = on(lab, node, "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
        with known.open("a") as file:
            file.write(f"{address} ssh-ed25519 {key}\n")
        with jump.open("a") as file:
            file.write(f"Host {address}\n  ProxyCommand ssh -F {paths.ssh_config} -W %h:%p node1\n")
        hosts = wrong / "hosts.yaml"
        own = f"{node}: {{hostname: 127.77.0.{address[-1]}, groups: [lab]}}"
        assert own in hosts.read_text()
        more = f"data: {{ssh_config: {jump}, known_hosts: {known}}}"
        far = f"{node}: {{hostname: {address}, port: 22, groups: [lab], {more}}}"
        hosts.write_text(hosts.read_text().replace(own, far))
    return wrong


@pytest.mark.parametrize(
    "edits",
    [
        {"node2": "address: 192.168.0.2, port: eno9", "node3": "address: 192.168.0.33"},
        {"node3": "address: 192.168.0.3, port: wrong0"},
    ],
    ids=["no-port-and-wrong-address", "wrong-uplink"],
)
def test_a_node_that_cuts_its_own_path_comes_back(
    fleet: Lab, tmp_path: Path, edits: dict[str, str]
) -> None:
    on(fleet, "node3", "ip link show wrong0 >/dev/null 2>&1 || ip link add wrong0 type dummy")
    before = {node: fingerprint(fleet, node) for node in edits}
    wrong = over_the_underlay(fleet, tmp_path, "wrong", edits)
    limit = [word for node in edits for word in ("--limit", node)]
    code, said = deploy(wrong, "--canary", "none", "--batch", "100%", "--max-failures", "2", *limit)
    assert code == 1, said
    for node, was in before.items():
        assert outcome(said, node) == "restored", said
        eventually(f"{node} is not as it was", is_back(fleet, node, was))
    on(fleet, "node3", "ip link del wrong0")


@pytest.mark.smoke
def test_what_the_audit_of_a_node_finds_undoes_its_deployment(fleet: Lab, tmp_path: Path) -> None:
    """The files are right and all steps succeed: only the audit sees what the kernel holds."""
    wider = variant(tmp_path, with_new_network)
    before = fingerprint(fleet, "node1")
    # No reload takes that back: ifupdown2 knows of no isolated ports where no file names them.
    faults.inject(fleet.spec, "bridge-port-isolated", "node1")
    try:
        code, said = deploy(wider, "--limit", "node1")
        assert code == 1, said
        assert outcome(said, "node1") == "restored", said
        assert "audit: vxlan2: bridge port isolation - Expected: off Actual: on" in said, said
        eventually("node1 is not as it was", is_back(fleet, "node1", before))
    finally:
        faults.heal(fleet.spec, "bridge-port-isolated", "node1")
    code, said = deploy(wider, "--limit", "node1")
    assert (code, outcome(said, "node1")) == (0, "deployed"), said
    fleet.deploy()
    assert fingerprint(fleet, "node1") == before
    fleet.audit_clean()


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
    guests.start_all(fleet.spec)
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
    fleet.boot(steps)
    for node in steps:
        eventually(f"{node} is not as it was", is_back(fleet, node, before[node]), 180)
    guests.start_all(fleet.spec)
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
