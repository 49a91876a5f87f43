"""A Proxmox cluster's SDN, as its own files say it: what is taken over, and what is only named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adopt.hostfiles import read_host
from adopt.proxmox.cluster import infer_proxmox
from overlay.derive import derive
from overlay.loading import load_inventory
from overlay.snat.intended import Translated
from tests.cli.audits import call

if TYPE_CHECKING:
    from pathlib import Path

ZONE = {"type": "evpn", "controller": "ctl", "vrf-vxlan": 9000, "mac": "BC:24:11:00:00:01"}
CONTROLLERS = {"ctl": {"type": "evpn", "asn": 65000, "peers": "10.9.0.1,10.9.0.2,10.9.0.3"}}

# What the import says of `running()`: its vnet blue has no gateway.
BARE = (
    "- `sdn/.running-config: zones.prod: Proxmox writes 'hwaddress BC:24:11:00:00:01' for vnets "
    "without a gateway (blue), too; the intent says it only of those with one, so no audit looks at "
    "it`"
)


def remarks(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith("- ")]


def running(**changes: Any) -> dict[str, Any]:
    sections = {
        "zones": {"prod": ZONE},
        "controllers": CONTROLLERS,
        "vnets": {
            "red": {"type": "vnet", "zone": "prod", "tag": 100},
            "blue": {"type": "vnet", "zone": "prod", "tag": 101, "alias": "people"},
        },
        "subnets": {
            "prod-10.1.0.0-24": {"type": "subnet", "vnet": "red", "gateway": "10.1.0.1"},
            "prod-fd00:1::-64": {"type": "subnet", "vnet": "red", "gateway": "fd00:1::1"},
        },
    } | changes
    return {"version": 3} | {kind: {"ids": ids} for kind, ids in sections.items()}


def cluster(folder: Path, config: dict[str, Any]) -> Path:
    (folder / "sdn").mkdir(parents=True)
    (folder / "sdn" / ".running-config").write_text(json.dumps(config))
    members = {f"pve{n}": {"id": n, "online": 1, "ip": f"10.9.0.{n}"} for n in (1, 2, 3)}
    (folder / ".members").write_text(json.dumps({"nodename": "pve1", "nodelist": members}))
    for n in (1, 2, 3):
        file = folder / "nodes" / f"pve{n}" / "interfaces"
        file.parent.mkdir(parents=True)
        file.write_text(
            f"auto vmbr0\niface vmbr0 inet static\n\taddress 10.9.0.{n}/24\n\tgateway 10.9.0.254\n"
            "\tbridge-ports eno1\n\tmtu 9000\nsource /etc/network/interfaces.d/*\n"
        )
    return folder


def imported(folder: Path, config: dict[str, Any], *options: str) -> tuple[Any, str]:
    pve = cluster(folder / "pve", config)
    ended = call("import", "proxmox", "--from", pve, "-o", folder / "fabric", *options)
    assert ended.code == 0, ended.err
    report = (folder / "fabric" / "import.md").read_text()
    return load_inventory(folder / "fabric").intent, report


def test_devices_are_those_that_the_sdn_makes(tmp_path: Path):
    intent, report = imported(tmp_path, running())
    assert remarks(report) == [BARE]
    node = intent.nodes["pve2"]
    assert {(v.name, v.vni, v.bridge, v.local, v.mtu) for v in node.vxlans} == {
        ("vxlan_red", 100, "red", "10.9.0.2", 8950),
        ("vxlan_blue", 101, "blue", "10.9.0.2", 8950),
        ("vrfvx_prod", 9000, "vrfbr_prod", "10.9.0.2", 8950),
    }
    bridges = {b.name: (b.addresses, b.mac, b.vrf) for b in node.bridges}
    assert bridges["red"] == (("10.1.0.1/24", "fd00:1::1/64"), "bc:24:11:00:00:01", "vrf_prod")
    assert bridges["blue"] == ((), None, "vrf_prod")
    assert bridges["vrfbr_prod"][2] == "vrf_prod"
    assert node.bgp.asn == 65000
    assert set(node.bgp.peers) == {"10.9.0.1", "10.9.0.3"}
    assert {n.scope.value for n in intent.nodes.values()} == {"observed"}


def test_exits_ports_sizes_and_nodes(tmp_path: Path):
    zone = ZONE | {
        "exitnodes": {"pve1": 1, "pve2": 1},
        "exitnodes-primary": "pve2",
        "vxlan-port": 4790,
        "mtu": 1400,
        "nodes": "pve1,pve2",
    }
    intent, _ = imported(tmp_path, running(zones={"prod": zone}), "--scope", "overlay")
    assert intent.fabric.vrfs["vrf_prod"].exits == ("pve1", "pve2")
    assert intent.fabric.vrfs["vrf_prod"].primary == "pve2"
    assert {v.dstport for v in intent.nodes["pve1"].vxlans} == {4790}
    assert {v.mtu for v in intent.nodes["pve1"].vxlans} == {1400}
    assert intent.nodes["pve3"].vxlans == ()
    assert {n.scope.value for n in intent.nodes.values()} == {"overlay"}


def test_a_vxlan_zone_is_a_fabric_of_static_lists(tmp_path: Path):
    zones = {"wide": {"type": "vxlan", "peers": "10.9.0.1,10.9.0.2,10.9.0.3"}}
    vnets = {"red": {"type": "vnet", "zone": "wide", "tag": 100}}
    intent, report = imported(
        tmp_path, running(zones=zones, vnets=vnets, subnets={}, controllers={})
    )
    (vxlan,) = intent.nodes["pve1"].vxlans
    assert (vxlan.name, set(vxlan.remotes)) == ("vxlan_red", {"10.9.0.2", "10.9.0.3"})
    assert not vxlan.bound  # Proxmox sets no source address there
    assert "Nothing.\n" in report


def test_flags_are_those_that_the_sdn_sets(tmp_path: Path):
    zones = {
        "prod": ZONE | {"disable-arp-nd-suppression": 1, "advertise-subnets": 1},
        "test": ZONE | {"vrf-vxlan": 9001, "vxlan-port": 4790},
    }
    vnets = {
        "red": {"type": "vnet", "zone": "prod", "tag": 100},
        "blue": {"type": "vnet", "zone": "test", "tag": 101},
    }
    intent, report = imported(tmp_path, running(zones=zones, vnets=vnets))
    found = {v.name: (v.flags.neigh_suppress, v.dstport) for v in intent.nodes["pve1"].vxlans}
    assert found == {
        "vxlan_red": (False, 4789),
        "vxlan_blue": (True, 4790),
        "vrfvx_prod": (True, 4789),
        "vrfvx_test": (True, 4790),
    }
    assert all(v.flags.unicast_flood for v in intent.nodes["pve1"].vxlans)
    advertised = {vrf.name: vrf.advertised for vrf in intent.nodes["pve1"].vrfs}
    assert advertised == {"vrf_prod": ("10.1.0.0/24", "fd00:1::/64"), "vrf_test": ()}
    assert "zones.prod.disable-arp-nd-suppression: of its L3VNI's device vrfvx_prod" in report


def test_imported_route_targets_are_the_vrfs(tmp_path: Path):
    zones = {"prod": ZONE | {"rt-import": "65000:9000,65001:9000"}}
    intent, report = imported(tmp_path, running(zones=zones))
    (vrf,) = intent.nodes["pve1"].vrfs
    assert vrf.by_hand.imports == ("65000:9000", "65001:9000")
    assert intent.targets.outside == ("65001:9000",)
    assert remarks(report) == [BARE]


def test_all_zones_without_suppression_are_the_overlay(tmp_path: Path):
    zones = {"prod": ZONE | {"disable-arp-nd-suppression": 1}}
    intent, report = imported(tmp_path, running(zones=zones))
    assert not any(v.flags.neigh_suppress for v in intent.nodes["pve1"].vxlans)
    assert remarks(report) == [BARE]


def test_nodes_of_a_routed_underlay_are_those_of_the_sdn_fabric(tmp_path: Path):
    fabrics: dict[str, Any] = {"under": {"type": "ospf_fabric", "ip_prefix": "172.20.3.0/24"}}
    for n in (1, 2, 3):
        fabrics[f"under_pve{n}"] = {"type": "ospf_node", "ip": f"172.20.3.{n}"}
    controllers = {"ctl": {"type": "evpn", "asn": 65000, "fabric": "under"}}
    intent, report = imported(tmp_path, running(fabrics=fabrics, controllers=controllers))
    assert {name: node.address for name, node in intent.nodes.items()} == {
        "pve1": "172.20.3.1", "pve2": "172.20.3.2", "pve3": "172.20.3.3",
    }  # fmt: skip
    assert intent.nodes["pve1"].underlay_bridge.name == "dummy_under"
    assert {node.bgp.sessions.source for node in intent.nodes.values()} == {"dummy_under"}
    assert "no audit looks at the ospf sessions" in report


def speaker(kind: str, node: int, **keys: Any) -> dict[str, Any]:
    return {f"{kind}{node}": {"type": kind, "node": f"pve{node}"} | keys}


def test_sessions_leave_from_a_controllers_loopback(tmp_path: Path):
    controllers = CONTROLLERS | speaker("bgp", 1, loopback="lo", asn=65000)
    # As Proxmox has it, the BGP controller alone counts where a node has one.
    controllers |= speaker("isis", 2, loopback="lo") | speaker("bgp", 2, asn=65000)
    controllers |= speaker("isis", 3, loopback="lo")
    intent, _ = imported(tmp_path, running(controllers=controllers))
    sources = {name: node.bgp.sessions.source for name, node in intent.nodes.items()}
    assert sources == {"pve1": "lo", "pve2": None, "pve3": "lo"}
    assert intent.fabric.bgp.session.update_source == "lo"
    assert intent.fabric.nodes["pve2"].session.update_source is False


VTEP = """router bgp 65000
 neighbor VTEP peer-group
 neighbor VTEP remote-as 65000
 neighbor 10.9.0.2 peer-group VTEP
"""


def read_live(config: dict[str, Any], **frr: str) -> tuple[dict[str, Any], str]:
    """What is inferred where the FRR configuration of some nodes is at hand, and what is remarked."""
    hosts = {}
    for n in (1, 2, 3):
        texts = {
            "/etc/network/interfaces": f"auto vmbr0\niface vmbr0\n\taddress 10.9.0.{n}/24\n",
        }
        if said := frr.get(f"pve{n}"):
            texts["/etc/frr/frr.conf"] = VTEP + said
        hosts[f"pve{n}"] = read_host(f"pve{n}", texts)
    members = {"nodelist": {f"pve{n}": {"ip": f"10.9.0.{n}"} for n in (1, 2, 3)}}
    found = infer_proxmox(config, members, hosts, name="live")
    return found.fabric, "\n".join(map(str, found.remarks))


def test_sessions_leave_from_where_frr_says():
    config = running(controllers=CONTROLLERS | speaker("bgp", 1, loopback="lo"))
    fabric, said = read_live(
        config,
        pve1=" neighbor VTEP update-source dummy1\n",
        pve2=" neighbor VTEP update-source 10.9.0.2\n",
        pve3=" neighbor VTEP update-source 10.8.0.3\n",
    )
    own = {name: node.get("session") for name, node in fabric["nodes"].items()}
    assert fabric["bgp"]["session"] == {"update_source": "dummy1"}
    assert own == {
        "pve1": None, "pve2": {"update_source": True}, "pve3": {"update_source": False},
    }  # fmt: skip
    assert "nodes.pve3: by /etc/frr/frr.conf its sessions leave from 10.8.0.3" in said
    # Of a node whose file is not at hand the controller tells.
    fabric, _ = read_live(config, pve2=" neighbor VTEP bfd\n")
    own = {name: node.get("session") for name, node in fabric["nodes"].items()}
    assert own == {"pve1": {"update_source": "lo"}, "pve2": None, "pve3": None}


def test_bfd_is_as_proxmox_writes_it_unless_frr_says(tmp_path: Path):
    intent, _ = imported(tmp_path, running())
    assert {node.bfd is not None for node in intent.nodes.values()} == {True}
    probing, silent = " neighbor VTEP bfd\n", " neighbor VTEP activate\n"
    assert read_live(running(), pve1=silent, pve2=probing)[0]["bgp"]["bfd"] is True
    assert "bfd" not in read_live(running(), pve1=silent, pve2=silent)[0]["bgp"]
    assert "bfd" not in read_live(running(), pve1=silent)[0]["bgp"]


EXITS = {"prod": ZONE | {"exitnodes": "pve1,pve2"}}


def _translated(prefix: str, gateway: str, *, length: int = 24) -> dict[str, Any]:
    subnet = {"type": "subnet", "vnet": "red", "gateway": gateway, "snat": 1}
    return {f"prod-{prefix}-{length}": subnet}


def test_snat_is_read_as_it_is_in_effect(tmp_path: Path):
    every = _translated("10.1.0.0", "10.1.0.1")
    six = {"prod-fd00:1::-64": {"type": "subnet", "vnet": "red", "gateway": "fd00:1::1"}}
    one = {"prod-10.2.0.0-24": {"type": "subnet", "vnet": "blue", "gateway": "10.2.0.1"}}
    intent, _ = imported(tmp_path / "every", running(zones=EXITS, subnets=every | six))
    wanted = Translated("vrf_prod", ("10.1.0.0/24",), "10.9.0.2")
    assert intent.nodes["pve2"].snat is not None
    assert intent.nodes["pve2"].snat.translated == (wanted,)
    assert intent.nodes["pve3"].snat is None
    intent, _ = imported(tmp_path / "one", running(zones=EXITS, subnets=every | one))
    assert intent.nodes["pve2"].snat is not None
    assert intent.nodes["pve2"].snat.translated == (wanted,)


NAMED = {
    "a key of a zone": (
        running(zones={"prod": ZONE | {"nodes-of-tomorrow": "x"}}),
        "zones.prod.nodes-of-tomorrow: 'x' is not said by the intent, so no audit looks at it",
    ),
    # Proxmox writes no more than these, and FRR's own import ends with the first.
    "a zone that imports none of its own routes": (
        running(zones={"prod": ZONE | {"rt-import": "65001:9000"}}),
        "vrfs.vrf_prod.rt: it exports 65000:9000 and imports 65001:9000: its nodes would not know",
    ),
    "a zone without VXLAN": (
        running(zones={"prod": ZONE, "plain": {"type": "simple"}}),
        "zones.plain: a zone of type simple is left alone",
    ),
    "a vxlan zone beside an evpn zone": (
        running(zones={"prod": ZONE, "wide": {"type": "vxlan", "peers": "10.9.0.1"}}),
        "zones.wide: a fabric has one mode, evpn here: it is left out",
    ),
    "a BGP controller": (
        running(controllers=CONTROLLERS | {"b1": {"type": "bgp", "asn": 65001, "node": "pve1"}}),
        "controllers.b1: a controller of type bgp is not said by the intent, so no audit looks",
    ),
    "a fabric of the SDN": (
        running(fabrics={"under": {"type": "openfabric"}}),
        "fabrics: no zone is over one of them, so no audit looks at them",
    ),
    "local routing": (
        running(zones={"prod": EXITS["prod"] | {"exitnodes-local-routing": 1}}),
        "zones.prod.exitnodes-local-routing: guests of an exit node reach the outside by it without",
    ),
    "SNAT without an exit": (
        running(subnets=_translated("10.1.0.0", "10.1.0.1")),
        "subnets.prod-10.1.0.0-24.snat: no exit of its zone is known, so nothing translates it",
    ),
    "SNAT of IPv6": (
        running(zones=EXITS, subnets=_translated("fd00:1::", "fd00:1::1", length=64)),
        "subnets.prod-fd00:1::-64.snat: no file says to which IPv6 address it is translated",
    ),
    "whose SNAT it is": (
        running(zones=EXITS, subnets=_translated("10.1.0.0", "10.1.0.1")),
        "zones.prod: the addresses of prod-10.1.0.0-24 are translated by iptables rules of Proxmox",
    ),
    "a peer outside the cluster": (
        running(
            controllers={"ctl": CONTROLLERS["ctl"] | {"peers": "10.9.0.1,10.9.0.2,10.9.0.3,10.9.0.9"}}
        ),
        "peers: 10.9.0.9 is not a member of the cluster: the intent lacks it",
    ),
    "a subnet without a gateway": (
        running(subnets={"prod-10.1.0.0-24": {"type": "subnet", "vnet": "red"}}),
        "zones.prod: Proxmox writes 'arp-accept on' for vnets without a gateway (red), too; the",
    ),
    "gateways without a MAC": (
        running(zones={"prod": {k: v for k, v in ZONE.items() if k != "mac"}}),
        "zones: none has a 'mac'; the intent needs one: 44:39:39:ff:40:94",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NAMED)
def test_what_the_intent_cannot_say_is_named(what: str, tmp_path: Path):
    config, remark = NAMED[what]
    intent, report = imported(tmp_path, config)
    assert remark in report
    assert derive(intent.fabric).nodes == intent.nodes


def test_what_is_pending_is_said(tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    (pve / "sdn" / "vnets.cfg").write_text(
        "vnet: red\n\ttag 100\n\tzone prod\n\nvnet: new\n\ttag 7\n"
    )
    zone = "evpn: prod\n\tcontroller ctl\n\tvrf-vxlan 9000\n\tmac bc:24:11:00:00:01\n"
    (pve / "sdn" / "zones.cfg").write_text(zone)
    peers = "evpn: ctl\n\tasn 65001\n\tpeers 10.9.0.1,10.9.0.2,10.9.0.3\n"
    (pve / "sdn" / "controllers.cfg").write_text(peers)
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "fabric")
    assert ended.code == 0
    said = "is pending: what it says of {} is not in sdn/.running-config, which was imported"
    assert f"sdn/vnets.cfg {said.format('blue, new')}" in ended.err
    assert f"sdn/controllers.cfg {said.format('ctl')}" in ended.err  # another AS
    assert "zones.cfg" not in ended.err


BROKEN: dict[str, tuple[str, str]] = {
    "no file": ("", "there is no such file"),
    "no JSON": ("{'a'", "not JSON: Expecting property name"),
    "no object": ("[1]", "it holds no JSON object"),
    "no zone": ("{}", "there is no zone of type evpn or vxlan"),
    "words where numbers are": (
        json.dumps(running(zones={"prod": ZONE | {"vrf-vxlan": "x"}})),
        "`vrf-vxlan` of zones.prod is 'x'",
    ),
    "objects where names are": (
        json.dumps(running(zones={"prod": ZONE | {"controller": {"a": 1}}})),
        "no member of the cluster is a peer of a zone",
    ),
    "an object where a vnet is named": (
        json.dumps(running(subnets={"prod-10.1.0.0-24": {"type": "subnet", "vnet": {"a": 1}}})),
        "",
    ),
    "lists where objects are": (json.dumps(running() | {"vnets": {"ids": {"red": [1]}}}), ""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files_are_a_clear_error(what: str, tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    text, said = BROKEN[what]
    file = pve / "sdn" / ".running-config"
    if text:
        file.write_text(text)
    else:
        file.unlink()
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "fabric")
    assert ended.code == (1 if said else 0)
    assert said in ended.err
    assert "Traceback" not in ended.err
