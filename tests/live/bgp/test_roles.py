"""Nodes with several roles, and one beside them that is not ours.

An exit that reflects and a VTEP that reflects, a client of both, and an external VTEP that the test
configures by hand. Then nobody names it any more: it visits, from where visitors are awaited, from
elsewhere, and with another AS.
"""

from __future__ import annotations

import re
import time
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
from tests.live.tools.probes import eventually, on
from tests.live.underlay.leaf_spine import as_machines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

# Debian 13 and testing: 12 loses router MACs behind two reflectors.
MACHINES = {"node1": "node2", "node2": "node3", "node3": "rrserver2"}
SWITCH = "rrserver1"
REFLECTORS = ("node2", "node3")
OURS = (*REFLECTORS, "rrserver2")
SESSION_COMES = 15.0  # seconds; those that are let in took less than 12
SHUT = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.1 shutdown'"
KNOWN, VISITOR, STRANGER = "192.168.0.200", "10.7.0.9", "10.8.0.9"
# A switch as somebody else would configure it.
UNDERLAY = """
ip link add vmbr0 type bridge
ip link set eno1 mtu 1550 master vmbr0 up
ip link set vmbr0 up
"""
ADDRESS = """
ip address flush dev vmbr0
ip address add {0} dev vmbr0
ip route replace 192.168.0.0/24 dev vmbr0 src {0}
"""
SEGMENT = """
ip link add vxlan{0} type vxlan id {0} dstport 4789 local {1} nolearning
ip link add vmbr{0} type bridge
ip link set vxlan{0} mtu 1500 master vmbr{0} up
bridge link set dev vxlan{0} learning off
ip link set vmbr{0} up
"""
FRR = """frr defaults datacenter
router bgp {asn}
 bgp router-id 192.168.0.200
 no bgp default ipv4-unicast
 neighbor 192.168.0.1 remote-as 1234
 neighbor 192.168.0.2 remote-as 1234
 address-family l2vpn evpn
  neighbor 192.168.0.1 activate
  neighbor 192.168.0.2 activate
  advertise-all-vni
 exit-address-family
exit
"""
# Those who come and go are behind the underlay's bridge too, in prefixes of their own; they are
# awaited from the first one only.
WAY_TO_VISITORS = """
groups:
  ours:
    nodes: [node2, node3, rrserver2]
    interfaces_extra: |
      iface vmbr0
        post-up ip route replace 10.7.0.0/24 dev vmbr0
        post-up ip route replace 10.8.0.0/24 dev vmbr0
"""
NAMED = "  rrserver1: {role: external, address: 192.168.0.200, vnis: [2]}\n"


def _with_a_switch(folder: Path) -> Path:
    """The example on machines of the lab, with a VTEP beside them that is not ours."""
    inventory = as_machines(ROOT / "examples" / "combined-roles", folder, MACHINES)
    fabric, lab_file = inventory / "fabric.yaml", inventory / "lab.yaml"
    text = re.sub(r"(  asn: 1234.*\n)", r"\1  listen: [{range: 10.7.0.0/24}]\n", fabric.read_text())
    fabric.write_text(text + NAMED + WAY_TO_VISITORS)
    guest = "{node: rrserver1, bridge: vmbr2, addresses: [10.0.2.5/24]}"
    machines = "  rrserver1: {release: bookworm, number: 5}\nmachines:\n" + f"  vm5: {guest}\n"
    lab_file.write_text(lab_file.read_text().replace("machines:\n", machines))
    return inventory


def test_roles(lab: Lab, tmp_path: Path) -> None:
    with lab.using(_with_a_switch(tmp_path / "inventory")):
        lab.blank()
        on(lab, SWITCH, UNDERLAY + "sed -i 's/^bgpd=.*/bgpd=yes/' /etc/frr/daemons")
        _come(lab, KNOWN)
        try:
            _prove(lab)
        finally:
            links = "vxlan3 vmbr3 vxlan2 vmbr2 vmbr0"
            on(lab, SWITCH, f"for d in {links}; do ip link delete $d; done || :")
        leave_to(lab, "several-as")  # where a machine of each role has another one


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
    _assert_a_lost_session_is_its_finding(lab, "rrserver2", "rrserver2", "neighbor 192.168.0.1")
    _assert_a_lost_session_is_its_finding(lab, SWITCH, "node2", "neighbor 192.168.0.200")
    _assert_what_it_carries_is_known(lab)
    _nobody_names_it(lab)
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
    on(lab, SWITCH, SEGMENT.format(3, KNOWN))
    audit = _audit_until(lab, "imet-unexpected")
    assert {r["object"] for r in audit.roots} == {"VNI 3 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link delete vxlan3; ip link delete vmbr3; ip link set vxlan2 down")
    audit = _audit_until(lab, "imet-missing")
    assert {r["object"] for r in audit.roots} == {"VNI 2 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link set vxlan2 up")
    lab.ping("vm2", "vm5")
    lab.audit_clean()


def _come(lab: Lab, address: str, *, asn: int = 1234) -> None:
    """Configures the switch with that VTEP address, and restarts its FRR."""
    on(lab, SWITCH, "ip link delete vxlan2; ip link delete vmbr2; :")
    on(lab, SWITCH, ADDRESS.format(address) + SEGMENT.format(2, address))
    text = FRR.format(asn=asn)
    if asn != 1234:  # else its own FRR would wait for a neighbour within its network
        text = re.sub(r"( neighbor \S+) remote-as.*\n", r"\g<0>\1 ebgp-multihop 2\n", text)
    on(lab, SWITCH, f"cat > /etc/frr/frr.conf <<'END'\n{text}END")
    on(lab, SWITCH, "systemctl reset-failed frr; systemctl restart frr")


def _nobody_names_it(lab: Lab) -> None:
    """Visitors are told from strangers, and none is missed once it has left."""
    path = lab.inventory / "fabric.yaml"
    path.write_text(path.read_text().replace(NAMED, ""))
    lab.deploy()
    wanted = {(name, "session-unexpected", f"neighbor {KNOWN}") for name in REFLECTORS}
    wanted.add((REFLECTORS[0], "imet-unexpected", f"VNI 2 VTEP {KNOWN}"))
    audit = lab.audit_until(lambda audit: set(audit.brief) == wanted)
    assert set(audit.brief) == wanted, audit.text
    _leave(lab, KNOWN)
    _come(lab, VISITOR)
    guests.start_all(lab.spec)
    for guest in ("vm1", "vm2", "vm4"):
        lab.ping(guest, "vm5")
        lab.ping("vm5", guest)
    assert _knows(lab, VISITOR) == set(OURS)
    lab.audit_clean()
    _leave(lab, VISITOR)
    _come(lab, VISITOR, asn=4321)
    for name in REFLECTORS:
        eventually(f"{name} minds no AS", lambda name=name: "Bad Peer AS" in _session(lab, name))
    assert not _knows(lab, VISITOR)
    lab.audit_clean()
    _come(lab, STRANGER)
    for name in REFLECTORS:
        on(lab, SWITCH, f"ping -c 1 -W 5 {_address(lab, name)}")
    time.sleep(SESSION_COMES)
    assert not any("BGP state = Established" in _session(lab, name) for name in REFLECTORS)
    assert not _knows(lab, STRANGER)
    lab.audit_clean()
    on(lab, SWITCH, "systemctl stop frr")


def _leave(lab: Lab, address: str) -> None:
    on(lab, SWITCH, "systemctl stop frr")
    eventually(f"{address} is flooded to", lambda: not _knows(lab, address))
    lab.audit_clean()


def _session(lab: Lab, reflector: str) -> str:
    """What the switch says of its session with a reflector."""
    return on(lab, SWITCH, f"vtysh -c 'show bgp neighbors {_address(lab, reflector)}'")


def _address(lab: Lab, node: str) -> str:
    return load_inventory(lab.inventory).intent.nodes[node].address


def _knows(lab: Lab, address: str) -> set[str]:
    """Our VTEPs that tunnel to an address."""
    return {name for name in OURS if address in on(lab, name, "bridge fdb show dev vxlan2")}


def _one_role_less(lab: Lab) -> None:
    """A reflector becomes a client like any other, and nothing is left of what it was."""
    path = lab.inventory / "fabric.yaml"
    text = path.read_text().replace("192.168.0.2, reflector: true", "192.168.0.2")
    # Nor of the way to visitors, which an import would keep beside the intent.
    path.write_text(text.replace(WAY_TO_VISITORS, ""))
    assert load_inventory(lab.inventory).intent.reflectors == ("node2",)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
    assert_imported(lab)
    count = "vtysh -c 'show running-config' | grep -c 'neighbor.*remote-as'"
    for name in ("node3", "rrserver2"):
        assert on(lab, name, count) == "1\n"
    lab.ping("vm2", "vm4")
