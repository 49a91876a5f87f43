"""Each check fires on its fault, on that host, naming that object; and is silent otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from tests.drift import worlds
from tests.drift.cases.bridges import BRIDGES
from tests.drift.cases.control_plane import CONTROL_PLANE
from tests.drift.cases.data_plane import DATA_PLANE
from tests.drift.cases.entries import ENTRIES
from tests.drift.cases.exits import EXITS
from tests.drift.cases.host import HOST
from tests.drift.cases.kernel import KERNEL
from tests.drift.cases.mac_routes import MAC_ROUTES
from tests.drift.cases.nat import NAT
from tests.drift.cases.outside import OUTSIDE
from tests.drift.cases.packet_filters import PACKET_FILTERS
from tests.drift.cases.probes import PROBES
from tests.drift.cases.router_macs import ROUTER_MACS
from tests.drift.cases.single import SINGLE
from tests.drift.cases.systems import SEVERAL_AS
from tests.drift.cases.traffic import TRAFFIC
from tests.drift.cases.underlay import ROUTED_UNDERLAY
from tests.drift.cases.vrf_routes import VRF_ROUTES
from tests.drift.worlds import unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent

CASES = (
    OUTSIDE
    | EXITS
    | NAT
    | HOST
    | DATA_PLANE
    | ENTRIES
    | BRIDGES
    | CONTROL_PLANE
    | ROUTER_MACS
    | KERNEL
    | TRAFFIC
    | PACKET_FILTERS
    | MAC_ROUTES
    | PROBES
    | ROUTED_UNDERLAY
    | SEVERAL_AS
    | VRF_ROUTES
    | SINGLE
)


@pytest.mark.parametrize(("check", "fault"), CASES, ids=lambda word: word.replace(" ", "-"))
def test_a_check_fires_on_its_fault_and_on_nothing_else(check: str, fault: str) -> None:
    case = CASES[check, fault]
    intent = case.fabric()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    case.mutation(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {(check, case.host, case.object)}
    root = next(finding for finding in result.findings if finding.caused_by is None)
    assert case.says in root.message
    assert root.severity is (case.severity or CHECKS[check].severity)
    assert check in result.checks_run


def test_a_check_stands_alone_when_its_root_is_not_asked_for() -> None:
    """Another node's address is `vtep-duplicate`, and a wrong one all the same."""
    case = CASES["vtep-duplicate", "another node's address"]
    intent = case.fabric()
    states = healthy_states(intent)
    case.mutation(states)

    result = audit(intent, states, only={"vxlan-local-ip"})

    assert unfolded(result) == {("vxlan-local-ip", "node2", "vxlan2")}
    assert "Expected: 192.168.0.2 Actual: 192.168.0.1" in result.findings[0].message
    assert result.checks_run == ("vxlan-local-ip",)


def test_every_check_has_a_case() -> None:
    assert {check for check, _ in CASES} == CHECKS.keys()


@pytest.mark.parametrize(
    "fabric", [worlds.symmetric, worlds.bridged, worlds.unicast, worlds.multicast]
)
@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_a_healthy_fabric_has_no_finding(fabric: Callable[[int], FabricIntent], nodes: int) -> None:
    intent = fabric(nodes)
    rendered = rendered_nodes(intent)

    result = audit(intent, healthy_states(intent, guests=2, rendered=rendered), rendered=rendered)

    assert result.findings == ()
    assert result.skipped == ()
