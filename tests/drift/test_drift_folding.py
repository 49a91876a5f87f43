"""One root cause, one finding: consequences are kept and folded, on whichever node they show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from drift.engine import audit
from tests.drift import worlds
from tests.drift.cases.data_plane import MAC_OF_2
from tests.drift.worlds import (
    both,
    fdb,
    folded,
    json,
    link,
    no_link,
    paths,
    table,
    unfolded,
    unreachable,
    without,
)
from tests.simulated.fleet import Fleet, healthy_states


@pytest.mark.parametrize("fabric", [worlds.symmetric, worlds.bridged])
@pytest.mark.parametrize("nodes", [2, 3, 10])
@pytest.mark.parametrize("node", ["node1", "node2"])
def test_frr_stopped_on_one_node_is_one_finding(fabric, nodes: int, node: str) -> None:
    intent = fabric(nodes)
    states = Fleet(intent, stopped=frozenset({node})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("evpn-empty", node, "bgp")}
    checks = Counter(check for check, _, _ in folded(result))
    assert checks["session-down"] == nodes - 1
    assert checks["imet-missing"] >= nodes - 1


@pytest.mark.parametrize("nodes", [2, 3, 10])
def test_a_node_switched_off_gives_one_finding_and_none_about_itself(nodes: int) -> None:
    intent = worlds.bridged(nodes)
    states = Fleet(intent, cut_off=frozenset({"node2"})).states()
    unreachable("node2")(states)

    result = audit(intent, states)

    roots = unfolded(result)
    assert roots == {("session-down", "node1", "neighbor 192.168.0.2")}
    assert all(finding.host != "node2" for finding in result.findings)
    silent = {skip.check for skip in result.skipped if skip.host == "node2"}
    assert {"link-down", "flood-missing", "imet-missing", "session-down"} <= silent
    assert len(result.findings) == 3 * (nodes - 1)


def test_a_dead_vtep_is_one_finding_without_the_sessions_too() -> None:
    intent = worlds.bridged(5)
    states = Fleet(intent, cut_off=frozenset({"node4"})).states()
    unreachable("node4")(states)
    for name in states:
        without(name, "evpn_peers")(states)

    result = audit(intent, states)

    assert unfolded(result) == {("imet-missing", "node1", "VNI 2 VTEP 192.168.0.4")}
    assert len(result.findings) == 2 * 4


def test_a_node_cut_off_is_one_finding_on_that_node() -> None:
    intent = worlds.symmetric(5)
    states = Fleet(intent, cut_off=frozenset({"node3"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node3", "neighbor 192.168.0.1")}


def test_the_cable_of_a_node_explains_that_it_is_cut_off() -> None:
    intent = worlds.bridged(5)
    states = Fleet(intent, cut_off=frozenset({"node3"})).states()
    no_carrier = ("BROADCAST", "UP", "NO-CARRIER")
    link("node3", "eno1", flags=no_carrier)(states)
    link("node3", "vmbr0", flags=no_carrier)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("link-down", "node3", "eno1")}
    assert ("link-down", "node3", "vmbr0") in folded(result)
    assert ("session-down", "node1", "neighbor 192.168.0.3") in folded(result)


def test_advertise_all_vni_off_explains_all_imet_of_that_node() -> None:
    intent = worlds.bridged(4)
    states = Fleet(intent, muted=frozenset({("node2", 2), ("node2", 3)})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("imet-not-originated", "node2", "bgp")}
    assert Counter(check for check, _, _ in folded(result)) == {"imet-missing": 2 * 3}


def test_a_missing_vxlan_device_explains_its_vni_everywhere() -> None:
    intent = worlds.bridged(4)
    states = Fleet(intent, muted=frozenset({("node2", 2)})).states()
    no_link("node2", "vxlan2")(states)
    link("node2", "vmbr2", flags=("BROADCAST", "UP", "NO-CARRIER"))(states)
    worlds.fdb("node2", lambda entry: None if entry.device == "vxlan2" else entry)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("vxlan-missing", "node2", "vxlan2")}
    checks = Counter(check for check, _, _ in folded(result))
    assert checks == {
        "link-down": 1,
        "flood-missing": 3,
        "fdb-missing": 3,
        "imet-not-originated": 1,
        "imet-missing": 3,
    }


def test_all_vxlan_devices_missing_are_as_many_findings() -> None:
    intent = worlds.bridged(3)
    states = Fleet(intent, muted=frozenset({("node2", 2), ("node2", 3)})).states()
    both(no_link("node2", "vxlan2"), no_link("node2", "vxlan3"))(states)

    assert unfolded(audit(intent, states)) == {
        ("vxlan-missing", "node2", "vxlan2"),
        ("vxlan-missing", "node2", "vxlan3"),
    }


def test_another_vni_on_a_device_explains_what_it_advertises() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    link("node2", "vxlan2", vxlan={"vni": 99})(states)
    for host in states:
        paths(host, _retarget_from("192.168.0.2", "1234:2", "1234:99"))(states)
        worlds.fdb(
            host,
            lambda e: None if e.device == "vxlan2" and e.dst == "192.168.0.2" else e,
        )(states)

    result = audit(intent, states)

    assert unfolded(result) == {("vxlan-vni", "node2", "vxlan2")}
    assert {check for check, _, _ in folded(result)} == {
        "imet-not-originated",
        "imet-missing",
        "imet-unexpected",
    }


def test_a_wrong_route_target_explains_what_others_miss() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    for host in states:
        paths(host, _retarget_from("192.168.0.2", "1234:2", "1234:777"))(states)
        if host != "node2":
            worlds.fdb(
                host,
                lambda e: None if e.device == "vxlan2" and e.dst == "192.168.0.2" else e,
            )(states)

    result = audit(intent, states)

    assert unfolded(result) == {("route-target", "node2", "VNI 2")}
    assert {check for check, _, _ in folded(result)} == {"imet-missing", "imet-unexpected"}


def _retarget_from(vtep: str, old: str, new: str):
    def change(path):
        if path.next_hop != vtep or old not in path.route_targets:
            return path
        targets = tuple(new if target == old else target for target in path.route_targets)
        return replace(path, route_targets=targets)

    return change


def test_another_nodes_tunnel_source_explains_the_routes_that_are_missed() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    link("node3", "vxlan2", vxlan={"local": "192.168.0.2"})(states)
    for host in ("node1", "node2"):
        paths(host, _no_imet_of_vni_2("192.168.0.3"))(states)
    # What comes from its owner, the node takes for its own, and throws it away.
    paths("node3", _no_imet_of_vni_2("192.168.0.2"))(states)

    result = audit(intent, states)

    assert unfolded(result) == {("vtep-duplicate", "node3", "VTEP 192.168.0.2")}
    assert {check for check, _, _ in folded(result)} == {"vxlan-local-ip", "imet-missing"}


def test_a_strangers_address_on_two_nodes_is_two_wrong_sources() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    for host in ("node1", "node2"):
        link(host, "vxlan2", vxlan={"local": "192.0.2.9"})(states)

    result = audit(intent, states)

    assert unfolded(result) == {
        ("vxlan-local-ip", "node1", "vxlan2"),
        ("vxlan-local-ip", "node2", "vxlan2"),
    }
    assert {check for check, _, _ in folded(result)} == {"vtep-duplicate"}


def _no_imet_of_vni_2(vtep: str):
    return lambda p: None if (p.route_type, p.ip, p.route_targets) == (3, vtep, ("1234:2",)) else p


def test_a_session_down_explains_the_routes_missing_from_that_peer() -> None:
    intent = worlds.bridged(5)
    states = healthy_states(intent)
    for here, there in (("node1", "192.168.0.2"), ("node2", "192.168.0.1")):
        json(
            here, "evpn_summary", lambda s, there=there: s["peers"][there].update(state="Connect")
        )(states)
        paths(here, lambda p, there=there: None if p.next_hop == there and not p.local else p)(
            states
        )

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node1", "neighbor 192.168.0.2")}
    # The flood entries are still there: the intent names them. The guests' MACs are stale.
    assert Counter(check for check, _, _ in folded(result)) == {
        "session-down": 1,
        "imet-missing": 4,
        "fdb-stale": 4,
    }


def test_a_mac_that_keeps_moving_explains_where_it_was_lost() -> None:
    def moves(path):
        return replace(path, mobility_sequence=30) if path.mac == MAC_OF_2 else path

    states = healthy_states(worlds.symmetric())
    both(
        *(paths(host, moves) for host in ("node1", "node3")),
        fdb("node1", lambda entry: None if entry.mac == MAC_OF_2 else entry),
    )(states)

    result = audit(worlds.symmetric(), states, skip=worlds.BY_RENDER)

    assert {check for check, _, _ in unfolded(result)} == {"mac-mobility"}
    assert ("fdb-missing", "node1", f"vxlan2 MAC {MAC_OF_2}") in folded(result)


def test_two_faults_are_two_findings() -> None:
    intent = worlds.bridged(6)
    states = Fleet(intent, stopped=frozenset({"node2", "node5"})).states()
    link("node3", "vxlan3", vxlan={"dstport": 1})(states)

    assert unfolded(audit(intent, states)) == {
        ("evpn-empty", "node2", "bgp"),
        ("evpn-empty", "node5", "bgp"),
        ("vxlan-dstport", "node3", "vxlan3"),
    }


def test_one_router_id_on_two_nodes_explains_their_session_and_their_rds() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    table("node2", router_id="192.168.0.1")(states)
    for host in states:
        paths(
            host,
            lambda p: replace(p, rd=p.rd.replace("192.168.0.2:", "192.168.0.1:")),
        )(states)
    json("node1", "evpn_summary", lambda s: s["peers"]["192.168.0.2"].update(state="Idle"))(states)
    json("node2", "evpn_summary", lambda s: s["peers"]["192.168.0.1"].update(state="Idle"))(states)

    result = audit(intent, states)

    assert unfolded(result) == {("router-id", "node2", "bgp")}
    assert {check for check, _, _ in folded(result)} == {"rd-duplicate", "session-down"}


def test_a_stranger_seen_by_all_is_one_finding() -> None:
    intent = worlds.bridged(6)
    states = healthy_states(intent)
    stranger = next(p for p in states["node1"].evpn.paths if p.route_type == 3 and not p.local)
    stranger = replace(
        stranger,
        ip="192.168.0.99",
        next_hop="192.168.0.99",
        rd="192.168.0.99:2",
        route_targets=("1234:55",),
    )
    for host in states:
        worlds.more_paths(host, stranger)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("imet-unexpected", "node1", "VNI 55 VTEP 192.168.0.99")}
    assert len(result.findings) == 6


def test_a_leftover_device_explains_what_it_advertises() -> None:
    intent = worlds.bridged(3)
    states = healthy_states(intent)
    worlds.new_link("node2", "vxlan2", "vxlan99", vni=99)(states)
    leftover = next(p for p in states["node1"].evpn.paths if p.ip == "192.168.0.2")
    leftover = replace(leftover, rd="192.168.0.2:9", route_targets=("1234:99",))
    worlds.more_paths("node1", leftover)(states)
    worlds.more_paths("node3", leftover)(states)
    worlds.more_paths("node2", replace(leftover, weight=32768))(states)

    result = audit(intent, states)

    assert unfolded(result) == {("vxlan-unexpected", "node2", "vxlan99")}
    assert Counter(check for check, _, _ in folded(result)) == {"imet-unexpected": 3}


@pytest.mark.parametrize("example", ["exit-upstream-bgp", "route-reflectors"])
def test_bfd_that_went_down_with_a_dead_frr_is_no_finding_of_its_own(example: str) -> None:
    intent = worlds.with_bfd(example)
    states = Fleet(intent, stopped=frozenset({"node1"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("evpn-empty", "node1", "bgp")}
    assert any(check == "bfd-down" for check, _, _ in folded(result))


def test_a_node_without_any_bfd_session_is_one_finding() -> None:
    intent = worlds.with_bfd("exit-upstream-bgp")
    states = dict(healthy_states(intent))
    down = {"192.168.0.2": "down"}
    for name in states:
        if name == "node2":
            json(name, "bfd_peers", lambda sessions: [])(states)
        elif name != "router":  # it has no session with node2: that is no exit

            def change(sessions: list[dict[str, str]]) -> list[dict[str, str]]:
                return [one | {"status": down.get(one["peer"], "up")} for one in sessions]

            json(name, "bfd_peers", change)(states)

    result = audit(intent, states)

    assert {(check, host) for check, host, _ in unfolded(result)} == {("bfd-down", "node2")}
    assert len(result.findings) == 4
