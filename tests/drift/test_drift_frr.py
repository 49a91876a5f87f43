"""What real FRR prints: its running configuration means what it was given, its JSON is understood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from drift.frrconfig import missing_from, statements, topic_of
from drift.readers import families_of, groups_in, peers_of, routes_in
from tests.drift.worlds import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = ROOT / "tests" / "drift" / "recordings"
NODES = sorted(folder for folder in RECORDINGS.iterdir() if folder.is_dir())


def _json(node: str, slug: str) -> Any:
    return json.loads((RECORDINGS / node / f"{slug}.json").read_text())


@pytest.mark.parametrize("folder", NODES, ids=lambda folder: folder.name)
def test_the_running_configuration_means_what_the_file_says(folder: Path) -> None:
    wanted = statements((folder / "frr.conf").read_text())
    found = statements((folder / "running_config.txt").read_text())

    assert wanted
    assert missing_from(wanted, found) == []
    assert missing_from(found, wanted) == []


@pytest.mark.parametrize("folder", NODES, ids=lambda folder: folder.name)
def test_any_statement_less_is_missing_and_any_more_is_extra(folder: Path) -> None:
    wanted = statements((folder / "frr.conf").read_text())
    for statement in wanted:
        rest = wanted - {statement}
        assert missing_from(wanted, rest) == [statement]
        assert missing_from(rest, wanted) == []


def test_empty_blocks_say_nothing_but_route_map_entries_do() -> None:
    assert statements("vrf vrf1\nexit-vrf\n!\ninterface eno1\nexit\n") == set()
    assert statements("route-map X permit 10\nexit\n") == {("route-map X permit 10",)}
    bgp = statements("router bgp 1\nexit\n")
    assert missing_from(bgp, statements("router bgp 1\n bgp router-id 1.1.1.1\nexit\n")) == []


@pytest.mark.parametrize(
    ("statement", "topic"),
    [
        (("router bgp 1", "neighbor 10.0.0.1 shutdown"), ("neighbor", "10.0.0.1")),
        (("router bgp 1", "bgp router-id 1.1.1.1"), ("bgp", "router-id")),
        (("router bgp 1", "address-family l2vpn evpn", "vni 2", "rd 1:2"), ("vni", 2)),
        (
            ("router bgp 1", "address-family l2vpn evpn", "default-originate ipv4"),
            ("bgp", "default-originate"),
        ),
        (("vrf vrf1", "vni 4000"), ("vni", 4000)),
        (("vrf vrf1", "ip route 0.0.0.0/0 10.0.0.1 nexthop-vrf default"), ("ip", "route")),
        (("interface vmbr0", "vrrp 1 priority 50"), ("vrrp", "1")),
        (("ip prefix-list X permit any",), ("other", "ip prefix-list X permit any")),
    ],
)
def test_what_a_statement_is_about(statement: tuple[str, ...], topic: tuple[object, ...]) -> None:
    assert topic_of(statement, {("router bgp 1", "coalesce-time 1000")}) == topic


def test_a_whole_instance_is_one_topic() -> None:
    assert topic_of(("router bgp 1", "neighbor 10.0.0.1 shutdown"), set()) == ("instance",)


def test_unicast_peers_are_read_by_family() -> None:
    families = families_of(_json("exit-upstream-bgp-node1", "bgp_summary"))
    assert families is not None
    assert {name: set(peers) for name, peers in families.items()} == {
        "IPv4": {"192.168.0.254"},
        "IPv6": {"192.168.0.254"},
    }


def test_dynamic_clients_are_read() -> None:
    peers = peers_of(_json("route-reflectors-rrserver1", "evpn_summary"))
    assert peers is not None
    assert {(name, peer["state"], peer["dynamicPeer"]) for name, peer in peers.items()} == {
        ("192.168.0.2", "Established", True),
        ("192.168.0.3", "Established", True),
    }


def test_vrrp_groups_are_read() -> None:
    states = {}
    for node in ("node1", "node2"):
        groups = groups_in(_json(f"exit-vrrp-{node}", "vrrp"))
        assert groups is not None
        states[node] = (groups[1]["v4"]["status"], groups[1]["v4"]["effectivePriority"])
    assert states == {"node1": ("Master", 200), "node2": ("Backup", 100)}


def test_a_default_of_ipv6_is_told_from_one_of_ipv4() -> None:
    routes = routes_in(_json("exit-upstream-bgp-node1", "ip_route"))
    assert routes is not None
    found = {r.prefix: r.gateways for r in routes if r.prefix in {"0.0.0.0/0", "::/0"}}
    assert found == {"0.0.0.0/0": ["192.168.0.254"], "::/0": ["fe80::4cf:a5ff:fef5:d5fe"]}


def test_dead_next_hops_and_unreachable_routes_are_none() -> None:
    routes = routes_in(
        [
            {"type": "unreachable", "dst": "default", "dev": "lo", "metric": 4278198272},
            {
                "dst": "10.0.2.0/24",
                "nexthops": [
                    {"gateway": "10.0.0.1", "dev": "a", "flags": []},
                    {"gateway": "10.0.0.2", "dev": "b", "flags": ["dead", "linkdown"]},
                ],
            },
            {"dst": "default", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "a"},
        ]
    )
    assert routes is not None
    assert [(r.prefix, r.gateways) for r in routes] == [
        ("10.0.2.0/24", ["10.0.0.1"]),
        ("0.0.0.0/0", ["fe80::1"]),
    ]
