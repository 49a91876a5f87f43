"""What is no drift of local MACs, VRF routes and neighbours; what is one root; real recordings."""

from __future__ import annotations

import json as jsonlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drift.engine import audit
from overlay.loading import load_inventory
from overlay.records import FdbEntry
from parsers import RawOutput, parse_host
from tests.drift import worlds
from tests.drift.cases.host import IPV6
from tests.drift.cases.kernel import (
    ANOTHER_MAC,
    GUEST_OF_2,
    NEXT_HOP_OF_2,
    altered,
    each,
    more,
    nobody_announces_2,
    without,
)
from tests.drift.worlds import BY_RENDER, both, fdb, json, lacking, more_fdb, more_paths, unfolded
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from overlay.records import HostState
    from tests.drift.worlds import Mutation

ROOT = Path(__file__).parents[3]
DEPLOYED = ROOT / "replay" / "recordings" / "deployed"


def _audited(mutation: Mutation, intent: Any = None) -> Any:
    intent = intent or worlds.symmetric()
    states = healthy_states(intent)
    mutation(states)
    return audit(intent, states, skip=BY_RENDER)


@pytest.mark.parametrize(
    "entry",
    [
        FdbEntry(ANOTHER_MAC, "tap2i0", master="vmbr2", state="permanent"),
        FdbEntry(ANOTHER_MAC, "tap2i0", master="vmbr2", flags=("extern_learn",)),
        FdbEntry(ANOTHER_MAC, "tap2i0", flags=("self",)),
        FdbEntry(ANOTHER_MAC, "tap2i0", master="vmbr2", flags=("locked",)),
        FdbEntry(ANOTHER_MAC, "vxlan2", master="vmbr2"),
        FdbEntry(ANOTHER_MAC, "eno1", master="vmbr0"),
        FdbEntry(worlds.GATEWAY_MAC, "tap2i0", master="vmbr2"),
    ],
    ids=["permanent", "extern_learn", "self", "locked", "tunnel", "underlay", "gateway"],
)
def test_what_is_not_a_guests_mac_needs_no_route(entry: FdbEntry) -> None:
    assert _audited(more_fdb("node1", entry)).findings == ()


def test_a_mac_that_is_learnt_while_the_node_is_read_is_no_drift() -> None:
    learnt = FdbEntry(ANOTHER_MAC, "tap2i0", master="vmbr2")

    def seen(*, first: bool, later: bool) -> Mutation:
        def mutate(states: dict[str, HostState]) -> None:
            before = states["node1"].fdb or ()
            both_looks = [(*before, learnt) if there else before for there in (first, later)]
            states["node1"] = replace(states["node1"], fdb=both_looks[0], fdb_later=both_looks[1])

        return mutate

    assert _audited(seen(first=True, later=False)).findings == ()
    assert _audited(seen(first=False, later=True)).findings == ()
    assert [f.check for f in _audited(seen(first=True, later=True)).findings] == [
        "mac-not-advertised"
    ]


@pytest.mark.parametrize(
    ("slug", "change"),
    [
        # What stands behind the best route is not used.
        ("ip6_route", more(type="blackhole", dst=GUEST_OF_2, table="vrf1", metric=4278198272)),
        ("ip6_route", more(type="blackhole", dst=GUEST_OF_2, table="vrf9", metric=5)),
        ("ip6_route", more(type="unreachable", dst="default", table="vrf1", metric=4278198272)),
        ("ip6_route", altered(GUEST_OF_2, table="vrf1")),
        ("ip_neigh", more(dst=NEXT_HOP_OF_2, dev="vmbr0", lladdr=ANOTHER_MAC, state=["STALE"])),
        ("ip_neigh", more(dst="10.0.2.9", dev="vmbr2", state=["INCOMPLETE"])),
        ("ip_neigh", altered(NEXT_HOP_OF_2, state=["REACHABLE"])),
        ("ip_neigh", more(dst="10.0.2.9", dev="vmbr0", lladdr=ANOTHER_MAC, state=["PERMANENT"])),
        ("ip_route", more(dst="10.0.2.9", dev="vmbr2", table="vrf1", protocol="boot")),
        ("ip_route", more(type="blackhole", dst="10.0.2.9", table="vrf9")),
        ("ip_route", more(dst="10.0.2.9", dev="eno2", table="vrf1", protocol="ospf")),
        # A rule for the node's own packets, for marked ones, and one behind that of the VRFs.
        ("ip_rule", lambda rules: [{"priority": 9, "src": "10.255.0.1", "table": "m"}, *rules]),
        ("ip_rule", lambda rules: [{"priority": 9, "fwmark": "0x200", "table": "m"}, *rules]),
        ("ip_rule", lambda rules: [{"priority": 9, "iif": "mgmt", "table": "m"}, *rules]),
        ("ip_rule", lambda rules: [*rules, {"priority": 32767, "src": "all", "table": "m"}]),
    ],
)
def test_what_the_kernel_does_not_use_is_no_drift(slug: str, change: Any) -> None:
    assert _audited(json("node1", slug, change)).findings == ()


def test_a_guest_in_two_places_is_not_judged() -> None:
    def moving(states: dict[str, HostState]) -> None:
        table = states["node1"].evpn
        assert table is not None
        old = next(path for path in table.paths if path.ip == GUEST_OF_2)
        new = replace(old, next_hop="192.168.0.3", rd="192.168.0.3:2", mobility_sequence=1)
        more_paths("node1", new)(states)
        for slug in ("ip6_route", "ip_neigh"):
            json("node1", slug, without(GUEST_OF_2))(states)

    found = {finding.check for finding in _audited(moving).findings}
    assert not found & {"vrf-route-missing", "neighbor-missing"}


def test_a_bridge_without_ipv6_has_no_neighbours_of_it() -> None:
    def mutate(states: dict[str, HostState]) -> None:
        json("node1", "ip_neigh", without(GUEST_OF_2))(states)
        json("node1", "ip_address", each(lambda link: link | {"addr_info": []}))(states)

    found = {finding.check for finding in _audited(mutate, worlds.bridged()).findings}
    assert "neighbor-missing" not in found


def test_all_routes_of_a_vrf_are_one_root_and_those_of_one_vtep_too() -> None:
    def lost(to: str) -> Mutation:
        keep = each(lambda e: None if e.get("gateway", "").startswith(to) else e)
        return json("node1", "ip6_route", keep)

    every, one = _audited(lost("::ffff:")), _audited(lost(NEXT_HOP_OF_2))
    assert len(every.findings) == 3
    assert len(one.findings) == 2
    for result in (every, one):
        assert {check for check, _, _ in unfolded(result)} == {"vrf-route-missing"}
        assert len(unfolded(result)) == 1


def test_a_next_hop_without_a_neighbour_explains_the_guests_behind_it() -> None:
    lost = each(lambda e: None if e["dst"] in {NEXT_HOP_OF_2, GUEST_OF_2} else e)
    result = _audited(json("node1", "ip_neigh", lost))
    assert unfolded(result) == {("neighbor-missing", "node1", "vmbr4000 VTEP 192.168.0.2 for IPv6")}
    assert len(result.findings) == 2


def test_a_lost_entry_explains_the_neighbour_of_the_same_guest() -> None:
    mac = "02:00:02:00:02:00"
    result = _audited(
        both(
            fdb("node1", lambda e: None if e.mac == mac else e),
            json("node1", "ip_neigh", without(GUEST_OF_2)),
        )
    )
    assert unfolded(result) == {("fdb-missing", "node1", f"vxlan2 MAC {mac}")}


def test_what_was_not_collected_is_skipped_and_named() -> None:
    result = _audited(
        both(worlds.without("node1", "neighbours"), worlds.without("node1", "routes"))
    )
    assert result.findings == ()
    assert {(skip.check, skip.reason) for skip in lacking(result)} == {
        ("gateway-route", "ip_route: not collected"),
        ("neighbor-static", "ip_neigh: not collected"),
        ("neighbor-missing", "ip_neigh: not collected"),
        ("underlay-diverted", "ip_route: not collected"),
        ("vrf-route-missing", "ip_route: not collected"),
        ("vrf-route-stale", "ip_route: not collected"),
        ("vrf-isolation", "ip_route: not collected"),
        ("vrf-leak", "ip_route: not collected"),
        ("vrf-route-unexpected", "ip_route: not collected"),
    }


def test_a_guest_that_nobody_announces_is_named_once() -> None:
    result = _audited(nobody_announces_2())
    assert [finding.host for finding in result.findings] == ["node2"]


# The recording of a healthy lab, and the outputs of the same moment that it lacks.
WRONG = ANOTHER_MAC
RIGHT_OF_3 = "5e:e6:49:f0:e1:45"
NEIGHBOURS_OF_1 = (
    '[{"dst":"192.168.0.2","dev":"vmbr4000","lladdr":"8a:80:51:ea:80:a9","extern_learn":null,'
    '"state":["NOARP"],"protocol":"zebra"},'
    '{"dst":"192.168.0.3","dev":"vmbr4000","lladdr":"02:00:00:00:00:99","state":["PERMANENT"],'
    '"protocol":"zebra"},'
    '{"dst":"10.0.2.1","dev":"vmbr2","lladdr":"02:1f:85:bb:56:8f","state":["REACHABLE"]}]'
)


def _recorded(**more_of_node1: str) -> dict[str, HostState]:
    states = {}
    for folder in sorted(path for path in DEPLOYED.iterdir() if path.is_dir()):
        outputs = {file.stem: RawOutput(file.read_text()) for file in folder.iterdir()}
        if folder.name == "node1":
            outputs |= {slug: RawOutput(text) for slug, text in more_of_node1.items()}
        states[folder.name] = parse_host(folder.name, outputs)
    return states


def test_a_wrong_neighbour_in_a_recording_names_vtep_bridge_and_both_macs() -> None:
    intent = load_inventory(ROOT / "inventory").intent
    result = audit(intent, _recorded(ip_neigh=NEIGHBOURS_OF_1), only=["neighbor-missing"])
    assert unfolded(result) == {("neighbor-missing", "node1", "vmbr4000 VTEP 192.168.0.3")}
    root = next(finding for finding in result.findings if finding.caused_by is None)
    assert f"vmbr4000 - Expected: {RIGHT_OF_3} Actual: {WRONG}" in root.message


@pytest.mark.parametrize("release", ["bookworm", "trixie", "forky"])
def test_recorded_routes_and_neighbours_are_in_sync(release: str) -> None:
    intent = load_inventory(ROOT / "inventory").intent
    node = {"bookworm": "node1", "trixie": "node2", "forky": "node3"}[release]
    files = (DEPLOYED / node).iterdir()
    outputs = {file.stem: RawOutput(file.read_text()) for file in files if file.is_file()}
    checks = ["neighbor-missing", "vrf-route-missing", "mac-not-advertised", "kernel-*"]
    result = audit(intent, {node: parse_host(node, outputs)}, only=checks)
    assert result.findings == ()
    assert len(result.checks_run) == 4

    lost = each(lambda e: None if e.get("protocol") == "bgp" else e)
    outputs["ip_route"] = RawOutput(jsonlib.dumps(lost(jsonlib.loads(outputs["ip_route"].text))))
    result = audit(intent, {node: parse_host(node, outputs)}, only=checks)
    assert {check for check, _, _ in unfolded(result)} == {"vrf-route-missing"}
    assert len(unfolded(result)) == 1


def test_a_setting_that_an_older_kernel_does_not_have_is_not_missed_there() -> None:
    intent = IPV6()

    def without_any(word: str) -> frozenset[str]:
        states = healthy_states(intent)
        worlds.text(
            "node2",
            "sysctl",
            lambda said: "".join(it for it in said.splitlines(True) if word not in it),
        )(states)
        return frozenset(f.object for f in audit(intent, states, only=["sysctl"]).findings)

    assert without_any("vmbr2.accept_untracked_na") == frozenset()
    assert without_any("vmbr2.accept_dad") == {"net.ipv6.conf.vmbr2.accept_dad"}
