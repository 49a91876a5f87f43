"""Snapshots: what is written is read back, and a folder made by hand is read too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from overlay.errors import SnapshotError
from overlay.records import RawOutput
from tasks.commands import HostCapture
from tasks.snapshot import read_snapshot, write_capture, write_meta

if TYPE_CHECKING:
    from pathlib import Path

CAPTURES = [
    HostCapture(
        "node1",
        {
            "bridge_fdb": RawOutput("33:33:00:00:00:01 dev eno1 self permanent\n"),
            "ip_link": RawOutput("no final newline"),
            "bgp_l2vpn_evpn": RawOutput("", 1, "Exiting: failed to connect to any daemons.\n"),
            "evpn_vni": RawOutput("{}\n"),
            "ip_address": RawOutput("[", None, "", truncated=True),
        },
    ),
    HostCapture("node2", {}, "node2: no SSH connection\n  next: check that the node is up"),
]


def write(folder: Path) -> None:
    for capture in CAPTURES:
        write_capture(folder, capture)
    write_meta(folder, CAPTURES)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path)
    assert read_snapshot(tmp_path, ["node1", "node2"]) == CAPTURES
    assert (tmp_path / "node1/evpn_vni.json").read_text() == "{}\n"
    assert (tmp_path / "node1/ip_link.txt").read_text() == "no final newline"


@pytest.mark.parametrize("text", ["a\r\nb\r\n", "a\rb", "\ufffd\0\x1b[31m", "\u2028x\x85y"])
def test_the_texts_are_the_very_bytes(tmp_path: Path, text: str) -> None:
    capture = HostCapture("node1", {"ip_link": RawOutput(text)})
    write_capture(tmp_path, capture)
    assert (tmp_path / "node1/ip_link.txt").read_bytes() == text.encode()
    assert read_snapshot(tmp_path, ["node1"]) == [capture]


def test_the_same_captures_give_the_same_bytes(tmp_path: Path) -> None:
    write_meta(tmp_path / "a", CAPTURES)
    write_meta(tmp_path / "b", reversed(CAPTURES))
    first, second = ((tmp_path / name / "snapshot.json").read_bytes() for name in "ab")
    assert first == second


def test_a_folder_made_by_hand_needs_no_description(tmp_path: Path) -> None:
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1/bridge_fdb.txt").write_text("x\n")
    (tmp_path / "node1/notes.txt").write_text("ours\n")
    one, two = read_snapshot(tmp_path, ["node1", "node2"])
    assert one == HostCapture("node1", {"bridge_fdb": RawOutput("x\n")})
    assert two.outputs == {}
    assert "no folder of that name" in str(two.error)


def test_a_second_snapshot_in_the_same_folder_keeps_nothing_of_the_first(tmp_path: Path) -> None:
    write(tmp_path)
    second = HostCapture("node1", {"bridge_fdb": RawOutput("new\n")})
    write_capture(tmp_path, second)
    write_meta(tmp_path, [second])
    assert read_snapshot(tmp_path, ["node1"]) == [second]


def test_text_that_is_no_utf8_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1/bridge_fdb.txt").write_bytes(b"\xff\n")
    assert read_snapshot(tmp_path, ["node1"])[0].outputs["bridge_fdb"].text == "\ufffd\n"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".", "..", ".hidden", "a b"])
def test_a_hosts_name_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SnapshotError, match="cannot be a folder's name"):
        write_capture(tmp_path / "snap", HostCapture(name, {"ip_link": RawOutput("x")}))
    assert not (tmp_path / "evil").exists()


def test_an_absent_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="there is no such folder") as caught:
        read_snapshot(tmp_path / "nowhere", ["node1"])
    assert "collect" in caught.value.hint


def test_a_folder_of_nobodys_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="no folder of any host"):
        read_snapshot(tmp_path, ["node1"])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"hosts": 3}', '{"hosts": {"node1": 3}}', "\x00"]
    + [json.dumps({"hosts": {"node1": {"commands": bad}}}) for bad in (7, [], {"ip_link": 1})],
)
def test_a_broken_description_is_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1/ip_link.txt").write_text("x")
    (tmp_path / "snapshot.json").write_text(text)
    with pytest.raises(SnapshotError, match="not a snapshot's description"):
        read_snapshot(tmp_path, ["node1"])
