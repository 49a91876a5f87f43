"""Folding where nodes have roles: reflectors, exits, a router outside, a floating address."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift.worlds import (
    example,
    folded,
    json,
    no_link,
    paths,
    table,
    text,
    unfolded,
    unreachable,
)
from tests.rendering import rendered_nodes
from tests.simulated.fleet import Fleet, healthy_states
from tests.simulated.outputs import reprint
from tests.simulated.outside import running_config

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from tests.drift.worlds import States


def _checks(result) -> Counter[str]:
    return Counter(check for check, _, _ in folded(result))


@pytest.mark.parametrize("reachable", [True, False])
def test_a_dead_reflector_is_one_finding(*, reachable: bool) -> None:
    intent = example("route-reflectors")
    states = Fleet(intent, stopped=frozenset({"rrserver1"})).states()
    if not reachable:
        unreachable("rrserver1")(states)

    result = audit(intent, states)

    own = ("evpn-empty", "rrserver1", "bgp")
    far = ("session-down", "node1", "neighbor 192.168.0.200")
    assert unfolded(result) == {own if reachable else far}
    assert {check for check, _, _ in folded(result)} == {"session-down"}, "no route is missing"


def test_both_reflectors_stopped_explain_every_missing_route() -> None:
    intent = example("route-reflectors")
    states = Fleet(intent, stopped=frozenset({"rrserver1", "rrserver2"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {
        ("evpn-empty", "rrserver1", "bgp"),
        ("evpn-empty", "rrserver2", "bgp"),
    }
    assert _checks(result) == {"session-down": 6, "imet-missing": 12}


def test_both_reflectors_gone_are_as_many_findings() -> None:
    intent = example("route-reflectors")
    states = Fleet(intent, cut_off=frozenset({"rrserver1", "rrserver2"})).states()
    unreachable("rrserver1")(states)
    unreachable("rrserver2")(states)

    assert unfolded(audit(intent, states)) == {
        ("session-down", "node1", "neighbor 192.168.0.200"),
        ("session-down", "node1", "neighbor 192.168.0.201"),
    }


def test_a_dead_client_of_reflectors_is_one_finding() -> None:
    intent = example("route-reflectors")
    states = Fleet(intent, cut_off=frozenset({"node2"})).states()
    unreachable("node2")(states)

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "rrserver1", "neighbor 192.168.0.2")}
    assert _checks(result) == {"session-down": 1, "imet-missing": 4}


def test_a_client_cut_off_from_both_reflectors_is_one_finding() -> None:
    intent = example("route-reflectors")
    states = Fleet(intent, cut_off=frozenset({"node2"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node2", "neighbor 192.168.0.200")}


@pytest.mark.parametrize(
    ("name", "defaults"), [("exit-single-gateway", 2), ("exit-multi-gateway", 1)]
)
def test_a_dead_exit_is_one_finding(name: str, defaults: int) -> None:
    intent = example(name)
    states = Fleet(intent, cut_off=frozenset({"node1"})).states()
    unreachable("node1")(states)

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node2", "neighbor 192.168.0.1")}
    assert _checks(result)["type5-missing"] == 2 * defaults


def test_an_exit_whose_frr_is_stopped_is_one_finding() -> None:
    intent = example("exit-upstream-bgp")
    states = Fleet(intent, stopped=frozenset({"node1"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("evpn-empty", "node1", "bgp")}
    assert _checks(result) == {
        "session-down": 3,
        "imet-missing": 4,
        "type5-missing": 4,
        "exit-route": 4,
    }


def test_an_exit_without_its_l3vni_explains_the_default_that_others_miss() -> None:
    intent = example("exit-single-gateway")
    states = healthy_states(intent)
    json("node1", "evpn_vni", lambda s: s.pop("4000") and None)(states)
    for host in ("node1", "node2", "node3"):
        paths(host, lambda p: None if p.route_type == 5 else p)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("l3vni", "node1", "VNI 4000")}
    assert _checks(result) == {"type5-missing": 6}


def test_an_exit_without_its_l3vni_device_explains_it_too() -> None:
    intent = example("exit-single-gateway")
    states = healthy_states(intent)
    no_link("node1", "vxlan4000")(states)
    json("node1", "evpn_vni", lambda s: s.pop("4000") and None)(states)
    for host in ("node1", "node2", "node3"):
        paths(host, lambda p: None if p.route_type == 5 else p)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("vxlan-missing", "node1", "vxlan4000")}


def test_a_router_outside_that_is_gone_explains_that_the_exit_has_no_default() -> None:
    intent = example("exit-upstream-bgp")
    states = Fleet(intent, cut_off=frozenset({"router"})).states()
    unreachable("router")(states)

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node1", "neighbor 192.168.0.254")}
    places = ("main table", "VRF vrf1")
    assert folded(result) == {("exit-route", "node1", place) for place in places}


def test_a_backup_exit_may_use_the_primary_one() -> None:
    intent = example("exit-multi-gateway")
    fabric = intent.fabric
    vrf = fabric.vrfs["vrf1"].model_copy(update={"primary": "node1"})
    intent = derive(fabric.model_copy(update={"vrfs": {"vrf1": vrf}}))
    states = healthy_states(intent)
    hops = [hop for route in states["node2"].routes or () for hop in route.hops]
    assert any(hop.device == "vmbr4000" for hop in hops)

    assert audit(intent, states).findings == ()


def test_a_holder_of_a_floating_address_that_did_not_answer_may_be_its_master() -> None:
    intent = example("exit-vrrp")
    states = healthy_states(intent)
    unreachable("node1")(states)

    assert audit(intent, states).findings == ()


def test_a_holder_cut_off_becomes_a_second_master_and_that_is_no_further_finding() -> None:
    intent = example("exit-vrrp")
    states = Fleet(intent, cut_off=frozenset({"node2"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node1", "neighbor 192.168.0.2")}
    assert ("vrrp", "node2", "VIP 192.168.0.10") in folded(result)


def test_what_was_typed_is_folded_under_what_it_broke() -> None:
    intent = example("l3-symmetric")
    rendered = rendered_nodes(intent)
    muted = frozenset({("node2", 2), ("node2", 3)})
    states = Fleet(intent, muted=muted, rendered=rendered).states()
    text("node2", "running_config", lambda said: said.replace("  advertise-all-vni\n", ""))(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {("imet-not-originated", "node2", "bgp")}
    assert ("config-running", "node2", "frr") in folded(result)


def test_what_was_typed_besides_is_a_finding_of_its_own() -> None:
    intent = example("l3-symmetric")
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    json("node2", "evpn_summary", lambda s: s["peers"]["192.168.0.1"].update(state="Idle (Admin)"))(
        states
    )
    json("node1", "evpn_summary", lambda s: s["peers"]["192.168.0.2"].update(state="Active"))(
        states
    )
    shut = "router bgp 1234\n neighbor 192.168.0.1 shutdown\n"
    text("node2", "running_config", lambda said: said + shut)(states)
    session = ("session-down", "node2", "neighbor 192.168.0.1")

    assert unfolded(audit(intent, states, rendered=rendered)) == {session}
    text("node2", "running_config", lambda said: said + "ip prefix-list X seq 5 permit any\n")(
        states
    )
    result = audit(intent, states, rendered=rendered)
    assert unfolded(result) == {session, ("config-running", "node2", "frr")}


def test_bgp_taken_away_is_one_finding() -> None:
    intent = example("exit-single-gateway")
    rendered = rendered_nodes(intent)
    states = Fleet(intent, stopped=frozenset({"node1"}), rendered=rendered).states()
    rest = rendered["node1"].files["/etc/frr/frr.conf"].partition("router bgp")[0]
    states["node1"] = reprint(states["node1"], "running_config", running_config(rest))
    table("node1", said="% BGP instance not found")(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {("evpn-empty", "node1", "bgp")}
    assert ("config-running", "node1", "frr") in folded(result)


def _stranger(listen: list[dict[str, object]], **more: object) -> tuple[FabricIntent, States]:
    """A fabric of two nodes that listens to others, and its states with a third one."""
    fabric = example("l2-evpn").fabric.model_dump(mode="json", by_alias=True, exclude_none=True)
    fabric["nodes"]["node1"]["reflector"] = True
    states = healthy_states(derive(Fabric.model_validate(fabric)))
    del states["node3"], fabric["nodes"]["node3"]
    fabric["bgp"]["listen"] = listen
    fabric["nodes"] |= more
    return derive(Fabric.model_validate(fabric)), states


def test_a_vtep_that_comes_and_goes_is_no_finding() -> None:
    assert unfolded(audit(*_stranger([{"range": "192.168.0.3/32"}]))) == set()


def test_where_no_vtep_may_come_from_one_is_a_finding() -> None:
    elsewhere = unfolded(audit(*_stranger([{"range": "192.168.0.128/25"}])))
    assert elsewhere == {
        ("session-unexpected", "node1", "neighbor 192.168.0.3"),
        *(("imet-unexpected", "node1", f"VNI {vni} VTEP 192.168.0.3") for vni in (2, 3)),
    }
    no_vteps = unfolded(audit(*_stranger([{"range": "192.168.0.0/29", "vteps": False}])))
    assert no_vteps == {
        ("imet-unexpected", "node1", f"VNI {vni} VTEP 192.168.0.3") for vni in (2, 3)
    }


def test_a_session_that_is_named_by_its_interface_is_none_that_comes_and_goes() -> None:
    intent, states = _stranger([{"range": "192.168.0.0/29"}])
    json("node1", "evpn_summary", lambda s: s["peers"].update(eno5={"state": "Active"}))(states)
    assert unfolded(audit(intent, states)) == {("session-unexpected", "node1", "neighbor eno5")}


def test_an_external_node_is_known_with_what_it_carries() -> None:
    external = {"role": "external", "address": "192.168.0.3", "vnis": [2]}
    assert unfolded(audit(*_stranger([], switch=external))) == {
        ("imet-unexpected", "node1", "VNI 3 VTEP 192.168.0.3")
    }


def test_an_external_node_without_session_is_one_finding_where_it_peers() -> None:
    external = {"role": "external", "address": "192.168.0.3", "vnis": [2, 3]}
    intent, _ = _stranger([], switch=external)
    states = Fleet(intent, cut_off=frozenset({"switch"})).states()

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node1", "neighbor 192.168.0.3")}
    assert {check for check, _, _ in folded(result)} == {"imet-missing"}


def test_a_reflector_with_networks_that_loses_a_client_has_its_routes_of_another() -> None:
    fabric = example("l3-symmetric").fabric
    nodes = {
        name: node.model_copy(update={"reflector": name != "node3"})
        for name, node in fabric.nodes.items()
    }
    intent = derive(fabric.model_copy(update={"nodes": nodes}))
    states = healthy_states(intent)
    json("node3", "evpn_summary", lambda s: s["peers"].pop("192.168.0.1") and None)(states)
    json("node1", "evpn_summary", lambda s: s["peers"].pop("*192.168.0.3") and None)(states)

    result = audit(intent, states)

    assert unfolded(result) == {("session-down", "node3", "neighbor 192.168.0.1")}
    assert {check for check, _, _ in folded(result)} == {"session-down"}


def test_a_reflector_with_networks_that_is_down_is_one_finding() -> None:
    fabric = example("l3-symmetric").fabric
    nodes = {
        name: node.model_copy(update={"reflector": name != "node3"})
        for name, node in fabric.nodes.items()
    }
    intent = derive(fabric.model_copy(update={"nodes": nodes}))

    result = audit(intent, Fleet(intent, stopped=frozenset({"node1"})).states())

    assert unfolded(result) == {("evpn-empty", "node1", "bgp")}
