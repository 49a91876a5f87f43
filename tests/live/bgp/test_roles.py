"""Nodes with several roles, and one beside them that is not ours.

An exit that reflects and a VTEP that reflects, a client of both, and an external VTEP that the test
configures by hand.
"""

from __future__ import annotations

import shutil
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
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

SWITCH = "rrserver1"
VISITORS = "10.7.0.0/24"
SHUT = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.2 shutdown'"
# A switch as somebody else would configure it.
UNDERLAY = """
ip link add vmbr0 type bridge
ip link set eno1 mtu 1550 master vmbr0 up
ip address add 192.168.0.200/24 dev vmbr0
ip link set vmbr0 up
"""
SEGMENT = """
ip link add vxlan{0} type vxlan id {0} dstport 4789 local 192.168.0.200 nolearning
ip link add vmbr{0} type bridge
ip link set vxlan{0} mtu 1500 master vmbr{0} up
bridge link set dev vxlan{0} learning off
ip link set vmbr{0} up
"""
FRR = """frr defaults datacenter
router bgp 1234
 bgp router-id 192.168.0.200
 no bgp default ipv4-unicast
 neighbor 192.168.0.2 remote-as 1234
 neighbor 192.168.0.3 remote-as 1234
 address-family l2vpn evpn
  neighbor 192.168.0.2 activate
  neighbor 192.168.0.3 activate
  advertise-all-vni
 exit-address-family
exit
"""


def test_roles(lab: Lab, tmp_path: Path) -> None:
    before = lab.inventory
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "tests" / "live" / "roles", inventory)
    lab.use(inventory)
    lab.blank()
    on(lab, SWITCH, UNDERLAY + SEGMENT.format(2))
    on(lab, SWITCH, f"cat > /etc/frr/frr.conf <<'END'\n{FRR}END")
    on(lab, SWITCH, "sed -i 's/^bgpd=.*/bgpd=yes/' /etc/frr/daemons; systemctl restart frr")
    try:
        _prove(lab)
    finally:
        on(lab, SWITCH, "for d in vxlan3 vmbr3 vxlan2 vmbr2 vmbr0; do ip link delete $d; done || :")
        lab.use(before)


def _prove(lab: Lab) -> None:
    lab.deploy()
    guests.start_all(lab.spec)
    assert_as_intended(lab)
    lab.audit_clean()
    outside(lab)
    for one, two in (("vm1", "vm2"), ("vm3", "vm4"), ("vm1", "vm4"), ("vm2", "vm3")):
        lab.ping(one, two)
    for guest in ("vm1", "vm2", "vm3"):
        reaches(lab, guest, OUTSIDE)
    for guest in ("vm1", "vm2", "vm4"):
        lab.ping(guest, "vm5")  # the switch has no gateway: only within its network
    assert "Plan: 0 to change, 4 in sync" in lab.deploy().stdout
    said = lab.run("deploy", "--yes", "--limit", SWITCH)
    assert said.returncode == 1
    assert "rrserver1 is external (`role: external`)" in said.stderr
    _assert_a_lost_session_is_its_finding(lab, "rrserver2", "rrserver2", "neighbor 192.168.0.2")
    _assert_a_lost_session_is_its_finding(lab, SWITCH, "node2", "neighbor 192.168.0.200")
    _assert_what_it_carries_is_known(lab)
    _one_role_less(lab)


def _assert_a_lost_session_is_its_finding(lab: Lab, at: str, host: str, subject: str) -> None:
    """A client has all routes of the other reflector, too, and so has the one that it lost."""
    on(lab, at, SHUT.format(""))
    wanted = [(host, "session-down", subject)]
    try:
        audit = lab.audit_until(lambda audit: audit.brief == wanted)
        assert audit.brief == wanted, audit.text
        for one, two in (("vm2", "vm3"), ("vm2", "vm5"), ("vm1", "vm5")):
            lab.ping(one, two)
    finally:
        on(lab, at, SHUT.format("no "))
    lab.audit_clean()


def _audit_until(lab: Lab, check: str) -> Audit:
    return lab.audit_until(lambda audit: [r["check"] for r in audit.roots] == [check])


def _assert_what_it_carries_is_known(lab: Lab) -> None:
    """A VNI that nobody said it has is a finding, and the one that it lost is another."""
    on(lab, SWITCH, SEGMENT.format(3))
    audit = _audit_until(lab, "imet-unexpected")
    assert {r["object"] for r in audit.roots} == {"VNI 3 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link delete vxlan3; ip link delete vmbr3; ip link set vxlan2 down")
    audit = _audit_until(lab, "imet-missing")
    assert {r["object"] for r in audit.roots} == {"VNI 2 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link set vxlan2 up")
    lab.ping("vm2", "vm5")
    lab.audit_clean()


def _one_role_less(lab: Lab) -> None:
    """A reflector becomes a client like any other, and nothing is left of what it was."""
    path = lab.inventory / "fabric.yaml"
    text = path.read_text().replace("192.168.0.3, reflector: true", "192.168.0.3")
    text = text.replace("asn: 1234}", f"asn: 1234, listen: [{{range: {VISITORS}}}]}}")
    path.write_text(text.replace("  rrserver1:", "  # rrserver1:"))
    assert load_inventory(lab.inventory).intent.reflectors == ("node2",)
    on(lab, SWITCH, "systemctl stop frr")
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
    assert_imported(lab)
    count = "vtysh -c 'show running-config' | grep -c 'neighbor.*remote-as'"
    for name in ("node3", "rrserver2"):
        assert on(lab, name, count) == "1\n"
    lab.ping("vm2", "vm4")
