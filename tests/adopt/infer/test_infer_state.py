"""What the kernel and BGP hold, beside what the files say: taken where no file says it, or told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adopt.hostfiles import INTERFACES, read_hosts
from adopt.infer import infer
from adopt.running import state
from overlay.loading import load_inventory
from overlay.outputs import EVPN_SUMMARY, EVPN_VNI, IP_ADDRESS, IP_LINK, IP_ROUTE, file_slug
from tasks.commands import BY_SLUG
from tasks.ssh import node_files
from tests.adopt.folders import EXAMPLES
from tests.cli.audits import call
from tests.rendering import render
from tests.simulated.fleet import healthy_states
from tests.simulated.printed import outputs_of

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    IP_LINK: state.LINKS,
    IP_ADDRESS: state.ADDRESSES,
    IP_ROUTE: state.ROUTES,
    EVPN_VNI: state.VNIS,
    EVPN_SUMMARY: state.PEERS,
}


def live(example: str) -> dict[str, dict[str, str]]:
    """The files of an example's nodes, and what runs there."""
    intent = load_inventory(EXAMPLES / example).intent
    files = {name: dict(texts) for name, texts in render(intent).items()}
    for name, healthy in healthy_states(intent).items():
        printed = outputs_of(healthy)
        for slug, command in COMMANDS.items():
            if slug in printed:
                files[name][command] = printed[slug].text
    return files


def said_of(files: dict[str, dict[str, str]]) -> list[str]:
    return [str(remark) for remark in infer(read_hosts(files), "x").remarks]


# What files alone do not say: a password, and who a neighbour is that an operator keeps by hand.
REMARKS = {
    "bgp-sessions": [
        "from the environment variable EVPN_FLEET_BGP_PASSWORD",
        "from the environment variable EVPN_FLEET_BGP_PASSWORD_ROUTER",
    ],
    "foreign-configuration": [
        "the time to connect is 120 here and 10 on most hosts",
        "its neighbour 192.168.0.250 is none of these hosts",
    ],
}


@pytest.mark.parametrize(
    "example", [path.parent.name for path in sorted(EXAMPLES.glob("*/fabric.yaml"))]
)
def test_hosts_that_run_what_their_files_say_have_no_remark(example: str) -> None:
    wanted = REMARKS.get(example, [])
    found = said_of(live(example))
    assert len(found) == len(wanted)
    assert [part for part, said in zip(wanted, found, strict=True) if part not in said] == []


def changed_json(text: str, change: Any) -> str:
    document = json.loads(text)
    change(document)
    return json.dumps(document)


VXLAN9 = (
    "90: vxlan9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master vmbr9 state UNKNOWN "
    "mode DEFAULT group default qlen 1000\n"
    "    link/ether 02:00:00:00:09:01 brd ff:ff:ff:ff:ff:ff promiscuity 1\n"
    "    vxlan id 9 local 192.168.0.2 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300\n"
)
VETH = (
    "91: backup0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master vmbr2 state UP "
    "mode DEFAULT group default qlen 1000\n"
    "    link/ether 02:00:00:00:09:02 brd ff:ff:ff:ff:ff:ff promiscuity 1\n"
    "    veth\n"
)
NODE = "node2/etc/network/interfaces"


def add(command: str, text: str) -> Any:
    def change(texts: dict[str, str]) -> None:
        texts[command] += text

    return change


def swap(command: str, old: str, new: str) -> Any:
    def change(texts: dict[str, str]) -> None:
        assert old in texts[command]
        texts[command] = texts[command].replace(old, new, 1)

    return change


def edit(command: str, what: Any) -> Any:
    def change(texts: dict[str, str]) -> None:
        texts[command] = changed_json(texts[command], what)

    return change


def lose_session(document: Any) -> None:
    document["peers"]["192.168.0.1"]["state"] = "Active"


CASES = {
    "a device that no file says": (
        add(state.LINKS, VXLAN9),
        [
            "node2: the vxlan vxlan9 of VNI 9 runs and no file says it: the intent lacks it, and a ",
            "node2: FRR does not know VNI 9 of vxlan9: it announces nothing of it",
        ],
    ),
    "a device that does not run": (
        swap(INTERFACES, "auto vxlan2\n", "auto vxlan2 vxlan7\niface vxlan7\n  vxlan-id 7\n\n"),
        [": vxlan7 is in the file and does not run: `ifreload -a` makes it"],
    ),
    "an MTU": (
        swap(INTERFACES, "mtu 1550", "mtu 1600"),
        [
            ": the MTU of eno1 is 1600 in the file and 1550 in the kernel: the intent goes by the file"
        ],
    ),
    "a VNI and a port": (
        swap(state.LINKS, "vxlan id 2 ", "vxlan id 5 "),
        [": the VNI of vxlan2 is 2 in the file and 5 in the kernel", "FRR does not know VNI 5"],
    ),
    "a flag of a port": (
        swap(state.LINKS, "neigh_suppress on", "neigh_suppress off"),
        [": bridge-arp-nd-suppress of vxlan2 is on in the file and off in the kernel: the "],
    ),
    "what a device learns": (
        swap(state.LINKS, "dstport 4789 nolearning", "dstport 4789"),
        [": vxlan-learning of vxlan2 is off in the file and on in the kernel"],
    ),
    "a port that is no guest's": (
        add(state.LINKS, VETH),
        [": backup0 is a port of vmbr2 by no file, and none of a guest by its name"],
    ),
    "a VNI that FRR does not know": (
        edit(state.VNIS, lambda vnis: vnis.pop("2")),
        [": FRR does not know VNI 2 of vxlan2: it announces nothing of it"],
    ),
    "a session that is lost": (
        edit(state.PEERS, lose_session),
        ["node2: its EVPN session with 192.168.0.1 is Active"],
    ),
    "an output that is cut off": (swap(state.LINKS, "vxlan id 2 ", "vxlan id \n"), []),
}


def test_a_gateway_that_has_another_mac_or_vrf_in_the_kernel_is_named() -> None:
    files = live("l3-symmetric")
    links = files["node2"][state.LINKS]
    head, bridge, rest = links.partition(": vmbr2: ")
    change = rest.replace("44:39:39:ff:40:94", "44:39:39:ff:40:95", 1).replace("vrf1", "vrf9", 1)
    files["node2"][state.LINKS] = head + bridge + change

    said = [line.partition(": ")[2] for line in said_of(files)]

    tail = "in the kernel: the intent goes by the file, as a reboot does"
    assert said == [
        f"the MAC of vmbr2 is 44:39:39:ff:40:94 in the file and 44:39:39:ff:40:95 {tail}",
        f"the VRF of vmbr2 is vrf1 in the file and vrf9 {tail}",
    ]


@pytest.mark.parametrize("name", CASES)
def test_where_files_and_state_disagree_the_import_says_so(name: str) -> None:
    change, wanted = CASES[name]
    files = live("l2-evpn")
    change(files["node2"])

    told = [line for line in said_of(files) if "on most hosts" not in line]

    assert len(told) >= len(wanted)
    for line in wanted:
        assert any(line in one and one.startswith("node2") for one in told), told
    assert bool(told) == bool(wanted)


def test_a_vtep_address_that_no_file_says_is_the_kernels() -> None:
    """As where the underlay has its addresses by DHCP; its gateway comes with it."""
    files = live("l2-evpn")
    whole = infer(read_hosts(files), "x").fabric
    text = files["node2"][INTERFACES].replace("vmbr0 inet static", "vmbr0 inet dhcp")
    files["node2"][INTERFACES] = text.replace("        address 192.168.0.2/24\n", "")
    default = {"dst": "default", "gateway": "192.168.0.254", "dev": "vmbr0", "flags": []}
    files["node2"][state.ROUTES] = json.dumps([default])

    found = infer(read_hosts(files), "x")

    whole["nodes"]["node2"]["gateway"] = "192.168.0.254"
    assert found.fabric == whole
    [said] = [str(remark) for remark in found.remarks]
    assert said.startswith(f"{NODE}:")
    assert said.endswith(
        "vmbr0 holds 192.168.0.2/24 and no file says so (DHCP, or another tool): the intent says "
        "it, and a deployment writes it as a static address, with the default gateway 192.168.0.254"
    )


def test_a_snapshot_holds_the_state_too(tmp_path: Path) -> None:
    files = live("l2-evpn")
    for host, texts in files.items():
        (tmp_path / "snap" / host).mkdir(parents=True)
        for slug, command in ((s, c) for s, c in COMMANDS.items() if c in texts):
            name = f"{slug}.{BY_SLUG[slug].suffix}"
            (tmp_path / "snap" / host / name).write_text(texts[command])
        for path in (INTERFACES, "/etc/frr/frr.conf"):
            (tmp_path / "snap" / host / f"{file_slug(path)}.txt").write_text(texts[path])
    with (tmp_path / "snap" / "node2" / "ip_link.txt").open("a") as file:
        file.write(VXLAN9)

    ended = call("import", "hosts", "--from", tmp_path / "snap", "-o", tmp_path / "fabric")

    assert ended.code == 0, ended.err
    assert "node2: the vxlan vxlan9 of VNI 9 runs and no file says it" in ended.out


def test_all_rooms_mean_the_same_commands() -> None:
    assert node_files.STATE == COMMANDS
    assert {slug: BY_SLUG[slug].command for slug in COMMANDS} == COMMANDS
