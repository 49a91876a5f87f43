"""FIFOs, folders, devices and loops of links where files are expected: named, and never waited for."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from tests.adopt.folders import EXAMPLES
from tests.adopt.test_proxmox import cluster, running
from tests.cli.audits import call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Two seconds would do: who opens a FIFO waits for ever.
pytestmark = pytest.mark.timeout(60)


def make_socket(path: Path) -> None:
    # Its path has 107 bytes at the most.
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(path.parent):
        listening.bind(path.name)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


# How each is made, and what is said of it.
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a FIFO": (os.mkfifo, "it is a FIFO, not a file"),
    "a folder": (os.mkdir, "it is a folder, not a file"),
    "a socket": (make_socket, "it is a socket, not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a character device, not a file"),
    "a loop": (make_loop, "Too many levels of symbolic links"),
    "a link to nowhere": (lambda path: path.symlink_to("gone"), "No such file or directory"),
}


def put(path: Path, what: str) -> str:
    """Puts an odd thing in a file's place; what is to be said of it."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    make, said = ODD[what]
    make(path)
    return said


def refused(*words: object, path: Path, said: str) -> None:
    ended = call(*words)
    assert ended.code == 1, ended.out
    told = " ".join(ended.err.split())
    assert (
        f"{path}: cannot be read: {said}" in told or f"{path.name} cannot be read: {said}" in told
    )
    assert "next: " in told


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize(
    "name", ["network/interfaces", "frr/frr.conf", "frr/daemons", "sysctl.conf"]
)
def test_in_the_place_of_a_hosts_file(tmp_path: Path, what: str, name: str):
    source = tmp_path / "in"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", source).code == 0
    path = source / "node1" / "etc" / name
    said = put(path, what)
    refused("lint", source, path=path, said=said)
    refused("import", "hosts", "--from", source, "-o", tmp_path / "out", path=path, said=said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", [it for it in ODD if it not in {"a folder", "a link to nowhere"}])
@pytest.mark.parametrize("name", ["network/interfaces.d/more", "sysctl.d/10-more.conf"])
def test_among_the_files_of_a_folder(tmp_path: Path, what: str, name: str):
    source = tmp_path / "in"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", source).code == 0
    path = source / "node2" / "etc" / name
    refused("lint", source, path=path, said=put(path, what))


def test_folders_and_links_to_nowhere_among_them_are_left_out(tmp_path: Path):
    """As Debian has sysctl.d/99-sysctl.conf, whose file a copy may lack."""
    source = tmp_path / "in"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", source).code == 0
    etc = source / "node1" / "etc"
    (etc / "sysctl.d" / "99-sysctl.conf").symlink_to("../sysctl.conf")
    (etc / "network" / "if-up.d").mkdir()
    (etc / "network" / "if-up.d" / "again").symlink_to("..")  # a loop through a folder
    (source / "notes.txt").write_text("copied on Monday\n")
    ended = call("lint", source)
    assert (ended.code, ended.out) == (0, ""), ended.err


@pytest.mark.parametrize("what", [it for it in ODD if it != "a folder"])
def test_in_the_place_of_a_hosts_folder(tmp_path: Path, what: str):
    source = tmp_path / "in"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", source).code == 0
    path = source / "node9"
    refused("lint", source, path=path, said=put(path, what))


@pytest.mark.parametrize("what", ODD)
def test_in_the_place_of_an_output_of_a_snapshot(tmp_path: Path, what: str):
    path = tmp_path / "in" / "node1" / "file_interfaces.txt"
    path.parent.mkdir(parents=True)
    (path.parent / "running_config.txt").write_text("Current configuration:\n!\nend\n")
    refused("lint", tmp_path / "in", path=path, said=put(path, what))


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize(
    "name",
    [".members", "sdn/.running-config", "sdn/zones.cfg", "nodes/pve2/interfaces",
     "nodes/pve2/sdn", "nodes/pve2/frr.conf", "nodes/pve2/frr.conf.local"],
)  # fmt: skip
def test_in_the_place_of_a_clusters_file(tmp_path: Path, what: str, name: str):
    pve = cluster(tmp_path / "pve", running())
    said = put(pve / name, what)
    out = tmp_path / "out"
    refused("import", "proxmox", "--from", pve, "-o", out, path=pve / name, said=said)
    assert not out.exists()


@pytest.mark.parametrize("name", ["sdn", "nodes"])
def test_in_the_place_of_a_clusters_folder(tmp_path: Path, name: str):
    pve = cluster(tmp_path / "pve", running())
    shutil.rmtree(pve / name)
    os.mkfifo(pve / name)
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "out")
    assert ended.code == 1
    assert f"{pve / name}" in ended.err
    assert "Not a directory" in ended.err


def test_notes_beside_a_clusters_nodes_are_left_out(tmp_path: Path):
    pve = cluster(tmp_path / "pve", running())
    (pve / "nodes" / "notes.txt").write_text("copied on Monday\n")
    ended = call("import", "proxmox", "--from", pve, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err


INTENT = ["fabric.yaml", "hosts.yaml", "groups.yaml", "defaults.yaml", "suppressions.yaml",
          "nornir.yaml", "node1.frr.conf"]  # fmt: skip


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("name", INTENT)
def test_in_the_place_of_a_file_of_the_inventory(tmp_path: Path, what: str, name: str):
    folder = tmp_path / "fabric"
    shutil.copytree(EXAMPLES / "l2-evpn", folder)
    if name == "node1.frr.conf":
        fabric = folder / "fabric.yaml"
        fabric.write_text(fabric.read_text() + f"\nfrr_extra_file: {name}\n")
    said = put(folder / name, what)
    command = ("audit", "--from", folder, "-o", tmp_path / "out") if "supp" in name else ("plan",)
    ended = call("--inventory", folder, *command)
    assert ended.code == 1, ended.out
    told = " ".join(ended.err.split())
    assert name in told
    assert said in told or (
        what == "a link to nowhere" and f"{name}: there is no such file" in told
    )


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As one that root has copied. Tests run as root, who may read everything."""
    source = tmp_path / "in"
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", source).code == 0
    path = source / "node1" / "etc" / "frr" / "frr.conf"
    opened = type(path).open

    def may_not(self: Path, *words: str) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *words)

    monkeypatch.setattr(type(path), "open", may_not)
    refused("lint", source, path=path, said="Permission denied")
