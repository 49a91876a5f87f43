"""No node is lost: cut paths, a tool that is killed, a power failure, at each step."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from lab import fabric, machines
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
from tests.live.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab


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
    fabric.up(fleet.whole)
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
