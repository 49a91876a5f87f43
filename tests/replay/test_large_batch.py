"""Thirty nodes in one batch: none waits for another one, and one that hangs hurts nobody else."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from app.audit.one_node import critical_findings
from app.context import Context
from cli.main import run
from overlay.loading import FABRIC_FILE, load_inventory
from replay.fleet import RECORDINGS, ReplayFleet
from replay.node import Mishap
from tasks import deployment, reconnection
from tasks.commands import HostCapture
from tasks.deploy import deploy_all
from tasks.options import DeployOptions
from tasks.outcome import RunState
from tasks.snapshot import read_snapshot, write_capture, write_meta
from tasks.ssh.fleet import Selection, open_fleet
from tests.replay.conftest import INVENTORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from overlay.expected import FabricIntent
    from overlay.records import RawOutput

NAMES = tuple(f"node{number}" for number in range(1, 31))


@pytest.fixture
def thirty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplayFleet]:
    """The shipped fabric with thirty nodes; each prints what node1 of the lab has printed."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    source = tmp_path / "inventory"
    source.mkdir()
    fabric = yaml.safe_load((INVENTORY / FABRIC_FILE).read_text())
    fabric["nodes"] = {name: {"address": address_of(name)} for name in NAMES}
    (source / FABRIC_FILE).write_text(yaml.safe_dump(fabric))
    for file in ("groups.yaml", "defaults.yaml"):
        (source / file).write_text((INVENTORY / file).read_text())
    (source / "hosts.yaml").write_text(yaml.safe_dump({name: {} for name in NAMES}))
    (recorded,) = read_snapshot(RECORDINGS / "deployed", ("node1",))
    captures = [HostCapture(name, as_node(recorded, name)) for name in NAMES]
    for capture in captures:
        write_capture(tmp_path / "recordings" / "deployed", capture)
    write_meta(tmp_path / "recordings" / "deployed", captures)
    with ReplayFleet(source, tmp_path / "recordings", scene="deployed") as fleet:
        yield fleet


def address_of(name: str) -> str:
    return f"192.168.0.{name.removeprefix('node')}"


def as_node(recorded: HostCapture, name: str) -> dict[str, RawOutput]:
    """What node1 printed, as the node of that name would: the two addresses change places."""
    swap = {address_of("node1"): address_of(name), address_of(name): address_of("node1")}
    pattern = re.compile(r"(?<![\w.])192\.168\.0\.\d+(?![\w.])")
    return {
        slug: replace(output, text=pattern.sub(lambda m: swap.get(m[0], m[0]), output.text))
        for slug, output in recorded.outputs.items()
    }


def deploy_together(
    fleet: ReplayFleet, capsys: pytest.CaptureFixture[str]
) -> tuple[int, dict[str, str], str]:
    """One batch of them all: the exit code, each node's outcome, and what was said on stderr."""
    code = run(
        [
            "--inventory", str(fleet.inventory), "deploy", "--yes", "--batch", "30",
            "--canary", "none", "--confirm-within", "30",
        ]
    )  # fmt: skip
    said = capsys.readouterr()
    table = said.out.partition("\nNode ")[2]
    return code, dict(re.findall(r"^(node\d+) +(\S+)", table, re.MULTILINE)), said.err


@pytest.mark.slow
def test_of_thirty_nodes_the_one_that_hangs_is_restored_and_the_others_are_deployed(
    thirty: ReplayFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    # In the proof's audit, which all others pass through at the same time.
    thirty.nodes["node7"].mishaps["bridge_fdb"] = Mishap.HANG
    before = dict(thirty.nodes["node7"].files)
    code, outcomes, err = deploy_together(thirty, capsys)
    assert outcomes.pop("node7") == "restored", err
    assert outcomes == dict.fromkeys(set(NAMES) - {"node7"}, "deployed"), err
    assert "node7: audit: no answer in time: bridge_fdb" in err
    assert code == 1
    assert thirty.nodes["node7"].files == before
    assert thirty.nodes["node7"].switch.outcomes == {"0001": "restored"}


@pytest.mark.slow
def test_a_critical_finding_of_the_nodes_own_undoes_it(thirty: ReplayFleet) -> None:
    node = thirty.nodes["node7"]
    links = node.recording["ip_link"]
    node.recording = {
        **node.recording,
        "ip_link": replace(links, text=links.text.replace("vxlan id 2 ", "vxlan id 7 ")),
    }
    intent = load_inventory(thirty.inventory).intent
    two = Selection(limit=("node6", "node7"))
    with (
        open_fleet(thirty.inventory, two) as opened,
        critical_findings(Context(thirty.inventory), intent, 2) as verify,
    ):
        options = DeployOptions(confirm_within=4, canary="none", verify=verify)
        found = deploy_all(opened, intent, lambda _: None, options=options)
    assert [outcome.outcome for outcome in found] == ["deployed", "restored"]
    assert "node7: audit: vxlan2: " in str(found[1].error)


@pytest.mark.slow
def test_a_node_that_loses_its_power_is_told_of_at_once_and_waited_for_as_long_as_said(
    thirty: ReplayFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a jump host the connection stays open, and nobody says that the node is gone."""
    monkeypatch.setattr(deployment, "_POLL", 0.1)
    monkeypatch.setattr(reconnection, "_SILENT_BUDGET", 2.0)
    intent: FabricIntent = load_inventory(thirty.inventory).intent
    state = RunState(intent, DeployOptions(confirm_within=15, canary="node1", batch="1"))
    told: list[tuple[float, str, str]] = []
    state.warn = lambda what, hint: told.append((time.monotonic(), what, hint))
    power, lost = threading.Event(), []

    def lose_power() -> None:
        thirty.nodes["node1"].mishaps["unit"] = Mishap.HANG
        while state.in_flight.get("node1") != "apply":
            time.sleep(0.01)
        time.sleep(1)  # in the middle of it
        lost.append(time.monotonic())
        # Their kernel accepts connections, and nothing ever answers on them.
        thirty._servers._loop.call_soon_threadsafe(power.wait)

    threading.Thread(target=lose_power, daemon=True).start()
    try:
        with open_fleet(thirty.inventory) as opened:
            found = deploy_all(opened, intent, lambda _: None, run_state=state)
    finally:
        power.set()
    ended = time.monotonic()
    outcomes = {outcome.host: outcome.outcome for outcome in found}
    assert outcomes.pop("node1") == "unreachable"
    assert set(outcomes.values()) == {"not-tried"}
    assert "stopped answering while its new files were put in place" in str(found[0].error)
    ((at, what, hint),) = told
    assert at - lost[0] < 25
    assert what.startswith("node1: it does not answer (phase apply): ")
    assert re.search(r"dead man's switch puts the old configuration back at \d\d:\d\d:\d\d, or at "
                     r"its next boot if it lost its power", what)  # fmt: skip
    seconds = int(re.findall(r"until \d\d:\d\d:\d\d, (\d+) s from now", hint)[0])
    assert ended - at < seconds + 2, "no longer than it was said"
