"""What an operator configured on a node beside the intent: it is kept, it stops a deployment, or goes.

The example keeps it on a node of each release. Another topology drops it. Then somebody types the same
by hand, and the example takes that over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab import guests
from tests.live.deploys import EXAMPLE, deploy, fingerprint, outcome
from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

KEEPING = ROOT / "examples" / "foreign-configuration"
# As people do it: the daemon switched on, FRR started again, the rest typed in and written down.
BUILD = (
    "sed -i 's/^vtysh_enable/ospfd=yes\\n&/' /etc/frr/daemons && "
    "systemctl reset-failed frr; systemctl restart frr && "
    f"vtysh >/dev/null <<'END'\nconfigure terminal\n{(KEEPING / 'kept' / 'frr.conf').read_text()}"
    "end\nwrite memory\nEND"
)
# What of it stops a deployment, as errors name it.
BY_HAND = (
    "router ospf / redistribute connected route-map LOCAL-NETWORKS",
    "router ospf / network 192.168.0.0/24 area 0",
    "ip prefix-list LOCAL-NETWORKS seq 5 permit 10.99.0.0/16 le 24",
    "route-map LOCAL-NETWORKS permit 10 / match ip address prefix-list LOCAL-NETWORKS",
)
ALL_AT_ONCE = ("--canary", "none", "--batch", "100%")
LOCAL = "10.99.1.0/24"  # node1's own network, which the others know by OSPF


def test_foreign_statements(lab: Lab) -> None:
    with lab.using(KEEPING):
        lab.blank()
        lab.deploy()
        guests.start_all(lab.spec)
        _assert_kept(lab)
        _assert_import_keeps_it(lab)
        lab.use(EXAMPLE)
        try:
            _what_it_drops_goes(lab)
            _made_by_hand_it_stops_a_deployment(lab)
            _and_is_taken_over(lab)
        finally:
            deploy(EXAMPLE, *ALL_AT_ONCE, "--overwrite", "--replace-foreign")
        leave_to(lab)
        assert not _left(lab)


def _assert_kept(lab: Lab) -> None:
    lab.ping("vm1", "vm2")
    lab.ping("vm1", "vm3")
    lab.ping("vm4", "vm5")  # between two nodes' own networks: by OSPF, outside of the fabric
    assert "proto ospf" in on(lab, "node3", f"ip route show {LOCAL}")
    for node in lab.spec.nodes:
        assert on(lab, node, "sysctl -n net.ipv4.tcp_mtu_probing") == "1\n"
    for node, length in (("node1", 1000), ("node2", 2000), ("node3", 2000)):
        assert on(lab, node, "cat /sys/class/net/eno1/tx_queue_len") == f"{length}\n"
    assert "10.254.0.0/16" in on(lab, "node2", "ip route show type blackhole")
    assert "192.168.0.250" in on(lab, "node1", "vtysh -c 'show bgp neighbors 192.168.0.250'")
    assert_as_intended(lab)
    lab.audit_clean()
    assert "Plan: 0 to change, 3 in sync" in lab.deploy().stdout


def _assert_import_keeps_it(lab: Lab) -> None:
    """Each statement is in the files that it writes, and a deployment of these adds none."""
    folder = lab.work / "imported"
    done = lab.run("import", "hosts", "--output", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "    0 statements that the intent does not say\n    0 statements that" in done.stdout
    text = (KEEPING / "kept" / "frr.conf").read_text().partition("\n")[2]
    for node in lab.spec.nodes:
        assert text in (folder / "kept" / f"{node}.frr.conf").read_text()
        assert "vmbr9" in (folder / "kept" / f"{node}.interfaces").read_text()


def _left(lab: Lab) -> list[str]:
    """What is still on the nodes of what the example keeps."""
    look = (
        "vtysh -c 'show running-config' | grep 'ospf\\|LOCAL-NETWORKS\\|192.168.0.250\\|10.254'; "
        "ip route | grep '10\\.99\\.\\|10\\.254\\.'; pgrep -l ospfd; ls /sys/class/net | grep vmbr9; "
        "ls /etc/network/interfaces.d; :"
    )
    return [line for node in lab.spec.nodes for line in on(lab, node, look).splitlines()]


def _what_it_drops_goes(lab: Lab) -> None:
    """Of the intent itself nothing is foreign: what it drops goes, as the plan says."""
    assert lab.run("plan").returncode == 2
    # But what is typed beside it is, and goes only when somebody says so.
    on(lab, "node3", "echo 'ip route 10.253.0.0/16 Null0' >> /etc/frr/frr.conf")
    on(lab, "node1", "vtysh -c 'configure terminal' -c 'ip route 10.252.0.0/16 Null0'")
    code, said = deploy(EXAMPLE, *ALL_AT_ONCE)
    assert code == 1, said
    assert said.count("holds what the intent does not derive") == 2, said
    assert re.search(r"node1: FRR's running .*\n  line \d+: ip route 10.252.0.0/16 Null0\n", said)
    code, said = deploy(EXAMPLE, *ALL_AT_ONCE, "--replace-foreign")
    assert code == 0, said
    assert not _left(lab)
    assert_as_intended(lab)
    lab.audit_clean()


def _made_by_hand_it_stops_a_deployment(lab: Lab) -> None:
    for node in lab.spec.nodes:
        on(lab, node, BUILD)
    # One more, on one node only: a route, beside the file's own text.
    on(lab, "node2", "echo 'ip route 10.254.0.0/16 Null0' >> /etc/frr/frr.conf")
    before = {node: fingerprint(lab, node) for node in lab.spec.nodes}
    plan = lab.run("plan")
    assert plan.returncode == 1, plan.stdout + plan.stderr
    for said in (plan.stderr, deploy(EXAMPLE, "--overwrite")[1]):
        for node in lab.spec.nodes:
            found = re.search(rf"{node}: /etc/frr/frr.conf holds .*?\n  next: ", said, re.DOTALL)
            assert found, said
            for statement in BY_HAND:
                assert f": {statement}\n" in found[0], said
            assert re.search(rf"{node}: /etc/frr/daemons holds .*\n  line \d+: ospfd=yes", said)
        assert len(re.findall(r"line \d+: ip route 10.254.0.0/16 Null0", said)) == 1, said
    assert {node: fingerprint(lab, node) for node in before} == before, "nothing was changed"


def _and_is_taken_over(lab: Lab) -> None:
    # What `write memory` made of our file is an edit, of which the intent holds all but the form.
    code, said = deploy(KEEPING, *ALL_AT_ONCE, "--overwrite")
    assert code == 0, said
    assert all(outcome(said, node) == "deployed" for node in lab.spec.nodes), said
    lab.use(KEEPING)
    guests.start_all(lab.spec)
    _assert_kept(lab)
