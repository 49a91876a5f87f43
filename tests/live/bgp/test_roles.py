"""Nodes with several roles: an exit that reflects and a VTEP that reflects, on both stable releases."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lab import guests
from overlay.loading import load_inventory
from tests.live.matrix import ROOT
from tests.live.probes import on
from tests.live.test_topologies import (
    OUTSIDE,
    assert_as_intended,
    assert_imported,
    outside,
    reaches,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

NODES = ("node1", "node2", "node3", "rrserver1")


def test_roles(lab: Lab, tmp_path: Path) -> None:
    before = lab.inventory
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "tests" / "live" / "roles", inventory)
    lab.use(inventory)
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    assert_as_intended(lab)
    lab.audit_clean()
    assert_imported(lab)
    outside(lab)
    for one, two in (("vm1", "vm2"), ("vm3", "vm4"), ("vm1", "vm4"), ("vm2", "vm3")):
        lab.ping(one, two)
    for guest in ("vm1", "vm2", "vm3"):
        reaches(lab, guest, OUTSIDE)
    assert "Plan: 0 to change" in lab.deploy().stdout
    _assert_a_lost_session_is_its_finding(lab)
    _one_role_less(lab)
    lab.use(before)


def _assert_a_lost_session_is_its_finding(lab: Lab) -> None:
    """A client has each other's routes of the other reflector, and so has the one that it lost."""
    line = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.1 shutdown'"
    on(lab, "node3", line.format(""))

    def found(audit: Audit) -> bool:
        return [r["check"] for r in audit.roots] == ["session-down"] and audit.code == 2

    try:
        audit = lab.audit_until(found)
        assert audit.brief == [("node3", "session-down", "neighbor 192.168.0.1")], audit.text
        lab.ping("vm1", "vm3")
        reaches(lab, "vm3", OUTSIDE)
    finally:
        on(lab, "node3", line.format("no "))
    lab.audit_clean()


def _one_role_less(lab: Lab) -> None:
    """A reflector becomes a client like any other, and nothing is left of what it was."""
    path = lab.inventory / "fabric.yaml"
    path.write_text(path.read_text().replace("192.168.0.2, reflector: true", "192.168.0.2"))
    assert load_inventory(lab.inventory).intent.reflectors == ("node1",)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
    for name in NODES[1:]:
        assert (
            on(lab, name, "vtysh -c 'show running-config' | grep -c 'neighbor.*remote-as'") == "1\n"
        )
    lab.ping("vm2", "vm4")
