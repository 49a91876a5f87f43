"""What real FRR prints: its running configuration means what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.planes.configuration import missing_from, topic_of
from parsers.configuration import parse_frr_config as statements
from parsers.configuration import parse_running_config
from tests.drift.worlds import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = ROOT / "tests" / "drift" / "recordings"
NODES = sorted(folder for folder in RECORDINGS.iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", NODES, ids=lambda folder: folder.name)
def test_the_running_configuration_means_what_the_file_says(folder: Path) -> None:
    wanted = statements((folder / "frr.conf").read_text())
    found = parse_running_config((folder / "running_config.txt").read_text())

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
