"""A fabric that is there already: imported, audited, broken, and managed.

As Proxmox's SDN makes it; and as its owner wrote it by hand, with other interfaces beside it.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from lab import fabric, guests
from lab.faults import Target
from lab.paths import lab_paths
from lab.ssh import run_on
from overlay.crosscheck.extras import needed_daemons
from overlay.loading import load_inventory
from overlay.outputs import FRR_FILE, INTERFACES_FILE, KEPT_INTERFACES_FILE
from tests.live.conftest import ROOT
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

HERE = ROOT / "tests" / "live" / "proxmox-sdn"
# An SDN fabric of Proxmox routes the underlay; each with what stops it on node2.
SDN_FABRICS = {"ospf": "no ip ospf area 0", "openfabric": "no ip router openfabric rack"}
ADDRESSES = {"node1": "192.168.0.1", "node2": "192.168.0.2", "node3": "192.168.0.3"}
LOST = ("node2", "underlay-adjacency", "eno1")
LOOPBACKS = {"node2": "172.20.30.2", "node3": "172.20.30.3"}
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
EXAMPLE = ROOT / "examples" / "l2-evpn"
# A storage network in a VLAN of the fabric's NIC, with guests; a bond that leads nowhere; and more
# on devices that are the fabric's own.
BESIDE = """
# storage, in a VLAN of the same NIC
auto eno1.30 vmbr9
iface eno1.30 inet manual

iface vmbr9 inet static
        address 10.30.0.{number}
        netmask 255.255.255.0
        bridge_ports eno1.30
        bridge_stp off
        bridge_fd 0
# guests of the storage network, too

auto eno2
iface eno2 inet manual
        link-type dummy

auto bond0
iface bond0 inet static
        address 10.40.0.{number}/24
        bond-slaves eno2
        bond-mode active-backup

iface vmbr0 inet6 static
        address fd00:30::{number}/64
        post-up touch /run/by-hand
"""
# And what FRR is told beside the fabric; its daemon has to run.
OSPF = """
router ospf
 ospf router-id 10.40.0.{number}
 network 10.40.0.0/24 area 0
exit
"""
DEVICES = ("eno1.30", "vmbr9", "eno2", "bond0")
# What of a device changes when it is made again, or taken down in between.
SAME = (
    "for it in eno1.30 vmbr9; do cd /sys/class/net/$it && "
    "echo $it $(cat ifindex address mtu operstate carrier_down_count); done; "
    "cat /sys/class/net/eno2/ifindex /sys/class/net/bond0/ifindex; ip -br address show vmbr9; "
    "ls /sys/class/net/vmbr9/brif"
)


def write_by_hand(lab: Lab, source: Path = HERE, addresses: dict[str, str] = ADDRESSES) -> None:
    """What Proxmox's SDN writes on its nodes, and what /etc/pve holds; all of it in force.

    `addresses` are the VTEPs'.
    """
    members = {name: {"ip": ADDRESSES[name]} for name in addresses}
    files = {
        "/etc/pve/sdn/.running-config": (source / "running-config.json").read_text(),
        "/etc/pve/.members": json.dumps({"nodename": "node1", "nodelist": members}) + "\n",
        "/etc/network/interfaces": (source / "interfaces").read_text(),
        "/etc/network/interfaces.d/sdn": (source / "sdn").read_text(),
        "/etc/frr/frr.conf": (source / "frr.conf").read_text(),
    }
    needed = ["bgpd", "bfdd", *needed_daemons(files["/etc/frr/frr.conf"])]
    for name, address in addresses.items():
        peers = [peer for peer in addresses.values() if peer != address]
        lines = "".join(f" neighbor {peer} peer-group VTEP\n" for peer in peers)
        command = "mkdir -p /etc/pve/sdn /etc/iproute2/rt_tables.d\n"
        for path, text in files.items():
            said = text.replace("ADDRESS", address).replace("LINK", ADDRESSES[name])
            said = said.replace("NAME", name).replace("PEERS", lines)
            said = said.replace("SYSTEM", system_id(address))
            command += f"cat > {path} <<'END-OF-FILE'\n{said}END-OF-FILE\n"
        command += f"sed -i -E 's/^({'|'.join(needed)})=.*/\\1=yes/' /etc/frr/daemons; "
        command += "systemctl restart frr; ifreload --all"
        if "link-type dummy" in files["/etc/network/interfaces.d/sdn"]:
            # Debian's ifupdown2 leaves the address of a dummy that it has just made out now and
            # then; Proxmox's own waits for it, so there everything finds it.
            command += "; ifreload --all; systemctl restart frr"
        on(lab, name, command)


def system_id(address: str) -> str:
    """An address as OpenFabric's nodes are numbered by it."""
    digits = "".join(f"{int(byte):03}" for byte in address.split("."))
    return ".".join(digits[at : at + 4] for at in (0, 4, 8))


def as_folder(folder: Path, source: Path = HERE, addresses: dict[str, str] = ADDRESSES) -> Path:
    """The same files, as a person copies them from the nodes: laid out as /etc/pve is."""
    (folder / "sdn").mkdir(parents=True)
    shutil.copy(source / "running-config.json", folder / "sdn" / ".running-config")
    members = {name: {"ip": ADDRESSES[name]} for name in addresses}
    (folder / ".members").write_text(json.dumps({"nodelist": members}))
    for name, address in addresses.items():
        file = folder / "nodes" / name / "interfaces"
        file.parent.mkdir(parents=True)
        file.write_text((source / "interfaces").read_text().replace("ADDRESS", address))
    return folder


def imported(lab: Lab, what: str, *arguments: str, source: Path = HERE) -> Path:
    """The inventory that an import wrote, with the lab's nodes and guests beside it."""
    folder = lab.work / f"{what}-{len(list(lab.work.iterdir()))}"
    done = lab.run("import", what, *arguments, "--output", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(source / "lab.yaml", folder)
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


@pytest.mark.parametrize("protocol", SDN_FABRICS)
def test_a_fabric_of_an_sdn_that_routes_its_underlay(
    lab: Lab, tmp_path: Path, protocol: str
) -> None:
    """VTEP addresses on dummies, which an SDN fabric of Proxmox announces."""
    source = ROOT / "tests" / "live" / f"proxmox-{protocol}"
    lab.use(source)
    lab.blank()
    write_by_hand(lab, source, LOOPBACKS)
    by_name = ["--ssh-config", str(lab_paths().ssh_config)]
    by_name += [word for name in LOOPBACKS for word in ("--host", name)]

    live = imported(lab, "proxmox", *by_name, source=source)
    pve = as_folder(tmp_path / "pve", source, LOOPBACKS)
    from_files = imported(lab, "proxmox", "--from", str(pve), source=source)
    of_hosts = imported(lab, "hosts", *by_name, source=source)

    shutil.copy(live / "hosts.yaml", from_files)  # files say no way to the nodes
    said = (of_hosts / "fabric.yaml").read_text()
    assert f"protocol: {protocol}\n  loopback: dummy_rack\n" in said
    assert "FRR runs what its file does not say" not in said
    found = {name: node.vxlans for name, node in load_inventory(live).intent.nodes.items()}
    assert {v.local for vxlans in found.values() for v in vxlans} == set(LOOPBACKS.values())
    lab.use(live)
    guests.start_all(lab.spec)
    lab.ping("vm2", "vm5")
    lab.ping("vm2", "vm3")
    for folder in (from_files, of_hosts, live):
        lab.use(folder)
        assert {n: x.vxlans for n, x in load_inventory(folder).intent.nodes.items()} == found
        lab.audit_clean()
    lab.target = Target(bridge="red", vxlan="vxlan_red", vni=100, vrf="vrf_prod")
    for name in ("session-down", "bridge-port-neigh-suppress", "gateway-address"):
        lab.prove(name)
    lab.use(of_hosts)
    stop = SDN_FABRICS[protocol]
    on(lab, "node2", f"vtysh -c 'configure terminal' -c 'interface eno1' -c '{stop}'")
    audit = lab.audit_until(lambda audit: LOST in audit.brief)
    assert LOST in audit.brief, audit.text


def write_beside(lab: Lab, folder: Path) -> None:
    """The example's files as a person would have them, with more beside it; all of it in force."""
    assert lab.run("render", "--output", str(folder)).returncode == 0
    for number, name in enumerate(ADDRESSES, start=1):
        command = "mkdir -p /etc/iproute2/rt_tables.d\n"
        for file in ("network/interfaces", "frr/frr.conf"):
            text = (folder / name / "etc" / file).read_text().partition("\n")[2]
            if file.startswith("network"):
                text = text.replace("bridge-ports ", "bridge_ports ") + BESIDE
            else:
                text += OSPF
            said = text.replace("{number}", str(number))
            command += f"cat > /etc/{file} <<'END-OF-FILE'\n{said}END-OF-FILE\n"
        command += (
            "sed -i -E 's/^(bgpd|ospfd)=.*/\\1=yes/' /etc/frr/daemons; systemctl restart frr; "
        )
        on(lab, name, command + "ifreload --all")


def imported_hosts(lab: Lab, *arguments: str) -> Path:
    """The inventory that `import hosts` made of the live nodes, with guests on both networks."""
    by_name = ["--ssh-config", str(lab_paths().ssh_config)]
    by_name += [word for name in ADDRESSES for word in ("--host", name)]
    folder = imported(lab, "hosts", *by_name, *arguments)
    machines = (EXAMPLE / "lab.yaml").read_text() + "".join(
        f"  stor{number}: {{node: {name}, bridge: vmbr9, addresses: [10.30.0.1{number}/24]}}\n"
        for number, name in enumerate(ADDRESSES, start=1)
    )
    (folder / "lab.yaml").write_text(machines)
    return folder


def without_kept(folder: Path) -> Path:
    """The same inventory, of which nothing is kept."""
    other = folder.parent / f"{folder.name}-without"
    shutil.copytree(folder, other, dirs_exist_ok=True)
    text = (other / "fabric.yaml").read_text()
    for key in (r"(interfaces|frr)_extra_file: [^,}]+", r"daemons_extra: {[^}]*}"):
        text = re.sub(f", {key}", "", text)
    (other / "fabric.yaml").write_text(text)
    return other


def assert_only_moved(plan: str) -> None:
    """Of each node, what the plan takes out of one file it puts into the other."""
    for name in ADDRESSES:
        part = re.split(
            r"^(?:node\d, )*node\d:\n", plan.partition(f"{name}:\n")[2], flags=re.MULTILINE
        )[0]
        beside, main = (
            part.partition(f"+++ {path}\n")[2].partition("\n--- ")[0]
            for path in (KEPT_INTERFACES_FILE, INTERFACES_FILE)
        )
        gone = re.findall(r"^-iface (\S+)", main, re.MULTILINE)
        back = re.findall(r"^\+iface (\S+)", main + beside, re.MULTILINE)
        assert set(DEVICES) <= set(gone), part
        # Its second stanza becomes a line of the first one.
        assert set(gone) - set(back) <= {"vmbr0"}, part
        assert set(DEVICES) == set(re.findall(r"^\+iface (\S+)", beside, re.MULTILINE)), part
        assert "+# storage, in a VLAN of the same NIC" in beside, part
        assert re.search(r"^\+ +address fd00:30::\d/64$", main, re.MULTILINE), part


def answers(lab: Lab) -> None:
    lab.ping("stor1", "stor2")
    lab.ping("stor3", "stor1")
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm4")


def test_from_observed_to_managed(lab: Lab, tmp_path: Path) -> None:
    lab.use(EXAMPLE)
    lab.blank()
    write_beside(lab, tmp_path / "files")
    folder = imported_hosts(lab, "--scope", "observed")
    lab.use(folder)
    guests.start_all(lab.spec)
    answers(lab)
    lab.audit_clean()

    intent = folder / "fabric.yaml"
    intent.write_text(intent.read_text().replace("scope: observed\n", ""))
    before = {name: on(lab, name, SAME) for name in ADDRESSES}
    lab.use(without_kept(folder))
    refused = lab.run("plan")
    assert refused.returncode == 1, refused.stdout
    for name in ADDRESSES:
        said = refused.stderr.partition(f"{name}: {INTERFACES_FILE} holds")[2].partition("next:")[0]
        found = re.findall(r"line \d+: iface (\S+)", said)
        assert found == ["eno1.30", "vmbr9", "eno2", "bond0", "vmbr0:", "vmbr0:"], refused.stderr
        said = refused.stderr.partition(f"{name}: {FRR_FILE} holds")[2].partition("next:")[0]
        assert "router ospf / network 10.40.0.0/24 area 0" in said, refused.stderr
    lab.use(folder)
    plan = lab.run("plan")
    assert plan.returncode == 2, plan.stdout + plan.stderr
    assert_only_moved(plan.stdout)
    assert {name: on(lab, name, SAME) for name in ADDRESSES} == before, "nothing was changed"

    heard = "timeout -s INT 300 ping -n -q -i 0.2 -W 1 10.30.0.12 > /run/heard 2>&1 &"
    on(lab, "node1", f"rm -f /run/by-hand; ip netns exec stor1 {heard}")
    lab.deploy()
    lost = on(lab, "node1", "pkill -INT -x ping; sleep 1; cat /run/heard")
    sent, received = map(int, re.findall(r"(\d+) packets transmitted, (\d+) received", lost)[0])
    assert sent - received <= 1, lost
    assert sent > 20, lost
    assert {name: on(lab, name, SAME) for name in ADDRESSES} == before
    for number, name in enumerate(ADDRESSES, start=1):
        assert f"fd00:30::{number}/64" in on(lab, name, "ip -br address show vmbr0")
        assert "iface vmbr9" not in on(lab, name, f"cat {INTERFACES_FILE}")
        runs = on(lab, name, "vtysh -c 'show running-config'")
        assert f" ospf router-id 10.40.0.{number}\n" in runs, "what FRR was told is lost"
    on(lab, "node1", "ls /run/by-hand")
    answers(lab)
    lab.audit_clean()
    assert "Plan: 0 to change, 3 in sync" in lab.run("deploy", "--yes").stdout
    # What a second import finds is what is deployed.
    lab.use(imported_hosts(lab))
    assert lab.run("plan").returncode == 0

    _proves_undone(lab, folder, before)


def _proves_undone(lab: Lab, folder: Path, before: dict[str, str]) -> None:
    """Back to the hand-written files and there again, a power failure, and no more of it at all."""
    lab.use(folder)
    refused = lab.run("rollback", "--yes", "--limit", "node3")
    assert "of bridge vmbr9 would be removed" in refused.stderr, "that file condones no guest"
    guests.stop(lab.spec, "stor3")
    done = lab.run("rollback", "--yes", "--limit", "node3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "iface vmbr9" in on(
        lab, "node3", f"cat {INTERFACES_FILE}; [ ! -e {KEPT_INTERFACES_FILE} ]"
    )
    without_guest = re.sub(r"tap\S+\n", "", before["node3"])
    assert on(lab, "node3", SAME) == without_guest
    lab.deploy()
    assert on(lab, "node3", SAME) == without_guest

    fabric.power_off(lab.spec, "node2")
    lab.boot(["node2"])
    eventually("the storage bridge comes back", lambda: "10.30.0.2/24" in on(lab, "node2", SAME))
    guests.start_all(lab.spec)
    answers(lab)
    lab.audit_clean()

    for name in lab.spec.guests:
        if name.startswith("stor"):
            guests.stop(lab.spec, name)
    lab.use(without_kept(folder))
    lab.deploy()
    for name in ADDRESSES:
        gone = f"[ ! -e {KEPT_INTERFACES_FILE} ] && [ ! -e /sys/class/net/vmbr9 ]"
        assert run_on(lab.spec.node(name), gone).rc == 0, name
    lab.audit_clean()
