"""`lint` as other programs call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.adopt.folders import EXAMPLES, SEED
from tests.cli.audits import call

if TYPE_CHECKING:
    from pathlib import Path


def test_faults_are_exit_code_two_with_file_line_and_remedy():
    ended = call("lint", SEED / "l2-evpn")
    assert ended.code == 2
    assert ended.out == (
        f"{SEED}/l2-evpn/node3/etc/network/interfaces:7: error: 192.168.0.2 is also the address of "
        "node2 [address-used-twice]\n"
        "  next: write node3's own address: its tunnels leave from 192.168.0.3\n"
    )
    assert "3 hosts: 1 fault" in ended.err


def test_what_render_writes_is_in_order(tmp_path: Path):
    assert call("--inventory", EXAMPLES / "l3-symmetric", "render", "-o", tmp_path).code == 0
    ended = call("lint", tmp_path)
    assert (ended.code, ended.out) == (0, "")
    assert call("lint", "--strict", tmp_path).code == 0


def test_json_has_each_field():
    ended = call("lint", "--json", SEED / "l2-evpn")
    assert json.loads(ended.out) == [
        {
            "rule": "address-used-twice",
            "level": "error",
            "host": "node3",
            "file": "/etc/network/interfaces",
            "line": 7,
            "what": "192.168.0.2 is also the address of node2",
            "remedy": "write node3's own address: its tunnels leave from 192.168.0.3",
            "also": [],
        }
    ]


def test_a_folder_without_hosts_is_an_error(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "absent", SEED / "l2-evpn" / "node1"):
        ended = call("lint", folder)
        assert ended.code == 1
        assert "DIR/HOST/etc/network/interfaces" in ended.err


def test_text_of_a_host_cannot_move_the_cursor(tmp_path: Path):
    file = tmp_path / "node1" / "etc" / "network" / "interfaces"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"auto a\niface a\n  mtu 1 #\x1b[2J\xff\n  vxlan_\x1bid 5\n")
    ended = call("lint", tmp_path)
    assert ended.code == 2
    assert "\x1b" not in ended.out
