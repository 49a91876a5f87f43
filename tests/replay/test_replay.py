"""The main job over the replayed fleet: plan, deploy, plan again, collect."""

from __future__ import annotations

import stat
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from app.audit.pipeline import asked
from overlay.errors import FleetError, SnapshotError
from replay.fleet import ReplayFleet
from tasks import deploy as deploying
from tasks.collect import collect_all
from tasks.commands import TEXT_SLUGS, HostCapture
from tasks.deploy import deploy_all
from tasks.options import DeployOptions
from tasks.plan import FileState, plan_all
from tasks.preflight.facts import survey_node
from tasks.render import render_all
from tasks.ssh.fleet import connect, open_fleet
from tasks.ssh.script import Section, build_script, split_output
from tests.replay.conftest import BLANK_INTERFACES, FILES, HOSTS, INVENTORY, outputs

if TYPE_CHECKING:
    from pathlib import Path

    from overlay.expected import FabricIntent
    from tasks.deploy import NodeOutcome
    from tasks.plan import NodePlan
    from tasks.preflight.facts import NodeFacts

pytestmark = pytest.mark.ssh


def plan(fleet: ReplayFleet, intent: FabricIntent) -> list[NodePlan]:
    with open_fleet(fleet.inventory) as opened:
        return plan_all(opened, intent)


def deploy(
    fleet: ReplayFleet, intent: FabricIntent, options: DeployOptions | None = None
) -> list[NodeOutcome]:
    told: list[NodeOutcome] = []
    with open_fleet(fleet.inventory) as opened:
        outcomes = deploy_all(opened, intent, told.append, options=options)
    assert sorted(o.host for o in told) == sorted(o.host for o in outcomes)
    return outcomes


def collect(fleet: ReplayFleet, intent: FabricIntent) -> dict[str, HostCapture]:
    captures: list[HostCapture] = []
    with open_fleet(fleet.inventory) as opened:
        collect_all(opened, asked(intent, opened.hosts), captures.append)
    return {capture.host: capture for capture in captures}


def test_plan_deploy_and_a_second_plan_that_is_empty(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    first = plan(fleet, intent)
    assert [p.host for p in first] == list(HOSTS)
    assert all(p.error is None and len(p.changes) == len(FILES) for p in first)
    assert "+iface vxlan4000 inet manual\n" in first[0].diff
    assert " source /etc/network/interfaces.d/*\n" in first[0].diff, "kept from the blank node"

    assert [(o.outcome, o.error) for o in deploy(fleet, intent)] == [("deployed", None)] * 3

    assert [(p.changes, p.error) for p in plan(fleet, intent)] == [((), None)] * 3
    assert [o.outcome for o in deploy(fleet, intent)] == ["unchanged"] * 3


def test_what_is_deployed_is_what_is_rendered(fleet: ReplayFleet, intent: FabricIntent) -> None:
    deploy(fleet, intent)
    with open_fleet(fleet.inventory) as opened:
        rendered = dict(render_all(opened, intent))
    for host, node in fleet.nodes.items():
        assert {path: state.text for path, state in node.files.items()} == rendered[host]
        assert node.files["/etc/frr/frr.conf"].meta == "640 frr frr"
        assert list((node.home / "tmp").iterdir()) == [], "the staging folder is removed"


def test_only_what_differs_is_deployed(fleet: ReplayFleet, intent: FabricIntent) -> None:
    deploy(fleet, intent)
    path = "/etc/network/interfaces"
    fleet.nodes["node2"].files[path] = FileState(BLANK_INTERFACES, "644 root root")
    fleet.nodes["node3"].files[path] = FileState(
        fleet.nodes["node3"].files[path].text, "600 root root"
    )
    changes = {p.host: [c.file.path for c in p.changes] for p in plan(fleet, intent)}
    assert changes == {"node1": [], "node2": [path], "node3": [path]}
    outcomes = {o.host: o for o in deploy(fleet, intent, DeployOptions(overwrite=True))}
    assert outcomes["node1"].outcome == "unchanged"
    reloaded = ("rt-tables", "ifreload", "sysctl-again", "announce")
    assert outcomes["node2"].steps == (f"install:{path}", *reloaded)
    assert not any(p.changes for p in plan(fleet, intent))


def test_collect_gives_back_the_recordings(fleet: ReplayFleet, intent: FabricIntent) -> None:
    found = collect(fleet, intent)
    assert found == {host: HostCapture(host, outputs(host, "deployed")) for host in HOSTS}


def test_another_scene_answers_from_then_on(fleet: ReplayFleet, intent: FabricIntent) -> None:
    fleet.play("fault")
    found = collect(fleet, intent)
    assert found == {host: HostCapture(host, outputs(host, "fault")) for host in HOSTS}


def test_a_scene_that_was_not_recorded_is_explained(fleet: ReplayFleet) -> None:
    with pytest.raises(SnapshotError, match="there is no such folder"):
        fleet.play("holidays")


def test_a_large_output_arrives_whole(fleet: ReplayFleet, intent: FabricIntent) -> None:
    large = outputs("node1", "deployed")["bridge_fdb"].text * 100_000
    recording = dict(fleet.nodes["node1"].recording)
    recording["bridge_fdb"] = type(recording["bridge_fdb"])(large)
    fleet.nodes["node1"].recording = recording
    assert collect(fleet, intent)["node1"].outputs == recording


def test_what_is_not_recorded_says_so(fleet: ReplayFleet) -> None:
    script = build_script([Section("reboot", "reboot"), Section("bridge_fdb", "bridge fdb show")])
    with open_fleet(fleet.inventory) as opened:
        host = opened.nornir.inventory.hosts["node1"]
        out, err = connect(host, opened.nornir).run(script)
        found = split_output(script, out, err)
    assert found["reboot"].rc == 127
    assert found["reboot"].stderr == "reboot: not recorded: reboot\n"
    assert found["bridge_fdb"].rc == 0


@pytest.mark.parametrize("command", ["rm -rf /", "/bin/sh", "/bin/sh -s; id", ""])
def test_no_other_command_is_answered(fleet: ReplayFleet, command: str) -> None:
    with open_fleet(fleet.inventory) as opened:
        host = opened.nornir.inventory.hosts["node1"]
        client = connect(host, opened.nornir).remote_conn_pre
        _, stdout, stderr = client.exec_command(command, timeout=5)
        assert stdout.channel.recv_exit_status() == 127
        assert b"not recorded" in stderr.read()


def test_a_script_is_read_and_never_run(fleet: ReplayFleet, tmp_path: Path) -> None:
    script = build_script(
        [Section("clean", f"rm -rf {tmp_path}"), Section("out", "cat /etc/passwd")]
    )
    text = f"touch {tmp_path}/pwned\n{script.text}touch {tmp_path}/pwned\n"
    out, err, _ = fleet.nodes["node1"].answer_script(text)
    found = split_output(script, out, err)
    assert [found[slug].rc for slug in ("clean", "out")] == [127, 127]
    assert list(tmp_path.parent.glob(f"{tmp_path.name}*")) == [tmp_path]
    assert list(tmp_path.iterdir()) == []


def test_sftp_shows_only_the_nodes_own_folder(fleet: ReplayFleet) -> None:
    with open_fleet(fleet.inventory) as opened:
        host = opened.nornir.inventory.hosts["node1"]
        with connect(host, opened.nornir).open_sftp() as sftp:
            assert sftp.listdir("/") == ["tmp"]
            assert sftp.listdir("../../../..") == ["tmp"]
            with pytest.raises(OSError, match="such file"):
                sftp.open("/etc/passwd")


def test_nothing_stays_behind(recordings: Path) -> None:
    before = threading.active_count()
    with ReplayFleet(INVENTORY, recordings) as fleet:
        folder = fleet.inventory.parent
        key = folder / "id_ed25519"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not folder.exists()
    # Threads of an earlier test may end in the meantime.
    assert threading.active_count() <= before


def test_every_run_has_keys_of_its_own(recordings: Path) -> None:
    with ReplayFleet(INVENTORY, recordings) as one, ReplayFleet(INVENTORY, recordings) as two:
        for name in ("id_ed25519", "known_hosts"):
            texts = [(f.inventory.parent / name).read_text() for f in (one, two)]
            assert texts[0] != texts[1]


def test_a_blank_fleet_needs_no_recordings(tmp_path: Path, intent: FabricIntent) -> None:
    with ReplayFleet(INVENTORY, tmp_path) as fleet:
        plans = plan(fleet, intent)
        assert all(change.before == FileState(None) for p in plans for change in p.changes)
        found = collect(fleet, intent)
    # But for what follows from its files, which are not there.
    assert {c.outputs[slug].rc for c in found.values() for slug in TEXT_SLUGS} == {127}


def test_without_asyncssh_it_says_what_to_install(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "replay.server", raising=False)
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with (
        pytest.raises(FleetError, match="needs the library asyncssh") as caught,
        ReplayFleet(INVENTORY, recordings),
    ):
        pass
    assert "evpn-fleet[demo]" in caught.value.hint


def test_the_demos_own_recordings_answer_every_command(intent: FabricIntent) -> None:
    with ReplayFleet(INVENTORY) as fleet:
        assert all(p.changes and p.error is None for p in plan(fleet, intent))
        for scene in ("deployed", "fault"):
            fleet.play(scene)
            for capture in collect(fleet, intent).values():
                assert capture.error is None
                said = {slug: (o.rc, o.stderr) for slug, o in capture.outputs.items()}
                assert {rc for rc, _ in said.values()} == {0}, said


@pytest.mark.parametrize(("holds", "of_the_first"), [(60.0, 1), (0.0, 2)])
def test_a_node_is_looked_at_again_once_another_was_changed_or_time_has_passed(
    fleet: ReplayFleet,
    intent: FabricIntent,
    monkeypatch: pytest.MonkeyPatch,
    holds: float,
    of_the_first: int,
) -> None:
    looked: list[str] = []

    def survey(host: str, *arguments: Any, **options: Any) -> NodeFacts:
        looked.append(host)
        return survey_node(host, *arguments, **options)

    monkeypatch.setattr(deploying, "survey_node", survey)
    monkeypatch.setattr(deploying, "_STILL_HOLDS", holds)
    options = DeployOptions(canary="node1", batch="100%")
    assert {it.outcome for it in deploy(fleet, intent, options)} == {"deployed"}
    assert Counter(looked) == {"node1": of_the_first, "node2": 2, "node3": 2}
