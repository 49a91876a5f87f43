"""What somebody changed on running nodes and wrote into no file: an import names it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from overlay.loading import load_inventory
from tests.live.test_topologies import assert_imported
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

NODES = {"node1": "192.168.0.1", "node2": "192.168.0.2", "node3": "192.168.0.3"}
NEIGHBOUR = "vtysh -c 'configure terminal' -c 'router bgp 1234'"
BY_HAND = (
    "ip link add vxlan9 type vxlan id 9 local ADDRESS dstport 4789 nolearning && "
    "ip link set vxlan9 up && "
    f"{NEIGHBOUR} -c 'neighbor 192.168.0.99 remote-as 1234' && "
    "bridge link set dev vxlan2 neigh_suppress off && "
    "ip link set vmbr3 address 44:39:39:ff:40:95"
)
UNDONE = (
    "ip link del vxlan9; "
    f"{NEIGHBOUR} -c 'no neighbor 192.168.0.99'; "
    "bridge link set dev vxlan2 neigh_suppress on; "
    "ip link set vmbr3 address 44:39:39:ff:40:94"
)
# What the import says of each node: what differs, what its file says and what runs.
SAID = (
    "the vxlan vxlan9 of VNI 9 runs and no file says it",
    "FRR runs what its file does not say: router bgp 1234 / neighbor 192.168.0.99 remote-as 1234",
    "bridge-arp-nd-suppress of vxlan2 is on in the file and off in the kernel",
    "the MAC of vmbr3 is 44:39:39:ff:40:94 in the file and 44:39:39:ff:40:95 in the kernel",
)
CONCERNS = ("vxlan9", "192.168.0.99", "vxlan2", "vmbr3")


def test_where_files_and_what_runs_disagree_an_import_names_host_and_thing(fleet: Lab) -> None:
    """On a node of each release; the intent is that of the files all the same."""
    folder = fleet.work / "disagreeing"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for name, address in NODES.items():
            on(fleet, name, BY_HAND.replace("ADDRESS", address))
        done = fleet.run("import", "hosts", "--output", str(folder))
    finally:
        for name in NODES:
            on(fleet, name, UNDONE)
    assert done.returncode == 0, done.stdout + done.stderr
    report = (folder / "import.md").read_text()
    for name in NODES:
        told = [line for line in done.stdout.splitlines() if line.startswith(name)]
        for wanted in SAID:
            assert [line for line in told if wanted in line], (wanted, told)
            assert [it for it in report.splitlines() if name in it and wanted in it], report
        assert all(any(word in line for word in CONCERNS) for line in told), told
    wanted_nodes = load_inventory(fleet.inventory).intent.nodes
    assert load_inventory(folder).intent.nodes == wanted_nodes
    fleet.audit_clean()
    assert_imported(fleet)  # what was undone is no remark any more
