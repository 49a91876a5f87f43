"""More than any example has: several VRFs, VNIs on some nodes, exits with a primary, reflectors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from drift.engine import audit
from overlay.derive import derive
from overlay.expected import BridgeRole
from overlay.intent import Fabric
from tests.rendering import render, rendered_nodes
from tests.simulated.fleet import healthy_states

VTEPS = tuple(f"pve{n}" for n in range(1, 7))
FRR_CONF = "/etc/frr/frr.conf"


@pytest.fixture(scope="module")
def intent() -> Any:
    nodes: dict[str, Any] = {
        name: {"address": f"192.168.0.{n}"} for n, name in enumerate(VTEPS, start=1)
    }
    for name in ("pve1", "pve2", "pve6"):
        nodes[name]["gateway"] = "192.168.0.254"
    nodes |= {f"rr{n}": {"address": f"192.168.0.20{n}", "role": "reflector"} for n in (1, 2)}
    nodes["outside"] = {"address": "192.168.0.254", "role": "router"}
    networks = [
        {"vni": 10, "vrf": "red", "gateways": ["10.0.10.254/24"]},
        {"vni": 11, "vrf": "red", "gateways": ["10.0.11.254/24"], "nodes": ["pve[34]"]},
        {"vni": 20, "vrf": "blue", "gateways": ["10.0.20.254/24"], "nodes": ["pve[1-4]"]},
        {"vni": 30, "vrf": "green", "gateways": ["10.0.30.254/24"], "nodes": ["pve6"]},
        {"vni": 40, "nodes": ["pve5", "pve6"]},
    ]
    fabric = {
        "routing": "symmetric",
        "underlay": {"prefix": "192.168.0.0/24"},
        "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
        "bgp": {"asn": 4_200_000_001, "cluster_id": "1.1.1.1"},
        "vrfs": {
            "red": {"l3vni": 9001, "exits": ["pve1", "pve2"], "primary": "pve1"},
            "blue": {"l3vni": 9002, "exits": ["pve1", "pve2"], "primary": "pve2"},
            "green": {"l3vni": 9003, "exits": ["pve6"]},
        },
        "networks": networks,
        "nodes": nodes,
    }
    return derive(Fabric.model_validate(fabric))


def test_a_node_has_the_vnis_and_vrfs_that_it_carries_or_exits(intent: Any) -> None:
    carried = {
        name: (
            [vxlan.vni for vxlan in intent.nodes[name].vxlans if not vxlan.is_l3vni],
            [(vrf.name, vrf.l3vni) for vrf in intent.nodes[name].vrfs],
        )
        for name in VTEPS
    }
    red, blue, green = ("red", 9001), ("blue", 9002), ("green", 9003)
    assert carried == {
        "pve1": ([10, 20], [red, blue]),
        "pve2": ([10, 20], [red, blue]),
        "pve3": ([10, 11, 20], [red, blue]),
        "pve4": ([10, 11, 20], [red, blue]),
        "pve5": ([10, 40], [red]),
        "pve6": ([10, 30, 40], [red, green]),
    }


def test_each_vrf_has_a_transit_bridge_of_its_own_where_it_is(intent: Any) -> None:
    transit = {
        name: {b.vrf: b.name for b in intent.nodes[name].bridges if b.role is BridgeRole.L3VNI}
        for name in ("pve3", "pve6")
    }
    assert transit == {
        "pve3": {"red": "vmbr9001", "blue": "vmbr9002"},
        "pve6": {"red": "vmbr9001", "green": "vmbr9003"},
    }


def test_vteps_peer_with_the_reflectors_and_nobody_else(intent: Any) -> None:
    for name in VTEPS:
        assert list(intent.nodes[name].bgp.peers) == ["192.168.0.201", "192.168.0.202"]


@pytest.mark.parametrize(
    ("node", "target"),
    # 4200000001 & 65535 = 59905: a route target has two bytes for the AS number.
    [("pve1", ("blue", "59905:9002")), ("pve2", ("red", "59905:9001"))],
)
def test_a_backup_exit_lowers_the_default_of_that_vrf_only(
    intent: Any, node: str, target: tuple[str, str]
) -> None:
    vrf, community = target
    conf = render(intent)[node][FRR_CONF]
    lists = re.findall(
        r"^bgp extcommunity-list standard (\S+) seq 10 permit rt (\S+)$", conf, re.MULTILINE
    )
    assert lists == [(f"EVPN-FLEET-BACKUP-{vrf}", community)]
    (lowering,) = re.findall(
        r"^route-map EVPN-FLEET-BACKUP permit 10\n((?: .*\n)+)exit", conf, re.MULTILINE
    )
    assert lowering.splitlines() == [
        " match evpn default-route",
        f" match extcommunity EVPN-FLEET-BACKUP-{vrf}",
        " set local-preference 50",
    ]
    assert "route-map EVPN-FLEET-BACKUP permit 20\nexit\n" in conf
    # The VRF's own way out gives way likewise, and the other VRF's does not.
    assert conf.count("nexthop-vrf default 250\n") == 1
    assert conf.count("nexthop-vrf default\n") == 1


def test_nodes_that_are_no_backup_lower_nothing(intent: Any) -> None:
    assert "EVPN-FLEET-BACKUP" not in render(intent)["pve3"][FRR_CONF]


def test_all_of_it_is_audited_and_in_sync(intent: Any) -> None:
    rendered = rendered_nodes(intent)
    result = audit(intent, healthy_states(intent, guests=1, rendered=rendered), rendered=rendered)
    assert result.findings == ()
    assert result.skipped == ()


def test_the_way_back_leads_to_the_exits_of_each_vrf_only(intent: Any) -> None:
    ways: dict[str, list[str]] = {}
    for route in intent.nodes["outside"].router.routes:
        ways.setdefault(route.prefix, []).append(route.next_hop)
    both = ["192.168.0.1", "192.168.0.2"]
    assert ways == {
        "10.0.10.0/24": both,
        "10.0.11.0/24": both,
        "10.0.20.0/24": both,
        "10.0.30.0/24": ["192.168.0.6"],
    }


def unreachable(fabric: Any, name: str) -> dict[str, tuple[str, ...]]:
    return {vrf.name: vrf.unreachable[2:] for vrf in fabric.nodes[name].vrfs}


def test_every_vrf_ends_its_lookups_and_exits_shut_the_underlay(intent: Any) -> None:
    for name in VTEPS:
        assert {vrf.unreachable[:2] for vrf in intent.nodes[name].vrfs} == {("0.0.0.0/0", "::/0")}
    underlay = ("192.168.0.0/24",)
    assert unreachable(intent, "pve1") == {"red": underlay, "blue": underlay}
    assert unreachable(intent, "pve3") == {"red": (), "blue": ()}
    # It exits green, and has red, which others exit.
    assert unreachable(intent, "pve6") == {"red": (), "green": underlay}


def test_exits_shut_other_vrfs_and_prefixes_where_the_intent_says_so(intent: Any) -> None:
    words = {
        "red": ("vrfs", "10.255.0.0/24", "fd00:255::/64"),
        "blue": (),
        "green": ("underlay", "192.168.0.0/24"),
    }
    vrfs = {
        name: vrf.model_copy(update={"unreachable": words[name]})
        for name, vrf in intent.fabric.vrfs.items()
    }
    fabric = derive(intent.fabric.model_copy(update={"vrfs": vrfs}))
    assert unreachable(fabric, "pve1") == {
        "red": ("10.0.20.0/24", "10.0.30.0/24", "10.255.0.0/24", "fd00:255::/64"),
        "blue": (),
    }
    assert unreachable(fabric, "pve6")["green"] == ("192.168.0.0/24",)
    stanza = render(fabric)["pve1"]["/etc/network/interfaces"]
    for line in (
        "post-up ip -6 route replace vrf red unreachable fd00:255::/64 metric 4278198272",
        "pre-down ip route del vrf red unreachable 10.0.30.0/24 metric 4278198272 2>/dev/null || :",
    ):
        assert stanza.count(f"        {line}\n") == 1


@pytest.mark.parametrize(("node", "preferred"), [("pve1", "200"), ("pve2", "60")])
def test_an_exit_without_a_gateway_imports_the_upstream_default_alone(
    intent: Any, node: str, preferred: str
) -> None:
    """Before another exit's type-5 default (100), on a backup only before another backup's (50)."""
    nodes = {
        name: it.model_copy(
            update={"gateway": None} | ({"asn": 25253} if it.role == "router" else {})
        )
        for name, it in intent.fabric.nodes.items()
    }
    conf = render(derive(intent.fabric.model_copy(update={"nodes": nodes})))[node][FRR_CONF]
    assert "nexthop-vrf" not in conf
    for number, family in ((10, "ip"), (20, "ipv6")):
        assert (
            f"route-map EVPN-FLEET-DEFAULT-red permit {number}\n"
            f" match {family} address prefix-list EVPN-FLEET-DEFAULT\n"
            f" set local-preference {preferred}\nexit\n"
        ) in conf
    imported = "  import vrf route-map EVPN-FLEET-DEFAULT-red\n  import vrf default\n"
    assert (
        conf.partition("vrf red\n bgp router-id")[2].partition("\nexit\n")[0].count(imported) == 2
    )
