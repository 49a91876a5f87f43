"""Where VRFs are, what they announce, and what they route beside their networks."""

from __future__ import annotations

from typing import Any

import pytest

from overlay.derive import derive
from overlay.expected import StaticVrfRoute
from overlay.intent import Fabric
from tests.rendering import render

NETWORKS = (
    {"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24", "fd00:2::1/64"], "nodes": ["node1"]},
    {"vni": 3, "vrf": "vrf2", "gateways": ["10.0.3.254/24"], "nodes": ["node2"]},
    {"vni": 4, "vrf": "vrf3", "gateways": ["10.0.4.254/24"], "nodes": ["node3"]},
)


def fabric(vrf1: dict[str, Any], **others: dict[str, Any]) -> Fabric:
    """A VRF with a network on each of three nodes, and these keys of the VRFs."""
    names = ("vrf1", "vrf2", "vrf3")
    keys = {"vrf1": vrf1} | others
    return Fabric.model_validate(
        {
            "mode": "evpn",
            "routing": "symmetric",
            "underlay": {"prefix": "192.168.0.0/24"},
            "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
            "bgp": {"asn": 1234},
            "vrfs": {n: {"l3vni": 4000 + i} | keys.get(n, {}) for i, n in enumerate(names)},
            "networks": NETWORKS,
            "nodes": {
                f"node{n}": {"address": f"192.168.0.{n}", "gateway": "192.168.0.254"}
                for n in (1, 2, 3)
            },
        }
    )


def held(intent: Any) -> dict[str, list[str]]:
    return {name: [vrf.name for vrf in node.vrfs] for name, node in intent.nodes.items()}


def test_a_vrf_is_where_it_is_named_and_where_it_is_leaked_to() -> None:
    assert held(derive(fabric({"nodes": ["node[23]"]}))) == {
        "node1": ["vrf1"],
        "node2": ["vrf1", "vrf2"],
        "node3": ["vrf1", "vrf3"],
    }
    # vrf1 reaches vrf2, and vrf2 reaches vrf3: whoever has vrf1 has all of them.
    leak = {"leak": [{"from": "vrf2", "prefixes": ["10.0.3.0/24"]}]}
    further = {"leak": [{"from": "vrf3", "prefixes": ["10.0.4.0/25", "10.0.4.128/25"]}]}
    intent = derive(fabric(leak, vrf2=further))
    assert held(intent) == {
        "node1": ["vrf1", "vrf2", "vrf3"],
        "node2": ["vrf2", "vrf3"],
        "node3": ["vrf3"],
    }
    assert [vrf.routes for vrf in intent.nodes["node1"].vrfs] == [
        (StaticVrfRoute("10.0.3.0/24", into="vrf2"),),
        (StaticVrfRoute("10.0.4.0/25", into="vrf3"), StaticVrfRoute("10.0.4.128/25", into="vrf3")),
        (),
    ]
    # Each of them with its L3VNI.
    assert [v.vni for v in intent.nodes["node1"].vxlans] == [2, 4000, 4001, 4002]


def test_a_static_route_is_where_its_next_hop_is() -> None:
    routes = [
        {"prefix": "10.9.0.0/16", "via": "10.0.2.8"},
        {"prefix": "10.9.0.0/16", "via": "10.0.2.7"},
        {"prefix": "fd00:9::/32", "via": "blackhole"},
        {"prefix": "10.8.0.0/16", "via": "blackhole", "nodes": ["node2"]},
    ]
    intent = derive(fabric({"nodes": ["node2"], "routes": routes, "advertise": ["static"]}))
    one, two = (node.vrfs[0] for node in list(intent.nodes.values())[:2])
    dropped = StaticVrfRoute("fd00:9::/32")
    assert one.routes == (
        StaticVrfRoute("10.9.0.0/16", "10.0.2.7"),
        StaticVrfRoute("10.9.0.0/16", "10.0.2.8"),
        dropped,
    )
    assert two.routes == (StaticVrfRoute("10.8.0.0/16"), dropped)
    assert one.advertised == ("10.9.0.0/16", "fd00:9::/32")
    assert two.advertised == ("10.8.0.0/16", "fd00:9::/32")


@pytest.mark.parametrize(
    ("advertise", "announced"),
    [
        (["subnets"], ("10.0.2.0/24", "fd00:2::/64")),
        (["static"], ("10.9.0.0/16",)),
        (["fd00:2::/64", "10.9.0.0/16"], ("10.9.0.0/16", "fd00:2::/64")),
        (["connected", "10.9.0.0/16"], ("10.0.2.0/24", "fd00:2::/64", "10.9.0.0/16")),
    ],
)
def test_what_a_vrf_announces(advertise: list[str], announced: tuple[str, ...]) -> None:
    routes = [{"prefix": "10.9.0.0/16", "via": "10.0.2.7"}]
    (vrf,) = derive(fabric({"routes": routes, "advertise": advertise})).nodes["node1"].vrfs
    assert vrf.advertised == announced
    assert vrf.open is ("connected" in advertise)


def test_an_exit_announces_no_more_than_it_should() -> None:
    """It imports a default, and has one of its own; the leak is a static route, too."""
    keys = {
        "exits": ["node1"],
        "routes": [{"prefix": "10.9.0.0/16", "via": "10.0.2.7"}],
        "advertise": ["connected", "static"],
        "leak": [{"from": "vrf2", "prefixes": ["10.0.3.0/24"]}],
    }
    text = render(derive(fabric(keys)))["node1"]["/etc/frr/frr.conf"]
    lists = [
        line.split(" ", 6)[-1]
        for line in text.splitlines()
        if "EVPN-FLEET-ADVERTISE-vrf1 seq" in line
    ]
    assert lists == ["10.0.2.0/24", "fd00:2::/64", "10.9.0.0/16"]
    instance = text.split("router bgp 1234 vrf vrf1\n")[1].split("\nexit\n")[0]
    for family in ("ipv4", "ipv6"):
        assert f"advertise {family} unicast route-map EVPN-FLEET-ADVERTISE-vrf1" in instance
    assert instance.count("redistribute connected route-map EVPN-FLEET-CONNECTED\n") == 2
    assert instance.count("redistribute static route-map EVPN-FLEET-ADVERTISE-vrf1\n") == 2
    routes = text.split("vrf vrf1\n")[1].split("exit-vrf")[0]
    assert " ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default\n" in routes
    assert " ip route 10.0.3.0/24 vrf2 nexthop-vrf vrf2\n ip route 10.9.0.0/16 10.0.2.7\n" in routes
