"""The history: since when, what is gone, what nobody could look at, what flaps, what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from histories import SERIES, at, record, run_at
from rich.console import Console

import examples
from drift.result import SkippedCheck
from reports.build import build_report
from reports.history import record as history_record
from reports.history.read import findings_table, list_findings, list_runs, runs_table
from reports.markdown import markdown_text
from reports.model import ProbeInfo
from reports.terminal import text_form
from reports.wording import since

LEAF1, LEAF2 = examples.learning("leaf1"), examples.learning("leaf2")
DAY = 24 * 60


@pytest.fixture
def file(tmp_path):
    return tmp_path / "audits" / "history.sqlite"


def states(file, **chosen):
    return {row["id"]: row["state"] for row in list_findings(file, SERIES, **chosen)}


def test_the_first_run_has_no_previous_one(file):
    report = record(file, run_at(0, [LEAF1]))
    assert report.previous is None
    assert [item.first_seen for item in report.findings] == [at(0)]
    assert [(it.finished, it.warning) for it in report.trend] == [(at(0), 1)]


def test_since_when_and_what_changed(file):
    record(file, run_at(0, [LEAF1]))
    report = record(file, run_at(15, [LEAF1, LEAF2]))
    assert {item.host: item.first_seen for item in report.findings} == {
        "leaf1": at(0),
        "leaf2": at(15),
    }
    assert report.previous.run == "run-0"
    assert report.previous.new == (LEAF2.id,)
    report = record(file, run_at(30, [LEAF2]))
    assert [item.id for item in report.previous.gone] == [LEAF1.id]
    assert report.previous.new == ()
    assert [it.warning for it in report.trend] == [1, 2, 1]
    assert states(file) == {LEAF2.id: "open", LEAF1.id: "gone"}


def test_what_comes_back_is_new_since_then(file):
    for minute, found in ((0, [LEAF1]), (15, []), (30, [LEAF1])):
        report = record(file, run_at(minute, found))
    assert report.findings[0].first_seen == at(30)
    assert report.previous.new == (LEAF1.id,)
    (row,) = list_findings(file, SERIES)
    assert (row["first_seen"], row["gone_since"], row["changes"]) == (at(30), None, 3)


@pytest.mark.parametrize(
    "blind",
    [
        {"hosts": ("leaf2", "leaf3")},
        {"hosts": ("leaf2", "leaf3"), "down": ("leaf1",)},
        {"skipped": [SkippedCheck(LEAF1.check, "leaf1", "no ip_link")]},
    ],
    ids=["limited-away", "incomplete", "skipped"],
)
def test_not_looked_at_is_not_gone(file, blind):
    record(file, run_at(0, [LEAF1]))
    report = record(file, run_at(15, **blind))
    assert report.previous.gone == ()
    assert states(file) == {LEAF1.id: "unknown"}
    seen_again = record(file, run_at(30, [LEAF1]))
    assert seen_again.findings[0].first_seen == at(0)
    assert seen_again.previous.new == ()
    gone = record(file, run_at(45))
    assert [item.id for item in gone.previous.gone] == [LEAF1.id]
    assert list_findings(file, SERIES)[0]["changes"] == 2


def test_a_probes_finding_is_not_gone_until_the_next_probe(file):
    """As when one timer audits every 15 minutes, and another one at night with `--probe`."""
    narrow = replace(LEAF1, check="path-mtu")

    def probed(minute, found):
        report = run_at(minute, found)
        asked = ProbeInfo(nodes=3, paths=6, tunnels=6, answered=6)
        return report.model_copy(update={"run": report.run.model_copy(update={"probe": asked})})

    record(file, probed(0, [narrow]))
    report = record(file, run_at(15))
    assert report.previous.gone == ()
    assert states(file) == {narrow.id: "unknown"}
    assert record(file, probed(30, [narrow])).findings[0].first_seen == at(0)
    assert [item.id for item in record(file, probed(45, [])).previous.gone] == [narrow.id]


def test_what_is_suppressed_is_not_gone_and_keeps_its_age(file):
    record(file, run_at(0, [LEAF1]))
    accepted = build_report(
        run=examples.run(), hosts=examples.states(["leaf1"]), result=examples.accept(LEAF1)
    )
    report = record(file, run_at(15).model_copy(update={"suppressed": accepted.suppressed}))
    assert report.previous.gone == ()
    assert states(file) == {LEAF1.id: "unknown"}
    assert record(file, run_at(30, [LEAF1])).findings[0].first_seen == at(0)


@pytest.mark.parametrize(("changes", "shaky"), [(2, False), (3, True), (6, True)])
def test_flapping_is_three_changes_within_a_day(file, changes, shaky):
    for number in range(changes):
        record(file, run_at(15 * number, [LEAF1] if number % 2 == 0 else []))
    assert [row["flapping"] for row in list_findings(file, SERIES)] == [shaky]
    settled = [LEAF1] if changes % 2 else []
    record(file, run_at(15 * changes + DAY, settled))
    assert [row["flapping"] for row in list_findings(file, SERIES)] == [False]


def test_changes_days_apart_are_no_flapping(file):
    for number in range(6):
        record(file, run_at(DAY * number, [LEAF1] if number % 2 == 0 else []))
    (row,) = list_findings(file, SERIES)
    assert (row["changes"], row["flapping"]) == (6, False)


def test_series_do_not_see_each_other(file):
    record(file, run_at(0, [LEAF1]))
    other = history_record.remember(run_at(15), file, "../other", 365)
    assert other.previous is None
    assert states(file) == {LEAF1.id: "open"}


def test_a_series_is_found_again_where_its_folder_moved(tmp_path):
    for place in ("here", "there"):
        (tmp_path / place / "inventory").mkdir(parents=True)
    first, second = (
        history_record.series_of(
            tmp_path / place / "audits" / "history.sqlite", tmp_path / place / "inventory"
        )
        for place in ("here", "there")
    )
    assert first == second == SERIES


def test_filters(file):
    record(file, run_at(0, [LEAF1, LEAF2, examples.flood_lists("leaf3")]))
    record(file, run_at(15, [LEAF1]))
    assert states(file, only_open=True) == {LEAF1.id: "open"}
    assert set(states(file, hosts=["leaf[12]"])) == {LEAF1.id, LEAF2.id}
    assert set(states(file, checks=["flood-*"])) == {examples.flood_lists("leaf3").id}
    assert len(states(file, most=2)) == 2


def test_old_runs_and_findings_are_forgotten_but_not_the_trend(file, monkeypatch):
    monkeypatch.setattr(history_record, "TREND_RUNS", 3)
    record(file, run_at(0, [LEAF1]), keep_days=10)
    for day in range(1, 14):
        report = record(file, run_at(DAY * day), keep_days=10)
    assert [row["id"] for row in list_runs(file, SERIES, 99)] == [
        f"run-{DAY * day}" for day in range(13, 2, -1)
    ]
    assert states(file) == {}
    assert len(report.trend) == 3
    leap = record(file, run_at(DAY * 5000), keep_days=10)
    assert len(leap.trend) == 3, "a clock that jumps must not take the latest runs"


def test_there_is_a_maximum(file, monkeypatch):
    for name, most in (("MAX_RUNS", 4), ("MAX_GONE", 2), ("TREND_RUNS", 2), ("MAX_CHANGES", 3)):
        monkeypatch.setattr(history_record, name, most)
    record(file, run_at(0, [examples.learning("leaf1", vni) for vni in range(5)]))
    for number in range(1, 8):
        record(file, run_at(number, [LEAF1] if number < 4 else []))
    assert len(list_runs(file, SERIES, 99)) == 4
    assert list(states(file).values()) == ["gone"] * 2
    assert LEAF1.id in states(file), "the one that was seen last stays"
    assert sum(row["changes"] for row in list_findings(file, SERIES)) <= 3


def test_an_open_finding_is_never_forgotten_while_it_is_seen(file):
    for day in (0, 20, 40):
        report = record(file, run_at(DAY * day, [LEAF1]), keep_days=10)
    assert report.findings[0].first_seen == at(0)


def test_tables_show_hostile_text_harmlessly(file):
    record(file, examples.hostile())
    out = StringIO()
    console = Console(file=out, width=200, force_terminal=False)
    console.print(runs_table(list_runs(file, SERIES, 9)))
    console.print(findings_table(list_findings(file, SERIES)))
    assert "\x1b" not in out.getvalue()
    assert "[bold]" in out.getvalue()


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (47 * 60 + 59, "47 hours"),
        (3 * DAY, "3 days"),
    ],
)
def test_since_when_in_words(file, minutes, said):
    first = record(file, run_at(0, [LEAF1]))
    assert since(first.findings[0], first) == "new in this run"
    later = record(file, run_at(minutes, [LEAF1]))
    assert since(later.findings[0], later) == f"since {at(0)} ({said})"


def test_reports_say_since_when_and_what_changed(file):
    record(file, run_at(0, [LEAF1, examples.flood_lists("leaf3")]))
    report = record(file, run_at(DAY * 2, [LEAF1, LEAF2]))
    terminal, ticket = text_form(report), markdown_text(report)
    for form in (terminal, ticket):
        assert "Since the previous audit: 1 finding new, 1 resolved." in form
        assert f"since {at(0)} (2 days)" in form
        assert "new in this run" in form
    assert "## Resolved since the previous audit\n\n- `leaf3` `flood-missing`: `vxlan3" in ticket
    assert "previous audit" not in text_form(examples.one())
