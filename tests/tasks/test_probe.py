"""What a node is told to ask with `--probe`, and how its script asks it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from overlay.outputs import PROBE
from tasks.commands import as_section
from tasks.probes import node_probe
from tasks.probes.command import probe_command
from tasks.ssh.script import build_script, split_output
from tests.drift import worlds

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROUNDS = 5


def test_a_node_is_told_whom_to_ask_in_the_one_command() -> None:
    intent = worlds.symmetric()
    command = probe_command(intent, intent.nodes["node3"])
    assert command is not None
    assert not command.root  # no rule of sudo is needed for it
    program, option, script, asked = shlex.split(command.command)
    assert (program, option) == ("python3", "-c")
    compile(script, "node_probe", "exec")
    told = json.loads(asked)
    assert told["source"] == "192.168.0.3"
    assert [peer["address"] for peer in told["peers"]] == ["192.168.0.1", "192.168.0.2"]
    assert {peer["size"] for peer in told["peers"]} == {1550}


def test_a_reflector_asks_nobody() -> None:
    intent = worlds.example("route-reflectors")
    assert probe_command(intent, intent.nodes["rrserver1"]) is None


@pytest.mark.parametrize("found", [True, False])
def test_the_script_runs_as_a_section_of_the_joined_one(tmp_path: Path, *, found: bool) -> None:
    intent = worlds.bridged(2)
    command = probe_command(intent, intent.nodes["node1"])
    assert command is not None
    script, _ = shlex.split(command.command)[2:]
    (tmp_path / "ping").write_text("#!/bin/sh\n")
    (tmp_path / "ping").chmod(0o755 if found else 0o644)
    words = [sys.executable, "-c", script, '{"source": "192.168.0.1", "peers": []}']
    here = replace(command, command=f"PATH={tmp_path} {shlex.join(words)}")
    framed = build_script([as_section(here, sudo=False)])
    done = subprocess.run(["sh", "-s"], input=framed.text.encode(), capture_output=True, check=True)
    output = split_output(framed, done.stdout, done.stderr)[PROBE]
    assert output.rc == (0 if found else 1), output.stderr
    assert found or output.stderr.strip() == "ping is not there: install iputils-ping"
    assert output.text == ""


@pytest.mark.parametrize("limit", [512, 513, 1280, 1500, 1504, 1549, 8999])
def test_the_largest_size_is_found_in_a_few_rounds(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    rounds = 0
    run_all = node_probe.run_all

    def counted(jobs):
        nonlocal rounds
        rounds += 1
        run_all(jobs)

    monkeypatch.setattr(node_probe, "passes", lambda _address, size, _count: size <= limit)
    monkeypatch.setattr(node_probe, "run_all", counted)
    full = 1550 if limit < 1550 else 9000
    assert node_probe.ask_path("192.0.2.1", full) == f"path 192.0.2.1 {full} short {limit}"
    assert rounds <= MOST_ROUNDS


def test_a_path_that_loses_small_packets_too_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_probe, "passes", lambda *_: False)
    assert node_probe.ask_path("192.0.2.1", 1550) == "path 192.0.2.1 1550 lost"


def test_the_packet_is_vxlan_with_an_arp_probe_in_it() -> None:
    own, gateway = bytes.fromhex("020000000001"), bytes.fromhex("443939ff4094")
    packet = node_probe.question(own, gateway, 0x010203, "10.0.2.254")
    assert packet[:8].hex() == "0800000001020300"
    assert packet[8:22].hex() == "443939ff4094" + "020000000001" + "0806"
    assert packet[22:].hex() == (
        "0001080006040001" + "020000000001" + "00000000" + "000000000000" + "0a0002fe"
    )


@pytest.mark.parametrize(("vlan", "guest"), [(None, "02:00:00:00:00:03"), (2, "02:00:00:00:00:04")])
def test_a_guest_asks_in_its_own_vlan(
    monkeypatch: pytest.MonkeyPatch, vlan: int | None, guest: str
) -> None:
    """One device for all VNIs has all their guests on one bridge."""
    shown = [
        {"mac": "02:00:00:00:00:01", "ifname": "vxlan0", "vlan": 2, "master": "vmbr1", "state": ""},
        {"mac": "02:00:00:00:00:02", "ifname": "tap1i0", "vlan": 2, "master": "vmbr1", "state": "permanent"},
        {"mac": "02:00:00:00:00:03", "ifname": "tap1i0", "vlan": 3, "master": "vmbr1", "state": ""},
        {"mac": "02:00:00:00:00:04", "ifname": "tap2i0", "vlan": 2, "master": "vmbr1", "state": ""},
    ]  # fmt: skip
    done = subprocess.CompletedProcess([], 0, stdout=json.dumps(shown).encode())
    monkeypatch.setattr(node_probe.subprocess, "run", lambda *_, **__: done)
    tunnel = {"device": "vxlan0", "bridge": "vmbr1", "vlan": vlan}
    assert node_probe.guest_of(tunnel) == guest
