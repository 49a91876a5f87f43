"""Deployments that go wrong over real SSH: the node goes back, and what became of it is said."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from replay.node import Mishap
from tasks import deployment
from tasks.backups import rolled_back
from tasks.deploy import deploy_all
from tasks.options import DeployOptions
from tasks.outcome import RunState
from tasks.plan import FileState
from tasks.ssh.fleet import open_fleet
from tests.replay.conftest import HOSTS

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet
    from tasks.outcome import NodeOutcome
    from tasks.preflight.facts import Target

pytestmark = pytest.mark.ssh

IMPATIENT = DeployOptions(confirm_within=3)
FRR = "/etc/frr/frr.conf"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "_POLL", 0.1)
    monkeypatch.setattr(deployment, "_RESTORE_BUDGET", 2.0)


def deploy(
    fleet: ReplayFleet,
    intent: FabricIntent,
    options: DeployOptions = IMPATIENT,
    target: Target | None = None,
) -> dict[str, NodeOutcome]:
    state = RunState(intent, options, "deploy" if target is None else "rollback")
    with open_fleet(fleet.inventory) as opened:
        done = deploy_all(opened, intent, lambda _: None, target=target, run_state=state)
    return {outcome.host: outcome for outcome in done}


def test_a_failed_step_has_the_node_restored_and_stops_the_run(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    node = fleet.nodes["node1"]
    before = dict(node.files)
    node.mishaps["ifreload"] = Mishap.CUT
    found = deploy(fleet, intent)
    assert [found[host].outcome for host in HOSTS] == ["restored", "not-tried", "not-tried"]
    assert "apply failed at ifreload" in str(found["node1"].error)
    assert node.files == before
    assert found["node1"].backup == "0001"
    again = deploy(fleet, intent)
    assert again["node1"].backup == "0002", "every deployment has a backup of its own"


def test_a_session_that_breaks_while_the_unit_runs_does_no_harm(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node1"].mishaps["unit"] = Mishap.CUT
    assert deploy(fleet, intent, DeployOptions())["node1"].outcome == "deployed"


def test_a_unit_that_never_reports_is_undone(fleet: ReplayFleet, intent: FabricIntent) -> None:
    node = fleet.nodes["node1"]
    before = dict(node.files)
    node.failures["out"] = "cat: no such file"
    found = deploy(fleet, intent)["node1"]
    assert found.outcome == "restored"
    assert "the steps did not finish in time" in str(found.error)
    assert node.files == before


@pytest.mark.parametrize("slug", ["frr-converged", "interfaces-hold", "answers"])
def test_what_cannot_be_proven_is_undone(
    fleet: ReplayFleet, intent: FabricIntent, slug: str
) -> None:
    node = fleet.nodes["node1"]
    before = dict(node.files)
    node.failures[slug] = "Lines To Add"
    found = deploy(fleet, intent)["node1"]
    assert found.outcome == "restored"
    assert f"node1: {slug}: Lines To Add" in str(found.error)
    assert node.files == before


def test_a_session_that_does_not_come_up_is_undone(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node2"].failures["sessions:evpn"] = "bgpd is not running"
    fleet.nodes["node2"].failures["sessions:unicast"] = "bgpd is not running"
    found = deploy(fleet, intent)
    assert found["node1"].outcome == "deployed", "nobody is there yet that it could peer with"
    assert found["node2"].outcome == "restored"
    assert "BGP sessions are not up: 192.168.0.1" in str(found["node2"].error)
    assert found["node3"].outcome == "deployed", "what is deployed beside it is not asked for it"


def test_one_more_proof_can_be_asked_for(fleet: ReplayFleet, intent: FabricIntent) -> None:
    options = replace(
        IMPATIENT, verify=lambda node, *_: "on fire" if node.name == "node1" else None
    )
    found = deploy(fleet, intent, options)["node1"]
    assert found.outcome == "restored"
    assert "node1: on fire" in str(found.error)


def test_a_node_that_does_not_come_back_is_unreachable(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: deployment.Deployment) -> None:
        fleet.power_off("node1")

    monkeypatch.setattr(deployment.Deployment, "_apply", cut)
    found = deploy(fleet, intent)
    assert found["node1"].outcome == "unreachable"
    assert "restore.sh hand" in str(found["node1"].error)
    assert found["node2"].outcome == "not-tried"


def test_a_confirmation_that_was_cut_off_is_asked_again(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    node = fleet.nodes["node1"]
    node.mishaps["confirm"] = Mishap.CUT
    found = deploy(fleet, intent)["node1"]
    assert found.outcome == "deployed"
    assert node.switch.outcomes == {"0001": "confirmed"}


def test_a_rollback_puts_back_what_was_there(fleet: ReplayFleet, intent: FabricIntent) -> None:
    before = {host: dict(fleet.nodes[host].files) for host in HOSTS}
    deploy(fleet, intent)
    found = deploy(fleet, intent, target=rolled_back(intent, None))
    assert {outcome.outcome for outcome in found.values()} == {"deployed"}, found
    assert {host: fleet.nodes[host].files for host in HOSTS} == before
    there = deploy(fleet, intent, target=rolled_back(intent, "0002"))
    assert {outcome.outcome for outcome in there.values()} == {"deployed"}, "and forth again"
    assert not any(o.plan.changes for o in deploy(fleet, intent).values())


def test_a_rollback_to_a_backup_that_is_not_there_is_explained(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    found = deploy(fleet, intent, target=rolled_back(intent, "0042"))["node1"]
    assert found.outcome == "failed"
    assert "node1: it has no backup 0042" in str(found.error)


def test_an_edit_by_hand_is_shown_and_kept(fleet: ReplayFleet, intent: FabricIntent) -> None:
    deploy(fleet, intent)
    node = fleet.nodes["node1"]
    state = node.files[FRR]
    node.files[FRR] = FileState(f"{state.text}! mine\n password hunter2\n", state.meta)
    edited = dict(node.files)
    found = deploy(fleet, intent)["node1"]
    assert found.outcome == "failed"
    assert "+! mine" in str(found.error)
    assert "hunter2" not in str(found.error)
    assert node.files == edited
    careful = replace(IMPATIENT, overwrite=True)
    found = deploy(fleet, intent, careful)["node1"]
    assert found.outcome == "failed"
    assert re.search(r"line \d+: password <redacted>\n.*`frr_extra:`", str(found.error))
    careful = replace(careful, replace_foreign=True)
    assert deploy(fleet, intent, careful)["node1"].outcome == "deployed"


def test_ctrl_c_lets_the_batch_end_and_begins_no_other(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    before = signal.getsignal(signal.SIGINT)
    state = RunState(intent, IMPATIENT)
    told: list[tuple[tuple[str, ...], bool]] = []
    state.interrupted = lambda hosts, again: told.append((hosts, again))

    def press() -> None:
        while state.in_flight.get("node1") is None:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with open_fleet(fleet.inventory) as opened:
        found = deploy_all(opened, intent, lambda _: None, run_state=state)
    assert [outcome.outcome for outcome in found] == ["deployed", "not-tried", "not-tried"]
    assert told == [(("node1",), False)]
    assert signal.getsignal(signal.SIGINT) is before


def test_told_to_stop_twice_the_node_is_left_to_its_switch(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node1"].failures["answers"] = "not yet"
    state = RunState(intent, replace(IMPATIENT, confirm_within=30))

    def stop() -> None:
        while state.in_flight.get("node1") != "verify":
            time.sleep(0.02)
        state.abandoned.set()

    threading.Thread(target=stop, daemon=True).start()
    with open_fleet(fleet.inventory) as opened:
        found = deploy_all(opened, intent, lambda _: None, run_state=state)
    assert found[0].outcome == "left"
    assert "confirm.sh" in str(found[0].error)
    assert fleet.nodes["node1"].switch.pending == "0001", "its switch is armed"


def test_a_node_in_the_middle_of_another_deployment_is_left_alone(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node2"].switch.pending = "0007"
    before = dict(fleet.nodes["node2"].files)
    found = deploy(fleet, intent)
    assert [found[host].outcome for host in HOSTS] == ["deployed", "failed", "deployed"]
    assert "node2: deployment 0007 is not confirmed yet" in str(found["node2"].error)
    assert fleet.nodes["node2"].files == before
    fleet.nodes["node1"].switch.pending = "0007"
    again = deploy(fleet, intent)["node1"]
    assert again.outcome == "failed", "its files are as wanted, but it may put the old ones back"
    assert "node1: deployment 0007 is not confirmed yet" in str(again.error)
