"""Two audits side by side."""

from __future__ import annotations

import json
from dataclasses import replace

import examples
from drift.result import SkippedCheck
from overlay.records import HostState
from reports.compare import compare_json, compare_reports, compare_text

HOSTS = ("leaf1", "leaf2", "leaf3")


def report(findings, hosts=None, skipped=()):
    return examples.report(hosts or examples.states(HOSTS), findings, skipped)


def test_new_gone_and_unchanged():
    kept, gone, new = (
        examples.learning("leaf1"),
        examples.learning("leaf2"),
        examples.learning("leaf3"),
    )
    seen = compare_reports(report([kept, gone]), report([replace(kept, actual="on!"), new]))
    assert [item.host for item in seen.new] == ["leaf3"]
    assert [item.host for item in seen.gone] == ["leaf2"]
    assert [item.actual for item in seen.unchanged] == ["on!"]
    assert seen.unknown == ()


def test_same_report_twice_is_unchanged():
    seen = compare_reports(examples.folded(), examples.folded())
    assert (seen.new, seen.gone, seen.unknown) == ((), (), ())
    assert len(seen.unchanged) == 9


def test_what_could_not_be_looked_for_is_unknown_not_gone():
    old = report([examples.learning(host) for host in HOSTS])
    hosts = examples.states(("leaf1", "leaf3"))
    hosts["leaf1"] = HostState("leaf1", error="gone")
    skipped = [SkippedCheck("bridge-port-learning", "leaf3", "no ip_link")]
    seen = compare_reports(old, report([], hosts, skipped))
    assert seen.gone == ()
    assert [item.host for item in seen.unknown] == ["leaf1", "leaf2", "leaf3"]


def test_text_form():
    old, new = report([examples.learning("leaf1")]), report([examples.learning("leaf2")])
    assert compare_text(compare_reports(old, new)) == (
        "1 new, 1 gone, 0 unchanged, 0 unknown\n"
        "+ warning leaf2 bridge-port-learning vxlan2: bridge port learning"
        " - Expected: off Actual: on\n"
        "- warning leaf1 bridge-port-learning vxlan2: bridge port learning"
        " - Expected: off Actual: on\n"
    )


def test_json_form():
    data = json.loads(compare_json(compare_reports(examples.one(), examples.folded())))
    assert data["summary"] == {"new": 8, "gone": 0, "unchanged": 1, "unknown": 0, "suppressed": 0}
    assert data["unchanged"][0]["check"] == "bridge-port-learning"
    assert list(data)[:4] == ["schema", "old_run", "new_run", "summary"]


def test_hostile_text_stays_text():
    text = compare_text(compare_reports(examples.clean(), examples.hostile()))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5
