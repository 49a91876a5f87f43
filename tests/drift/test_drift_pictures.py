"""The pictures of a fabric: who has whom in its flood list and as IMET, which sessions are down."""

from __future__ import annotations

import pytest

from drift.engine import audit
from drift.result import Down, Segment, Unlike
from overlay.records import ALL_ZERO_MAC, FdbEntry
from tests.drift import worlds
from tests.simulated.fleet import Fleet, healthy_states


def _flood(host: str, device: str, vtep: str) -> worlds.Mutation:
    return worlds.fdb(
        host,
        lambda entry: (
            None if entry.is_flood and (entry.device, entry.dst) == (device, vtep) else entry
        ),
    )


def _no_imet(host: str, vni: int, vtep: str) -> worlds.Mutation:
    return worlds.paths(
        host,
        lambda path: (
            None
            if path.route_type == 3 and path.ip == vtep and path.route_targets == (f"1234:{vni}",)
            else path
        ),
    )


def _reach(intent, *mutations):
    states = healthy_states(intent)
    for mutation in mutations:
        mutation(states)
    return audit(intent, states).reachability


@pytest.mark.parametrize(
    "make", [worlds.symmetric, worlds.bridged, worlds.unicast, worlds.multicast]
)
def test_a_healthy_fabric_is_its_members_only(make):
    intent = make(4)
    reach = _reach(intent)
    everyone = ("node1", "node2", "node3", "node4")
    assert reach.segments in {
        (Segment((2, 3), everyone),),
        (Segment((2,), everyone), Segment((3,), everyone[:2])),
    }
    assert {node for segment in reach.segments for node in segment.nodes} == set(everyone)
    assert reach.unlike == reach.flood_unread == reach.imet_unread == ()
    assert reach.imet == intent.evpn


@pytest.mark.parametrize(
    ("mutations", "unlike"),
    [
        ([_flood("node2", "vxlan2", "192.168.0.3")], [("flood-missing", ("node3",))]),
        ([_no_imet("node2", 2, "192.168.0.3")], [("imet-missing", ("node3",))]),
        (
            [_flood("node2", "vxlan2", "192.168.0.3"), _no_imet("node2", 2, "192.168.0.3")],
            [("both-missing", ("node3",))],
        ),
        (
            [_flood("node2", "vxlan2", f"192.168.0.{n}") for n in (1, 3, 4)],
            [("flood-missing", None)],
        ),
        (
            [
                worlds.more_fdb(
                    "node2", FdbEntry(ALL_ZERO_MAC, "vxlan2", dst="192.0.2.9", flags=("self",))
                )
            ],
            [("flood-extra", ("192.0.2.9",))],
        ),
    ],
)
def test_what_one_node_has_otherwise(mutations, unlike):
    reach = _reach(worlds.symmetric(4), *mutations)
    assert reach.unlike == tuple(Unlike(2, "node2", *it) for it in unlike)


def test_the_group_stands_for_everybody():
    reach = _reach(
        worlds.multicast(), worlds.fdb("node2", lambda entry: None if entry.is_flood else entry)
    )
    assert {(it.node, it.state, it.vteps) for it in reach.unlike} == {
        ("node2", "flood-missing", None)
    }


def test_what_was_not_read_is_unknown_and_not_fine():
    intent = worlds.symmetric(4)
    states = healthy_states(intent)
    worlds.unreachable("node2")(states)
    worlds.without("node3", "fdb")(states)
    del states["node4"]
    result = audit(intent, states)
    assert result.reachability.flood_unread == ("node2", "node3", "node4")
    assert result.reachability.imet_unread == ("node2", "node4")
    assert result.reachability.unlike == ()
    assert result.topology.peerings[0].unread == ("node2", "node3", "node4")[::2]


def test_routes_that_name_no_vni_are_unknown():
    no_targets = worlds.paths("node1", lambda path: worlds.replace(path, route_targets=()))
    assert _reach(worlds.symmetric(), no_targets).imet_unread == ("node1",)


def test_a_stopped_node_costs_each_other_one_line():
    intent = worlds.symmetric(6)
    result = audit(intent, Fleet(intent, stopped=frozenset({"node1"})).states())
    own = [it for it in result.reachability.unlike if it.node == "node1"]
    assert [(it.vni, it.state, it.vteps) for it in own] == [
        (2, "both-missing", None),
        (3, "both-missing", None),
    ]
    assert len(result.reachability.unlike) == len(own) + 5 + 1  # VNI 3 is on two nodes only
    (mesh,) = result.topology.peerings
    assert (mesh.kind, mesh.hubs, len(mesh.nodes)) == ("full-mesh", (), 6)
    assert mesh.unread == ("node1",)
    assert mesh.down == tuple(Down(f"node{n}", "node1", "Active") for n in range(2, 7))


def test_reflectors_are_hubs_and_their_clients_are_named():
    intent = worlds.example("route-reflectors")
    result = audit(intent, Fleet(intent, cut_off=frozenset({"rrserver1"})).states())
    (peering,) = result.topology.peerings
    assert (peering.kind, peering.hubs) == ("reflector", ("rrserver1", "rrserver2"))
    assert peering.nodes == ("node1", "node2", "node3")
    assert Down("rrserver1", None, None) in peering.down
    assert Down("node2", "rrserver1", "Active") in peering.down
    assert {it.name: it.role for it in result.topology.nodes}["rrserver2"] == "reflector"


def test_an_upstream_router_and_its_exits():
    intent = worlds.example("exit-upstream-bgp")
    result = audit(intent, Fleet(intent, cut_off=frozenset({"router"})).states())
    mesh, upstream = result.topology.peerings
    assert mesh.down == ()
    assert (upstream.kind, upstream.hubs, upstream.nodes) == ("upstream", ("router",), ("node1",))
    assert [it.node for it in upstream.down] == ["router", "node1"]
    assert [it.name for it in result.topology.nodes if it.exit] == ["node1"]


@pytest.mark.parametrize(
    ("name", "exits"),
    [("exit-single-gateway", ("node1",)), ("exit-multi-gateway", ("node1", "node2", "node3"))],
)
def test_a_static_way_out_is_no_session(name, exits):
    intent = worlds.example(name)
    static = audit(intent, healthy_states(intent)).topology.peerings[-1]
    assert (static.kind, static.nodes, static.down, static.unread) == ("static", exits, (), ())


def test_a_link_is_down_if_either_end_says_so_and_unknown_if_neither_does():
    intent = worlds.example("leaf-spine")
    states = Fleet(intent, stopped=frozenset({"spine1"})).states()
    worlds.unreachable("leaf3")(states)
    worlds.unreachable("spine2")(states)
    underlay = audit(intent, states).topology.underlay
    assert underlay.protocol == "ospf"
    assert {(link.one, link.two): link.state for link in underlay.links} == {
        ("leaf1", "spine1"): "down",
        ("leaf2", "spine1"): "down",
        ("leaf3", "spine1"): "unknown",
        ("leaf1", "spine2"): "up",
        ("leaf2", "spine2"): "up",
        ("leaf3", "spine2"): "unknown",
    }


def test_an_underlay_that_nothing_of_ours_routes_has_no_links():
    intent = worlds.symmetric()
    assert audit(intent, healthy_states(intent)).topology.underlay is None
