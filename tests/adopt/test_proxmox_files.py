"""A Proxmox cluster whose nodes' own files are at hand: what is kept of FRR, what is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from overlay.loading import load_inventory
from tests.adopt.test_proxmox import CONTROLLERS, ZONE, cluster, imported, remarks, running
from tests.cli.audits import call

SDN = Path(__file__).parents[1] / "live" / "proxmox-sdn"
OUTSIDE = {"type": "bgp", "node": "pve1", "peers": "10.9.0.252,10.9.0.253", "ebgp": 1}


def with_files(folder: Path, config: dict[str, Any], more: str = "") -> tuple[Any, str, Any]:
    """The import of a cluster with pve1's frr.conf and `sdn`, as Proxmox writes them."""
    pve = cluster(folder / "pve", config)
    peers = " neighbor 10.9.0.2 peer-group VTEP\n neighbor 10.9.0.3 peer-group VTEP\n"
    for name in ("frr.conf", "sdn"):
        text = (SDN / name).read_text()
        for word, value in (("ADDRESS", "10.9.0.1"), ("NAME", "pve1"), ("PEERS", peers)):
            text = text.replace(word, value)
        (pve / "nodes" / "pve1" / name).write_text(text + (more if name == "frr.conf" else ""))
    ended = call("import", "proxmox", "--from", pve, "-o", folder / "fabric")
    assert ended.code == 0, ended.err
    loaded = load_inventory(folder / "fabric").intent
    return loaded, (folder / "fabric" / "import.md").read_text(), ended


def test_what_proxmox_writes_on_each_node_is_listed_and_not_kept(tmp_path: Path):
    intent, report, ended = with_files(tmp_path, running())
    assert not (tmp_path / "fabric" / "kept").exists()
    assert intent.nodes["pve1"].frr_extra == ()
    assert "## What is kept" not in report
    assert "- `router bgp 65000 / no bgp hard-administrative-reset` (pve1:13)\n" in report
    assert "statements that the intent does not say" in ended.out


def test_what_else_a_nodes_frr_is_told_is_kept(tmp_path: Path):
    more = (
        "router bgp 65000\n neighbor BGP peer-group\n neighbor BGP remote-as external\n"
        " neighbor 10.9.0.252 peer-group BGP\n address-family ipv4 unicast\n"
        "  neighbor BGP activate\n exit-address-family\nexit\n!\nrouter ospf\n"
        " ospf router-id 10.9.0.1\nexit\n!\n"
    )
    intent, report, ended = with_files(tmp_path, running(), more)
    kept = (tmp_path / "fabric" / "kept" / "pve1.frr.conf").read_text()
    assert " neighbor 10.9.0.252 remote-as external\n" in kept
    assert "  neighbor 10.9.0.252 activate\n" in kept
    assert intent.fabric.nodes["pve1"].daemons_extra == {"ospfd": "yes"}
    assert intent.nodes["pve1"].peers_by_hand >= {"10.9.0.252"}
    assert "- `kept/pve1.frr.conf: router ospf / ospf router-id 10.9.0.1`\n" in report
    assert "statements of FRR kept, as found" in ended.out


def test_statements_merged_by_hand_count_where_frr_conf_is_not_at_hand(tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    local = "!\n! merged by Proxmox\nip route 10.77.0.0/16 10.9.0.254\n"
    (pve / "nodes" / "pve2" / "frr.conf.local").write_text(local)
    assert call("import", "proxmox", "--from", pve, "-o", tmp_path / "fabric").code == 0
    (text,) = load_inventory(tmp_path / "fabric").intent.nodes["pve2"].frr_extra
    assert text.splitlines()[-1] == "ip route 10.77.0.0/16 10.9.0.254"


def test_another_as_of_a_node_is_said(tmp_path: Path):
    controllers = CONTROLLERS | {"pve1": OUTSIDE | {"asn": 65001}}
    _, report = imported(tmp_path, running(controllers=controllers))
    said = [line for line in remarks(report) if "controllers.pve1" in line]
    assert "no audit looks at its sessions (10.9.0.252, 10.9.0.253)" in said[0]
    assert len(said) == 1
    nodes = load_inventory(tmp_path / "fabric").intent.nodes
    assert [node.bgp.asn for node in nodes.values()] == [65001, 65000, 65000]
    assert nodes["pve2"].bgp.remote_as("10.9.0.1") == 65001


def test_a_vtep_address_of_a_loopback_is_a_routed_underlay(tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    for n in (1, 2, 3):
        file = pve / "nodes" / f"pve{n}" / "interfaces"
        file.write_text(
            f"iface dummy1\n address 10.9.0.{n}/32\niface eth0\n address 172.16.{n}.1/24\n"
        )
    assert call("import", "proxmox", "--from", pve, "-o", tmp_path / "fabric").code == 0
    fabric = load_inventory(tmp_path / "fabric").intent.fabric
    assert (str(fabric.underlay.prefix), fabric.underlay.bridge) == ("10.9.0.0/30", "dummy1")
    assert "is routed" in (tmp_path / "fabric" / "import.md").read_text()


def test_prefixes_that_a_cluster_has_twice_are_said(tmp_path: Path):
    exits = {"exitnodes": "pve1"}
    zones = {"prod": ZONE | exits, "test": ZONE | exits | {"vrf-vxlan": 9001}}
    vnets = {
        "red": {"type": "vnet", "zone": "prod", "tag": 100},
        "blue": {"type": "vnet", "zone": "test", "tag": 101},
    }
    subnets = {
        "prod-10.9.0.0-24": {"type": "subnet", "vnet": "red", "gateway": "10.9.0.250"},
        "prod-10.1.0.0-24": {"type": "subnet", "vnet": "red", "gateway": "10.1.0.1"},
        "test-10.1.0.0-24": {"type": "subnet", "vnet": "blue", "gateway": "10.1.0.1"},
    }
    config = running(zones=zones, vnets=vnets, subnets=subnets)
    intent, report = imported(tmp_path, config)
    assert intent.fabric.vrfs["vrf_prod"].unreachable == ()
    assert intent.fabric.vrfs["vrf_test"].unreachable != ()
    assert "vrfs.vrf_prod: the underlay 10.9.0.0/24 overlaps 10.9.0.0/24 of VNI 100" in report
    assert "10.1.0.0/24 overlaps 10.1.0.0/24 of VRF vrf_prod, and both have exits" in report
    # To manage it, one of them needs another prefix.
    ended = call("import", "proxmox", "--from", tmp_path / "pve", "-o", tmp_path / "managed",
                 "--scope", "overlay")  # fmt: skip
    assert ended.code == 1
    assert "both have exits" in ended.err
