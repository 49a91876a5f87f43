"""The lab without a lab: what it reads, writes and refuses.  No root, no node, under a second."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lab import fabric, forward, guests, host, identity, ssh, stand_in
from lab.errors import LabError
from lab.kernels.kernel import Kernel
from lab.node import console_tail, kernel_arguments, matches_record
from lab.paths import LabPaths, lab_paths
from lab.spec import LabSpec, load_lab, parse_lab, stable_mac
from lab.ssh import Done

NODES = {"node1": {"release": "bookworm"}, "node2": {"release": "trixie", "memory": "512M"}}
VM = {"node": "node1", "bridge": "vmbr2", "addresses": ["10.0.2.11/24"]}

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no OpenSSH client")


KERNEL = Kernel("testing-seccomp", Path("/k/linux.uml"), Path("/k/modules/7.2.7"), ("seccomp=on",))


def spec_of(**content: object) -> LabSpec:
    return parse_lab({"nodes": NODES, **content}, Path("inv/lab.yaml"))


# ---- lab.yaml


def test_nodes_get_addresses_in_file_order() -> None:
    nodes = spec_of().nodes
    assert [(n.name, n.number, n.address, n.port, n.mgmt_address) for n in nodes.values()] == [
        ("node1", 1, "127.77.0.1", 2222, "10.255.0.1"),
        ("node2", 2, "127.77.0.2", 2222, "10.255.0.2"),
    ]
    assert [n.memory for n in nodes.values()] == ["256M", "512M"]


def test_machine_defaults_are_stable_and_ports_unique() -> None:
    names = ("vm12", "router", "x12", "vm112")
    one, two = (spec_of(machines=dict.fromkeys(names, VM)).guests for _ in range(2))
    assert one == two
    assert one["vm12"].port == "tap12i0"
    assert len({m.port for m in one.values()}) == len({m.mac for m in one.values()}) == 4
    assert all(re.fullmatch(r"tap\d{1,6}i0", m.port) for m in one.values())
    first = int(one["vm12"].mac[:2], 16)
    assert first & 3 == 2, "locally administered and unicast"
    assert stable_mac("a", "b") == "02:c1:4c:dd:c0:33"


def test_a_machine_may_have_both_families() -> None:
    vm = {**VM, "addresses": ["10.0.2.11/24", "2001:db8::1/64"], "gateways": ["2001:db8::ff"]}
    guest = spec_of(machines={"vm1": vm}).guests["vm1"]
    assert guest.addresses == ("10.0.2.11/24", "2001:db8::1/64")
    assert "-6 route replace default via 2001:db8::ff" in guests.start_script(guest)


def test_a_machine_on_a_lan_brings_its_nodes_nics() -> None:
    plc = {"node": "node1", "nics": ["eno2", "eno3"], "vlan": 20, "addresses": ["10.0.2.9/24"]}
    spec = spec_of(machines={"vm1": VM, "plc": plc})
    assert spec.guests["vm1"].nics == ()
    guest = spec.guests["plc"]
    assert (guest.bridge, guest.port, guest.nics) == ("", "", ("eno2", "eno3"))
    script = guests.start_script(guest)
    assert "ip -n plc address add 10.0.2.9/24 dev lan.20" in script
    for nic in ("eno2", "eno3"):
        assert f"ip link add {nic} address {stable_mac('nic', 'plc', nic)} type veth" in script
        assert f"ip link del {nic} " in guests.stop_script(guest)


def test_machines_on_lans_start_with_their_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    machines = {
        name: {"node": node, "nics": ["eno2"], "addresses": ["10.0.2.9/24"]}
        for name, node in (("plc1", "node1"), ("plc2", "node2"))
    }
    begun: list[str] = []
    started = Done("", "", 0, "guest-ended plc1 0\n", "")
    monkeypatch.setattr(guests, "run_on", lambda node, _: begun.append(node.name) or started)
    guests.start_behind_nics(spec_of(machines={"vm1": VM, **machines}), ["node1"])
    assert begun == ["node1"]


BAD = {
    "no nodes": ({"nodes": {}}, "nodes"),
    "empty file": (None, "nodes: Field required"),
    "unknown release": ({"nodes": {"node1": {"release": "sid"}}}, "nodes.node1.release"),
    "unknown key": ({"nodes": NODES, "vms": {}}, "vms: Extra inputs are not permitted"),
    "hostile name": ({"nodes": {"a;reboot": {"release": "trixie"}}}, "a;reboot"),
    "small memory": ({"nodes": {"n": {"release": "trixie", "memory": "9M"}}}, "nodes.n.memory"),
    "no such node": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "node": "node9"}}},
        "machines.vm1.node: there is no node 'node9'",
    ),
    "hostile bridge": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "bridge": "a b"}}},
        "machines.vm1.bridge",
    ),
    "one port twice": (
        {"nodes": NODES, "machines": {key: {**VM, "port": "tap1i0"} for key in ("vm1", "vm2")}},
        "machines.vm2.port: tap1i0 is already that of vm1",
    ),
    "one mac twice": (
        {
            "nodes": NODES,
            "machines": {key: {**VM, "mac": "02:00:00:00:00:0A"} for key in ("vm1", "vm2")},
        },
        "machines.vm2.mac",
    ),
    "neither bridge nor nics": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "bridge": None}}},
        "machines.vm1: name either its `bridge` or its `nics`",
    ),
    "bridge and nics": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "nics": ["eno2"]}}},
        "machines.vm1: name either its `bridge` or its `nics`",
    ),
    "a port beside nics": (
        {"nodes": NODES, "machines": {"p": {**VM, "bridge": None, "nics": ["e2"], "port": "t"}}},
        "machines.p.port: it has `nics` instead",
    ),
    "the underlay's nic": (
        {"nodes": NODES, "machines": {"p": {**VM, "bridge": None, "nics": ["eno1"]}}},
        "machines.p.nics: eno1 is the underlay's",
    ),
    "one nic twice": (
        {
            "nodes": NODES,
            "machines": {key: {**VM, "bridge": None, "nics": ["eno2"]} for key in ("p1", "p2")},
        },
        "machines.p2.nics: eno2 is already that of p1",
    ),
    "multicast mac": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "mac": "03:00:00:00:00:01"}}},
        "machines.vm1.mac",
    ),
    "foreign gateway": (
        {"nodes": NODES, "machines": {"vm1": {**VM, "gateways": ["10.0.3.254"]}}},
        "machines.vm1.gateways: 10.0.3.254 is in no network",
    ),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD.keys())
def test_a_wrong_lab_file_is_refused_by_name_and_key(content: object, words: str) -> None:
    with pytest.raises(LabError) as caught:
        parse_lab(content, Path("inv/lab.yaml"))
    assert "inv/lab.yaml" in caught.value.what
    assert words in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nodes: [", "not valid YAML"),
        ("nodes:\n  n: {release: trixie}\n  n: {release: bookworm}\n", "'n' is given twice"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "lab.yaml").write_text(text)
    with pytest.raises(LabError, match=words) as caught:
        load_lab(tmp_path)
    assert "line" in caught.value.what


def test_a_missing_lab_file_and_unknown_names_say_what_exists(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no such file"):
        load_lab(tmp_path)
    with pytest.raises(LabError, match="choose one of: node1, node2"):
        spec_of().node("node3")
    with pytest.raises(LabError, match="choose one of: none"):
        spec_of().guest("vm1")


# ---- files and folders


def test_paths_follow_xdg_and_ignore_relative_values() -> None:
    free = lab_paths({"HOME": "/h"})
    assert (free.state, free.images) == (
        Path("/h/.local/state/evpn-fleet/lab"),
        Path("/h/.cache/evpn-fleet/images"),
    )
    given = lab_paths({"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "rel"})
    assert given.state == Path("/s/evpn-fleet/lab")
    assert given.images == free.images


@needs_ssh
def test_known_hosts_and_ssh_config_are_what_openssh_wants(paths: LabPaths) -> None:
    spec = spec_of()
    identity.write_access(paths, spec.nodes.values())
    key = paths.node("node2").host_key
    assert key.stat().st_mode & 0o777 == paths.client_key.stat().st_mode & 0o777 == 0o600
    public = key.with_suffix(".pub").read_text().split()[1]
    lines = paths.known_hosts.read_text().splitlines()
    assert lines[1] == f"[127.77.0.2]:2222 ssh-ed25519 {public}"
    found = subprocess.run(
        ["ssh-keygen", "-F", "[127.77.0.1]:2222", "-f", str(paths.known_hosts)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "found: line 1" in found.stdout
    shown = subprocess.run(
        ["ssh", "-G", "-F", str(paths.ssh_config), "node2"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for line in ("hostname 127.77.0.2", "port 2222", "user root", "stricthostkeychecking true"):
        assert line in shown


@needs_ssh
def test_keys_are_made_once(paths: LabPaths) -> None:
    identity.write_access(paths, spec_of().nodes.values())
    before = paths.known_hosts.read_bytes(), paths.client_key.read_bytes()
    identity.write_access(paths, spec_of().nodes.values())
    assert before == (paths.known_hosts.read_bytes(), paths.client_key.read_bytes())


@needs_ssh
def test_the_seed_gives_each_node_its_own_identity(paths: LabPaths) -> None:
    spec = spec_of()
    identity.write_access(paths, spec.nodes.values())
    seed = identity.write_seed(paths, spec.nodes["node2"], spec.nodes.values())
    assert seed.stat().st_size % 512 == 0, "a disk has whole sectors"
    with tarfile.open(seed) as tar:
        members = {member.name: member for member in tar}
        text = {name: tar.extractfile(m).read().decode() for name, m in members.items()}  # type: ignore[union-attr]
    assert text["etc/hostname"] == "node2\n"
    assert "10.255.0.1 node1" in text["etc/hosts"]
    assert "LAB_MGMT_ADDRESS=10.255.0.2/24\n" in text["etc/lab.env"]
    assert text["root/.ssh/authorized_keys"] == text["home/fleet/.ssh/authorized_keys"]
    assert members["etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert members["home/fleet/.ssh/authorized_keys"].uname == "fleet"
    ids = {identity.machine_id(node) for node in spec.nodes.values()}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in ids)


def test_the_kernel_command_line_names_the_node_and_its_wires(paths: LabPaths) -> None:
    node = spec_of().nodes["node2"]
    images = (Path("/images/base.img"), Path("/kernels/modules.img"))
    arguments = kernel_arguments(node, KERNEL, *images, paths.node("node2"))
    assert arguments[:2] == ["/k/linux.uml", "seccomp=on"]
    assert {"lab.name=node2", "mem=512M", "ubd2r=/kernels/modules.img"} <= set(arguments)
    assert any(text.startswith("vec0:") and "ifname=m2," in text for text in arguments)
    assert any(text.startswith("vec1:") and "mtu=9000" in text for text in arguments)


# ---- records


def test_a_changed_node_or_kernel_is_noticed(paths: LabPaths) -> None:
    node = spec_of().nodes["node1"]
    assert not matches_record(paths, node, KERNEL)
    record = paths.node("node1").record
    record.parent.mkdir(parents=True)
    known = {"name": "node1", "number": 1, "release": "trixie", "memory": "256M"}
    known |= {"kernel": "testing-seccomp", "kernel_version": "7.2.7"}
    record.write_text(json.dumps(known))
    assert not matches_record(paths, node, KERNEL)
    record.write_text(record.read_text().replace("trixie", "bookworm"))
    assert matches_record(paths, node, KERNEL)
    record.write_text(record.read_text().replace("7.2.7", "6.1.176"))
    assert not matches_record(paths, node, KERNEL)
    assert console_tail(paths, "node1") == "(no console output)"


def test_a_node_of_debian_testing_may_run_its_stand_in(
    paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it runs is what it boots again on, what `lab status` says, and not what is wanted."""
    nodes = {**NODES, "node3": {"release": "forky"}}
    wanted = parse_lab({"nodes": nodes}, Path("inv/lab.yaml")).nodes
    monkeypatch.setattr(stand_in, "ensure_images", lambda *_arguments: "it is broken")
    said: list[str] = []
    got = stand_in.to_be_had(paths, wanted.values(), said.append)
    assert [node.release for node in got] == ["bookworm", "trixie", "trixie"]
    assert "node3 will run trixie: it is broken" in said[0]
    record = paths.node("node3").record
    record.parent.mkdir(parents=True)
    kernel = {"kernel": KERNEL.name, "kernel_version": KERNEL.version}
    record.write_text(json.dumps({**asdict(got[2]), **kernel, "image": "x"}))
    assert matches_record(paths, got[2], KERNEL)
    assert stand_in.as_started(paths, wanted["node3"]) == got[2]
    assert not matches_record(paths, wanted["node3"], KERNEL)
    monkeypatch.setattr(stand_in, "ensure_images", lambda *_arguments: None)
    assert stand_in.to_be_had(paths, wanted.values(), said.append) == list(wanted.values())


def test_a_node_of_debian_testing_that_does_not_boot_gets_its_stand_in(
    paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = parse_lab({"nodes": {**NODES, "node3": {"release": "forky"}}}, Path("lab.yaml")).nodes
    built: list[list[str]] = []
    monkeypatch.setattr(stand_in, "ensure_images", lambda _paths, names, _say: built.append(names))
    said: list[str] = []
    broken = LabError("node3 did not come up", "see its console")
    [again] = stand_in.without_testing(paths, {wanted["node3"]: broken}, said.append)
    assert again == replace(wanted["node3"], release="trixie")
    assert built == [["trixie"]]
    assert "node3 will run trixie: node3 did not come up" in said[0]
    stable = LabError("node1 did not come up", "see its console")
    with pytest.raises(LabError, match="node1"):
        stand_in.without_testing(
            paths, {wanted["node3"]: broken, wanted["node1"]: stable}, said.append
        )
    monkeypatch.setenv("EVPN_FLEET_LAB_TESTING", "require")
    with pytest.raises(LabError, match="node3"):
        stand_in.without_testing(paths, {wanted["node3"]: broken}, said.append)


# ---- the way in


def test_the_forwarder_relays_both_ways_and_half_closes() -> None:
    async def talk() -> bytes:
        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Answers only after the end of its input, which must therefore be passed on.
            writer.write((await reader.read()).upper())
            writer.close()

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        target = server.sockets[0].getsockname()
        listening = socket.create_server(("127.0.0.1", 0))
        relay = asyncio.create_task(forward._serve([(listening, target)]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"hello" * 50_000)
        writer.write_eof()
        answer = await reader.read()
        relay.cancel()
        server.close()
        return answer

    assert asyncio.run(asyncio.wait_for(talk(), 10)) == b"HELLO" * 50_000


def test_forwarder_arguments() -> None:
    pair = forward.parse_pair("127.77.0.1:2222=10.255.0.1:22")
    assert pair == (("127.77.0.1", 2222), ("10.255.0.1", 22))
    with pytest.raises(ValueError, match="LISTEN=TARGET"):
        forward.parse_pair("127.77.0.1:2222")


def test_a_node_of_a_lab_that_is_down_cannot_be_reached(paths: LabPaths) -> None:
    with pytest.raises(LabError, match="the lab is down"):
        ssh.run_on(spec_of().nodes["node1"], "true", paths=paths)


def test_a_failed_command_says_where_and_why() -> None:
    done = ssh.Done("node1", "false", 3, "", "it broke\n")
    with pytest.raises(LabError, match="node1: `false` failed with exit code 3: it broke"):
        done.check()


# ---- this computer


def test_an_unfit_computer_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "find_program", lambda name: None if "uml" in name else f"/{name}")
    assert "apt-get install user-mode-linux" in (fabric.supported() or "")
    monkeypatch.setattr(host, "find_program", lambda name: f"/{name}")
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    assert "sudo" in (fabric.supported() or "")
    with pytest.raises(LabError):
        fabric.down()
    monkeypatch.setattr(host.sys, "platform", "darwin")
    assert "needs Linux" in (fabric.supported() or "")


def test_a_second_lab_is_refused(
    paths: LabPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fabric, "require_supported", lambda: None)
    monkeypatch.setattr(fabric, "lab_paths", lambda: paths)
    paths.runtime.mkdir()
    paths.owner.write_text(f"{tmp_path}\n")
    with pytest.raises(LabError, match="another lab is running on this computer"):
        fabric.down()
