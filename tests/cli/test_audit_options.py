"""The options of `audit`, on a recorded snapshot: nothing is asked of a node."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from replay.fleet import RECORDINGS
from tests.cli.audits import call
from tests.cli.test_command_line import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path

FAULT = ("--inventory", SHIPPED, "audit", "--from", RECORDINGS / "fault")


def test_a_choice_of_checks_decides_what_is_found(tmp_path: Path) -> None:
    assert call(*FAULT, "--check", "mtu,vxlan-*", "-o", tmp_path).code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["findings"] == []
    assert report["summary"]["checks_run"] == 8
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


def accepting(tmp_path: Path, check: str, expires: str = "2999-12-31") -> Path:
    folder = tmp_path / "inventory"
    shutil.copytree(SHIPPED, folder)
    (folder / "suppressions.yaml").write_text(
        f"suppressions:\n- {{check: {check}, host: '*', reason: r, owner: o, expires: {expires}}}\n"
    )
    return folder


def test_a_suppressed_finding_is_listed_and_does_not_fail(tmp_path: Path) -> None:
    audit = ("--inventory", accepting(tmp_path, "flood-*"), "audit", "--from", RECORDINGS / "fault")
    assert call(*audit, "--no-suppressions", "-o", tmp_path / "all").code == 2
    ended = call(*audit, "-o", tmp_path / "some")
    assert ended.code == 0
    assert "suppressed: critical" in ended.out
    report = json.loads((tmp_path / "some" / "report.json").read_text())
    assert report["findings"] == []
    assert [item["finding"]["check"] for item in report["suppressed"]] == ["flood-missing"]


def test_one_that_expired_counts_again_and_is_said(tmp_path: Path) -> None:
    folder = accepting(tmp_path, "flood-*", "2020-01-01")
    ended = call("--inventory", folder, "audit", "--from", RECORDINGS / "fault", "-o", tmp_path)
    assert ended.code == 2
    assert "warning: the suppression of flood-* on * (*) expired on 2020-01-01" in ended.out


def test_validate_checks_the_suppressions_and_others_do_not_read_them(tmp_path: Path) -> None:
    folder = accepting(tmp_path, "flod-missing")
    ended = call("--inventory", folder, "validate")
    assert ended.code == 1
    assert "suppressions.yaml:2:4: suppressions[0].check: there is no check" in ended.err
    assert "did you mean `flood-missing`?" in ended.err
    assert call("--inventory", folder, "render", "-o", tmp_path / "out").code == 0
    audit = ("--inventory", folder, "audit", "--from", RECORDINGS / "deployed", "-o", tmp_path)
    assert call(*audit).code == 1
    assert call(*audit, "--no-suppressions").code == 0


def test_validate_warns_of_two_ways_to_one_lan(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(SHIPPED, folder)
    file = folder / "fabric.yaml"
    text = file.read_text()
    file.write_text(text.replace("  - vni: 2\n", "  - vni: 2\n    ports: {'node[12]': [eno2]}\n"))
    ended = call("--inventory", folder, "validate")
    assert ended.code == 0
    line = 1 + file.read_text().split("\n").index("    ports: {'node[12]': [eno2]}")
    assert f"Warning: fabric.yaml:{line}: networks[0].ports: VNI 2 has several" in ended.err
    assert "is valid" in ended.out


def test_checks_prints_one_in_full_or_all_as_a_table() -> None:
    one = call("checks", "fdb-missing")
    assert one.code == 0
    assert "bridge fdb replace" in one.out
    assert "confirm:" in one.out
    assert "flood-missing" not in one.out
    table = call("checks").out
    assert [word for line in table.splitlines() if (word := line.split(" ")[0])][1:] == list(CHECKS)
    listed = json.loads(call("checks", "--json").out)
    assert {item["id"] for item in listed} == set(CHECKS)
    assert all(item["why"] and item["confirm"] and item["remedy"] for item in listed)
    wrong = call("checks", "fdb-mising")
    assert wrong.code == 1
    assert "did you mean `fdb-missing`?" in wrong.err


def test_a_check_of_probe_is_not_chosen_without_it(tmp_path: Path) -> None:
    ended = call("audit", "--check", "path-mtu", "-o", tmp_path / "new")
    assert ended.code == 1
    assert "--check path-mtu: it is made only with --probe" in ended.err
    assert not (tmp_path / "new").exists()


def test_a_snapshot_is_not_probed(tmp_path: Path) -> None:
    ended = call(*FAULT, "--probe", "-o", tmp_path / "new")
    assert ended.code == 1
    assert "--probe has live nodes ping each other" in ended.err
