"""Files that are no configuration at all: `lint` and both imports say which, and at which line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.adopt.test_proxmox import cluster, running
from tests.cli.audits import call
from tests.work import counted

if TYPE_CHECKING:
    from pathlib import Path

# Half a million calls load the program; a million lines that are read take 21 million.
WORK = 2_000_000
LONG = "a line of more than 100000 characters"
STANZA = b"auto eno1\niface eno1 inet manual\n"
STRANGE = {
    "a NUL byte": (STANZA + b"iface a\0b\n", "3: it holds a NUL byte, in column 8"),
    "UTF-16": (STANZA.decode().encode("utf-16"), "1: it holds a NUL byte"),
    "a million lines": (b"a\n" * 1_000_000, "200001: it has more than 200000 lines"),
    "a long line": (STANZA + b"iface x\n address " + b"1" * 3_000_000, f"4: {LONG}"),
    "a longer line": (STANZA + b"iface x\n address " + b"1" * 10_000_000, f"4: {LONG}"),
    "four million bytes": ((b"#" * 99 + b"\n") * 40_001, "40001: it has more than 4000000 bytes"),
}


@pytest.mark.parametrize("what", STRANGE)
@pytest.mark.parametrize("file", ["network/interfaces", "frr/frr.conf"])
def test_a_hosts_file_that_is_no_configuration(tmp_path: Path, what: str, file: str):
    data, wanted = STRANGE[what]
    path = tmp_path / "in" / "node1" / "etc" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    for words in (("lint", tmp_path / "in"), ("import", "hosts", "--from", tmp_path / "in")):
        output = () if words[0] == "lint" else ("-o", tmp_path / "out")
        with counted() as work:
            ended = call(*words, *output)
        assert ended.code == 1, ended.out
        assert f"{path}:{wanted}" in ended.err.replace("\n", "")
        assert re.search("next: (copy the file again|remove it from the folder)", ended.err)
        assert len(ended.err) < 1000, "its contents are not printed"
        assert work.calls < WORK, "it was read further than to see that it is none"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["interfaces", "sdn", "frr.conf", "frr.conf.local"])
def test_a_file_of_a_cluster_that_is_no_configuration(tmp_path: Path, name: str):
    pve = cluster(tmp_path / "pve", running())
    (pve / "nodes" / "pve2" / name).write_bytes(STRANGE["a NUL byte"][0])
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "out")
    assert ended.code == 1, ended.out
    assert "pve2: /etc/" in ended.err
    assert ":3: it holds a NUL byte" in ended.err


def test_a_running_sdn_that_is_too_large_is_not_read(tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    (pve / "sdn" / ".running-config").write_bytes(b"[" + b"1" * 10_000_000)
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "out")
    assert ended.code == 1
    assert f"sdn/.running-config:1: {LONG}" in ended.err


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 100_000, "\0", "", json.dumps([]), '{"zones": {"ids": 3}}']
)
def test_a_running_sdn_that_is_none(tmp_path: Path, text: str):
    pve = cluster(tmp_path / "pve", running())
    (pve / "sdn" / ".running-config").write_text(text)
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "sdn/.running-config: " in ended.err
    assert "next: " in ended.err


def test_line_ends_of_windows_and_sources_in_a_loop_are_read(tmp_path: Path):
    etc = tmp_path / "in" / "node1" / "etc" / "network"
    (etc / "interfaces.d").mkdir(parents=True)
    (etc / "interfaces").write_bytes(b"source interfaces.d/a\r\nauto vx1\r\niface vx1\r\n")
    (etc / "interfaces.d" / "a").write_bytes(b"source /etc/network/interfaces.d/*\r\nsource b\r\n")
    (etc / "interfaces.d" / "b").write_bytes(b"source a\nsource /etc/network/interfaces\n")
    for number in range(2000):  # each names the next one, and all of them
        (etc / "interfaces.d" / f"n{number}").write_text(f"source n{number + 1}\nsource *\n")
    with counted() as work:
        ended = call("lint", tmp_path / "in")
    assert ended.code == 0, ended.err
    assert work.calls < WORK, "each of them looked at all others"
