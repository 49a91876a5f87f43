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
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "fleet.py"), "--small"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "over SSH: 26 nodes" in done.stdout
    assert "full mesh offline: 16 nodes" in done.stdout
