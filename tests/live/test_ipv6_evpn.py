"""EVPN over an IPv6 underlay, which takes FRR 10.6: on nodes that have it, refused on one that has not."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from lab import fabric, faults, guests
from lab.spec import TESTING
from tests.live.conftest import ROOT
from tests.live.test_topologies import assert_as_intended, assert_imported, reaches
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = [pytest.mark.lab, pytest.mark.forky]

HERE = ROOT / "tests" / "live" / "ipv6-evpn"
# What FRR and the kernel hold otherwise over IPv6: flood entries, tunnel sources, next hops.
FAULTS = (
    "flood-missing",
    "flood-unexpected",
    "fdb-missing",
    "fdb-wrong-vtep",
    "vxlan-local-ip",
    "session-down",
    "imet-not-originated",
    # Found by probes, which are larger over IPv6, and of which the switch drops what is of IPv6.
    "path-mtu",
    "vtep-unreachable",
)


def test_an_ipv6_underlay_carries_evpn(lab: Lab) -> None:
    before = lab.inventory
    lab.use(HERE)
    lab.blank()
    running = {node.release for node in fabric.status(lab.spec).nodes}
    if running != {TESTING}:
        lab.use(before)
        pytest.skip(f"its nodes must run Debian {TESTING}, not {', '.join(sorted(running))}")
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")  # within VNI 2
    lab.ping("vm3", "vm4")
    lab.ping("vm1", "vm4")  # routed, through the L3VNI: IPv4 by an IPv6 next hop
    reaches(lab, "vm1", "fd00:2::2")
    # vm2 has sent its gateway nothing over IPv6 yet.
    reaches(lab, "vm3", "fd00:2::2")
    routed = on(lab, "node3", "ip route show vrf vrf1 10.0.3.4")
    assert "via inet6 fd00:77::4 dev vmbr4000" in routed
    table = on(lab, "node3", "vtysh -c 'show bgp l2vpn evpn route type multicast'")
    assert "[3]:[0]:[128]:[fd00:77::4]" in table
    # Full frames: 1500 bytes of a virtual machine and 70 of the tunnel.
    full = guests.run(lab.spec, "vm1", "ping -c 2 -W 1 -M do -s 1472 10.0.2.2")
    assert " 2 received" in full.out, full.out
    lab.audit_clean()
    assert_imported(lab)  # FRR's version, too, which no file of ours says
    assert "Plan: 0 to change" in lab.deploy().stdout


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_over_ipv6_is_its_one_finding(lab: Lab, name: str) -> None:
    """Follows the test above."""
    over_ipv6(lab)
    fault = faults.find_fault(name)
    check, asked = fault.check, ["--probe"] if fault.probe else []
    faults.inject(lab.spec, name, "node3")
    try:
        audit = lab.audit_until(lambda audit: [f["check"] for f in audit.roots] == [check], *asked)
        assert [(f["host"], f["check"]) for f in audit.roots] == [("node3", check)], audit.text
    finally:
        faults.heal(lab.spec, name, "node3")
    guests.start_all(lab.spec)
    lab.audit_clean()
    if fault.probe:
        healed = lab.audit_until(lambda audit: audit.code == 0, *asked)
        assert healed.report["findings"] == [], healed.text
        # Each of the two asked the other, by pings and by VXLAN.
        assert healed.report["run"]["probe"] == {
            "nodes": 2, "paths": 2, "tunnels": 2, "answered": 2,
        }  # fmt: skip


def test_it_comes_back_after_a_power_failure(lab: Lab) -> None:
    """Follows the tests above."""
    over_ipv6(lab)
    fabric.power_off(lab.spec, "node3")
    fabric.power_on(lab.spec, "node3")
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm4")
    lab.audit_clean()


def test_a_node_whose_frr_is_older_than_the_intent_says_is_refused(
    lab: Lab, tmp_path: Path
) -> None:
    """node2 has FRR 10.3, and the intent says 10.7 of it: only the node can tell."""
    folder = tmp_path / "ipv6-evpn"
    shutil.copytree(HERE, folder)
    for name, more in {
        "fabric.yaml": {"address": "fd00:77::2", "router_id": "192.168.0.2"},
        "hosts.yaml": {"hostname": "127.77.0.2", "groups": ["lab"]},
        "lab.yaml": {"release": "trixie", "number": 2},
    }.items():
        content = yaml.safe_load((folder / name).read_text())
        content.get("nodes", content)["node2"] = more
        (folder / name).write_text(yaml.safe_dump(content))
    with lab.using(folder):
        state = on(lab, "node2", "sha256sum /etc/network/interfaces /etc/frr/frr.conf")
        assert lab.run("validate").returncode == 0
        done = lab.run("deploy", "--yes", "--limit", "node2")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "node2: its FRR is 10.3, and EVPN over an IPv6 underlay needs 10.6" in done.stderr
        assert state == on(lab, "node2", "sha256sum /etc/network/interfaces /etc/frr/frr.conf")


def over_ipv6(lab: Lab) -> None:
    if lab.inventory != HERE:
        pytest.skip("the nodes of this fabric do not run: see the first test of this file")
