"""Two hosts for docs/first-hour.md: what the lab's recordings would be with two nodes and one VNI.

`hand-written` is how they are found, with two mistakes on pve2; `deployed` is without them.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from overlay.records import RawOutput
from replay.fleet import RECORDINGS
from tasks.commands import HostCapture
from tasks.snapshot import write_capture, write_meta

if TYPE_CHECKING:
    from replay.fleet import ReplayFleet

BY_PROXMOX = Path(__file__).parents[1] / "live" / "proxmox-sdn"
HOSTS = {"pve1": "node1", "pve2": "node2"}
THIRD = "192.168.0.3"
GONE = {"vxlan3", "vmbr3", "vxlan4000", "vmbr4000", "vrf1"}
_HEADER = re.compile(r"^\d+: (?P<name>[^:@\s]+)", re.MULTILINE)

INTERFACES = """\
auto lo
iface lo inet loopback

auto eno1
iface eno1 inet manual
{mtu}
auto vmbr0
iface vmbr0 inet static
        address 192.168.0.{number}/24
        gateway 192.168.0.254
        bridge-ports eno1
        bridge-stp off
        bridge-fd 0
{mtu}
# storage, with guests of its own
auto eno2 vmbr1
iface eno2 inet manual

iface vmbr1 inet static
        address 10.99.0.{number}/24
        bridge-ports eno2
        bridge-stp off
        bridge-fd 0

auto vxlan2
iface vxlan2 inet manual
        vxlan-id 2
        vxlan-local-tunnelip 192.168.0.{number}
        vxlan-learning off
        bridge-arp-nd-suppress on
        bridge-unicast-flood off
        bridge-multicast-flood off
{learning}
auto vmbr2
iface vmbr2 inet manual
        bridge-ports vxlan2
        bridge-stp off
        bridge-fd 0

source /etc/network/interfaces.d/*
"""
FRR = """\
frr defaults traditional
hostname pve{number}
service integrated-vtysh-config
!
router bgp 1234
 no bgp default ipv4-unicast
 neighbor 192.168.0.{peer} remote-as 1234
 !
 address-family l2vpn evpn
  neighbor 192.168.0.{peer} activate
  advertise-all-vni
 exit-address-family
exit
!
"""


def write_names(folder: Path) -> Path:
    """Makes an inventory that says no more than what the two hosts are called."""
    nodes = {host: {"address": f"192.168.0.{n}"} for n, host in enumerate(HOSTS, start=1)}
    fabric = {"underlay": {"prefix": "192.168.0.0/24"}, "bgp": {"asn": 1234}, "nodes": nodes}
    folder.mkdir()
    (folder / "fabric.yaml").write_text(json.dumps(fabric))
    (folder / "hosts.yaml").write_text(json.dumps({host: {} for host in HOSTS}))
    return folder


def write_ssh_config(fleet: ReplayFleet, file: Path) -> None:
    """Makes an ssh_config(5) that leads to the replayed nodes by their names."""
    hosts = yaml.safe_load((fleet.inventory / "hosts.yaml").read_text())
    login = yaml.safe_load((fleet.inventory / "groups.yaml").read_text())["replay"]["data"]
    lines = [
        line
        for name, host in hosts.items()
        for line in (f"Host {name}", "  HostName 127.0.0.1", f"  Port {host['port']}")
    ]
    lines += ["Host *", f"  IdentityFile {login['key_file']}"]
    lines += [f"  UserKnownHostsFile {login['known_hosts']}", ""]
    file.write_text("\n".join(lines))


def cluster_files() -> dict[str, dict[str, str]]:
    """What lies on the two nodes of a cluster whose SDN Proxmox makes, by node and path."""
    members = {host: {"ip": f"192.168.0.{n}"} for n, host in enumerate(HOSTS, start=1)}
    running = (BY_PROXMOX / "running-config.json").read_text().replace(f",{THIRD}", "")
    found = {}
    for number, host in enumerate(HOSTS, start=1):
        peer = f" neighbor 192.168.0.{3 - number} peer-group VTEP\n"
        texts = {
            "/etc/network/interfaces": (BY_PROXMOX / "interfaces").read_text(),
            "/etc/network/interfaces.d/sdn": (BY_PROXMOX / "sdn").read_text(),
            "/etc/frr/frr.conf": (BY_PROXMOX / "frr.conf").read_text(),
            "/etc/pve/sdn/.running-config": running,
            "/etc/pve/.members": json.dumps({"nodelist": members}),
        }
        found[host] = {
            path: text.replace("ADDRESS", f"192.168.0.{number}")
            .replace("NAME", host)
            .replace("PEERS", peer)
            for path, text in texts.items()
        }
    return found


def write_cluster(folder: Path) -> str:
    """Makes the recordings of such a cluster on the lab, for a ReplayFleet; returns the scene."""
    shutil.copytree(Path(__file__).parent / "proxmox", folder)
    return "in-force"


def write_recordings(folder: Path) -> str:
    """Makes both scenes and the hosts' files before the first deployment, for a ReplayFleet.

    Returns the first scene.
    """
    for number, (host, node) in enumerate(HOSTS.items(), start=1):
        peer, careless = 3 - number, host == "pve2"
        mtu = "" if careless else "        mtu 1550\n"
        learning = "" if careless else "        bridge-learning off\n"
        files = {
            "network/interfaces": INTERFACES.format(mtu=mtu, learning=learning, number=number),
            "frr/frr.conf": FRR.format(number=number, peer=peer),
            "frr/daemons": (RECORDINGS / "blank" / node / "etc/frr/daemons")
            .read_text()
            .replace("bgpd=no", "bgpd=yes"),
        }
        for path, text in files.items():
            file = folder / "blank" / host / "etc" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    for scene in ("hand-written", "deployed"):
        captures = [
            HostCapture(host, outputs(node, careless=host == "pve2" and scene == "hand-written"))
            for host, node in HOSTS.items()
        ]
        for capture in captures:
            write_capture(folder / scene, capture)
        write_meta(folder / scene, captures)
    return "hand-written"


def outputs(node: str, *, careless: bool) -> dict[str, RawOutput]:
    """What one node printed, without the third one and without all but VNI 2."""
    recorded = RECORDINGS / "deployed" / node
    links = (recorded / "ip_link.txt").read_text()
    fdb = (recorded / "bridge_fdb.txt").read_text()
    devices = _HEADER.findall(links)
    gone = GONE | {name for name in devices if _master(links, name) in GONE - {"vrf1"}}
    links = _only_links(links, gone)
    if careless:
        links = re.sub(r"(?<=mtu )1550", "1500", links)
        links = re.sub(r"(vxlan id 2 .*\n.*?) learning off", r"\1 learning on", links)
    addresses = json.loads((recorded / "ip_address.json").read_text())
    listing = json.loads((recorded / "evpn_vni.json").read_text())["2"]
    listing |= {"remoteVteps": [vtep for vtep in listing["remoteVteps"] if vtep != THIRD]}
    listing |= {"numRemoteVteps": 1, "tenantVrf": "default"}
    summary = json.loads((recorded / "evpn_summary.json").read_text())
    summary["peers"].pop(THIRD)
    summary |= {"peerCount": 1, "displayedPeers": 1, "totalPeers": 1}

    def without_gone(slug: str) -> RawOutput:
        entries = json.loads((recorded / f"{slug}.json").read_text())
        return _json([it for it in entries if not gone & {it.get("dev"), it.get("table")}])

    return {
        **{slug: without_gone(slug) for slug in ("ip_route", "ip6_route", "ip_neigh", "tc_qdisc")},
        **{slug: without_gone(slug) for slug in ("ip_rule", "ip6_rule")},
        "tc_filter": RawOutput(""),
        "packet_filters": RawOutput(""),
        "ipsec_policies": RawOutput(""),
        "sysctl": RawOutput("net.ipv4.ip_forward = 0\nnet.ipv6.conf.all.forwarding = 0\n"),
        "ip_link": RawOutput(links),
        "bridge_fdb": RawOutput(_only_fdb(fdb, gone)),
        "bgp_l2vpn_evpn": RawOutput(_only_evpn((recorded / "bgp_l2vpn_evpn.txt").read_text())),
        "evpn_vni": _json({"2": listing}),
        "evpn_duplicate_macs": _json({"2": {"numMacs": 0}}),
        "evpn_duplicate_addresses": _json({"2": {"numArpNd": 0}}),
        "evpn_summary": _json(summary),
        "ip_address": _json([link for link in addresses if link["ifname"] not in gone]),
    }


def _json(value: Any) -> RawOutput:
    return RawOutput(json.dumps(value) + "\n")


def _master(links: str, name: str) -> str:
    found = re.search(rf"^\d+: {re.escape(name)}[@:].* master (\S+)", links, re.MULTILINE)
    return found[1] if found else ""


def _only_links(text: str, gone: set[str]) -> str:
    kept = [part for part in re.split(r"^(?=\d+: )", text, flags=re.MULTILINE) if part]
    kept = [part for part in kept if _HEADER.findall(part)[0] not in gone]
    text = "".join(kept).replace(" master vrf1", "")
    return re.sub(r"vrf_slave table \d+ ", "", text)


def _only_fdb(text: str, gone: set[str]) -> str:
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if line.split()[2] not in gone and f"dst {THIRD}" not in line]
    return "".join(kept)


def _only_evpn(text: str) -> str:
    head, *tables = re.split(r"^(?=Route Distinguisher)", text, flags=re.MULTILINE)
    kept = [
        table for table in tables if re.match(r"Route Distinguisher: 192\.168\.0\.[12]:2\n", table)
    ]
    body = re.sub(r" RT:1234:4000| Rmac:\S+", "", "".join(kept)).rstrip("\n")
    count = len(re.findall(r"^ ?\*", body, re.MULTILINE))
    return f"{head}{body}\n\nDisplayed {count} out of {count} total prefixes\n"
