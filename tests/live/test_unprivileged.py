"""Accounts that are not root: one that may only audit, one that deploys, each by its sudoers file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.recipe import UNPRIVILEGED_USER as USER
from lab.ssh import run_on
from tests.live.deploys import deploy, outcome, variant, with_new_network
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

PLACE, NEW = "/etc/sudoers.d/evpn-fleet-test", "/run/evpn-fleet-test-sudoers"


def allow(lab: Lab, purpose: str) -> None:
    """Installs the printed file as its own first lines say."""
    printed = lab.run("sudoers", "--user", USER, "--for", purpose)
    assert printed.returncode == 0, printed.stderr
    for node in lab.spec.nodes.values():
        install = f"cat > {NEW} && visudo -cqf {NEW} && install -m 440 {NEW} {PLACE}; rm {NEW}"
        run_on(node, install, stdin=printed.stdout).check()


@pytest.fixture
def unprivileged(fleet: Lab, tmp_path: Path) -> Iterator[Path]:
    """The inventory with another login and one network more."""
    folder = variant(tmp_path, with_new_network)
    groups = folder / "groups.yaml"
    groups.write_text(groups.read_text().replace("username: root", f"username: {USER}"))
    yield folder
    for node in fleet.spec.nodes:
        on(fleet, node, f"rm -f {PLACE}")


def may(lab: Lab, node: str, command: str) -> bool:
    return run_on(lab.spec.node(node), f"runuser -u {USER} -- sudo -n {command}").rc == 0


def test_an_account_that_may_only_audit(fleet: Lab, unprivileged: Path) -> None:
    assert fleet.run("--inventory", str(unprivileged), "audit").returncode == 3
    allow(fleet, "audit")
    fabric = unprivileged / "fabric.yaml"
    fabric.write_text((fleet.inventory / "fabric.yaml").read_text())
    fleet.audit_clean()
    own, fleet.inventory = fleet.inventory, unprivileged
    try:
        fleet.audit_clean()
    finally:
        fleet.inventory = own
    for node in fleet.spec.nodes:
        assert may(fleet, node, "vtysh -c 'show running-config'")
        for command in ("cat /etc/shadow", "vtysh -c 'configure terminal'", "sh -c id", "vtysh"):
            assert not may(fleet, node, command), f"{node}: {command}"


def test_an_account_that_deploys(fleet: Lab, unprivileged: Path) -> None:
    code, said = deploy(unprivileged, "--limit", "node1")
    assert code != 0, said
    assert "sudo" in said
    allow(fleet, "deploy")
    code, said = deploy(unprivileged, "--canary", "none", "--batch", "100%")
    assert code == 0, said
    assert [outcome(said, node) for node in fleet.spec.nodes] == ["deployed"] * 3
    assert on(fleet, "node1", "stat -c '%U %a' /etc/frr/frr.conf") == "frr 640\n"
    fleet.deploy()
    fleet.audit_clean()
