"""A switch that is not ours, and VTEPs that come and go, beside three nodes and a reflector of ours.

Both are configured as the example's README says. Then nobody names the switch any more; and a visitor
comes from where visitors are awaited, from elsewhere, and with another AS.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lab import guests
from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended, assert_imported
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import eventually, on
from tests.live.underlay.leaf_spine import as_machines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

pytestmark = pytest.mark.lab

# The machines of the lab that all tests share, each of the release that the example names.
MACHINES = {"rrserver1": "rrserver2", "switch1": "rrserver1", "visitor1": "router"}
SWITCH, VISITOR, REFLECTOR = "rrserver1", "router", "rrserver2"
VTEPS = ("node1", "node2", "node3")
KNOWN, VISITING, STRANGE = "192.168.0.200", "10.7.0.9", "10.8.0.9"
SESSION_COMES = 15.0  # seconds; those that are let in took less than 12
SHUT = "vtysh -c 'configure terminal' -c 'router bgp 1234' -c '{}neighbor 192.168.0.201 shutdown'"
NAMED = re.compile(r"^  switch1: .*\n|^  rrserver1: .*external.*\n", re.MULTILINE)
WAY = "        post-up ip route replace 10.7.0.0/24 dev vmbr0\n"
# Another VNI than the one that it is said to carry.
VNI_3 = (
    f"ip link add vxlan3 type vxlan id 3 dstport 4789 local {KNOWN} nolearning; "
    "ip link add vmbr3 type bridge; ip link set vxlan3 mtu 1500 master vmbr3 up; "
    "bridge link set dev vxlan3 learning off; ip link set vmbr3 up"
)


def test_external_peers(lab: Lab, tmp_path: Path) -> None:
    inventory = as_machines(ROOT / "examples" / "external-peers", tmp_path / "peers", MACHINES)
    path = inventory / "fabric.yaml"
    text = path.read_text()
    assert WAY in text
    path.write_text(text.replace(WAY, WAY + WAY.replace("10.7.", "10.8.")))  # strangers' packets
    with lab.using(inventory):
        lab.blank()
        configure(lab, SWITCH, (inventory / "switch1.sh").read_text())
        configure(lab, VISITOR, (inventory / "visitor1.sh").read_text())
        _prove(lab)
        leave_to(lab)


def configure(lab: Lab, machine: str, commands: str) -> None:
    """Runs commands there as the README says."""
    argv = [sys.executable, ROOT / "run.py", "--inventory", lab.inventory, "lab", "shell", machine]
    done = subprocess.run(
        argv, input=commands, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _prove(lab: Lab) -> None:
    lab.deploy()
    guests.start_all(lab.spec)
    assert_as_intended(lab)
    lab.audit_clean()
    lab.ping("vm1", "vm2")
    lab.ping("vm1", "vm3")
    # Neither the switch nor the visitor has a gateway: only within their network.
    for one, two in (
        ("vm1", "vm4"),
        ("vm2", "vm4"),
        ("vm1", "vm5"),
        ("vm2", "vm5"),
        ("vm5", "vm4"),
    ):
        lab.ping(one, two)
    assert "Plan: 0 to change, 4 in sync" in lab.deploy().stdout
    said = lab.run("deploy", "--yes", "--limit", SWITCH)
    assert said.returncode == 1
    assert f"{SWITCH} is external (`role: external`)" in said.stderr
    _assert_a_lost_session_is_its_finding(lab)
    _assert_what_it_carries_is_known(lab)
    _visitors_are_not_missed(lab)
    _strangers_are_not_let_in(lab)
    _nobody_names_it(lab)


def _audit_until(lab: Lab, *checks: str) -> Audit:
    audit = lab.audit_until(lambda audit: [r["check"] for r in audit.roots] == [*checks])
    assert [r["check"] for r in audit.roots] == [*checks], audit.text
    return audit


def _assert_a_lost_session_is_its_finding(lab: Lab) -> None:
    on(lab, SWITCH, SHUT.format(""))
    try:
        audit = _audit_until(lab, "session-down")
        assert audit.brief == [(REFLECTOR, "session-down", f"neighbor {KNOWN}")], audit.text
        eventually(
            "vm1 still reaches vm4", lambda: guests.ping(lab.spec, "vm1", "10.0.2.4")[1] == 0
        )
    finally:
        on(lab, SWITCH, SHUT.format("no "))
    lab.ping("vm1", "vm4")
    lab.audit_clean()


def _assert_what_it_carries_is_known(lab: Lab) -> None:
    """A VNI that nobody said it has is a finding, and the one that it lost is another."""
    on(lab, SWITCH, VNI_3)
    audit = _audit_until(lab, "imet-unexpected")
    assert audit.roots[0]["object"] == f"VNI 3 VTEP {KNOWN}", audit.text
    on(lab, SWITCH, "ip link delete vxlan3; ip link delete vmbr3; ip link set vxlan2 down")
    audit = _audit_until(lab, "imet-missing")
    assert audit.roots[0]["object"] == f"VNI 2 VTEP {KNOWN}", audit.text
    on(lab, SWITCH, "ip link set vxlan2 up")
    lab.ping("vm2", "vm4")
    lab.audit_clean()


def _visitors_are_not_missed(lab: Lab) -> None:
    assert _knows(lab, VISITING) == set(VTEPS)
    _leave(lab, VISITING)


def _strangers_are_not_let_in(lab: Lab) -> None:
    """One of another AS, and one from elsewhere."""
    visitor = (lab.inventory / "visitor1.sh").read_text()
    # Of an AS like its own its FRR would wait for a neighbour within its network.
    multihop = r"\g<0> neighbor 192.168.0.201 ebgp-multihop 2\n"
    other = re.sub(r" neighbor \S+ remote-as.*\n", multihop, visitor).replace(
        "bgp 1234", "bgp 4321"
    )
    assert other.count("4321") == 1
    configure(lab, VISITOR, other)
    eventually(f"{REFLECTOR} minds no AS", lambda: "Bad Peer AS" in _session(lab))
    assert not _knows(lab, VISITING)
    lab.audit_clean()
    configure(lab, VISITOR, visitor.replace(VISITING, STRANGE))
    on(lab, VISITOR, "ping -c 1 -W 5 192.168.0.201")
    time.sleep(SESSION_COMES)
    assert "BGP state = Established" not in _session(lab)
    assert not _knows(lab, STRANGE)
    lab.audit_clean()
    on(lab, VISITOR, "systemctl stop frr")


def _nobody_names_it(lab: Lab) -> None:
    """A reflector takes whoever comes from the underlay, and the audit says who should not be there."""
    path = lab.inventory / "fabric.yaml"
    text, found = NAMED.subn("", path.read_text())
    assert found == 1
    # Nor is there a way to visitors any more, which an import would keep beside the intent.
    before, _, behind = text.partition("groups:\n")
    path.write_text(before + behind.partition("\n\n")[2])
    lab.deploy()
    wanted = {
        (REFLECTOR, "session-unexpected", f"neighbor {KNOWN}"),
        ("node1", "imet-unexpected", f"VNI 2 VTEP {KNOWN}"),
    }
    audit = lab.audit_until(lambda audit: set(audit.brief) == wanted)
    assert set(audit.brief) == wanted, audit.text
    _leave(lab, KNOWN)
    assert_imported(lab)


def _leave(lab: Lab, address: str) -> None:
    on(lab, SWITCH if address == KNOWN else VISITOR, "systemctl stop frr")
    eventually(f"{address} is flooded to", lambda: not _knows(lab, address))
    lab.audit_clean()


def _session(lab: Lab) -> str:
    """What the visitor says of its session with the reflector."""
    return on(lab, VISITOR, "vtysh -c 'show bgp neighbors 192.168.0.201'")


def _knows(lab: Lab, address: str) -> set[str]:
    """Our VTEPs that tunnel to an address."""
    return {name for name in VTEPS if address in on(lab, name, "bridge fdb show dev vxlan2")}
