"""What is not collected is neither drift nor a pass; versions differ; the choice of checks."""

from __future__ import annotations

import json as jsonlib
import random
from dataclasses import replace

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from overlay.records import CommandResult, FdbEntry
from tests.drift import applicable, worlds
from tests.drift.cases.router_macs import RMAC_OF_2, rmac_entry
from tests.drift.worlds import (
    BY_RENDER,
    fdb,
    json,
    lacking,
    link,
    paths,
    unfolded,
    unreachable,
    without,
)
from tests.rendering import rendered_nodes
from tests.simulated.fleet import Fleet, healthy_states
from tests.simulated.outputs import reprint


def _skipped(result) -> dict[str, str]:
    return {skip.check: skip.reason for skip in lacking(result)}


def _compare(intent, states):
    return audit(intent, states, skip=BY_RENDER)


@pytest.mark.parametrize(
    ("plane", "slug"), [("links", "ip_link"), ("fdb", "bridge_fdb"), ("evpn", "bgp_l2vpn_evpn")]
)
@pytest.mark.parametrize(
    ("fabric", "on_a_node"),
    [(worlds.symmetric, applicable.SYMMETRIC), (worlds.unicast, applicable.UNICAST)],
)
def test_a_plane_that_was_not_read_is_skipped_and_named(
    fabric, on_a_node, plane: str, slug: str
) -> None:
    intent = fabric()
    states = healthy_states(intent)
    without("node2", plane)(states)

    result = _compare(intent, states)

    assert result.findings == ()
    assert _skipped(result).keys() == on_a_node[slug]
    assert all(slug in reason for reason in _skipped(result).values())


@pytest.mark.parametrize("slug", ["evpn_summary", "evpn_vni", "ip_address", "ip_route", "ip_neigh"])
def test_an_output_that_is_missing_or_strange_is_skipped_and_named(slug: str) -> None:
    intent = worlds.symmetric()
    for value in (None, "text", 7):
        states = healthy_states(intent)
        if value is None:
            del states["node1"].commands[slug]
        else:
            states["node1"] = reprint(states["node1"], slug, value)

        result = _compare(intent, states)

        assert result.findings == ()
        assert {skip.host for skip in lacking(result)} == {"node1"}
        assert all(skip.reason.startswith(slug) for skip in lacking(result))


def test_the_reason_says_how_the_command_fared() -> None:
    intent = worlds.unicast()
    states = healthy_states(intent)
    failed = {"bridge_fdb": CommandResult("bridge_fdb", "unparsed", error="line 7: `x`")}
    commands = states["node1"].commands | failed
    states["node1"] = replace(states["node1"], fdb=None, commands=commands)

    assert _skipped(_compare(intent, states)) == {
        "flood-missing": "bridge_fdb: unparsed (line 7: `x`)",
        "flood-unexpected": "bridge_fdb: unparsed (line 7: `x`)",
        "fdb-static": "bridge_fdb: unparsed (line 7: `x`)",
    }


def test_an_unreachable_node_has_no_finding_and_no_passed_check() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    unreachable("node3")(states)

    result = _compare(intent, states)

    assert result.findings == ()
    assert {skip.host for skip in lacking(result)} == {"node3"}
    assert all("connection timed out" in skip.reason for skip in lacking(result))
    assert {skip.check for skip in lacking(result)} == frozenset().union(
        *applicable.SYMMETRIC.values()
    )


def test_nobody_reachable_means_no_check_run() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    for host in list(states):
        unreachable(host)(states)

    result = audit(intent, states)

    assert result.findings == ()
    assert result.checks_run == ()


def test_words_that_this_iproute2_does_not_print_are_no_drift() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    unsaid = dict.fromkeys(("learning", "flood", "mcast_flood", "neigh_suppress", "isolated"))
    link("node1", "vxlan2", bridge_port=unsaid, vxlan={"dstport": None})(states)

    assert audit(intent, states).findings == ()


def test_an_frr_that_prints_no_route_targets_is_not_judged_by_vni() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    paths("node1", lambda p: replace(p, route_targets=()))(states)

    result = _compare(intent, states)

    assert result.findings == ()
    assert set(_skipped(result)) == (
        applicable.FLOOD_LISTS | applicable.MACS | applicable.NEIGHBOURS | applicable.ROUTES_BY_VNI
    )
    assert "no route targets" in _skipped(result)["imet-missing"]


@pytest.mark.parametrize(
    "shape",
    [
        lambda summary: {"default": summary},
        lambda summary: {"vrf1": {}, "default": {"l2VpnEvpn": summary}},
        lambda summary: summary | {"peers": {f"*{p}": v for p, v in summary["peers"].items()}},
    ],
)
def test_every_shape_of_the_summary_is_understood(shape) -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    json("node1", "evpn_summary", shape)(states)

    assert audit(intent, states).findings == ()


@pytest.mark.parametrize("asn", [1234, 4_200_000_000])
def test_the_as_of_a_route_target_is_not_judged(asn: int) -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    paths("node1", lambda p: replace(p, route_targets=(f"{asn}:{p.route_targets[0][5:]}",)))(states)

    assert audit(intent, states).findings == ()


def test_a_mac_that_moved_here_is_not_expected_behind_its_old_vtep() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    moved = next(p for p in states["node1"].evpn.paths if p.route_type == 2 and not p.local)
    here = replace(
        moved, weight=32768, rd="192.168.0.1:2", next_hop="192.168.0.1", mobility_sequence=1
    )
    worlds.more_paths("node1", here)(states)
    fdb("node1", lambda e: None if e.mac == moved.mac and e.dst else e)(states)

    assert audit(intent, states).findings == ()


def test_a_migration_and_a_multihomed_mac_are_silent() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    old = next(p for p in states["node1"].evpn.paths if p.route_type == 2 and not p.local)
    esi = "03:44:38:39:be:ef:aa:00:00:01"
    moving = replace(old, next_hop="192.168.0.3", rd="192.168.0.3:2", mobility_sequence=4)
    worlds.more_paths("node1", moving)(states)
    assert audit(intent, states, only=["mac-mobility"]).findings == ()

    states = healthy_states(intent)
    paths("node1", lambda p: replace(p, esi=esi) if p.mac == old.mac else p)(states)
    worlds.more_paths("node1", replace(moving, mobility_sequence=None, esi=esi))(states)
    assert audit(intent, states, only=["mac-mobility"]).findings == ()


def test_a_mac_behind_two_vteps_belongs_to_the_later_one() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    old = next(
        p
        for p in states["node1"].evpn.paths
        if p.route_type == 2 and p.next_hop == "192.168.0.2" and "1234:2" in p.route_targets
    )
    new = replace(old, next_hop="192.168.0.3", rd="192.168.0.3:2", mobility_sequence=1)
    worlds.more_paths("node1", new)(states)

    result = audit(intent, states, only={"fdb-wrong-vtep", "fdb-stale", "fdb-missing"})

    assert unfolded(result) == {("fdb-wrong-vtep", "node1", f"vxlan2 MAC {old.mac}")}
    fdb("node1", lambda e: replace(e, dst="192.168.0.3") if e.mac == old.mac else e)(states)
    assert audit(intent, states, skip={"rd-duplicate"}).findings == ()


def test_an_entry_with_a_next_hop_group_is_no_drift() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    mac = next(e.mac for e in states["node1"].fdb if e.device == "vxlan2" and not e.is_flood)
    fdb("node1", lambda e: replace(e, dst=None, nhid=7) if e.mac == mac else e)(states)

    assert audit(intent, states).findings == ()


def test_router_macs_of_an_l3vni_are_not_stale() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    worlds.more_fdb("node1", FdbEntry("06:00:00:00:00:09", "vxlan4000", dst="192.168.0.3"))(states)

    assert audit(intent, states).findings == ()


def test_the_flag_bits_of_rfc8365_route_targets_are_no_part_of_the_vni() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    flag = 0x10000000
    for host in states:
        paths(
            host,
            lambda p: replace(p, route_targets=(f"1234:{flag | int(p.route_targets[0][5:])}",)),
        )(states)

    assert audit(intent, states).findings == ()


@pytest.mark.parametrize(
    ("name", "host", "slug"),
    [
        ("exit-upstream-bgp", "node1", "bgp_summary"),
        ("exit-upstream-bgp", "router", "bgp_summary"),
        ("exit-single-gateway", "node1", "ip_route"),
        ("exit-vrrp", "node2", "vrrp"),
    ],
)
def test_an_output_of_the_way_out_that_is_strange_is_skipped(name, host, slug) -> None:
    intent = worlds.example(name)
    for value in ("text", 7, None):
        states = healthy_states(intent)
        states[host] = reprint(states[host], slug, value)

        result = _compare(intent, states)

        assert result.findings == ()
        (said,) = {(skip.host, skip.reason) for skip in lacking(result)}
        assert said[0] == host
        assert said[1].startswith(f"{slug}: unparsed (")
        assert "not JSON" in said[1] or "not an object" in said[1] or "not a list" in said[1]


def test_the_same_states_give_the_same_findings_in_any_order() -> None:
    intent = worlds.bridged(6)
    states = Fleet(intent, cut_off=frozenset({"node3"}), muted=frozenset({("node1", 2)})).states()
    first = audit(intent, states)
    shuffled = list(states.items())
    random.Random(7).shuffle(shuffled)

    assert audit(intent, dict(shuffled)) == first
    assert jsonlib.dumps([(f.id, f.expected, f.actual) for f in first.findings])


def test_ids_do_not_depend_on_what_was_seen() -> None:
    intent = worlds.bridged()
    ids = set()
    for port in (1, 2):
        states = healthy_states(intent)
        link("node1", "vxlan2", vxlan={"dstport": port})(states)
        (finding,) = audit(intent, states).findings
        ids.add(finding.id)
    assert len(ids) == 1


def test_without_rendered_files_the_checks_of_configuration_are_skipped() -> None:
    intent = worlds.bridged(1)

    result = audit(intent, healthy_states(intent, rendered=rendered_nodes(intent)))

    assert result.findings == ()
    assert set(_skipped(result)) == BY_RENDER
    assert all("not rendered" in reason for reason in _skipped(result).values())


def test_a_secret_in_a_file_or_in_frr_is_not_in_the_finding() -> None:
    intent = worlds.bridged()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    line = " neighbor 192.168.0.2 password hunter2\n"
    worlds.text("node1", "file_frr_conf", lambda said: said + line)(states)
    worlds.text("node1", "running_config", lambda said: said + "router bgp 1234\n" + line)(states)

    result = audit(intent, states, rendered=rendered)

    assert {finding.check for finding in result.findings} == {"config-file", "config-running"}
    assert "hunter2" not in str(result)
    assert "<redacted>" in str(result)


def test_evidence_is_the_very_lines_of_the_node() -> None:
    intent = worlds.bridged()
    states = healthy_states(intent)
    link("node1", "vxlan2", vxlan={"dstport": 1})(states)

    (finding,) = audit(intent, states).findings

    assert [(e.command, e.text) for e in finding.evidence] == [
        ("ip_link", states["node1"].links["vxlan2"].text)
    ]


def test_catalogue_is_complete_in_words() -> None:
    for check in CHECKS.values():
        assert check.needs
        assert check.compares.endswith("."), check.id
        assert check.why.endswith((".", ")")), check.id


def test_the_tunnel_entry_of_a_machine_that_has_moved_here_is_not_stale() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    mac = "02:00:00:00:00:42"
    left = FdbEntry(mac, "vxlan2", dst="192.168.0.3", flags=("extern_learn", "self"))
    worlds.more_fdb("node1", left)(states)
    assert [f.check for f in audit(intent, states).findings] == ["fdb-stale"]
    worlds.more_fdb("node1", FdbEntry(mac, "tap101i0", master="vmbr2"))(states)
    assert [f.check for f in audit(intent, states).findings] == ["mac-not-advertised"]


def test_the_route_of_a_machine_that_has_moved_here_is_not_missed() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    remote = next(e for e in states["node1"].fdb or () if e.device == "vxlan2" and e.dst
                  and e.mac != "00:00:00:00:00:00")  # fmt: skip
    without = tuple(e for e in states["node1"].fdb or () if e.mac != remote.mac)
    states["node1"] = replace(states["node1"], fdb=without)
    assert [f.check for f in audit(intent, states).findings] == ["fdb-missing"]
    worlds.more_fdb("node1", FdbEntry(remote.mac, "tap101i0", master="vmbr2"))(states)
    assert [f.check for f in audit(intent, states).findings] == ["mac-not-advertised"]


def test_a_mac_that_moves_while_the_node_is_read_is_no_drift() -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    mac = "02:00:00:00:00:42"
    before = states["node1"].fdb or ()
    left = FdbEntry(mac, "vxlan2", dst="192.168.0.3", flags=("extern_learn", "self"))
    states["node1"] = replace(states["node1"], fdb=(*before, left), fdb_later=before)
    assert audit(intent, states).findings == ()
    states["node1"] = replace(states["node1"], fdb_later=(*before, left))
    assert [f.check for f in audit(intent, states).findings] == ["fdb-stale"]
    states["node1"] = replace(states["node1"], fdb=before)
    assert audit(intent, states).findings == ()


@pytest.mark.parametrize("change", [{}, {"dst": "192.168.0.3"}], ids=["gone", "elsewhere"])
def test_a_router_mac_that_moves_while_the_node_is_read_is_no_drift(change: dict[str, str]) -> None:
    intent = worlds.symmetric()
    states = healthy_states(intent)
    whole = states["node1"].fdb or ()
    worlds.fdb("node1", rmac_entry(RMAC_OF_2, **change))(states)
    without = states["node1"].fdb
    states["node1"] = replace(states["node1"], fdb_later=whole)
    assert audit(intent, states).findings == ()
    states["node1"] = replace(states["node1"], fdb=whole, fdb_later=without)
    assert audit(intent, states).findings == ()
    states["node1"] = replace(states["node1"], fdb=without)
    found = [f.check for f in audit(intent, states).findings]
    assert found == ["fdb-wrong-vtep" if change else "fdb-missing"]
