"""The demo always ends with the main job shown: on the lab, or, having said why not, on recordings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import demo
from lab.errors import LabError
from tests.cli.audits import ROOT, call

pytestmark = pytest.mark.ssh


def run_demo(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "run.py", "demo", *options],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environ},
    )  # fmt: skip


def shows_the_main_job(text: str) -> bool:
    report = re.search(r"broken fabric: (\S+)", text)
    return "flood-missing" in text and report is not None and Path(report[1]).is_file()


def test_without_a_lab_it_says_why_and_goes_on_with_the_recordings() -> None:
    done = run_demo(EVPN_FLEET_LAB_KERNEL="none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be used on this computer: EVPN_FLEET_LAB_KERNEL=none disables" in done.stdout
    assert "replays recordings of the lab, over real SSH on loopback" in done.stdout
    assert shows_the_main_job(done.stdout)


def test_with_lab_it_insists() -> None:
    done = run_demo("--lab", EVPN_FLEET_LAB_KERNEL="none")
    assert done.returncode == 1
    assert "disables the lab" in done.stderr
    assert "recordings" not in done.stdout
    both = run_demo("--lab", "--replay")
    assert both.returncode == 1
    assert "exclude each other" in both.stderr


@pytest.mark.parametrize("fails_at", ["supported", "up"])
def test_a_lab_that_fails_at_any_step_is_no_end(
    monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    """A node that dies at boot, an image that cannot be built: both are LabErrors of `up`."""
    down: list[str] = []

    def fail(*_arguments: object) -> None:
        raise LabError("node2 did not come up: its kernel exited", "see its console")

    monkeypatch.setattr(demo.fabric, "supported", lambda _progress: None)
    monkeypatch.setattr(demo.fabric, "down", lambda _progress: down.append("down"))
    monkeypatch.setattr(demo.fabric, fails_at, fail)
    ended = call("demo")
    assert ended.code == 0, ended.out + ended.err
    assert "The lab cannot be used on this computer: node2 did not come up" in ended.out
    assert shows_the_main_job(ended.out)
    assert down == (["down"] if fails_at == "up" else [])
