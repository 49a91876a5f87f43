"""Nodes with several roles, and one beside them that is not ours.

An exit that reflects and a VTEP that reflects, a client of both, and an external VTEP that the test
configures by hand. Then nobody names it any more: it visits, from where visitors are awaited, from
elsewhere, and with another AS.
"""

from __future__ import annotations

import shutil
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
from tests.live.tools import switch
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

SWITCH = "rrserver1"
GROUPS = "groups:\n"
REFLECTORS = ("node2", "node3")
OURS = (*REFLECTORS, "rrserver2")
SESSION_COMES = 15.0  # seconds; those that are let in took less than 12
SHUT = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.2 shutdown'"
KNOWN, VISITOR, STRANGER = "192.168.0.200", "10.7.0.9", "10.8.0.9"


def test_roles(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "tests" / "live" / "roles", inventory)
    with lab.using(inventory):
        lab.blank()
        switch.plug_in(lab, SWITCH)
        _come(lab, KNOWN)
        try:
            _prove(lab)
        finally:
            switch.unplug(lab, SWITCH)


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
    switch.carry(lab, SWITCH, 3, KNOWN)
    audit = _audit_until(lab, "imet-unexpected")
    assert {r["object"] for r in audit.roots} == {"VNI 3 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link delete vxlan3; ip link delete vmbr3; ip link set vxlan2 down")
    audit = _audit_until(lab, "imet-missing")
    assert {r["object"] for r in audit.roots} == {"VNI 2 VTEP 192.168.0.200"}, audit.text
    on(lab, SWITCH, "ip link set vxlan2 up")
    lab.ping("vm2", "vm5")
    lab.audit_clean()


def _come(lab: Lab, address: str, *, asn: int = 1234) -> None:
    switch.come(lab, SWITCH, address, ("192.168.0.2", "192.168.0.3"), asn=asn)


def _nobody_names_it(lab: Lab) -> None:
    """Visitors are told from strangers, and none is missed once it has left."""
    path = lab.inventory / "fabric.yaml"
    path.write_text(path.read_text().replace("  rrserver1:", "  # rrserver1:"))
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
    text = path.read_text().replace("192.168.0.3, reflector: true", "192.168.0.3")
    # Nor of the way to visitors, which an import would keep beside the intent.
    before, _, behind = text.partition(GROUPS)
    path.write_text(before + behind.partition("\n\n")[2])
    assert load_inventory(lab.inventory).intent.reflectors == ("node2",)
    lab.deploy()
    assert_as_intended(lab)
    lab.audit_clean()
    assert_imported(lab)
    count = "vtysh -c 'show running-config' | grep -c 'neighbor.*remote-as'"
    for name in ("node3", "rrserver2"):
        assert on(lab, name, count) == "1\n"
    lab.ping("vm2", "vm4")
