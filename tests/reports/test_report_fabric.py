"""Reachability and topology in a report: counted, said in words, and laid out the same each time."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from fabrics import flood_missing, healthy, stopped, unread

from drift.result import Down, Link, Peering, Underlay
from overlay.derive import derive
from overlay.intent import Fabric
from reports.fold import fold
from reports.html.page import html_text
from reports.html.peerings import sessions_of
from reports.html.reachability import reachability_text
from reports.html.topology import MAX_DRAWN, draw_topology
from reports.jsonfile import report_text
from tests.drift import worlds
from tests.overlay.leaf_spine import connect, leaf_spine


def drawn_topology(report):
    return draw_topology(report, fold(report.findings))


def leaves(count, *connected):
    """Leaves with two spines, or nodes with a link between each two that are named."""
    keys = leaf_spine(count, 0 if connected else 2)
    for one, two in connected:
        connect(keys["nodes"], one, two)
    return derive(Fabric.model_validate({"name": "f", "mode": "evpn"} | keys))


RING = leaves(3, ("leaf1", "leaf2"), ("leaf2", "leaf3"), ("leaf1", "leaf3"))


def test_a_healthy_fabric_s_report_grows_with_its_nodes_only():
    sizes = []
    for nodes in (20, 40):
        data = json.loads(report_text(healthy(worlds.bridged(nodes))))
        sizes.append(len(json.dumps([data["reachability"], data["topology"]])))
    assert sizes[1] < 2.2 * sizes[0]


@pytest.mark.parametrize(
    ("report", "pairs", "says"),
    [
        (
            lambda: healthy(worlds.bridged(4)),
            0,
            "In each of 2 VNIs every node has every other VTEP",
        ),
        (
            flood_missing,
            1,
            "In 1 of 2 VNIs the flood list or IMET routes of at least one node differ",
        ),
        (lambda: unread(worlds.bridged(3), ["node2"]), 0, "every collected node has every other"),
        (lambda: unread(worlds.bridged(2), ["node1", "node2"]), 0, "Reachability is unknown"),
        (lambda: healthy(worlds.unicast(3)), 0, "in its flood list."),
    ],
    ids=itertools.count(),
)
def test_reachability_in_words(report, pairs, says):
    text = reachability_text(report())
    assert text.pairs == pairs
    assert says in text.sentences[0]


def test_a_difference_is_a_sentence():
    (row,) = reachability_text(flood_missing()).rows
    assert (row.vni, row.node, row.says, row.vteps) == (
        2,
        "node2",
        "has no flood list entry for",
        "node3",
    )


MESH = tuple(f"n{number}" for number in range(6))


@pytest.mark.parametrize(
    "peering",
    [
        Peering(kind="full-mesh", hubs=(), nodes=MESH),
        Peering(kind="full-mesh", hubs=(), nodes=MESH, unread=("n0", "n3", "n4")),
        Peering(
            kind="full-mesh",
            hubs=(),
            nodes=MESH,
            down=(
                Down(node="n0", peer=None, state="Idle"),
                Down(node="n1", peer="n2", state="Active"),
                Down(node="n2", peer="n1", state="Connect"),
                *(Down(node=name, peer="n5", state="Active") for name in MESH[:5]),
            ),
            unread=("n5",),
        ),
        Peering(
            kind="reflector",
            hubs=("r1", "r2"),
            nodes=MESH,
            down=(
                Down(node="r1", peer=None, state=None),
                Down(node="n2", peer="r2", state="Active"),
            ),
            unread=("r2", "n3"),
        ),
    ],
)
def test_counts_agree_with_the_pairs_one_by_one(peering):
    sessions = sessions_of(peering)
    states = [sessions.state(one, two) for one, two in sessions.pairs()]
    assert (sessions.total, sessions.down, sessions.unknown) == (
        len(states),
        states.count("down"),
        states.count("unknown"),
    )


def test_whom_nobody_hears_is_one_line():
    report = stopped(worlds.symmetric(6), "node1")
    assert drawn_topology(report).failures == ("node1: none of its sessions is up (Active)",)


@pytest.mark.parametrize(
    "report",
    [
        lambda: healthy(worlds.example("route-reflectors")),
        lambda: healthy(worlds.example("exit-multi-gateway")),
        lambda: stopped(worlds.symmetric(6), "node1"),
        lambda: stopped(worlds.bridged(MAX_DRAWN), "node3", "node17"),
        lambda: stopped(worlds.bridged(MAX_DRAWN + 1), "node3"),
        lambda: stopped(worlds.example("leaf-spine"), "spine1"),
        lambda: stopped(leaves(30), "spine1-1", "leaf7"),
        lambda: stopped(leaves(50), "spine1-1"),
        lambda: healthy(RING),
    ],
    ids=itertools.count(),
)
def test_nothing_overlaps_or_leaves_the_drawing(report):
    shown = report()
    drawn = drawn_topology(shown)
    assert drawn == drawn_topology(shown)
    for box in drawn.boxes:
        assert min(box.x, box.y, drawn.width - box.x - box.width, drawn.height - box.y - 42) >= 0
    for one, two in itertools.combinations(drawn.boxes, 2):
        assert abs(one.x - two.x) >= one.width or abs(one.y - two.y) >= 60
    assert all(0 <= wire.x <= drawn.width and 0 <= wire.y < drawn.height for wire in drawn.wires)


def test_few_nodes_are_drawn_one_by_one_and_many_by_part():
    few, many = healthy(worlds.bridged(MAX_DRAWN)), stopped(worlds.bridged(MAX_DRAWN + 1), "node3")
    assert len(drawn_topology(few).boxes) == MAX_DRAWN
    (box,) = drawn_topology(many).boxes
    assert (box.label, box.detail) == ("41 nodes", "40 affected, 1 drift")
    assert drawn_topology(many).failing == ("node3",)
    (wire,) = drawn_topology(many).wires
    assert wire.label == "iBGP full mesh: 780 of 820 sessions up"


def test_unread_is_drawn_as_unknown():
    report = unread(worlds.example("route-reflectors"), ["rrserver1", "node2"])
    (wire,) = [wire for wire in drawn_topology(report).wires if wire.state == "unknown"]
    assert (wire.mark, wire.title) == ("?", "rrserver1 – node2: not collected at either end")
    assert drawn_topology(report).not_up == 1


def test_a_report_without_pictures_has_no_sections_for_them():
    report = flood_missing().model_copy(update={"reachability": None, "topology": None})
    html = html_text(report)
    assert 'id="reachability"' not in html
    assert 'id="topology"' not in html


def links_in(drawn):
    return [wire for wire in drawn.wires if wire.is_link]


def test_links_of_the_underlay_are_drawn_beside_the_sessions():
    drawn = drawn_topology(stopped(worlds.example("leaf-spine"), "spine1"))
    assert drawn.summary[0] == "Underlay routed by OSPF: 3 of 6 links up"
    assert {(wire.title, wire.state, wire.mark) for wire in links_in(drawn)} == {
        *((f"leaf{n} – spine1: no neighbour", "down", "×") for n in (1, 2, 3)),
        *((f"leaf{n} – spine2: link up", "up", "") for n in (1, 2, 3)),
    }
    assert drawn.failures[0] == "spine1: none of its links is up"
    assert len({wire.path for wire in links_in(drawn)}) == 6
    assert {"link up", "link down", "up"} <= drawn.kinds


def test_many_links_are_one_wire_and_each_that_is_lost():
    intent = leaves(30)
    (trunk,) = links_in(drawn_topology(healthy(intent)))
    assert (trunk.state, trunk.label) == ("up", "60 of 60 links up")
    lost = drawn_topology(stopped(intent, "leaf7", "spine1-1"))
    notes = {box.node: box.note for box in lost.boxes if box.note}
    assert notes == {"spine1-1": "no link up", "leaf7": "no session up"}
    assert lost.hidden_links
    # Those of the dead spine are its note, and the dead leaf has one left.
    assert [wire.title for wire in links_in(lost) if not wire.label] == [
        "leaf7 – spine1-2: no neighbour"
    ]


def test_links_of_many_nodes_are_drawn_by_part():
    (trunk,) = links_in(drawn_topology(stopped(leaves(50), "spine1-2")))
    assert (trunk.state, trunk.label) == ("down", "50 of 100 links up")


def test_links_within_a_row_are_above_it_and_sessions_below():
    drawn = drawn_topology(healthy(RING))
    (row,) = {box.y for box in drawn.boxes}
    assert {wire.y < row for wire in links_in(drawn)} == {True}
    assert {wire.y > row for wire in drawn.wires if not wire.is_link} == {True}


def test_frr_s_word_for_an_adjacency_is_said():
    underlay = Underlay("isis", (Link("a", "b", "down", "Init"), Link("a", "c", "unknown")))
    report = healthy(worlds.bridged(3))
    topology = replace(report.topology, underlay=underlay)
    drawn = drawn_topology(report.model_copy(update={"topology": topology}))
    assert drawn.failures == ("a – b: adjacency is Init",)
    assert drawn.summary[0] == "Underlay routed by IS-IS: 0 of 2 links up, 1 unknown"
    assert drawn.not_up == 2
