"""What traffic control loses nothing by is no finding."""

from __future__ import annotations

import pytest

from drift.engine import audit
from tests.drift.cases import packet_filters
from tests.drift.cases.traffic import HARMLESS
from tests.drift.worlds import symmetric
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states


@pytest.mark.parametrize("what", HARMLESS)
def test_what_loses_no_packet_is_no_finding(what: str) -> None:
    intent = symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, guests=2, rendered=rendered)
    HARMLESS[what](states)

    result = audit(intent, states, rendered=rendered)

    assert result.findings == ()
    assert "traffic-control" in result.checks_run


@pytest.mark.parametrize("what", packet_filters.HARMLESS)
def test_a_packet_filter_that_lets_the_overlay_pass_is_no_finding(what: str) -> None:
    intent = symmetric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, guests=2, rendered=rendered)
    packet_filters.HARMLESS[what](states)

    result = audit(intent, states, rendered=rendered)

    assert result.findings == ()
    assert "packet-filter" in result.checks_run
