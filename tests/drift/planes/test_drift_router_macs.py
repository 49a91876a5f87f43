"""Router MACs: which of them a node needs, what explains that one is gone, and what is no drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from overlay.records import FdbEntry
from tests.drift import worlds
from tests.drift.cases.control_plane import CONTROL_PLANE as CASES
from tests.drift.cases.router_macs import RMAC_OF_1, RMAC_OF_2, rmac_entry
from tests.drift.worlds import (
    both,
    fdb,
    folded,
    json,
    link,
    more_fdb,
    more_paths,
    no_link,
    paths,
    unfolded,
)
from tests.simulated.fleet import Fleet, healthy_states
from tests.simulated.routing import router_macs

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath
    from tests.drift.worlds import Mutation

LOST = fdb("node1", lambda e: None if e.device == "vxlan4000" else e)


def _audited(intent: FabricIntent, *mutations: Mutation, guests: int = 1):
    states = healthy_states(intent, guests=guests)
    both(*mutations)(states)
    return audit(intent, states, skip=worlds.BY_RENDER)


def _lost(intent: FabricIntent, host: str, of: str) -> tuple[str, str, str]:
    return ("fdb-missing", host, f"vxlan4000 RMAC {router_macs(intent.nodes[of])[4000]}")


def test_the_evidence_is_the_route_and_what_the_device_does_hold() -> None:
    (finding,) = _audited(worlds.symmetric(), fdb("node1", rmac_entry(RMAC_OF_2))).findings

    assert [evidence.command for evidence in finding.evidence] == ["bgp_l2vpn_evpn", "bridge_fdb"]
    routes, entries = (evidence.text for evidence in finding.evidence)
    assert "192.168.0.2" in routes
    assert "dst 192.168.0.3" in entries
    assert finding.vni == 4000


@pytest.mark.parametrize(
    ("cause", "named", "mutation"),
    [
        ("vxlan-missing", "vxlan4000", no_link("node1", "vxlan4000")),
        ("link-down", "vxlan4000", link("node1", "vxlan4000", flags=("BROADCAST",))),
        ("bridge-missing", "vmbr4000", no_link("node1", "vmbr4000")),
        ("vrf-membership", "vmbr4000", link("node1", "vmbr4000", master=None)),
        ("link-down", "vrf1", link("node1", "vrf1", flags=("MASTER",))),
        ("l3vni", "VNI 4000", json("node1", "evpn_vni", lambda vnis: vnis.pop("4000") and None)),
    ],
)
def test_what_takes_the_l3vni_away_explains_its_router_macs(
    cause: str, named: str, mutation: Mutation
) -> None:
    intent = worlds.symmetric()

    result = _audited(intent, LOST, mutation)

    assert unfolded(result) == {(cause, "node1", named)}
    assert {_lost(intent, "node1", of) for of in ("node2", "node3")} <= folded(result)


def test_a_vtep_that_announces_its_routes_again_explains_that_its_router_mac_is_lost() -> None:
    intent = worlds.symmetric()
    renewed = CASES["route-target", "another VNI's number"].mutation

    result = _audited(intent, renewed, fdb("node1", rmac_entry(RMAC_OF_2)))

    assert unfolded(result) == {("route-target", "node2", "VNI 2")}
    assert _lost(intent, "node1", "node2") in folded(result)


def test_another_way_to_a_host_that_is_not_the_best_changes_nothing() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    table = states["node1"].evpn
    assert table is not None
    second = [
        replace(path, status="*", rd="192.168.0.3:77", next_hop="192.168.0.3")
        for path in table.paths
        if path.rmac and not path.local
    ]
    more_paths("node1", *second)(states)
    fdb("node1", rmac_entry(RMAC_OF_2))(states)

    assert unfolded(audit(intent, states)) == {_lost(intent, "node1", "node2")}


@pytest.mark.parametrize("wrong", ["stopped", "cut_off"])
def test_a_vtep_that_fell_silent_is_not_missed_here(wrong: str) -> None:
    intent = worlds.symmetric()
    states = Fleet(intent, **{wrong: frozenset({"node2"})}).states()

    result = audit(intent, states, skip=worlds.BY_RENDER)

    assert not [f for f in result.findings if "RMAC" in f.object]


def _bridged_only(path: EvpnPath) -> EvpnPath:
    if path.next_hop != "192.168.0.2":
        return path
    return replace(path, rmac=None, route_targets=path.route_targets[:1])


def _claiming(mac: str, vtep: str) -> Mutation:
    """All that this VTEP sends carries this router MAC."""
    return paths("node1", lambda p: replace(p, rmac=mac) if p.rmac and p.next_hop == vtep else p)


@pytest.mark.parametrize(
    "mutation",
    [
        pytest.param(
            both(paths("node1", _bridged_only), fdb("node1", rmac_entry(RMAC_OF_2))),
            id="a VTEP that routes nothing",
        ),
        pytest.param(
            both(_claiming(RMAC_OF_1, "192.168.0.2"), fdb("node1", rmac_entry(RMAC_OF_2))),
            id="a route with the own router MAC, which FRR does not import",
        ),
        pytest.param(
            both(
                _claiming(RMAC_OF_2, "192.168.0.3"),
                fdb("node1", rmac_entry(RMAC_OF_2, dst="192.168.0.3")),
            ),
            id="two VTEPs with one router MAC: it is behind the one that spoke last",
        ),
        pytest.param(
            more_fdb("node1", FdbEntry("06:99:99:99:99:99", "vxlan4000", dst="192.168.0.2")),
            id="an entry that zebra left behind",
        ),
        pytest.param(
            paths(
                "node1",
                lambda p: replace(p, status="*", rmac="06:99:99:99:99:99") if p.rmac else p,
            ),
            id="a route that is not the best",
        ),
    ],
)
def test_a_router_mac_that_is_not_needed_is_not_missed(mutation: Mutation) -> None:
    result = _audited(worlds.symmetric(), mutation)

    assert not [f for f in result.findings if "RMAC" in f.object]


def test_what_changed_while_the_node_was_read_is_no_drift_yet() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    states["node1"] = replace(states["node1"], fdb_later=states["node1"].fdb)
    fdb("node1", rmac_entry(RMAC_OF_2))(states)

    assert audit(intent, states, skip=worlds.BY_RENDER).findings == ()


def test_a_host_that_is_in_two_places_decides_nothing() -> None:
    """Its route via node2 is not the only one: node2's router MAC may be there or not."""
    moving = paths("node1", lambda p: replace(p, ip="10.0.2.7") if p.rmac and p.ip else p)

    result = _audited(worlds.symmetric(), moving, LOST)

    assert not [f for f in result.findings if "RMAC" in f.object]


@pytest.mark.parametrize(
    ("primary", "host", "needed"),
    [
        (None, "node3", {"node1", "node2"}),  # ECMP
        (None, "node1", set()),  # its own default leads out
        ("node1", "node3", {"node1"}),
        ("node1", "node2", {"node1"}),  # its own default gives way
        ("node1", "node1", set()),
    ],
)
def test_of_the_exits_those_are_needed_that_the_vrf_uses(
    primary: str | None, host: str, needed: set[str]
) -> None:
    intent = worlds.exits("node1", "node2", primary=primary)
    lost = fdb(host, lambda e: None if e.device == "vxlan4000" else e)

    result = _audited(intent, lost, guests=0)  # so the exits' defaults alone are routed

    assert unfolded(result) == {_lost(intent, host, of) for of in needed}


def test_without_the_l3vnis_table_nothing_is_said_and_the_check_is_skipped() -> None:
    states = healthy_states(worlds.symmetric())
    worlds.without("node1", "fdb")(states)

    result = audit(worlds.symmetric(), states, skip=worlds.BY_RENDER)

    assert result.findings == ()
    assert {s.check for s in result.skipped if s.host == "node1"} >= {"fdb-missing"}


def test_a_default_that_is_withdrawn_explains_the_router_mac_that_went_with_it() -> None:
    """FRR 8.4 drops the router MAC with it, though hosts behind that exit are still routed."""
    intent = worlds.exits("node1")
    defaults = (
        paths(host, lambda p: None if p.route_type == 5 else p)
        for host in ("node1", "node2", "node3")
    )
    gone = fdb("node2", rmac_entry(router_macs(intent.nodes["node1"])[4000]))

    result = _audited(intent, *defaults, gone)

    assert {check for check, _, _ in unfolded(result)} == {"type5-missing"}
    assert _lost(intent, "node2", "node1") in folded(result)
