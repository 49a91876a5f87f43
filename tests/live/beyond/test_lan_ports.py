"""Ports to LANs beside the fabric: a VLAN of a NIC, a bond, a NIC, on one release each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab import guests
from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended, assert_imported, reaches
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

# From each LAN, a guest of another node in its network.
WAYS = (("plc1", "vm1"), ("plc2", "vm3"), ("plc3", "vm5"))


def test_onto_blank_nodes(lab: Lab) -> None:
    lab.use(ROOT / "examples" / "lan-ports")
    lab.blank()
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    _lead_out(lab)
    lab.ping("plc2", "vm1")  # by the gateway, into another network
    lab.audit_clean()
    assert_imported(lab, kept=1)
    assert "Plan: 0 to change" in lab.deploy().stdout


def _lead_out(lab: Lab) -> None:
    for machine, guest in WAYS:
        lab.ping(machine, guest)
        lab.ping(guest, machine)


def test_a_cable_of_a_bond_is_no_loss(lab: Lab) -> None:
    """Follows the one before."""
    on(lab, "node2", "ip link set eno2 down")
    reaches(lab, "vm3", "10.0.3.120", timeout=10)
    on(lab, "node2", "ip link set eno2 up")
    lab.audit_clean()


def test_a_port_that_leads_nowhere_is_found(lab: Lab) -> None:
    """Follows the one before."""
    on(lab, "node1", "ip link set eno2.20 nomaster")
    on(lab, "node2", "ip link set bond0 down")
    on(lab, "node3", "ip link set eno2 down")
    wanted = [
        ("node1", "bridge-membership", "eno2.20"),
        ("node2", "link-down", "bond0"),
        ("node3", "link-down", "eno2"),
    ]
    audit = lab.audit_until(lambda audit: sorted(audit.brief) == wanted)
    assert sorted(audit.brief) == wanted, audit.text
    for machine, guest in WAYS:
        assert not _answers(lab, machine, guest)
    assert "Plan: 0 to change" in lab.run("plan").stdout
    on(lab, "node1", "ifreload --all")
    on(lab, "node2", "ip link set bond0 up")
    on(lab, "node3", "ip link set eno2 up")
    _lead_out(lab)
    lab.audit_clean()


def _answers(lab: Lab, source: str, target: str) -> bool:
    address = str(lab.spec.guest(target).addresses[0]).partition("/")[0]
    return guests.ping(lab.spec, source, address)[1] > 0


def test_it_leaves_nothing_behind(lab: Lab) -> None:
    """Follows the one before: its VLAN and bond are gone, and the NICs lead nowhere."""
    leave_to(lab, ROOT / "examples" / "l2-evpn")
    for name in lab.spec.nodes:
        assert "master" not in on(lab, name, "ip -o link show eno2")
        links = on(lab, name, "ip -br link")
        assert "eno2.20" not in links
        assert "bond0" not in links
