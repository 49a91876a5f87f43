"""Nodes with several roles: an exit that reflects, a VTEP that reflects, and a client of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab import guests
from overlay.loading import load_inventory
from tests.live.matrix import ROOT
from tests.live.test_topologies import (
    OUTSIDE,
    assert_as_intended,
    assert_imported,
    outside,
    reaches,
)
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import on
from tests.live.underlay.leaf_spine import as_machines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

# Debian 13 and testing: 12 loses router MACs behind two reflectors.
MACHINES = {"node1": "node2", "node2": "node3", "node3": "rrserver2"}
EXIT, REFLECTOR, CLIENT = "node2", "node3", "rrserver2"
# The client reaches each reflector, within its VNI and in another one; and these each other.
WAYS = (("vm4", "vm1"), ("vm4", "vm2"), ("vm3", "vm1"), ("vm3", "vm2"), ("vm1", "vm2"))
SHUT = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.1 shutdown'"


def test_roles(lab: Lab, tmp_path: Path) -> None:
    inventory = as_machines(ROOT / "examples" / "combined-roles", tmp_path / "roles", MACHINES)
    with lab.using(inventory):
        lab.blank()
        lab.deploy()
        guests.start_all(lab.spec)
        assert_as_intended(lab)
        lab.audit_clean()
        assert_imported(lab)
        outside(lab)
        _all_reach(lab)
        assert "Plan: 0 to change" in lab.deploy().stdout
        _assert_a_lost_session_stops_nobody(lab)
        _one_role_less(lab)
        # Its machines keep their addresses, and reflect no more.
        upstream = ROOT / "examples" / "exit-upstream-bgp"
        leave_to(lab, as_machines(upstream, tmp_path / "left", MACHINES))
        # In other tests they have other addresses, each that of a neighbour until then.
        lab.blank()


def _all_reach(lab: Lab) -> None:
    for one, two in WAYS:
        lab.ping(one, two)
    for guest in ("vm1", "vm2", "vm3"):
        reaches(lab, guest, OUTSIDE)


def _assert_a_lost_session_stops_nobody(lab: Lab) -> None:
    """The client and the exit have each other's routes by the other reflector."""
    on(lab, CLIENT, SHUT.format(""))
    wanted = [(CLIENT, "session-down", "neighbor 192.168.0.1")]
    try:
        audit = lab.audit_until(lambda audit: audit.brief == wanted)
        assert audit.brief == wanted, audit.text
        _all_reach(lab)
    finally:
        on(lab, CLIENT, SHUT.format("no "))
    lab.audit_clean()


def _one_role_less(lab: Lab) -> None:
    """A reflector becomes a client like any other, and nothing is left of what it was."""
    path = lab.inventory / "fabric.yaml"
    path.write_text(path.read_text().replace("192.168.0.2, reflector: true", "192.168.0.2"))
    assert load_inventory(lab.inventory).intent.reflectors == (EXIT,)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
    count = "vtysh -c 'show running-config' | grep -c 'neighbor.*remote-as'"
    for name in (REFLECTOR, CLIENT):
        assert on(lab, name, count) == "1\n"
    _all_reach(lab)
