"""Whom each node asks with `--probe`: all of a few, of many a sample that leaves nobody out."""

from __future__ import annotations

from collections import Counter

import pytest

from overlay.derive import derive
from overlay.intent import Fabric
from overlay.probes import MOST_PEERS, paths_of
from tests.drift import worlds


def fabric(count: int, prefix: str = "10.0", mtu: int = 1500):
    nodes = {f"n{n:04}": {"address": f"{prefix}.{n // 250}.{n % 250 + 1}"} for n in range(count)}
    return derive(
        Fabric.model_validate(
            {
                "mode": "evpn",
                "bgp": {"asn": 65000},
                "underlay": {"prefix": f"{prefix}.0.0/16", "mtu": mtu + 50},
                "overlay": {"mtu": mtu},
                "nodes": nodes,
                "networks": [{"vni": 2}],
            }
        )
    )


@pytest.mark.parametrize("count", [2, 3, 9])
def test_of_a_few_nodes_each_asks_all_others(count: int) -> None:
    intent = fabric(count)
    for node in intent.nodes.values():
        asked = {path.address for path in paths_of(intent, node)}
        assert asked == {other.address for other in intent.nodes.values()} - {node.address}


@pytest.mark.parametrize("count", [10, 50, 300])
def test_of_many_each_asks_a_few_and_is_asked_as_often(count: int) -> None:
    intent = fabric(count)
    asked = Counter()
    for node in intent.nodes.values():
        addresses = [path.address for path in paths_of(intent, node)]
        assert node.address not in addresses
        assert len(set(addresses)) == len(addresses) <= MOST_PEERS
        asked.update(addresses)
    assert len(asked) == count
    assert max(asked.values()) == min(asked.values()) >= min(4, count - 1)


def test_a_node_asks_only_those_that_share_a_vni_with_it() -> None:
    intent = worlds.example("route-reflectors")
    node = intent.nodes["node1"]
    assert [path.address for path in paths_of(intent, node)] == ["192.168.0.2", "192.168.0.3"]
    assert paths_of(intent, intent.nodes["rrserver1"]) == ()


@pytest.mark.parametrize("mtu", [1500, 8950])
def test_a_packet_is_as_large_as_the_overlays_with_its_headers(mtu: int) -> None:
    intent = fabric(3, mtu=mtu)
    assert {path.size for path in paths_of(intent, intent.nodes["n0000"])} == {mtu + 50}


def test_tunnels_are_asked_in_the_vrf_first_then_in_networks_with_a_gateway() -> None:
    intent = worlds.symmetric()
    first = paths_of(intent, intent.nodes["node1"])[0]
    asked = [(tunnel.device, tunnel.gateway, tunnel.mac) for tunnel in first.tunnels]
    assert asked == [
        ("vxlan4000", "10.0.2.254", None),
        ("vxlan2", "10.0.2.254", worlds.GATEWAY_MAC),
        ("vxlan3", "10.0.3.254", worlds.GATEWAY_MAC),
    ]
    # VNI 3 is not on node3.
    assert [tunnel.vni for tunnel in paths_of(intent, intent.nodes["node1"])[1].tunnels] == [
        4000,
        2,
    ]


def test_of_one_device_for_all_vnis_the_real_devices_are_named() -> None:
    intent = worlds.example("single-device")
    first = paths_of(intent, intent.nodes["node1"])[0]
    asked = [(tunnel.vni, tunnel.device, tunnel.bridge, tunnel.vlan) for tunnel in first.tunnels]
    assert asked == [
        # The MAC that asks is the VLAN interface's; that of a guest is one that the bridge knows.
        (4000, "vxlan0", "vmbr4000", None),
        (2, "vxlan0", "vmbr1", 2),
        (3, "vxlan0", "vmbr1", 3),
    ]


def test_where_nobody_answers_arp_only_the_path_is_asked() -> None:
    intent = worlds.bridged()
    assert all(path.tunnels == () for path in paths_of(intent, intent.nodes["node1"]))
