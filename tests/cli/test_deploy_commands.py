"""`deploy` and `rollback` as users call them, over real SSH to replayed nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.locks import LOCK_NAME, deploying
from app.plan import fold_plans
from overlay.errors import FleetError
from replay.fleet import RECORDINGS, ReplayFleet
from tasks.files import FRR_CONF
from tasks.plan import FileChange, FileState, NodePlan
from tests.cli.audits import call

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = Path(__file__).resolve().parents[2] / "inventory"
FRR = "/etc/frr/frr.conf"


@pytest.fixture(scope="module")
def fleet() -> Iterator[ReplayFleet]:
    with ReplayFleet(SHIPPED, RECORDINGS, scene="deployed") as running:
        yield running


def records(fleet: ReplayFleet) -> list[dict[str, object]]:
    folder = fleet.inventory.parent / "deploys"
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


@pytest.mark.ssh
def test_deploy_edit_and_rollback(fleet: ReplayFleet) -> None:
    blank = dict(fleet.nodes["node1"].files)
    done = call("--inventory", fleet.inventory, "deploy", "--yes", "--batch", "100%")
    assert done.code == 0, done.err
    assert "0001" in done.out
    (record,) = records(fleet)
    assert record["kind"] == "deploy"
    host = record["hosts"]["node1"]  # type: ignore[index]
    assert host["outcome"] == "deployed"
    assert host["backup"] == "0001"
    assert [phase["name"] for phase in host["phases"]] == [
        "stage", "upload", "validate", "arm", "apply", "verify", "confirm",
    ]  # fmt: skip
    assert "ifreload" in host["applied"]

    listed = call("--inventory", fleet.inventory, "rollback", "--list")
    assert listed.code == 0
    assert listed.out.count("confirmed") == 3

    shown = call("--inventory", fleet.inventory, "rollback", "--dry-run")
    assert shown.code == 2
    assert "-iface vxlan2 inet manual" in shown.out
    back = call("--inventory", fleet.inventory, "rollback", "--yes", "--limit", "node1")
    assert back.code == 0, back.err
    assert fleet.nodes["node1"].files == blank
    assert records(fleet)[-1]["kind"] == "rollback to the last"
    again = call("--inventory", fleet.inventory, "rollback", "--to", "2", "--limit", "node1", "-y")
    assert again.code == 0, again.err
    assert call("--inventory", fleet.inventory, "plan").code == 0


@pytest.mark.ssh
def test_an_edit_refuses_the_whole_run_before_anything_starts(fleet: ReplayFleet) -> None:
    for name in ("node1", "node2"):
        state = fleet.nodes[name].files[FRR]
        text = str(state.text).replace("log syslog", "log file")
        fleet.nodes[name].files[FRR] = FileState(text, state.meta)
    before = {name: dict(node.files) for name, node in fleet.nodes.items()}
    count = len(records(fleet))
    refused = call("--inventory", fleet.inventory, "deploy", "--yes")
    assert refused.code == 1
    assert "was changed on the node since the last deployment" in refused.err
    assert {name: node.files for name, node in fleet.nodes.items()} == before
    assert len(records(fleet)) == count
    half = call("--inventory", fleet.inventory, "deploy", "--yes", "--overwrite")
    assert half.code == 1
    assert "line 4: log file informational" in half.err
    assert "line 4: log file informational" in call("--inventory", fleet.inventory, "plan").err
    assert {name: node.files for name, node in fleet.nodes.items()} == before
    flags = ("--overwrite", "--replace-foreign")
    assert call("--inventory", fleet.inventory, "plan", flags[1]).code == 2
    done = call("--inventory", fleet.inventory, "deploy", "--yes", *flags)
    assert done.code == 0, done.err


@pytest.mark.ssh
def test_wrong_options_are_explained(fleet: ReplayFleet) -> None:
    ended = call("--inventory", fleet.inventory, "rollback", "--to", "x", "--yes")
    assert (ended.code, "--to x: not a backup's number" in ended.err) == (1, True)
    ended = call("--inventory", fleet.inventory, "deploy", "--confirm-within", "1")
    assert ended.code == 1


def test_one_deployment_at_a_time_per_inventory(tmp_path: Path) -> None:
    with deploying(tmp_path):
        with pytest.raises(FleetError, match=r"another deployment .* process \d+, for 0 s"):
            deploying(tmp_path).__enter__()
        assert "process" in (tmp_path / LOCK_NAME).read_text()
    with deploying(tmp_path):
        pass


def plan(host: str, address: str, line: str = "x") -> NodePlan:
    after = FileState(f"hostname {host}\nrouter-id {address}\n{line}\n", "m")
    return NodePlan(host, (FileChange(FRR_CONF, FileState("", "m"), after),))


def test_like_diffs_are_folded_by_their_own_names() -> None:
    addresses = {"node1": "10.0.0.1", "node10": "10.0.0.10", "node2": "10.0.0.2"}
    plans = [plan(host, address) for host, address in addresses.items()]
    assert [[p.host for p in alike] for alike in fold_plans(plans, addresses)] == [list(addresses)]
    odd = [plans[0], plan("node2", "10.0.0.2", "y"), plan("node10", "10.0.0.1")]
    assert [len(alike) for alike in fold_plans(odd, addresses)] == [1, 1, 1]


@pytest.mark.ssh
def test_a_critical_finding_of_the_nodes_own_undoes_it() -> None:
    with ReplayFleet(SHIPPED, RECORDINGS, scene="deployed") as fleet:
        node = fleet.nodes["node1"]
        blank, links = dict(node.files), node.recording["ip_link"]
        wrong = links.text.replace("dstport 4789", "dstport 4790")
        assert wrong != links.text
        node.recording = {**node.recording, "ip_link": replace(links, text=wrong)}
        arguments = ("--inventory", fleet.inventory, "deploy", "--yes", "--limit", "node1")
        done = call(*arguments, "--confirm-within", "30")
        assert done.code == 1, done.out
        assert "audit: vxlan" in done.err
        assert "Expected: 4789 Actual: 4790" in done.err
        assert node.files == blank
        done = call(*arguments, "--no-prove-audit")
        assert done.code == 0, done.err
