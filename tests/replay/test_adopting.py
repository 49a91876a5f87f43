"""`lint` and `import` of hosts that are reached over SSH, and of a cluster's node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from overlay.derive import derive
from overlay.loading import load_inventory
from replay.fleet import ReplayFleet
from replay.node import Mishap
from tasks.plan import FileState
from tests.adopt.folders import EXAMPLES
from tests.adopt.test_proxmox import running
from tests.cli.audits import call
from tests.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.ssh

NODES = ("node1", "node2", "node3")
NET = "/etc/network/interfaces"


@pytest.fixture
def fleet(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplayFleet]:
    """Nodes with the files of the symmetric example, and no intent beside their inventory."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    example = EXAMPLES / "l3-symmetric"
    with ReplayFleet(example, recordings) as fleet:
        for name, files in render(derive(load_inventory(example).intent.fabric)).items():
            fleet.nodes[name].files |= {path: FileState(text) for path, text in files.items()}
        (fleet.inventory / "fabric.yaml").unlink()
        yield fleet


def ssh_config(fleet: ReplayFleet, folder: Path) -> Path:
    """Writes the configuration of ssh that leads to the nodes by their names."""
    hosts = yaml.safe_load((fleet.inventory / "hosts.yaml").read_text())
    data = yaml.safe_load((fleet.inventory / "groups.yaml").read_text())["replay"]["data"]
    text = "".join(
        f"Host {name}\n  HostName 127.0.0.1\n  Port {host['port']}\n"
        for name, host in hosts.items()
    )
    text += (
        f"Host *\n  IdentityFile {data['key_file']}\n  UserKnownHostsFile {data['known_hosts']}\n"
    )
    (folder / "ssh_config").write_text(text)
    return folder / "ssh_config"


def by_name(fleet: ReplayFleet, folder: Path, *names: str) -> list[str]:
    words = [word for name in names for word in ("--host", name)]
    return [*words, "--ssh-config", str(ssh_config(fleet, folder))]


def intended(folder: Path):
    return load_inventory(folder).intent.nodes


WANTED = intended(EXAMPLES / "l3-symmetric")


def test_hosts_that_are_named(fleet: ReplayFleet, tmp_path: Path):
    named = by_name(fleet, tmp_path, *NODES)
    out = tmp_path / "fabric"
    ended = call("import", "hosts", *named, "-o", out)
    assert ended.code == 0, ended.err
    assert "    0 statements that a deployment adds\n" in ended.out
    assert intended(out) == WANTED
    # The inventory that was written reaches the hosts as the import did.
    again = call("--inventory", out, "import", "hosts", "-o", tmp_path / "again")
    assert again.code == 0, again.err
    assert intended(tmp_path / "again") == WANTED
    assert call("lint", *named).code == 0


def test_hosts_of_an_inventory_without_an_intent(fleet: ReplayFleet, tmp_path: Path):
    hosts = (fleet.inventory / "hosts.yaml").read_text()
    assert call("--inventory", fleet.inventory, "lint").code == 0
    ended = call("--inventory", fleet.inventory, "import", "hosts", "-o", fleet.inventory)
    assert ended.code == 0, ended.err
    assert intended(fleet.inventory) == WANTED
    assert (fleet.inventory / "hosts.yaml").read_text() == hosts


def test_faults_of_live_files_are_named(fleet: ReplayFleet, tmp_path: Path):
    files = fleet.nodes["node2"].files
    files[NET] = FileState(files[NET].text.replace("bridge-learning off", "bridge-learning on", 1))
    ended = call("lint", *by_name(fleet, tmp_path, *NODES))
    assert ended.code == 2
    assert ended.out.startswith("node2/etc/network/interfaces:")
    other = call("--inventory", fleet.inventory, "lint", "--limit", "node1,node3")
    assert (other.code, other.out) == (0, "")


def test_a_host_that_does_not_answer_ends_the_import(fleet: ReplayFleet, tmp_path: Path):
    fleet.power_off("node3")
    fleet.nodes["node2"].mishaps["node-files"] = Mishap.CUT
    ended = call("import", "hosts", *by_name(fleet, tmp_path, *NODES), "-o", tmp_path / "fabric")
    assert ended.code == 1
    assert "the files of these hosts could not be read" in ended.err
    assert "node3: 127.0.0.1 port" in ended.err or "node3: node3 port" in ended.err
    assert "node2: its files cannot be read" in ended.err
    assert "node1" not in ended.err.partition("Error:")[2]
    assert not (tmp_path / "fabric").exists()


def test_a_host_without_files_is_explained(fleet: ReplayFleet, tmp_path: Path):
    fleet.nodes["node1"].files.clear()
    ended = call("lint", *by_name(fleet, tmp_path, *NODES))
    assert ended.code == 1
    assert "node1: it has no /etc/network/interfaces: is it a Debian host?" in ended.err


def test_two_hosts_of_one_name_are_refused(fleet: ReplayFleet, tmp_path: Path):
    fleet.nodes["node2"].name = "node1"
    ended = call("lint", *by_name(fleet, tmp_path, *NODES))
    assert ended.code == 1
    assert "node1 and node2 both call themselves node1" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["DIR", "--host", "node1"], "cannot be read together"),
        (["--host", "node1", "--limit", "node1"], "name either"),
        (["--ssh-config", "x"], "it says how --host is reached"),
        (["--host", "node 1"], "not of the form [USER@]NAME[:PORT]"),
    ],
)
def test_options_that_contradict_each_other(options: list[str], said: str):
    ended = call("lint", *options)
    assert ended.code == 1
    assert said in ended.err


def cluster(fleet: ReplayFleet) -> None:
    """Node 1 holds /etc/pve, and each node an address of the zone's peers."""
    members = {f"node{n}": {"ip": f"10.9.0.{n}"} for n in (1, 2, 3)}
    pve = {
        "/etc/pve/sdn/.running-config": json.dumps(running()),
        "/etc/pve/sdn/zones.cfg": "evpn: prod\n\nevpn: next\n",
        "/etc/pve/.members": json.dumps({"nodelist": members}),
    }
    for n, name in enumerate(NODES, start=1):
        text = f"iface vmbr0\n\taddress 10.9.0.{n}/24\n\tbridge-ports eno1\n\tmtu 9000\n"
        fleet.nodes[name].files = {NET: FileState(text)}
    fleet.nodes["node1"].files |= {path: FileState(text) for path, text in pve.items()}


def test_a_node_of_a_cluster(fleet: ReplayFleet, tmp_path: Path):
    cluster(fleet)
    out = tmp_path / "fabric"
    ended = call("import", "proxmox", *by_name(fleet, tmp_path, "node1"), "-o", out)
    assert ended.code == 0, ended.err
    assert "sdn/zones.cfg is pending: what it says of next" in ended.err
    nodes = intended(out)
    assert {node.address for node in nodes.values()} == {"10.9.0.1", "10.9.0.2", "10.9.0.3"}
    assert {vxlan.name for vxlan in nodes["node2"].vxlans} == {
        "vxlan_red", "vxlan_blue", "vrfvx_prod",
    }  # fmt: skip
    hosts = yaml.safe_load((out / "hosts.yaml").read_text())
    assert hosts["node1"]["hostname"] == "node1"  # as it was reached
    assert hosts["node2"]["hostname"] == "10.9.0.2"  # as the members know it


def test_a_node_that_is_of_no_cluster(fleet: ReplayFleet, tmp_path: Path):
    named = by_name(fleet, tmp_path, "node2")
    ended = call("import", "proxmox", *named, "-o", tmp_path / "fabric")
    assert ended.code == 1
    assert "node2: /etc/pve/sdn/.running-config: there is no such file" in ended.err
    assert "`import hosts` knows more" in ended.err
    ended = call("import", "proxmox", "-o", tmp_path / "fabric")
    assert ended.code == 1
    assert "name a node with --host NAME, or a folder" in ended.err
