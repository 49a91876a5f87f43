"""What a node's shell finds of its network's files, and what is made of its listing."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from overlay.errors import CommandError, FleetError
from overlay.plainfile import LARGEST
from tasks.ssh.given_hosts import given_hosts
from tasks.ssh.node_files import SLUG, files_sections, listing_of, read_listing
from tasks.ssh.script import build_script, split_output

LINES = b"a\n" + b"x" * LARGEST


def found(root: Path, *others: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What the script finds below `root`, run by a real shell; paths without `root`."""
    sections = files_sections((f"{root}/{o}" for o in others), sudo=False, first=f"{root}/main")
    script = build_script(sections)
    said = script.text.encode()
    done = subprocess.run(["/bin/sh", "-s"], input=said, capture_output=True, check=False)
    output = split_output(script, done.stdout, done.stderr)[SLUG]
    assert output.rc == 0, output.stderr
    texts, refused = read_listing(output.text, "node1")
    return {p.removeprefix(f"{root}/"): t for p, t in texts.items()}, refused


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_everything_that_is_sourced_is_found(tmp_path: Path):
    files = {
        "main": f"auto a\n  source {tmp_path}/d/*\nsource-directory dir\nsource\tone/two # why\n"
        "# source never\nsource main\nsource absent\nsource *.none\n",
        "d/1": "iface 1\n",
        "d/2": "source d/3/x\nsource 3/x\n",
        "d/3/x": "source ../../main\n",
        "dir/a": "iface ä\n",
        "one/two": "no final newline",
        "never": "x",
        "frr/frr.conf": "router bgp 1\n",
        "frr/other": "x",
    }
    lay(tmp_path, files)
    (tmp_path / "d" / "odd name;`id`").write_text("x")
    texts, refused = found(tmp_path, "frr/frr.conf", "sysctl.d/*")
    del files["never"], files["frr/other"]
    assert {p: t for p, t in texts.items() if ".." not in p} == files
    assert refused == ()


@pytest.mark.parametrize("where", ["main", "sourced", "frr/frr.conf"])
def test_a_fifo_is_named_and_not_waited_for(tmp_path: Path, where: str):
    lay(tmp_path, {"main": "source sourced\n", "frr/other": ""})
    (tmp_path / where).unlink(missing_ok=True)
    os.mkfifo(tmp_path / where)
    with pytest.raises(CommandError, match=f"node1: {tmp_path}/{where} is a FIFO, a device"):
        found(tmp_path, "frr/frr.conf")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    # A process without a name for it cannot be had as root; a file that fails to be read can.
    lay(tmp_path, {"main": "source mem\n"})
    (tmp_path / "mem").symlink_to("/proc/self/mem")
    texts, refused = found(tmp_path)
    assert set(texts) == {"main"}
    assert refused == (f"{tmp_path}/mem",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_what_only_root_may_read_is_read_with_sudo_or_named(tmp_path: Path):
    """As /etc/frr on Debian, which only its group may enter."""
    lay(tmp_path, {"main": "auto a\n", "frr/frr.conf": "router bgp 1\n", "frr/bare": "x"})
    (tmp_path / "frr").chmod(0o750)
    tmp_path.chmod(0o755)
    sudo = tmp_path / "bin" / "sudo"
    sudo.parent.mkdir()
    # It allows what `run.py sudoers` writes: to ask for that file, and to read it.
    wanted = f"{tmp_path}/frr/frr.conf"
    sudo.write_text(
        f'#!/bin/sh\n[ "$*" = "-n cat {wanted}" ] && echo by-sudo && exit 0\n'
        f'[ "$*" = "-n test ! -e {tmp_path}/frr/absent" ]\n'
    )
    sudo.chmod(0o755)
    others = [f"{tmp_path}/frr/{name}" for name in ("frr.conf", "absent", "bare")]
    script = build_script(files_sections(others, sudo=True, first=f"{tmp_path}/main"))
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for folder in tmp_path.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o011)
    done = subprocess.run(
        [*nobody, "/bin/sh", "-s"],
        input=script.text.encode(),
        capture_output=True,
        check=False,
        env={"PATH": f"{sudo.parent}:/usr/bin:/bin"},
    )
    texts, refused = read_listing(
        split_output(script, done.stdout, done.stderr)[SLUG].text, "node1"
    )
    assert texts == {f"{tmp_path}/main": "auto a\n", wanted: "by-sudo\n"}
    assert refused == (f"{tmp_path}/frr/bare",)


def test_a_listing_is_read_back():
    files = {"/etc/network/interfaces": "auto a\n", "/etc/x": "", "/etc/ä": "\x1b€\n"}
    assert read_listing(listing_of(files.items()), "a") == (files, ())
    raw = base64.b64encode(b"a\xff\n").decode()
    assert read_listing(f"/etc/x {raw}\n/etc/y !\n", "a") == ({"/etc/x": "a\\xff\n"}, ("/etc/y",))


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("Last login: yesterday\n", "node1: a line of the listing is not `PATH BASE64`"),
        (
            f"/etc/x {base64.b64encode(LINES).decode()}\n",
            "node1: /etc/x:2: a line of more than 100000 characters",
        ),
    ],
)
def test_what_is_not_a_listing_is_an_error(listing: str, said: str):
    with pytest.raises(CommandError, match=said):
        read_listing(listing, "node1")


CONFIG = """\
Host pve1
  HostName 192.0.2.1
  Port 2222
  User admin
  UserKnownHostsFile /some/known /other
Host bare
  HostName 192.0.2.9
"""


def test_hosts_are_reached_as_openssh_would(tmp_path: Path):
    file = tmp_path / "config"
    file.write_text(CONFIG)
    data = {"ssh_config": str(file), "known_hosts": "/some/known"}
    words = ["pve1", "root@pve2:23", "[2001:db8::1]:22", "bare"]
    assert {host.name: host.as_keys() for host in given_hosts(words, file)} == {
        "pve1": {"hostname": "pve1", "username": "admin", "port": 2222, "data": data},
        "pve2": {"hostname": "pve2", "username": "root", "port": 23},
        "2001:db8::1": {"hostname": "2001:db8::1", "username": "root"},
        "bare": {"hostname": "bare", "username": "root", "data": {"ssh_config": str(file)}},
    }


@pytest.mark.parametrize(
    ("words", "config", "said"),
    [
        (["a b"], None, "--host a b: not of the form"),
        (["a:b"], None, "--host a:b: not of the form"),
        (["a", "root@a"], None, "--host root@a: it is named twice"),
        (["a"], "absent", "there is no such file"),
        (["a"], "nonsense\n", "not an ssh_config"),
    ],
)
def test_what_is_not_a_host_is_explained(words, config, said, tmp_path: Path):
    file = tmp_path / "config" if config else None
    if file and config != "absent":
        file.write_text(config)
    with pytest.raises(FleetError, match=said):
        given_hosts(words, file)
