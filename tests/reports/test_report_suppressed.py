"""What is suppressed counts nowhere, and every form says so."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree as ET

import examples
from reports.build import build_report, exit_code
from reports.compare import compare_reports, compare_text
from reports.formats import render_report

WHY = "accepted until 2030-12-31 by noc: CHG-1234"


def test_it_counts_neither_in_the_summary_nor_for_the_exit_code():
    report = examples.suppressed()
    assert exit_code(report) == 2
    assert report.summary.findings.model_dump() == {
        "critical": 0, "warning": 1, "info": 0, "folded": 0,
    }  # fmt: skip
    assert report.summary.suppressed == 2
    assert {name for name, host in report.hosts.items() if host.status == "drift"} == {"leaf1"}


def test_a_fleet_with_nothing_but_accepted_findings_is_in_sync_and_says_so():
    result = examples.accept(examples.learning("leaf2"))
    hosts = examples.states(["leaf1", "leaf2"])
    report = build_report(run=examples.run(), hosts=hosts, result=result)
    assert exit_code(report) == 0
    text = render_report(report, "text")
    assert "In sync" in text
    assert "All 2 nodes match the intent, except for suppressed findings." in text
    assert "1 more finding suppressed and not counted." in text


def test_each_form_names_finding_reason_owner_and_last_day():
    report = examples.suppressed()
    for form in ("text", "html", "markdown", "csv", "junit"):
        assert render_report(report, form).count(WHY) == 2, form
    for form in ("text", "html", "markdown"):
        assert "the suppression of mtu on leaf4 (*) expired" in render_report(report, form), form


def test_in_junit_it_is_skipped_and_no_failure():
    root = ET.fromstring(render_report(examples.suppressed(), "junit"))
    assert root.get("failures") == "1"
    names = {
        case.get("classname") for case in root.iter("testcase") if case.find("skipped") is not None
    }
    assert names == {"leaf2", "leaf3", "(notes)"}


def test_in_csv_it_stands_last_with_its_reason():
    rows = list(csv.DictReader(io.StringIO(render_report(examples.suppressed(), "csv"))))
    assert [(row["host"], row["suppressed"]) for row in rows] == [
        ("leaf1", ""), ("leaf3", WHY), ("leaf2", WHY),
    ]  # fmt: skip


def test_between_two_audits_what_is_accepted_is_not_gone_and_what_expires_is_new():
    open_ = examples.report(examples.states(["leaf2"]), [examples.learning("leaf2")])
    accepted = build_report(
        run=examples.run(),
        hosts=examples.states(["leaf2"]),
        result=examples.accept(examples.learning("leaf2")),
    )
    forth = compare_reports(open_, accepted)
    assert (forth.gone, len(forth.suppressed)) == ((), 1)
    assert compare_text(forth).startswith("0 new, 0 gone, 0 unchanged, 0 unknown, 1 suppressed")
    back = compare_reports(accepted, open_)
    assert len(back.new) == 1
