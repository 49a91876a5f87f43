"""The ten topologies: as intended they are in sync, in every check that concerns them."""

from __future__ import annotations

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from tests.drift.worlds import ROOT, example
from tests.rendering import render
from tests.simulated import healthy_states

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/fabric.yaml"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_topology_as_intended_has_no_finding(name: str) -> None:
    intent = example(name)
    rendered = render(intent)

    result = audit(intent, healthy_states(intent, guests=2, rendered=rendered), rendered=rendered)

    assert result.findings == ()
    assert result.skipped == ()
    concerned = {
        check.id
        for check in CHECKS.values()
        if any(check.concerns(intent, node) for node in intent.nodes.values())
    }
    assert set(result.checks_run) == concerned


def test_all_ten_are_there() -> None:
    assert len(EXAMPLES) == 10
