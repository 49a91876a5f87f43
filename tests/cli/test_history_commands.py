"""`history`, and what an audit does with its history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.audits import CLEAN, FAULT, Desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.at(tmp_path)


def test_runs_and_findings_of_the_audits_so_far(desk: Desk) -> None:
    assert [desk.audit(it).code for it in (CLEAN, FAULT)] == [0, 2]
    report = json.loads((desk.folder / "out" / "report.json").read_text())
    root = next(it for it in report["findings"] if it["caused_by"] is None)
    assert root["first_seen"] == report["run"]["finished"]
    assert root["id"] in report["previous"]["new"]
    assert len(report["trend"]) == 2
    assert desk.audit(CLEAN).code == 0

    runs = json.loads(desk.call("history", "--json").out)
    assert [run["new"] > 0 for run in runs] == [False, True, False]
    assert [run["gone"] > 0 for run in runs] == [True, False, False]
    assert report["run"]["id"] in desk.call("history").out
    found = json.loads(desk.call("history", "--findings", "--json").out)
    assert {row["state"] for row in found} == {"gone"}
    assert root["id"] in {row["id"] for row in found}
    assert "flood-missing" in desk.call("history", "--check", "flood-*").out
    assert desk.call("history", "--open").out == ""
    assert json.loads(desk.call("history", "--host", "nobody", "--json").out) == []


def test_a_snapshot_is_recorded_only_where_it_is_told_to(desk: Desk) -> None:
    assert desk.call("audit", "--from", FAULT, "-o", desk.folder / "out").code == 2
    assert desk.audit(FAULT, "--no-history").code == 2
    assert not desk.history.exists()
    ended = desk.call("history")
    assert ended.code == 1
    assert "there is no history yet" in ended.err
    assert "next: run `audit` first" in ended.err


def _corrupt(desk: Desk) -> None:
    desk.history.parent.mkdir()
    desk.history.write_bytes(b"not a database, whatever its name says\n" * 9)


def _in_the_way(desk: Desk) -> None:
    desk.history.parent.write_text("a file where a folder should be")


def _a_folder(desk: Desk) -> None:
    desk.history.mkdir(parents=True)


@pytest.mark.parametrize("harm", [_corrupt, _in_the_way, _a_folder])
def test_a_history_that_fails_is_a_warning_and_changes_no_result(desk: Desk, harm) -> None:
    assert desk.audit(FAULT, "--no-history").code == 2
    alone = json.loads((desk.folder / "out" / "report.json").read_text())
    harm(desk)
    for arguments in ((), ("--json",)):
        ended = desk.audit(FAULT, *arguments)
        assert ended.code == 2
        assert ended.err.count("Warning: ") == 1
        assert "this audit is not in the history\n  next: " in ended.err
    report = json.loads((desk.folder / "out" / "report.json").read_text())
    assert report["findings"] == alone["findings"]
    assert json.loads(ended.out) == report
    assert desk.call("history").code == 1


def test_quiet_still_warns(desk: Desk) -> None:
    _corrupt(desk)
    ended = desk.call(
        *("--quiet", "audit", "--from", CLEAN, "-o", desk.folder / "out", "--history", desk.history)
    )
    assert ended.code == 0
    assert "Warning: " in ended.err
