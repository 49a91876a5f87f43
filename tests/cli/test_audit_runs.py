"""Live audits beside each other and against the clock: the lock, the deadline, silence."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from app.context import login
from replay.fleet import RECORDINGS, ReplayFleet
from replay.node import Mishap
from tests.cli.audits import ROOT, call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.ssh


@pytest.fixture(scope="module")
def fleet() -> Iterator[ReplayFleet]:
    with ReplayFleet(ROOT / "inventory", RECORDINGS, scene="deployed") as running:
        assert call("--inventory", running.inventory, "deploy", "--yes").code == 0
        yield running


def test_a_second_audit_says_who_runs_and_the_first_goes_on(
    fleet: ReplayFleet, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom app.context import Context\n"
        "from app.locks import one_audit_at_a_time\n"
        "with one_audit_at_a_time(Context(Path(sys.argv[1]))):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, fleet.inventory],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    ended = call("--inventory", fleet.inventory, "audit", "-o", tmp_path)
    assert ended.code == 1
    assert re.search(rf"process {holder.pid} of \S+ on \S+, since 20\d\d-\S+Z", ended.err)
    assert f"kill {holder.pid}" in ended.err
    assert not list(tmp_path.iterdir())
    snapshot = call(
        "--inventory", fleet.inventory, "audit", "--from", RECORDINGS / "deployed", "-o", tmp_path
    )
    assert snapshot.code == 0, "a snapshot asks nobody, so it need not wait"
    holder.kill()
    holder.wait()
    assert call("--inventory", fleet.inventory, "audit", "-o", tmp_path).code == 0


@pytest.mark.parametrize("content", ["", "no json", "[1]", '{"pid": "x\\u001b[31m"}', '{"pid": 1}'])
def test_whatever_the_lock_holds_is_said_harmlessly(
    fleet: ReplayFleet, tmp_path: Path, content: str
) -> None:
    lock = fleet.inventory.parent / "audits" / f".{fleet.inventory.name}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(content)
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ended = call("--inventory", fleet.inventory, "audit", "-o", tmp_path)
    assert ended.code == 1
    assert "another audit of" in ended.err
    assert "\x1b" not in ended.err


def test_quiet_says_nothing_when_in_sync_and_all_when_not(
    fleet: ReplayFleet, tmp_path: Path
) -> None:
    quiet = ("--quiet", "--inventory", fleet.inventory, "audit", "-o", tmp_path)
    ended = call(*quiet)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert json.loads(call(*quiet, "--json").out)["findings"] == []
    fleet.play("fault")
    ended = call(*quiet)
    assert (ended.code, ended.err) == (2, "")
    assert "flood-missing" in ended.out
    fleet.play("deployed")


def test_nodes_that_are_late_are_incomplete_and_the_others_are_audited(
    fleet: ReplayFleet, tmp_path: Path
) -> None:
    fleet.nodes["node2"].mishaps = {"bridge_fdb": Mishap.HANG}
    begun = time.monotonic()
    ended = call("--inventory", fleet.inventory, "audit", "--deadline", "3", "-o", tmp_path)
    fleet.nodes["node2"].mishaps = {}
    assert time.monotonic() - begun < 30
    assert ended.code == 3
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: host["status"] for name, host in report["hosts"].items()} == {
        "node1": "in-sync", "node2": "incomplete", "node3": "in-sync",
    }  # fmt: skip
    assert "deadline" in report["hosts"]["node2"]["error"]


def test_the_deadline_ends_settling_too(fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("fault")
    begun = time.monotonic()
    ended = call(
        *("--inventory", fleet.inventory, "audit", "-o", tmp_path),
        *("--settle", "60", "--deadline", "4"),
    )
    fleet.play("deployed")
    assert time.monotonic() - begun < 40
    assert ended.code in (2, 3)
    assert "settle: time is over" in ended.err


def test_where_no_lock_can_be_made_the_audit_is_made_all_the_same(
    fleet: ReplayFleet, tmp_path: Path
) -> None:
    inventory = shutil.copytree(fleet.inventory, tmp_path / "inventory")
    (tmp_path / "audits").write_text("in the way")
    ended = call("--inventory", inventory, "audit", "--no-history", "-o", tmp_path / "out")
    assert ended.code == 0
    assert "it does not keep out a second audit" in ended.err
    assert (tmp_path / "out" / "report.json").is_file()


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert login() == "4711"
