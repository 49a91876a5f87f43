"""What MAC routes may look like and is no drift, and what folds with what."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from drift.planes.configuration import topics_of
from tests.drift import worlds
from tests.drift.cases.mac_routes import MAC_OF_1, MAC_OF_2, host_route
from tests.drift.worlds import GATEWAY_MAC, both, json, more_paths, unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import Fleet, healthy_states

if TYPE_CHECKING:
    from tests.drift.worlds import Mutation

CHOSEN = ["mac-route-missing", "ip-duplicate", "gateway-advertised", "mac-frozen"]


def everywhere(*routes: tuple[int, str, str | None]) -> Mutation:
    """Routes as three nodes have them: each its own, and those of the others."""
    return both(
        *(
            more_paths(f"node{host}", host_route(node, mac, ip, own=node == host))
            for host in (1, 2, 3)
            for node, mac, ip in routes
        )
    )


SILENT: dict[str, Mutation] = {
    "a guest that has moved: its old node still has the route": both(
        *(more_paths(f"node{n}", host_route(2, MAC_OF_1, None, own=n == 2)) for n in (1, 2))
    ),
    "one link-local address on many guests": everywhere(
        (1, MAC_OF_1, "fe80::1"), (2, MAC_OF_2, "fe80::1")
    ),
    "one address on the same MAC of two nodes": everywhere(
        (1, MAC_OF_1, "10.0.2.7"), (2, MAC_OF_1, "10.0.2.7")
    ),
    "marked, and not frozen": json(
        "node1",
        "evpn_duplicate_macs",
        lambda _: {"2": {"numMacs": 1, "macs": {MAC_OF_1: {"type": "local", "intf": "tap2i0"}}}},
    ),
    "frozen in a VNI of nobody": json(
        "node1",
        "evpn_duplicate_macs",
        lambda _: {"77": {"numMacs": 1, "macs": {MAC_OF_1: {"type": "local"}}}},
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_what_is_no_drift(name: str) -> None:
    intent = worlds.symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    SILENT[name](states)

    result = audit(intent, states, rendered=rendered, only=CHOSEN)

    assert result.findings == ()
    assert set(result.checks_run) == set(CHOSEN)


def test_a_route_that_says_it_is_a_gateways_is_no_hosts() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    said = {"extended": ("ET:8", "Default Gateway")}
    for host in (1, 2, 3):
        for node in (1, 2, 3):
            route = host_route(node, GATEWAY_MAC, "10.0.2.254", own=node == host)
            more_paths(f"node{host}", replace(route, **said))(states)

    assert audit(intent, states, only=CHOSEN).findings == ()


@pytest.mark.parametrize("gone", ["node1", "node2", "node3"])
def test_nothing_is_concluded_from_a_node_that_did_not_answer(gone: str) -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent, guests=3)
    worlds.unreachable(gone)(states)

    assert audit(intent, states, only=CHOSEN).findings == ()


@pytest.mark.parametrize("fabric", [worlds.symmetric, partial(worlds.example, "route-reflectors")])
@pytest.mark.parametrize("how", ["stopped", "cut_off"])
def test_a_node_that_nobody_hears_is_not_a_matter_of_mac_routes(fabric, how: str) -> None:
    intent = fabric()
    states = Fleet(intent, guests=3, **{how: frozenset({"node2"})}).states()

    assert audit(intent, states, only=CHOSEN).findings == ()


def test_a_filter_of_a_neighbour_is_about_that_neighbour() -> None:
    typed = [
        ("router bgp 1", "address-family l2vpn evpn", "neighbor 192.0.2.1 route-map DROP in"),
        ("route-map DROP deny 10", "match evpn route-type macip"),
        ("route-map DROP permit 20",),
    ]
    rendered = [("router bgp 1", "neighbor 192.0.2.1 remote-as 1")]
    assert topics_of(typed, rendered) == {("neighbor", "192.0.2.1")}
    assert len(topics_of([*typed, ("route-map OTHER permit 10",)], rendered)) == 2


def test_a_lost_route_hangs_on_its_node_however_many_there_are() -> None:
    """One filter, routes of two VNIs: one root."""
    intent = worlds.symmetric()
    states = healthy_states(intent, guests=3)
    worlds.paths(
        "node2", lambda p: None if p.next_hop == "192.168.0.1" and p.route_type == 2 else p
    )(states)

    result = audit(intent, states, only=CHOSEN)

    assert len(result.findings) == 6
    assert len(unfolded(result)) == 1
