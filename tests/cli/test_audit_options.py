"""The options of `audit`, on a recorded snapshot: nothing is asked of a node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from replay.fleet import RECORDINGS
from tests.cli.test_command_line import SHIPPED, call

if TYPE_CHECKING:
    from pathlib import Path

FAULT = ("--inventory", SHIPPED, "audit", "--from", RECORDINGS / "fault")


def test_a_choice_of_checks_decides_what_is_found(tmp_path: Path) -> None:
    assert call(*FAULT, "--check", "mtu,vxlan-*", "-o", tmp_path).code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["findings"] == []
    assert report["summary"]["checks_run"] == 7
    assert {"flood-missing", "evpn-empty"} <= {skip["check"] for skip in report["skipped"]}
    assert call(*FAULT, "--check", "flood-*", "-o", tmp_path).code == 2
    assert call(*FAULT, "--skip", "flood-*", "-o", tmp_path).code == 0


def test_a_wrong_choice_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    ended = call(*FAULT, "--check", "flod-missing", "-o", tmp_path / "new")
    assert ended.code == 1
    assert "there is no check `flod-missing`" in ended.err
    assert "did you mean `flood-missing`?" in ended.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 2), ("info", 2)])
def test_the_threshold(tmp_path: Path, fail_on: str, code: int) -> None:
    assert call(*FAULT, "--fail-on", fail_on, "-o", tmp_path).code == code
    assert call(*FAULT, "--fail-on", "grave", "-o", tmp_path).code == 1
