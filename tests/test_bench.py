"""The small benchmark of a whole audit: no node lost, no false finding, no ratio twice as bad."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.ssh
@pytest.mark.slow
def test_an_audit_over_ssh_and_one_offline_cost_what_is_stated() -> None:
    # It judges ratios of CPU time within one run, never how long anything took.
    said = measured("fleet.py")
    assert "over SSH: 26 nodes" in said
    assert "full mesh offline: 16 nodes" in said


@pytest.mark.ssh
@pytest.mark.slow
def test_a_plan_of_nodes_in_sync_has_no_change_over_ssh() -> None:
    assert "plan: 26 nodes in sync" in measured("planning.py")


def measured(program: str) -> str:
    """What a benchmark prints of a small size; it fails on a lost node or a false finding."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / program), "--small"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout
