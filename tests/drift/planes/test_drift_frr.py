"""What real FRR prints: its running configuration means what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from drift.planes.configuration import missing_from, topic_of
from parsers.configuration import parse_frr_config as statements
from parsers.configuration import parse_running_config
from tests.drift.cases.control_plane import CONTROL_PLANE
from tests.drift.cases.kernel import KERNEL
from tests.drift.worlds import ROOT, folded, link, symmetric, text, unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from pathlib import Path

    from tests.drift.worlds import Mutation

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
        (("router bgp 1", "bgp shutdown"), ("bgp", "shutdown")),
        (("bfd", "peer 10.0.0.1 interface eno1", "shutdown"), ("bfd", "10.0.0.1")),
        (("ip protocol bgp route-map X",), ("ip", "protocol")),
        (("ip prefix-list X permit any",), ("other", "ip prefix-list X permit any")),
    ],
)
def test_what_a_statement_is_about(statement: tuple[str, ...], topic: tuple[object, ...]) -> None:
    assert topic_of(statement, {("router bgp 1", "coalesce-time 1000")}) == topic


def test_a_whole_instance_is_one_topic() -> None:
    assert topic_of(("router bgp 1", "neighbor 10.0.0.1 shutdown"), set()) == ("instance",)


def _filtered(node: str, neighbour: str, way: str) -> Mutation:
    """A filter that somebody has typed in on a node, of one of its neighbours."""
    typed = (
        "route-map LAB deny 10\nexit\nrouter bgp 1234\n address-family l2vpn evpn\n"
        f"  neighbor {neighbour} route-map LAB {way}\n"
    )
    return text(node, "running_config", lambda said: said + typed)


@pytest.mark.parametrize(
    ("node", "neighbour", "way"),
    [("node1", "192.168.0.3", "in"), ("node3", "192.168.0.1", "out")],
    ids=["at this end", "at the other end"],
)
def test_a_filter_and_what_it_keeps_from_a_node_are_one_finding(
    node: str, neighbour: str, way: str
) -> None:
    intent = symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    CONTROL_PLANE["imet-missing", "one VTEP of one VNI"].mutation(states)
    _filtered(node, neighbour, way)(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {("imet-missing", "node1", "VNI 2 VTEP 192.168.0.3")}
    assert ("config-running", node, "frr") in folded(result)


def test_a_shutdown_that_was_typed_and_what_is_down_are_one_finding() -> None:
    intent = symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    link("node1", "vmbr4000", flags=("BROADCAST",))(states)
    typed = "interface vmbr4000\n shutdown\nexit\n"
    text("node1", "running_config", lambda said: said + typed)(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {("link-down", "node1", "vmbr4000")}
    assert ("config-running", "node1", "frr") in folded(result)


@pytest.mark.parametrize(
    "typed",
    [
        "route-map LAB deny 10\nexit\nip protocol bgp route-map LAB\n",
        "router bgp 1234 vrf vrf1\n address-family ipv4 unicast\n  table-map LAB\nroute-map LAB deny 1\n",
        "vrf vrf1\n ip route 10.0.2.2/32 blackhole\nexit-vrf\n",
    ],
)
def test_what_keeps_a_route_out_of_the_kernel_and_that_it_does_are_one_finding(typed: str) -> None:
    intent = symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    case = KERNEL["vrf-route-missing", "a host's, not in the kernel"]
    case.mutation(states)
    text(case.host, "running_config", lambda said: said + typed)(states)

    result = audit(intent, states, rendered=rendered)

    assert {check for check, _, _ in unfolded(result)} == {"vrf-route-missing"}
    assert ("config-running", case.host, "frr") in folded(result)
