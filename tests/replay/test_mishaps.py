"""What goes wrong between us and a node, and what is said of it."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

import asyncssh
import paramiko
import pytest

from app.audit.pipeline import asked
from overlay.records import RawOutput
from replay.node import Mishap
from tasks.collect import collect_all
from tasks.commands import HostCapture
from tasks.deploy import deploy_all
from tasks.options import DeployOptions
from tasks.plan import plan_all
from tasks.ssh.connection import FleetSSH
from tasks.ssh.fleet import open_fleet
from tests.replay.conftest import HOSTS, outputs

if TYPE_CHECKING:
    from pathlib import Path

    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet
    from tasks.deploy import NodeOutcome

pytestmark = pytest.mark.ssh

FIRST, SECOND = "bridge_fdb", "ip_link"


RAISE = "raise it with --timeout, or with `timeout` in the data of the host or of its group"
WHY_ENDED = {
    Mishap.HANG: f"cut off: the node's time limit of 5 s ended it: {RAISE}",
    Mishap.CUT: "cut off: the connection broke before it ended",
}


def collect(
    fleet: ReplayFleet, intent: FabricIntent, timeout: float | None = None
) -> dict[str, HostCapture]:
    captures: list[HostCapture] = []
    with open_fleet(fleet.inventory, timeout=timeout) as opened:
        collect_all(opened, asked(intent, opened.hosts), captures.append)
    assert len(captures) == len(HOSTS), "no node is ever lost from the results"
    return {capture.host: capture for capture in captures}


def deploy(
    fleet: ReplayFleet, intent: FabricIntent, options: DeployOptions | None = None
) -> dict[str, NodeOutcome]:
    with open_fleet(fleet.inventory) as opened:
        done = deploy_all(opened, intent, lambda _: None, options=options)
    return {outcome.host: outcome for outcome in done}


def whole(host: str) -> HostCapture:
    return HostCapture(host, outputs(host, "deployed"))


def edit(folder: Path, name: str, find: str, put: str) -> None:
    path = folder / name
    assert find in path.read_text()
    path.write_text(path.read_text().replace(find, put))


def test_a_changed_host_key_is_refused_and_explained(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    known_hosts = fleet.inventory.parent / "known_hosts"
    lines = known_hosts.read_text().splitlines()
    name = lines[1].split()[0]
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    lines[1] = f"{name} {other.strip()}"
    known_hosts.write_text("\n".join(lines) + "\n")
    found = collect(fleet, intent)
    assert found["node1"] == whole("node1")
    assert found["node3"] == whole("node3")
    error = str(found["node2"].error)
    assert re.match(
        r"node2: 127\.0\.0\.1 port \d+: THE HOST KEY HAS CHANGED: .*known_hosts\n"
        r"  next: if the node was reinstalled, .*ssh-keyscan -p \d+ 127\.0\.0\.1",
        error,
    ), error
    assert found["node2"].outputs == {}


@pytest.mark.parametrize("text", ["", "[127.0.0.1]:22 ssh-ed25519 AAAA\n", None])
def test_an_unknown_host_key_is_never_accepted(
    fleet: ReplayFleet, intent: FabricIntent, text: str | None
) -> None:
    known_hosts = fleet.inventory.parent / "known_hosts"
    if text is None:
        known_hosts.unlink()
    else:
        known_hosts.write_text(text)
    before = known_hosts.exists() and known_hosts.read_bytes()
    for capture in collect(fleet, intent).values():
        assert "unknown keys are never accepted" in str(capture.error)
        assert "then append the output of `ssh-keyscan -p " in str(capture.error)
    assert (known_hosts.exists() and known_hosts.read_bytes()) == before


def test_hashed_names_in_known_hosts_are_found(fleet: ReplayFleet, intent: FabricIntent) -> None:
    known_hosts = fleet.inventory.parent / "known_hosts"
    lines = [line.split(" ", 1) for line in known_hosts.read_text().splitlines()]
    hashed = [f"{paramiko.HostKeys.hash_host(name)} {key}" for name, key in lines]
    known_hosts.write_text("\n".join(hashed) + "\n")
    assert collect(fleet, intent) == {host: whole(host) for host in HOSTS}


def test_a_refused_login_is_explained_and_not_tried_again(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    (fleet.inventory.parent / "id_ed25519").write_bytes(stranger.export_private_key())
    begun = time.monotonic()
    for host, capture in collect(fleet, intent).items():
        assert str(capture.error).startswith(f"{host}: 127.0.0.1 port ")
        assert "it refused the login of user root" in str(capture.error)
        assert "check username and key_file in the inventory" in str(capture.error)
    assert time.monotonic() - begun < 30


def test_a_key_file_that_is_absent_is_explained(fleet: ReplayFleet, intent: FabricIntent) -> None:
    edit(fleet.inventory, "groups.yaml", "id_ed25519", "nowhere")
    for capture in collect(fleet, intent).values():
        assert "there is no key file" in str(capture.error)


@pytest.mark.parametrize(
    "text", ["", "not a key\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "ssh-ed25519 AAAA\n"]
)
def test_a_key_file_that_is_no_key_is_explained(
    fleet: ReplayFleet, intent: FabricIntent, text: str
) -> None:
    (fleet.inventory.parent / "id_ed25519").write_text(text)
    for capture in collect(fleet, intent).values():
        assert "id_ed25519 cannot be used as a private key" in str(capture.error)


def test_a_name_that_does_not_resolve_is_explained(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    edit(fleet.inventory, "hosts.yaml", "hostname: 127.0.0.1", "hostname: nowhere.invalid")
    for capture in collect(fleet, intent).values():
        assert "the name does not resolve" in str(capture.error)


def test_a_host_that_is_down_costs_seconds_and_only_itself(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.power_off("node2")
    begun = time.monotonic()
    found = collect(fleet, intent)
    assert time.monotonic() - begun < 30
    assert re.search(
        r"^node2: 127\.0\.0\.1 port \d+: no SSH connection: .*refused", str(found["node2"].error)
    )
    assert "check that the node is up" in str(found["node2"].error)
    assert [found[host] for host in ("node1", "node3")] == [whole("node1"), whole("node3")]


@pytest.mark.slow
def test_a_port_that_says_nothing_is_given_up(fleet: ReplayFleet, intent: FabricIntent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        hosts = (fleet.inventory / "hosts.yaml").read_text()
        first = re.search(r"port: (\d+)", hosts)
        assert first
        port = mute.getsockname()[1]
        edit(fleet.inventory, "hosts.yaml", first[0], f"port: {port}")
        begun = time.monotonic()
        found = collect(fleet, intent)
    assert time.monotonic() - begun < 30, "an audit says within 30 s that a node is gone"
    assert "no SSH connection" in str(found["node1"].error)
    assert found["node2"] == whole("node2")


@pytest.mark.parametrize("mishap", list(Mishap))
def test_a_session_that_breaks_or_hangs_leaves_sections_that_are_not_whole(
    fleet: ReplayFleet,
    intent: FabricIntent,
    mishap: Mishap,
) -> None:
    fleet.nodes["node2"].mishaps[SECOND] = mishap
    begun = time.monotonic()
    found = collect(fleet, intent, timeout=5.0 if mishap is Mishap.HANG else None)
    assert time.monotonic() - begun < 30
    node2 = found["node2"]
    text = outputs("node2", "deployed")[SECOND].text.encode()
    half = text[: len(text) // 2].decode("utf-8", "replace")
    assert node2.outputs == {
        FIRST: outputs("node2", "deployed")[FIRST],
        SECOND: RawOutput(half, None, "", truncated=True, ended=WHY_ENDED[mishap]),
    }
    assert found["node1"] == whole("node1")


def test_a_shell_that_never_answers_is_an_error(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet.nodes["node1"], "answer_script", lambda _text: (b"", b"", Mishap.CUT))
    found = collect(fleet, intent)["node1"]
    assert found.outputs == {}
    assert found.error is not None


def test_a_forced_command_is_an_error_with_its_words(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (b"", b"This account is not available.\n", None)
    monkeypatch.setattr(fleet.nodes["node1"], "answer_script", lambda _text: said)
    found = collect(fleet, intent)["node1"]
    assert "its shell ran no command: This account is not available." in str(found.error)


def test_a_plan_says_which_node_could_not_be_asked(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.power_off("node1")
    fleet.nodes["node2"].mishaps["text:etc_frr_frr.conf"] = Mishap.CUT
    with open_fleet(fleet.inventory) as opened:
        one, two, three = plan_all(opened, intent)
    assert one.unreachable
    assert two.error is not None
    assert "node2: /etc/frr/frr.conf cannot be read: the output is incomplete" in two.error
    assert three.error is None
    assert three.changes


def test_a_deploy_goes_on_without_the_nodes_that_are_down(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.power_off("node1")
    found = deploy(fleet, intent)
    assert [found[host].outcome for host in HOSTS] == ["unreachable", "deployed", "deployed"]


def test_a_node_that_refuses_a_file_is_not_changed(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    node = fleet.nodes["node1"]
    before = dict(node.files)
    node.mishaps["validate:/etc/network/interfaces"] = Mishap.CUT
    found = deploy(fleet, intent)["node1"]
    assert found.outcome == "failed"
    assert "validate failed at validate:/etc/network/interfaces" in str(found.error)
    assert "nothing was changed" in str(found.error)
    assert node.files == before


@pytest.mark.parametrize(
    "error", [paramiko.SSHException("Channel closed."), OSError("No space left"), EOFError()]
)
def test_sftp_that_fails_is_explained_and_cleaned_up(
    fleet: ReplayFleet, intent: FabricIntent, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: FleetSSH) -> paramiko.SFTPClient:
        raise error

    monkeypatch.setattr(FleetSSH, "open_sftp", refuse)
    for host, found in deploy(fleet, intent, DeployOptions(max_failures=9)).items():
        assert found.outcome == "failed"
        assert re.search(r"SFTP into /tmp/evpn-fleet\.\w+ failed", str(found.error))
        assert list((fleet.nodes[host].home / "tmp").iterdir()) == []


def test_output_after_the_exit_status_is_not_lost(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSH reports a shell's exit as soon as it sees it, with output still on its way."""
    monkeypatch.setattr(paramiko.Channel, "exit_status_ready", lambda _self: True)
    assert collect(fleet, intent) == {host: whole(host) for host in HOSTS}
