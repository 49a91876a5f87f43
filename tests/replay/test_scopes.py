"""The overlay scope over SSH: which nodes are refused, and what becomes of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from overlay.derive import derive
from tasks.deploy import deploy_all
from tasks.files import INTERFACES, OVERLAY_INTERFACES
from tasks.plan import FileState, plan_all
from tasks.ssh.fleet import Selection, open_fleet
from tests.replay.conftest import BLANK_INTERFACES

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet

pytestmark = pytest.mark.ssh


@pytest.fixture
def overlay(intent: FabricIntent) -> FabricIntent:
    return derive(intent.fabric.model_copy(update={"scope": "overlay"}))


def test_refused_nodes_are_not_touched_and_not_unreachable(
    fleet: ReplayFleet, overlay: FabricIntent
) -> None:
    lines = {"node1": "auto lo\n", "node2": BLANK_INTERFACES + "iface vmbr2 inet manual\n"}
    for name, text in lines.items():
        fleet.nodes[name].files[INTERFACES.path] = FileState(text, "644 root root")

    with open_fleet(fleet.inventory) as opened:
        plans = plan_all(opened, overlay)
        outcomes = deploy_all(opened, overlay, lambda _outcome: None)

    assert [(bool(p.error), p.unreachable) for p in plans] == [(True, False)] * 2 + [(False, False)]
    assert "node1: /etc/network/interfaces does not source" in str(plans[0].error)
    assert "node2: /etc/network/interfaces defines vmbr2 already" in str(plans[1].error)
    assert [o.outcome for o in outcomes] == ["failed", "failed", "deployed"]
    assert {n: fleet.nodes[n].files[INTERFACES.path].text for n in lines} == lines
    assert OVERLAY_INTERFACES.path not in fleet.nodes["node1"].files


def test_a_node_moves_to_the_overlay_scope_and_back(
    fleet: ReplayFleet, intent: FabricIntent, overlay: FabricIntent
) -> None:
    node = fleet.nodes["node3"]

    def deploy(what: FabricIntent) -> str | None:
        with open_fleet(fleet.inventory, Selection(limit=("node3",))) as opened:
            (outcome,) = deploy_all(opened, what, lambda _outcome: None)
        return outcome.error

    assert deploy(intent) is None
    assert "defines vmbr2, vmbr3, vmbr4000 and" in str(deploy(overlay))
    node.files[INTERFACES.path] = FileState(BLANK_INTERFACES, "644 root root")
    assert deploy(overlay) is None
    assert "auto vxlan2\nallow-evpn vxlan2\n" in (node.files[OVERLAY_INTERFACES.path].text or "")
    assert node.files[INTERFACES.path].text == BLANK_INTERFACES
    assert "remove that file" in str(deploy(intent))
    del node.files[OVERLAY_INTERFACES.path]
    assert deploy(intent) is None
