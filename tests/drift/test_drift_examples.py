"""The ten topologies, and what the lab's tests deploy besides: as intended they are in sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from overlay.loading import load_inventory
from tests.drift.worlds import ROOT
from tests.rendering import render
from tests.simulated import healthy_states

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/fabric.yaml"))
LAB_TESTS = sorted(path.parent for path in (ROOT / "tests" / "live").glob("*/fabric.yaml"))


@pytest.mark.parametrize("folder", [*EXAMPLES, *LAB_TESTS], ids=lambda path: path.name)
def test_a_topology_as_intended_has_no_finding(folder: Path) -> None:
    intent = load_inventory(folder).intent
    rendered = render(intent)

    result = audit(intent, healthy_states(intent, guests=2, rendered=rendered), rendered=rendered)

    assert result.findings == ()
    assert result.skipped == ()
    concerned = {
        check.id
        for check in CHECKS.values()
        if any(check.applies(intent, node) for node in intent.nodes.values())
    }
    assert set(result.checks_run) == concerned


def test_all_ten_are_there() -> None:
    assert len(EXAMPLES) == 10
