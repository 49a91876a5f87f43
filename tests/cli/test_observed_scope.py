"""`scope: observed`: commands that write name such a node and go on with the others."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from replay.fleet import RECORDINGS, ReplayFleet
from tests.cli.audits import ROOT, call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTS = ("node1", "node2", "node3")
ALONE = "node3: left alone: it is of the scope `observed`, so nothing is ever written there"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[ReplayFleet]:
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "inventory", inventory)
    fabric = inventory / "fabric.yaml"
    text = fabric.read_text()
    assert "node3: {address: 192.168.0.3" in text
    fabric.write_text(text.replace("node3: {", "node3: {scope: observed, "))
    with ReplayFleet(inventory, RECORDINGS) as running:
        yield running


@pytest.mark.slow
def test_plan_and_deploy_name_it_and_go_on_with_the_others(fleet: ReplayFleet):
    planned = call("--inventory", fleet.inventory, "plan")
    assert planned.code == 2
    assert ALONE in planned.err
    assert "Plan: 2 to change, 0 in sync, 0 could not be read" in planned.out
    deployed = call("--inventory", fleet.inventory, "deploy", "--yes")
    assert deployed.code == 0, deployed.err
    assert ALONE in deployed.err
    assert "node2" in deployed.out
    assert "node3" not in deployed.out
    again = call("--inventory", fleet.inventory, "plan")
    assert again.code == 0
    back = call("--inventory", fleet.inventory, "rollback", "--yes", "--dry-run")
    assert ALONE in back.err


@pytest.mark.parametrize("command", [["plan"], ["deploy", "--yes"], ["rollback", "--yes"]])
def test_alone_it_is_an_error(fleet: ReplayFleet, command: list[str]):
    ended = call("--inventory", fleet.inventory, *command, "--limit", "node3")
    assert ended.code == 1
    assert "each chosen node is of the scope `observed`: node3" in ended.err


@pytest.mark.slow
def test_it_is_audited_without_its_files(fleet: ReplayFleet, tmp_path: Path):
    fleet.play("fault")
    assert call("--inventory", fleet.inventory, "audit", "-o", tmp_path / "audit").code == 2
    report = json.loads((tmp_path / "audit" / "report.json").read_text())
    found = {host: {f["check"] for f in report["findings"] if f["host"] == host} for host in HOSTS}
    # No file was deployed here, which shows on the nodes that are ours.
    assert {"config-file", "config-running"} <= found["node1"] & found["node2"]
    assert not {"config-file", "config-running"} & found["node3"]
    collected = call("--inventory", fleet.inventory, "collect", "-o", tmp_path / "snapshot")
    assert collected.code == 0
    asked = {path.name for path in (tmp_path / "snapshot" / "node3").iterdir()}
    # The running configuration is still asked for: `mac-frozen` reads from it whether FRR freezes.
    assert not any(name.startswith("file_") for name in asked), asked
    assert any(
        path.name.startswith("file_") for path in (tmp_path / "snapshot" / "node2").iterdir()
    )
