"""Interfaces beside the fabric's, over SSH: they stop a deployment, move to a file, come back, go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from overlay.derive import derive
from tasks.backups import rolled_back
from tasks.deploy import deploy_all
from tasks.files import INTERFACES, KEPT_INTERFACES
from tasks.options import DeployOptions
from tasks.outcome import RunState
from tasks.plan import FileState
from tasks.ssh.fleet import Selection, open_fleet
from tests.replay.conftest import BLANK_INTERFACES

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet
    from tasks.outcome import NodeOutcome
    from tasks.preflight.facts import Target

pytestmark = pytest.mark.ssh

STORAGE = """\
# storage
auto vmbr9
iface vmbr9 inet static
        address 10.99.0.1/24
        bridge-ports eno2
"""
TUNED = "iface eno1\n        post-up ethtool -K eno1 gro off\n"
BY_HAND = f"{BLANK_INTERFACES}\n{STORAGE}\n{TUNED}"


def test_from_hand_written_to_kept_and_back(fleet: ReplayFleet, intent: FabricIntent) -> None:
    files = fleet.nodes["node1"].files
    files[INTERFACES.path] = FileState(BY_HAND, "644 root root")
    nodes = intent.fabric.nodes
    keeping = nodes["node1"].model_copy(update={"interfaces_extra": STORAGE + TUNED})
    kept = derive(intent.fabric.model_copy(update={"nodes": {**nodes, "node1": keeping}}))

    def deploy(what: FabricIntent, target: Target | None = None) -> NodeOutcome:
        state = RunState(what, DeployOptions(), "deploy" if target is None else "rollback")
        with open_fleet(fleet.inventory, Selection(limit=("node1",))) as opened:
            (outcome,) = deploy_all(opened, what, lambda _: None, target=target, run_state=state)
        return outcome

    refused = deploy(intent)
    assert refused.outcome == "failed"
    assert re.search(
        r"node1: /etc/network/interfaces holds what (?s:.)*line \d+: iface vmbr9\n"
        r"  line \d+: iface eno1: post-up ethtool -K eno1 gro off\n"
        r"  next: keep it under `interfaces_extra:`",
        str(refused.error),
    ), refused.error
    assert files[INTERFACES.path].text == BY_HAND

    assert deploy(kept).error is None
    beside, main = files[KEPT_INTERFACES.path].text or "", files[INTERFACES.path].text or ""
    assert beside.partition("\n\n")[2] == STORAGE
    assert "vmbr9" not in main
    assert "\n        mtu 1550\n        post-up ethtool -K eno1 gro off\n\n" in main
    assert deploy(kept).outcome == "unchanged"

    # Added by hand to the file that is kept it is foreign, and an edit; it moves, too.
    edited = FileState(f"{beside}\niface eno7\n", "644 root root")
    files[KEPT_INTERFACES.path] = edited
    said = str(deploy(kept).error)
    assert "was changed on the node since the last deployment" not in said
    assert "evpn-fleet-kept holds what the intent does not derive" in said
    more = keeping.model_copy(
        update={"interfaces_extra": f"{STORAGE}{TUNED}auto eno7\niface eno7\n"}
    )
    grown = derive(intent.fabric.model_copy(update={"nodes": {**nodes, "node1": more}}))
    assert deploy(grown).error is None

    assert deploy(kept, rolled_back(kept, "0001")).error is None
    assert files[INTERFACES.path].text == BY_HAND
    assert KEPT_INTERFACES.path not in files
    # A rollback puts back what was never ours.
    assert "line" in str(deploy(intent).error)
    assert deploy(kept).error is None
    # What we wrote is ours to remove, once the intent drops it.
    assert deploy(intent).error is None
    assert KEPT_INTERFACES.path not in files
    assert deploy(intent).outcome == "unchanged"
