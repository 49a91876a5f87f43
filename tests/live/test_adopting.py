"""A fabric that is there already: imported as Proxmox's SDN makes it, audited, and broken."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from lab import guests
from lab.faults import Target
from lab.paths import lab_paths
from overlay.loading import load_inventory
from tests.live.conftest import ROOT
from tests.live.probes import on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

HERE = ROOT / "tests" / "live" / "proxmox-sdn"
ADDRESSES = {"node1": "192.168.0.1", "node2": "192.168.0.2", "node3": "192.168.0.3"}
# What of a fabric breaks that nobody deployed: of each plane some.
FAULTS = (
    "vxlan-missing",
    "vxlan-learning",
    "vxlan-dstport",
    "bridge-membership",
    "bridge-port-neigh-suppress",
    "gateway-mac",
    "gateway-address",
    "vrf-membership",
    "imet-not-originated",
    "session-down",
)


def write_by_hand(lab: Lab) -> None:
    """What Proxmox's SDN writes on its nodes, and what /etc/pve holds; all of it in force."""
    members = {name: {"ip": address} for name, address in ADDRESSES.items()}
    files = {
        "/etc/pve/sdn/.running-config": (HERE / "running-config.json").read_text(),
        "/etc/pve/.members": json.dumps({"nodename": "node1", "nodelist": members}) + "\n",
        "/etc/network/interfaces": (HERE / "interfaces").read_text(),
        "/etc/network/interfaces.d/sdn": (HERE / "sdn").read_text(),
        "/etc/frr/frr.conf": (HERE / "frr.conf").read_text(),
    }
    for name, address in ADDRESSES.items():
        peers = [peer for peer in ADDRESSES.values() if peer != address]
        lines = "".join(f" neighbor {peer} peer-group VTEP\n" for peer in peers)
        command = "mkdir -p /etc/pve/sdn /etc/iproute2/rt_tables.d\n"
        for path, text in files.items():
            said = text.replace("ADDRESS", address).replace("NAME", name).replace("PEERS", lines)
            command += f"cat > {path} <<'END-OF-FILE'\n{said}END-OF-FILE\n"
        on(
            lab,
            name,
            f"{command}sed -i -E 's/^(bgpd|bfdd)=.*/\\1=yes/' /etc/frr/daemons; systemctl restart frr; "
            "ifreload --all",
        )


def as_folder(folder: Path) -> Path:
    """The same files, as a person copies them from the nodes: laid out as /etc/pve is."""
    (folder / "sdn").mkdir(parents=True)
    shutil.copy(HERE / "running-config.json", folder / "sdn" / ".running-config")
    members = {name: {"ip": address} for name, address in ADDRESSES.items()}
    (folder / ".members").write_text(json.dumps({"nodelist": members}))
    for name, address in ADDRESSES.items():
        file = folder / "nodes" / name / "interfaces"
        file.parent.mkdir(parents=True)
        file.write_text((HERE / "interfaces").read_text().replace("ADDRESS", address))
    return folder


def imported(lab: Lab, what: str, *arguments: str) -> Path:
    """The inventory that an import wrote, with the lab's nodes and guests beside it."""
    folder = lab.work / f"{what}-{len(list(lab.work.iterdir()))}"
    done = lab.run("import", what, *arguments, "--output", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(HERE / "lab.yaml", folder)
    return folder


def test_a_fabric_as_proxmox_makes_it(lab: Lab, tmp_path: Path) -> None:
    lab.use(ROOT / "examples" / "l3-symmetric")  # to reach the nodes by
    lab.blank()
    write_by_hand(lab)
    by_name = ["--ssh-config", str(lab_paths().ssh_config)]
    by_name += [word for name in ADDRESSES for word in ("--host", name)]

    live = imported(lab, "proxmox", *by_name)

    from_files = imported(lab, "proxmox", "--from", str(as_folder(tmp_path / "pve")))
    of_hosts = imported(lab, "hosts", *by_name)
    nodes = load_inventory(live).intent.nodes
    assert {v.name for v in nodes["node3"].vxlans} == {"vxlan_red", "vxlan_blue", "vrfvx_prod"}
    assert {n.scope.value for n in nodes.values()} == {"observed"}
    for other in (from_files, of_hosts):
        assert {n: node.vxlans for n, node in load_inventory(other).intent.nodes.items()} == {
            n: node.vxlans for n, node in nodes.items()
        }
    lab.use(live)
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.ping("vm1", "vm3")
    lab.audit_clean()
    shutil.copy(live / "hosts.yaml", from_files)  # files say no way to the nodes
    for folder in (of_hosts, from_files):
        lab.use(folder)
        lab.audit_clean()
    refused = lab.run("deploy", "--yes")
    assert refused.returncode == 1, refused.stdout
    assert "each chosen node is of the scope `observed`" in refused.stderr

    lab.use(live)
    lab.target = Target(bridge="red", vxlan="vxlan_red", vni=100, vrf="vrf_prod")
    for name in FAULTS:
        lab.prove(name)
    lab.audit_clean()
