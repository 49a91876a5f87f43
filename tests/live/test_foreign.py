"""What somebody configured on a node beside the intent: it stops a deployment, is kept, or goes.

On a node of each release, from `router ospf` typed by hand to a fabric whose intent holds it.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.live.deploys import EXAMPLE, deploy, fingerprint, outcome
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

AREA = "10.255.0.0/24"
OSPF = f"router ospf\n network {AREA} area 0\nexit\n"
BY_HAND = (
    "printf 'configure terminal\nrouter ospf\nnetwork 10.255.0.0/24 area 0\nexit\nexit\n"
    "write memory\n' | vtysh >/dev/null"
)
# As people do it: the daemon switched on, FRR started again, the rest typed in and written down.
BUILD = (
    "sed -i 's/^vtysh_enable/ospfd=yes\\n&/' /etc/frr/daemons && "
    f"systemctl reset-failed frr; systemctl restart frr && {BY_HAND}"
)
ALL_AT_ONCE = ("--canary", "none", "--batch", "100%")


def runs_ospf(lab: Lab, node: str) -> bool:
    said = on(lab, node, "vtysh -c 'show ip ospf' 2>&1; vtysh -c 'show running-config'; :")
    return "OSPF Routing Process" in said and f" network {AREA} area 0" in said


def test_foreign_statements(fleet: Lab, tmp_path: Path) -> None:
    for node in fleet.spec.nodes:
        on(fleet, node, BUILD)
    # One more, on one node only: a route, beside the file's own text.
    on(fleet, "node2", "echo 'ip route 10.254.0.0/16 Null0' >> /etc/frr/frr.conf")
    before = {node: fingerprint(fleet, node) for node in fleet.spec.nodes}

    try:
        _prove(fleet, before, tmp_path)
    finally:
        fleet.inventory = EXAMPLE
        deploy(EXAMPLE, *ALL_AT_ONCE, "--overwrite", "--replace-foreign")


def _prove(fleet: Lab, before: dict[str, str], tmp_path: Path) -> None:
    plan = fleet.run("plan")
    assert plan.returncode == 1, plan.stdout + plan.stderr
    for said in (plan.stderr, deploy(EXAMPLE, "--overwrite")[1]):
        for node in fleet.spec.nodes:
            where = rf"{node}: /etc/frr/frr.conf holds (?s:[^E]*)line \d+: router ospf / "
            assert re.search(rf"{where}network {AREA} area 0", said), said
            assert re.search(rf"{node}: /etc/frr/daemons holds .*\n  line \d+: ospfd=yes", said)
        assert len(re.findall(r"line \d+: ip route 10.254.0.0/16 Null0", said)) == 1, said
    assert {node: fingerprint(fleet, node) for node in before} == before, "nothing was changed"

    kept = tmp_path / "kept"
    shutil.copytree(EXAMPLE, kept)
    (kept / "ospf.conf").write_text(OSPF)
    (kept / "fabric.yaml").write_text(
        (EXAMPLE / "fabric.yaml").read_text()
        + "\nfrr_extra_file: ospf.conf\ndaemons_extra: {ospfd: true}\ngroups:\n  routed: {nodes: "
        "[node2], frr_extra: ip route 10.254.0.0/16 Null0}\n"
        "sysctl_extra: {net.ipv4.tcp_mtu_probing: 1}\n"
    )
    # What `write memory` made of our file is an edit, of which the intent holds all but the form.
    code, said = deploy(kept, *ALL_AT_ONCE, "--overwrite")
    assert code == 0, said
    for node in fleet.spec.nodes:
        assert outcome(said, node) == "deployed", said
        eventually(f"{node} runs no OSPF", lambda node=node: runs_ospf(fleet, node))  # type: ignore[misc]
        assert on(fleet, node, "sysctl -n net.ipv4.tcp_mtu_probing").strip() == "1"
    fleet.inventory = kept
    fleet.audit_clean()
    code, said = deploy(kept)
    assert code == 0, said
    assert "Plan: 0 to change, 3 in sync" in said
    fleet.ping("vm1", "vm3")

    # Of the intent itself nothing is foreign: what it drops goes, as the plan says.
    fleet.inventory = EXAMPLE
    assert fleet.run("plan").returncode == 2
    # But what is typed beside it is, and goes only when somebody says so.
    on(fleet, "node3", "echo 'ip route 10.253.0.0/16 Null0' >> /etc/frr/frr.conf")
    on(fleet, "node1", "vtysh -c 'configure terminal' -c 'ip route 10.252.0.0/16 Null0'")
    code, said = deploy(EXAMPLE, *ALL_AT_ONCE)
    assert code == 1, said
    assert said.count("holds what the intent does not derive") == 2, said
    assert re.search(r"node1: FRR's running .*\n  line \d+: ip route 10.252.0.0/16 Null0\n", said)
    code, said = deploy(EXAMPLE, *ALL_AT_ONCE, "--replace-foreign")
    assert code == 0, said
    assert not any(runs_ospf(fleet, node) for node in before)
    fleet.audit_clean()
