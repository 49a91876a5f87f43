"""What the intent derives to, for the seed's topologies and beyond them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from overlay.derive import derive
from overlay.expected import BridgeRole
from overlay.intent import Fabric
from overlay.loading import load_inventory
from overlay.reference import BEGIN, END, reference_text, schema_text
from tests.generated import generated, hold

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/fabric.yaml"))
LAB_TESTS = sorted(path.parent for path in (ROOT / "tests" / "live").glob("*/fabric.yaml"))


def fabric(**changes: Any) -> Fabric:
    base: dict[str, Any] = {
        "mode": "evpn",
        "underlay": {"prefix": "192.168.0.0/24"},
        "bgp": {"asn": 1234},
        "networks": [{"vni": 2}, {"vni": 3, "nodes": ["node1", "node3"]}],
        "nodes": {f"node{n}": {"address": f"192.168.0.{n}"} for n in (1, 2, 3)},
    }
    return Fabric.model_validate({**base, **changes})


@cache
def for_editors() -> Draft202012Validator:
    """What reads an intent by the published schema; the schema itself is valid, too."""
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    "folder", [*EXAMPLES, *LAB_TESTS, ROOT / "inventory"], ids=lambda path: path.name
)
def test_examples_are_valid_for_us_and_for_editors(folder: Path) -> None:
    load_inventory(folder)
    text = (folder / "fabric.yaml").read_text()
    for_editors().validate(yaml.safe_load(text))
    first = text.splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (folder / named).resolve() == ROOT / "overlay" / "fabric.schema.json"


@generated
def test_the_written_schema_and_reference_are_current() -> None:
    hold(ROOT / "overlay" / "fabric.schema.json", schema_text())
    page = ROOT / "docs" / "inventory.md"
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    assert after
    hold(page, before + reference_text() + after)


def test_a_node_carries_only_its_networks() -> None:
    intent = derive(fabric())
    assert intent.vteps == {
        2: frozenset({"192.168.0.1", "192.168.0.2", "192.168.0.3"}),
        3: frozenset({"192.168.0.1", "192.168.0.3"}),
    }
    assert [vxlan.vni for vxlan in intent.nodes["node2"].vxlans] == [2]
    assert [bridge.name for bridge in intent.nodes["node2"].bridges] == ["vmbr0", "vmbr2"]


def test_a_node_without_any_network_of_a_vrf_has_no_vrf() -> None:
    intent = derive(
        fabric(
            routing="symmetric",
            overlay={"gateway_mac": "44:39:39:ff:40:94"},
            vrfs={"red": {"l3vni": 4000}, "blue": {"l3vni": 4001}},
            networks=[
                {"vni": 2, "vrf": "red", "gateways": ["10.0.2.254/24"]},
                {"vni": 3, "vrf": "blue", "gateways": ["10.0.3.254/24"], "nodes": ["node1"]},
            ],
        )
    )
    assert [vrf.name for vrf in intent.nodes["node1"].vrfs] == ["red", "blue"]
    assert [vrf.name for vrf in intent.nodes["node2"].vrfs] == ["red"]
    roles = [bridge.role for bridge in intent.nodes["node2"].bridges]
    assert roles == [BridgeRole.UNDERLAY, BridgeRole.NETWORK, BridgeRole.L3VNI]


def test_unicast_floods_to_every_other_vtep_of_the_vni_and_never_to_itself() -> None:
    intent = derive(fabric(mode="unicast", bgp=None))
    vxlan2, vxlan3 = intent.nodes["node3"].vxlans
    assert list(vxlan2.remotes) == ["192.168.0.1", "192.168.0.2"]
    assert list(vxlan3.remotes) == ["192.168.0.1"]
    assert vxlan2.learning
    assert vxlan2.flags.unicast_flood
    assert intent.nodes["node3"].bgp is None


def test_multicast_joins_its_group_where_the_tunnel_address_is() -> None:
    intent = derive(
        fabric(
            mode="multicast",
            bgp=None,
            overlay={"group": "225.20.1.1"},
            networks=[{"vni": 2}, {"vni": 3, "group": "225.20.1.2"}],
        )
    )
    vxlan2, vxlan3 = intent.nodes["node1"].vxlans
    assert (vxlan2.group, vxlan2.physdev) == ("225.20.1.1", "vmbr0")
    assert vxlan3.group == "225.20.1.2"


def test_peers_are_a_full_mesh_without_oneself() -> None:
    bgp = derive(fabric()).nodes["node2"].bgp
    assert bgp is not None
    assert list(bgp.peers) == ["192.168.0.1", "192.168.0.3"]


def test_macs_and_addresses_are_canonical() -> None:
    intent = derive(
        fabric(
            routing="asymmetric",
            overlay={"gateway_mac": "44-39-39-FF-40-94"},
            networks=[{"vni": 2, "gateways": ["2001:DB8:0:0::1/64", "10.0.2.254/24"]}],
        )
    )
    bridge = intent.nodes["node1"].bridges[1]
    assert bridge.mac == "44:39:39:ff:40:94"
    assert bridge.addresses == ("2001:db8::1/64", "10.0.2.254/24")


@pytest.mark.parametrize(
    ("network", "floods"),
    [
        ({"vni": 2}, False),
        ({"vni": 2, "gateways": ["10.0.2.254/24"]}, False),
        ({"vni": 2, "gateways": ["10.0.2.254/24", "fd00:2::1/64"]}, True),
        ({"vni": 2, "multicast_flood": True}, True),
        ({"vni": 2, "gateways": ["fd00:2::1/64"], "multicast_flood": False}, False),
    ],
)
def test_evpn_floods_multicast_only_where_ipv6_needs_it(
    network: dict[str, Any], *, floods: bool
) -> None:
    intent = derive(
        fabric(
            routing="asymmetric",
            overlay={"gateway_mac": "44:39:39:ff:40:94"},
            networks=[network],
        )
    )
    flags = intent.nodes["node1"].vxlans[0].flags
    assert flags.multicast_flood is floods
    assert not flags.unicast_flood
    assert flags.neigh_suppress


SAID = {"arp_suppression": False, "unicast_flood": True, "multicast_flood": True}


@pytest.mark.parametrize(
    ("overlay", "network", "flags"),
    [
        ({}, {}, (True, False, False)),
        (SAID, {}, (False, True, True)),
        ({}, SAID, (False, True, True)),
        (SAID, {"unicast_flood": False}, (False, False, True)),
        ({"dstport": 4790}, {"dstport": 6000}, (True, False, False)),
    ],
)
def test_what_a_network_says_of_its_device_goes_before_what_the_overlay_says(
    overlay: dict[str, Any], network: dict[str, Any], flags: tuple[bool, bool, bool]
) -> None:
    vrfs = {"vrf1": {"l3vni": 4000}}
    networks = [{"vni": 2, "vrf": "vrf1"} | network]
    intent = derive(fabric(routing="symmetric", overlay=overlay, vrfs=vrfs, networks=networks))
    of_network, of_l3vni = intent.nodes["node1"].vxlans
    found = of_network.flags
    assert (found.neigh_suppress, found.unicast_flood, found.multicast_flood) == flags
    assert of_network.dstport == network.get("dstport", 4789)
    assert of_l3vni.dstport == overlay.get("dstport", 4789)
    assert of_l3vni.flags.unicast_flood is overlay.get("unicast_flood", False)


def test_a_vrf_announces_the_subnets_of_the_gateways_that_the_node_has() -> None:
    vrfs = {"vrf1": {"l3vni": 4000, "advertise": ["subnets"]}, "vrf2": {"l3vni": 4001}}
    networks = [
        {"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24", "fd00:2::1/64"]},
        {"vni": 3, "vrf": "vrf1", "gateways": ["10.0.3.254/24"], "nodes": ["node2"]},
        {"vni": 4, "vrf": "vrf2", "gateways": ["10.0.4.254/24"]},
    ]
    overlay = {"gateway_mac": "44:39:39:ff:40:94"}
    intent = derive(fabric(routing="symmetric", overlay=overlay, vrfs=vrfs, networks=networks))
    assert {name: [vrf.advertised for vrf in node.vrfs] for name, node in intent.nodes.items()} == {
        "node1": [("10.0.2.0/24", "fd00:2::/64"), ()],
        "node2": [("10.0.2.0/24", "fd00:2::/64", "10.0.3.0/24"), ()],
        "node3": [("10.0.2.0/24", "fd00:2::/64"), ()],
    }


def test_over_ipv6_all_addresses_of_the_tunnels_are_ipv6() -> None:
    nodes = {f"node{n}": {"address": f"fd00:0::{n}"} for n in (1, 2, 3)}
    underlay = {"prefix": "fd00::/64", "mtu": 1570}
    intent = derive(fabric(mode="unicast", bgp=None, underlay=underlay, nodes=nodes))
    vxlan2, vxlan3 = intent.nodes["node1"].vxlans
    assert vxlan2.over_ipv6
    assert vxlan2.local == "fd00::1"
    assert list(vxlan2.remotes) == ["fd00::2", "fd00::3"]
    assert list(vxlan3.remotes) == ["fd00::3"]
    assert intent.nodes["node1"].underlay_bridge.addresses == ("fd00::1/64",)
