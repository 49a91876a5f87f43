"""Nodes that print what no healthy node prints: each is incomplete, and costs only itself."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.main import run
from overlay.records import RawOutput
from replay.fleet import RECORDINGS, ReplayFleet
from tasks.snapshot import read_snapshot, write_capture, write_meta
from tasks.ssh import connection
from tasks.ssh.script import Answer, Section, build_script, frame, sections_of, split_output
from tests.replay.test_replay import collect

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

pytestmark = pytest.mark.ssh

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventory"
SLUGS = ("bridge_fdb", "ip_link", "bgp_l2vpn_evpn")
MIB = 1024 * 1024


def _recorded(slug: str) -> str:
    return (RECORDINGS / "deployed" / "node2" / f"{slug}.txt").read_text()


def _garbage() -> str:
    return random.Random(7).randbytes(20_000).decode("utf-8", "replace")


HOSTILE = {
    "cut in a line": lambda text: RawOutput(_cut(text)),
    "cut, and known to be": lambda text: RawOutput(text[: len(text) // 2], truncated=True),
    "binary garbage": lambda _text: RawOutput(_garbage()),
    "garbage in the middle": lambda text: RawOutput(_inside(text, _garbage().replace("\n", ""))),
    "NUL bytes": lambda text: RawOutput(_inside(text, "\0" * 500)),
    "no such command": lambda _text: RawOutput("", 127, "sh: 1: bridge: not found\n"),
    "not permitted": lambda _text: RawOutput("", 1, "sudo: a password is required\n"),
    "killed by its time limit": lambda text: RawOutput(text[:300], 124),
    "a banner": lambda text: RawOutput(f"*** Authorised use only! ***\n{text}"),
    "HTML and shell": lambda text: RawOutput(f"{text}<script>alert(1)</script> $(reboot)\n"),
}


def _cut(text: str) -> str:
    # In an entry's first line: where details follow, the text alone does not show that it is cut.
    entry = re.compile(r"^(\d+: |[0-9a-f]{2}:| \*)", re.MULTILINE).search(text, len(text) // 2)
    assert entry is not None
    return text[: entry.start() + 9]


def _inside(text: str, harm: str) -> str:
    half = text.index("\n", len(text) // 2) + 1
    return f"{text[:half]}{harm}\n{text[half:]}"


def _snapshot(folder: Path, slug: str, output: RawOutput) -> Path:
    """The deployed fabric, but that node2 printed `output` for one command."""
    captures = read_snapshot(RECORDINGS / "deployed", ["node1", "node2", "node3"])
    captures[1] = replace(captures[1], outputs=captures[1].outputs | {slug: output})
    for capture in captures:
        write_capture(folder, capture)
    write_meta(folder, captures)
    return folder


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_neither_drift_nor_in_sync(slug: str, case: str, tmp_path: Path) -> None:
    snapshot = _snapshot(tmp_path / "snapshot", slug, HOSTILE[case](_recorded(slug)))
    code = run(
        ["-q", "--inventory", str(INVENTORY), "audit", "--from", str(snapshot), "-o", str(tmp_path)]
    )
    assert code == 3
    report = json.loads((tmp_path / "report.json").read_text())
    assert {name: host["status"] for name, host in report["hosts"].items()} == {
        "node1": "in-sync", "node2": "incomplete", "node3": "in-sync",
    }  # fmt: skip
    command = report["hosts"]["node2"]["commands"][slug]
    assert command["status"] in {"failed", "unparsed"}
    assert len(command["error"]) < 2_000
    assert report["findings"] == []
    assert {skip["host"] for skip in report["skipped"] if slug in skip["reason"]} == {"node2"}
    assert "<script>alert" not in (tmp_path / "report.html").read_text()


def test_what_a_login_prints_before_the_first_command_is_no_output() -> None:
    script = build_script([Section("one", "true"), Section("two", "true")])
    nonce, sections = sections_of(script.text)
    stdout, stderr = frame(nonce, [Answer(section, b"2: vxlan2\n") for section in sections])
    noise = b"Welcome!\r\n\x1b[31mLast login: today\n"
    assert split_output(script, noise + stdout, noise + stderr) == split_output(
        script, stdout, stderr
    )


def _loud(fleet: ReplayFleet, size: int) -> None:
    line = "33:33:00:00:00:01 dev node1 self permanent\n"
    recording = dict(fleet.nodes["node1"].recording)
    recording["bridge_fdb"] = RawOutput(line * (size // len(line) + 1))
    recording["bridge_fdb_later"] = RawOutput("")
    fleet.nodes["node1"].recording = recording


def test_a_hundred_megabytes_are_cut_said_and_bounded_in_memory(tmp_path: Path) -> None:
    """Measured: 410 MiB at the peak, 330 more than without them. What is over 64 MiB is cut."""
    with ReplayFleet(INVENTORY, RECORDINGS, scene="deployed") as fleet:
        quiet, _ = _peak(fleet, tmp_path / "quiet")
        _loud(fleet, 100 * MIB)
        peak, report = _peak(fleet, tmp_path / "loud")
    command = report["hosts"]["node1"]["commands"]["bridge_fdb"]
    assert command["status"] == "unparsed"
    assert "over the size limit" in command["error"]
    assert report["hosts"]["node2"]["status"] == "in-sync"
    assert peak - quiet < 6 * 64


def _peak(fleet: ReplayFleet, folder: Path) -> tuple[float, dict[str, object]]:
    """The peak RSS of an audit in MiB, and its report."""
    choice = ["--skip", "config-*,sysctl", "--no-history"]
    audit = [sys.executable, "run.py", "-q", "--inventory", fleet.inventory, "audit", *choice]
    done = subprocess.run(
        [sys.executable, "bench/measure.py", *audit, "-o", folder],
        cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True,
    )  # fmt: skip
    return json.loads(done.stdout)["rss"], json.loads((folder / "report.json").read_text())


def test_one_node_cannot_take_all_memory_by_many_commands(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_OF_A_SESSION", MIB)
    _loud(fleet, 4 * MIB)
    found = collect(fleet, intent)
    cut = found["node1"].outputs
    assert sum(len(output.text) for output in cut.values()) < 2 * MIB
    assert any(output.truncated for output in cut.values())
    assert not any(output.truncated for output in found["node2"].outputs.values())


class Endless:
    """A channel that has always more to say."""

    eof_received = closed = False

    def __init__(self, file: int) -> None:
        self.fileno = lambda: file

    def exit_status_ready(self) -> bool:
        return False

    def recv_ready(self) -> bool:
        return True

    recv_stderr_ready = recv_ready

    def recv(self, size: int) -> bytes:
        return b"x" * min(size, 4096)

    recv_stderr = recv


@pytest.mark.parametrize(("seconds", "room"), [(60.0, 8 * MIB), (0.2, 1 << 50)])
def test_a_node_that_never_stops_talking_is_left_at_a_limit(seconds: float, room: int) -> None:
    reading, writing = os.pipe()
    begun = time.monotonic()
    with open(reading), open(writing):  # noqa: PTH123 - descriptors
        out, err = connection._drain(Endless(reading), begun + seconds, room)
    assert len(out) + len(err) < min(room, 1 << 40) + MIB
    assert time.monotonic() - begun < 30
