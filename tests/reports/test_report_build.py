"""From an audit's result to a report: what is in sync, what is drift, what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import examples
from drift.model import Severity
from drift.result import AuditResult
from overlay.records import CommandResult, EvpnTable, HostState
from reports.build import build_report, exit_code, new_run_id, run_info
from reports.fold import fold, root_ids
from reports.text import utc_text


def test_clean_fleet_is_in_sync():
    report = examples.clean()
    assert exit_code(report) == 0
    assert report.summary.hosts.in_sync == report.summary.hosts.total == 14
    assert {host.status for host in report.hosts.values()} == {"in-sync"}
    assert report.summary.checks_run == len(examples.CHECKS)


def test_any_finding_is_drift_of_its_host_alone():
    report = examples.one()
    assert exit_code(report) == 2
    assert report.hosts["leaf1"].status == "drift"
    assert report.hosts["leaf2"].status == "in-sync"


def test_incomplete_wins_over_drift():
    report = examples.incomplete()
    assert exit_code(report) == 3
    hosts = report.summary.hosts
    assert (hosts.total, hosts.in_sync, hosts.drifted, hosts.incomplete) == (4, 1, 1, 2)
    assert "10.0.0.2:22" in report.hosts["leaf2"].error
    assert report.hosts["leaf3"].error.startswith("bgp_l2vpn_evpn unparsed: 2 of 42")


def test_incomplete_host_with_a_finding_stays_incomplete():
    hosts = {"leaf1": HostState("leaf1", error="gone")}
    report = examples.report(hosts, [examples.learning("leaf1")])
    assert report.hosts["leaf1"].status == "incomplete"
    assert report.summary.hosts.drifted == 0
    assert len(report.findings) == 1


@pytest.mark.parametrize("status", ["failed", "missing", "unparsed"])
@pytest.mark.parametrize("slug", examples.CORE)
@pytest.mark.parametrize("source", ["live", "snapshot"])
def test_each_core_command_is_needed(slug, status, source):
    state = examples.state("leaf1", **{slug: CommandResult(slug, status)})
    report = examples.report({"leaf1": state}, source=source)
    assert report.hosts["leaf1"].status == "incomplete"
    assert report.hosts["leaf1"].error == f"{slug} {status}"
    assert exit_code(report) == 3


@pytest.mark.parametrize("slug", examples.CORE)
def test_core_command_without_a_result_is_missing(slug):
    state = examples.state("leaf1")
    del state.commands[slug]
    report = examples.report({"leaf1": state})
    assert report.hosts["leaf1"].commands[slug].status == "missing"
    assert exit_code(report) == 3


def test_another_command_that_was_not_collected_leaves_only_its_checks_out():
    state = examples.state("leaf1", ip_route=CommandResult("ip_route", "missing", 0, "why"))
    report = examples.report({"leaf1": state})
    assert report.hosts["leaf1"].status == "in-sync"
    assert report.hosts["leaf1"].commands["ip_route"].status == "missing"


@pytest.mark.parametrize("status", ["failed", "unparsed"])
def test_another_command_that_failed_is_not_in_sync(status):
    state = examples.state("leaf1", ip_route=CommandResult("ip_route", status, 0, "why"))
    report = examples.report({"leaf1": state})
    assert report.hosts["leaf1"].status == "incomplete"
    assert "why" in report.hosts["leaf1"].error
    assert exit_code(report) == 3


def test_without_frr_its_other_commands_are_no_gap_of_their_own():
    commands = examples.state("leaf1").commands
    commands["evpn_summary"] = CommandResult("evpn_summary", "failed", 0, "bgpd is not running")
    report = examples.report({"leaf1": HostState("leaf1", commands=commands, evpn=EvpnTable())})
    assert report.hosts["leaf1"].status == "in-sync"


def test_three_texts_are_enough_for_a_snapshot():
    commands = {slug: CommandResult(slug, "ok", 1) for slug in examples.CORE}
    report = examples.report({"leaf1": HostState("leaf1", commands=commands)}, source="snapshot")
    assert exit_code(report) == 0


def test_command_that_a_host_does_not_need_is_not_listed():
    slug = "bgp_l2vpn_evpn"
    state = examples.state("leaf1", **{slug: CommandResult(slug, "skipped")})
    report = examples.report({"leaf1": state})
    assert report.hosts["leaf1"].status == "in-sync"
    assert slug not in report.hosts["leaf1"].commands


def test_counts_are_of_root_causes():
    counts = examples.folded().summary.findings
    assert (counts.critical, counts.warning, counts.info, counts.folded) == (2, 1, 0, 6)
    assert examples.folded().summary.checks_skipped == 2


def test_order_of_input_does_not_matter():
    down = examples.evpn_down()
    findings = [down, examples.learning(), examples.imet_missing("leaf1", down.id)]
    hosts = examples.states(["leaf1", "leaf2"])
    backwards = dict(reversed(hosts.items()))
    assert examples.report(hosts, findings) == examples.report(backwards, findings[::-1])


def test_roots_are_shown_gravest_first_then_by_what_they_explain():
    causes = fold(examples.folded().findings)
    assert [cause.finding.check for cause in causes] == [
        "evpn-empty",
        "flood-missing",
        "bridge-port-learning",
    ]
    assert len(causes[0].consequences) == 6


def test_chain_of_causes_folds_into_its_first():
    first = examples.learning(vni=1)
    second = replace(examples.learning(vni=2), caused_by=first.id)
    third = replace(examples.learning(vni=3), caused_by=second.id)
    assert set(root_ids([third, second, first]).values()) == {first.id}


def test_no_finding_is_lost_by_a_cause_that_is_not_there_or_a_circle():
    lost = replace(examples.learning(vni=1), caused_by="0" * 16)
    one, two = examples.learning(vni=2), examples.learning(vni=3)
    one, two = replace(one, caused_by=two.id), replace(two, caused_by=one.id)
    tail = replace(examples.learning(vni=4), caused_by=one.id)
    own = examples.learning(vni=5)
    own = replace(own, caused_by=own.id)
    report = examples.report(examples.states(["leaf1"]), [lost, one, two, tail, own, own])
    causes = fold(report.findings)
    shown = [item.id for cause in causes for item in (cause.finding, *cause.consequences)]
    assert sorted(shown) == sorted(item.id for item in report.findings)
    assert report.summary.findings.roots == len(causes)
    assert report.summary.findings.roots + report.summary.findings.folded == 6


def test_values_become_plain_json():
    finding = replace(
        examples.learning(),
        expected={"b": (1, 2.5), 3: frozenset({"z", "a"})},
        actual=[float("inf"), 2**70, None, True, Severity.INFO],
    )
    result = AuditResult((finding,), ())
    report = build_report(run=examples.run(), hosts=examples.states(["leaf1"]), result=result)
    assert report.findings[0].expected == {"3": ["a", "z"], "b": [1, 2.5]}
    assert report.findings[0].actual == ["inf", str(2**70), None, True, "info"]


def test_long_texts_are_bounded_and_say_so():
    finding = replace(examples.learning(), actual="x" * 100_000)
    report = examples.report(examples.states(["leaf1"]), [finding])
    assert len(report.findings[0].actual) < 17_000
    assert report.findings[0].actual.endswith("(84000 more characters)")


def test_run_info():
    started = datetime.fromisoformat("2025-03-01T13:00:00+01:00")
    run = run_info(started=started, tool_version="1", inventory="i", source="live")
    assert run.started == "2025-03-01T12:00:00Z"
    assert run.finished.endswith("Z")
    assert run.id.startswith("20250301T120000Z-")
    assert new_run_id(started) != new_run_id(started)
    with pytest.raises(ValueError, match="no time zone"):
        utc_text(datetime(2025, 3, 1))  # noqa: DTZ001 - that is the point
    assert utc_text(datetime(2025, 3, 1, tzinfo=UTC)) == "2025-03-01T00:00:00Z"


@pytest.mark.parametrize(
    ("fail_on", "code"), [(Severity.INFO, 2), (Severity.WARNING, 2), (Severity.CRITICAL, 0)]
)
def test_a_finding_below_the_threshold_does_not_fail(fail_on, code):
    assert (
        exit_code(examples.report(examples.states(["leaf1"]), [examples.learning()]), fail_on)
        == code
    )
    assert exit_code(examples.incomplete(), fail_on) == 3


def test_a_folded_finding_that_is_grave_enough_fails():
    root = examples.learning()
    follows = replace(examples.evpn_down("leaf1"), caused_by=root.id)
    assert (
        exit_code(examples.report(examples.states(["leaf1"]), [root, follows]), Severity.CRITICAL)
        == 2
    )
