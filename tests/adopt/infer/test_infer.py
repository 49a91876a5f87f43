"""What is inferred: of what we render, of the seed's files once corrected, of hosts that differ."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest

from adopt.difference import difference
from adopt.hostfiles import read_hosts
from adopt.infer import infer
from adopt.lint import lint
from overlay.derive import derive
from overlay.errors import FleetError, IntentError
from overlay.intent import Fabric, Scope
from overlay.loading import load_inventory
from overlay.unused.unused_keys import unused_keys
from tests.adopt.folders import EXAMPLES, SEED, texts
from tests.rendering import render

NET = "/etc/network/interfaces"
OURS = "/etc/network/interfaces.d/evpn-fleet"
FRR = "/etc/frr/frr.conf"
TOPOLOGIES = sorted(folder.name for folder in SEED.iterdir())

Files = dict[str, dict[str, str]]


def intent_of(topology: str) -> Fabric:
    return load_inventory(EXAMPLES / topology).intent.fabric


def inferred(files: Files, name: str) -> Fabric:
    return Fabric.model_validate(infer(read_hosts(files), name).fabric)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_what_we_rendered_gives_its_intent_and_the_same_files(topology):
    files = render(derive(intent_of(topology)))
    found = infer(read_hosts(files), topology)
    assert (found.remarks, found.unread) == ((), ())
    again = Fabric.model_validate(found.fabric)
    assert again == intent_of(topology)
    assert render(derive(again)) == files
    for host, rendered in render(derive(again)).items():
        assert difference(host, files[host], rendered) == ([], [])


# A floating address belongs to the underlay, so it needs the whole scope.
@pytest.mark.parametrize("topology", [name for name in TOPOLOGIES if not intent_of(name).vips])
def test_the_same_in_the_overlay_scope_beside_an_underlay_of_somebody_else(topology):
    fabric = intent_of(topology)
    part = Fabric.model_validate(fabric.model_dump(mode="json") | {"scope": "overlay"})
    files = render(derive(part))
    for host, node in part.nodes.items():
        gateway = f" gateway {node.gateway}\n" if node.gateway else ""
        files[host][NET] = (
            f"auto eno1\niface eno1\n mtu 1550\nauto vmbr0\niface vmbr0\n address {node.address}/24\n"
            f"{gateway} bridge-ports eno1\nsource interfaces.d/*\n"
        )
    found = inferred(files, topology)
    assert derive(found).nodes == derive(part).nodes
    assert not any(unused_keys(found, derive(found).nodes))


def _corrected_seed(topology: str) -> Files:
    """The seed's files with what lint says to write; what a topology takes over is from another."""
    files = texts(SEED / topology)
    if topology == "exit-vrrp":
        return _with_floating_address(files, _corrected_seed("exit-multi-gateway"))
    if topology == "exit-upstream-bgp":
        of_nodes = texts(SEED / "exit-single-gateway")
        of_nodes["node1"][FRR] = files["node1"][FRR]
        of_nodes["node1"][NET] = of_nodes["node1"][NET].replace(
            "         gateway 192.168.0.254\n", ""
        )
        files = of_nodes | {"router": files["router"]}
    if topology == "route-reflectors":
        of_nodes = texts(SEED / "l3-symmetric")
        for name, host in of_nodes.items():
            clients = files["proxmoxnode"][FRR].replace("192.168.0.x", f"192.168.0.{name[-1]}")
            host[FRR] = "vrf vrf1\n vni 4000\nexit-vrf\n" + _broken(clients)
        one = re.sub(r" #[^!]*?(?= bgp | !)", "", files["rrserver1"][FRR])
        files = of_nodes | {"rrserver1": {FRR: _broken(one)}, "rrserver2": files["rrserver2"]}
    for name, host in files.items():
        for path, text in host.items():
            host[path] = _corrected(topology, name, path, text)
    return files


def _with_floating_address(files: Files, several: Files) -> Files:
    """Two of several exits with the stanza that the seed writes, as lint says to write it."""
    for number, (name, host) in zip((200, 100), sorted(files.items()), strict=True):
        stanza = re.sub(r"vrrp-id(.|\n)*", "vrrp 1 192.168.0.10/24\n", host[NET])
        whole = re.sub(r"auto vmbr0\niface vmbr0.*\n(?: +\S.*\n)+", stanza, several[name][NET])
        frr = re.sub(r".* neighbor 192\.168\.0\.3 .*\n", "", several[name][FRR])
        frr += f"interface vmbr0\n vrrp 1 priority {number}\n vrrp 1 ip 192.168.0.10\nexit\n"
        files[name] = {NET: whole, FRR: frr}
    return files


_HEADS = r"router bgp|bgp |no bgp|coalesce|neighbor|address-family|advertise|exit|!"


def _broken(line: str) -> str:
    """Statements that lost their line breaks, one a line again."""
    return re.sub(rf"(?<!router)(?<! no) (?={_HEADS})", "\n", line)


def _corrected(topology: str, name: str, path: str, text: str) -> str:
    own = f"192.168.0.{name[-1]}"
    if path == NET:
        text = re.sub(r" #must.*", "", text)
        text = text.replace("auto vxlan3\niface vxlan2", "auto vxlan3\niface vxlan3")
        text = text.replace("vxlan_remoteip", "vxlan-remoteip").replace(
            "physdev eno1", "physdev vmbr0"
        )
        if topology in {"l2-unicast", "l2-multicast"}:
            text = re.sub(r"(vxlan-id \d)", rf"\1\n        vxlan-local-tunnelip {own}", text)
        if (topology, name) == ("l2-unicast", "node3"):
            text = text.replace("remoteip 192.168.0.3", "remoteip 192.168.0.1")
        if (topology, name) == ("l2-evpn", "node3"):
            text = text.replace("address 192.168.0.2", "address 192.168.0.3")
    if topology == "exit-multi-gateway" and path == FRR:
        if name == "node2":
            text = text.replace(
                "family\n!\n address", "family\n!\nrouter bgp 1234 vrf vrf1\n address"
            )
        text = text.replace("1234 vrf vrf1\n", f"1234 vrf vrf1\n bgp router-id {own}\n")
        text = text.replace(
            " vni 4000", " vni 4000\n ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default"
        )
    if topology == "exit-upstream-bgp" and path == FRR and name in {"node1", "router"}:
        text = re.sub(r" #don.*", "", text)
        text = text.replace("neighbor 192.168.0.1 activate", "neighbor 192.168.0.3 activate")
        text = text.replace("  neighbor 192.168.0.254 activate\n  advertise", "  advertise")
        text = re.sub(
            r"(  neighbor (\S+) (?:activate|default-originate)\n)(?=  neigh| exit)",
            lambda m: (
                m[1] + "".join(f"  neighbor {m[2]} route-map ALL {way}\n" for way in ("in", "out"))
                if name == "router" or m[2].endswith("254")
                else m[1]
            ),
            text,
        )
        text = text.replace("  import vrf vrf1", "  import vrf route-map NODEF\n  import vrf vrf1")
        before, _, after = text.partition("address-family ipv6")
        text = before + "address-family ipv6" + after.replace("NO32", "NO128") if after else text
        text += "route-map ALL permit 10\nexit\nipv6 prefix-list NO128 permit any\n"
    return text  # fmt: skip


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_seed_once_corrected_as_lint_says_is_the_intent_of_its_example(topology):
    files = _corrected_seed(topology)
    assert [str(finding) for finding in lint(read_hosts(files))] == []

    found = inferred(files, topology).model_dump(mode="json")

    wanted = intent_of(topology).model_dump(mode="json")
    if topology in {"exit-single-gateway", "exit-multi-gateway", "exit-vrrp"}:
        del wanted["nodes"]["router"]  # the seed does not write its files
    if wanted["bgp"]:
        wanted["bgp"]["timers"] = {"keepalive": 60, "hold": 180, "connect": 120}  # FRR's own
    if topology in {"l2-evpn", "route-reflectors"}:
        wanted["underlay"]["forwarding"] = True  # FRR forwards unless its file says not to
    assert found == wanted


# What: topology, [(host, file, text, its replacement)], keys of the intent, remarks.
CASES: dict[str, tuple[str, list[tuple[str, str, str, str]], dict[str, Any], list[str]]] = {
    "an MTU of the underlay": (
        "l2-evpn",
        [("node2", NET, "mtu 1550", "mtu 9000")],
        {"underlay.mtu": 1550},
        ["node2/etc/network/interfaces:10: the underlay's MTU is 9000 here and 1550 on most hosts: the intent takes what most say"],
    ),
    "an AS number": (
        "l2-evpn",
        [("node3", FRR, "router bgp 1234", "router bgp 1235")],
        {"bgp.asn": 1234, "nodes.node3.asn": 1235},
        [],
    ),
    "a gateway's MAC": (
        "l3-asymmetric",
        [("node1", NET, "44:39:39:ff:40:94", "44:39:39:ff:40:95")],
        {"overlay.gateway_mac": "44:39:39:ff:40:94"},
        [
            "node1/etc/network/interfaces:46: VNI 2: its gateway's MAC is 44:39:39:ff:40:95 here and 44:39:39:ff:40:94 on most hosts: the intent takes what most say",
            "node1/etc/network/interfaces:59: VNI 3: its gateway's MAC is 44:39:39:ff:40:95 here and 44:39:39:ff:40:94 on most hosts: the intent takes what most say",
        ],
    ),
    "an L3VNI": (
        "l3-symmetric",
        [("node1", FRR, "vni 4000", "vni 4001")],
        {"vrfs.vrf1.l3vni": 4000},
        ["node1/etc/frr/frr.conf:8: VRF vrf1: its L3VNI is 4001 here and 4000 on most hosts: the intent takes what most say"],
    ),
    "a VNI that a node lacks": (
        "l2-evpn",
        [("node3", NET, "auto vxlan3\niface vxlan3 inet manual\n        vxlan-id 3\n", "iface dummy3\n")],
        {"networks.1.nodes": ["node1", "node2"]},
        [],
    ),
    "another name of a bridge": (
        "l2-evpn",
        [("node1", NET, "vmbr3", "br3"), ("node2", NET, "vmbr3", "br3"), ("node3", NET, "vmbr3", "br3")],
        {"networks.1.bridge": "br3"},
        [],
    ),
    "reflectors without a cluster": (
        "route-reflectors",
        [("rrserver1", FRR, " bgp cluster-id 1.1.1.1\n", ""), ("rrserver2", FRR, " bgp cluster-id 1.1.1.1\n", "")],
        {"bgp.cluster_id": "192.168.0.200"},
        ["rrserver1/etc/frr/frr.conf: it reflects routes without `bgp cluster-id`: the intent takes 192.168.0.200 for all"],
    ),
    "an address that is on a NIC": (
        "l2-evpn",
        [("node1", NET, "        bridge-ports eno1\n", "")],
        {"nodes.node1.scope": "overlay", "scope": "whole"},
        ["node1/etc/network/interfaces:35: its underlay address is on vmbr0, which is not a bridge: the intent leaves the underlay alone there (scope: overlay)"],
    ),
    "gateways without any MAC": (
        "l3-asymmetric",
        [(node, NET, "        hwaddress 44:39:39:ff:40:94\n", "") for node in ("node1", "node2", "node3")],
        {"overlay.gateway_mac": "44:39:39:ff:40:94"},
        ["no host gives its gateways a MAC (`hwaddress`), and the intent needs one: 44:39:39:ff:40:94. Until it is set, the audit reports each gateway's own"],
    ),
    "a neighbour whose files are not at hand": (
        "l2-evpn",
        [("node1", FRR, " neighbor 192.168.0.2 remote-as 1234\n", " neighbor 192.168.0.2 remote-as 1234\n neighbor 192.168.0.9 remote-as 1234\n neighbor 192.168.0.9 timers connect 10\n")],
        {},
        ["node1/etc/frr/frr.conf:15: its neighbour 192.168.0.9 is none of these hosts: lay its files beside them, or say `role: external` of it; else the intent has no such node"],
    ),
    "the profile of data centres": (
        "l2-evpn",
        [(node, FRR, old, new) for node in ("node1", "node2", "node3") for old, new in (("frr defaults traditional", "frr defaults datacenter"), (" timers bgp 3 9\n", ""), (" timers connect 10\n", " description x\n"))],
        {"bgp.timers": {"keepalive": 3, "hold": 9, "connect": 10}},
        [],
    ),
    "a bond below the underlay": (
        "l2-evpn",
        [("node1", NET, "iface eno1 inet manual\n", "iface eno1 inet manual\n        bond-slaves eno3 eno4\n")],
        {"nodes.node1.scope": "overlay", "scope": "whole"},
        ["node1/etc/network/interfaces:36: eno1 below vmbr0 is a bond: the intent leaves the underlay alone there (scope: overlay)"],
    ),
    "several ports of the underlay": (
        "l2-evpn",
        [(node, NET, "bridge-ports eno1\n", "bridge-ports eno1 eno2\n") for node in ("node1", "node2", "node3")],
        {"scope": "overlay", "nodes.node1.scope": None},
        [f"node{n}/etc/network/interfaces:35: vmbr0 has several ports: eno1, eno2: the intent leaves the underlay alone there (scope: overlay)" for n in (1, 2, 3)],
    ),
    "the daemon that is gone": (
        "exit-vrrp",
        [("node1", NET, "vrrp 1 192.168.0.10/24", "vrrp_id 1\n vrrp_priority 2\n vrrp_virtual_ip 192.168.0.10"), ("node1", FRR, " vrrp 1 priority 200\n", "")],
        {"vips.0.address": "192.168.0.10/24", "vips.0.priorities": {"node1": 2, "node2": 100}},
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_most_win_and_who_differs_is_said(what):
    topology, changes, keys, remarks = CASES[what]
    files = render(derive(intent_of(topology)))
    for host, path, old, new in changes:
        assert old in files[host][path]
        files[host][path] = files[host][path].replace(old, new)

    found = infer(read_hosts(files), topology)

    assert [str(remark) for remark in found.remarks] == remarks
    said = Fabric.model_validate(found.fabric).model_dump(mode="json")
    for key, value in keys.items():
        place: Any = said
        for part in key.split("."):
            place = place[int(part) if part.isdecimal() else part]
        assert place == value, key


def test_what_the_intent_does_not_say_is_listed_with_its_line():
    files = render(derive(intent_of("l2-evpn")))
    files["node1"][NET] += "auto bond0\niface bond0\n bond-slaves eno3 eno4\n"
    files["node1"][FRR] = files["node1"][FRR].replace(
        " coalesce", " neighbor 192.168.0.2 password s3cret\n neighbor 192.168.0.2 bfd\n coalesce"
    )
    again = render(derive(inferred(files, "l2-evpn")))
    lost, added = difference("node1", files["node1"], again["node1"])
    assert added == []
    assert [(s.file, s.line, s.shown) for s in lost] == [
        (FRR, 12, "router bgp 1234 / neighbor 192.168.0.2 password <redacted>"),
        (FRR, 13, "router bgp 1234 / neighbor 192.168.0.2 bfd"),
        (NET, 59, "iface bond0: auto"),
        (NET, 59, "iface bond0: device bond"),
        (NET, 60, "iface bond0: bond-slaves eno3 eno4"),
    ]


def test_the_spelling_of_a_statement_does_not_count():
    one = {
        NET: "auto a\niface a inet static\n address 10.0.0.1\n netmask 255.255.255.0\n bridge_ports b c\n bridge_stp no\n hwaddress ether AA:BB:CC:DD:EE:FF\n"
    }
    other = {
        NET: "auto a\niface a\n address 10.0.0.1/24\n bridge-ports c b\n hwaddress aa:bb:cc:dd:ee:ff #x\n"
    }
    assert difference("x", one, other) == ([], [])


def test_a_template_and_a_missing_source_are_listed():
    files = render(derive(intent_of("l2-evpn")))
    files["node2"][NET] += (
        "iface vxlan[5-9]\n vxlan-id 5\nsource /etc/network/more\n% for v in range(3):\n<%def name='x'>\n"
    )
    unread = infer(read_hosts(files), "x").unread
    assert [str(note) for note in unread] == [
        "node2/etc/network/interfaces:61: a line of a Mako template, which ifupdown2 alone can run: % for v in range(3):",
        "node2/etc/network/interfaces:62: a line of a Mako template, which ifupdown2 alone can run: <%def name='x'>",
        "node2/etc/network/interfaces:58: a range of names: iface vxlan[5-9]",
        "node2/etc/network/interfaces:60: that file is not at hand: source /etc/network/more",
    ]


NOTHING = {
    "no VTEP": {"router": {FRR: "ip route 10.0.0.0/8 10.1.1.1\n"}},
    "no underlay": {
        "node1": {FRR: "router bgp 1\n address-family l2vpn evpn\n  advertise-all-vni\n"}
    },
    "no address": {
        "node1": render(derive(intent_of("l2-evpn")))["node1"],
        "node2": {FRR: "router bgp 1\n address-family l2vpn evpn\n  advertise-all-vni\n"},
    },
}


@pytest.mark.parametrize("what", NOTHING)
def test_files_that_say_too_little_are_an_error_that_says_what_to_add(what):
    with pytest.raises(IntentError) as error:
        infer(read_hosts(NOTHING[what]), "x")
    assert "/etc/network/interfaces" in error.value.hint


@pytest.mark.slow
def test_a_damaged_file_ends_in_an_intent_or_in_a_clear_error():
    """Lines of a node's files cut, doubled or torn: nothing but our own errors comes of it."""
    whole = render(derive(intent_of("exit-vrrp")))
    for path in (NET, FRR):
        lines = whole["node1"][path].splitlines()
        for number, line in list(enumerate(lines))[::4]:
            for new in ("", f"{line}\n{line}", line[: len(line) // 2], line + " x", line.upper()):
                torn = "\n".join([*lines[:number], new, *lines[number + 1 :]])
                files = whole | {"node1": whole["node1"] | {path: torn}}
                lint(read_hosts(files))
                with suppress(FleetError):
                    infer(read_hosts(files), "x")


def test_a_node_of_proxmox_sdn_is_observed_and_its_names_are_kept():
    """As Proxmox's SDN writes its files: a peer-group, its own names, its file in interfaces.d."""
    fabric = intent_of("l3-symmetric")
    keys = fabric.model_dump(mode="json", exclude_none=True)
    keys["overlay"]["names"] = {"device": "vxlan_{name}", "bridge": "{name}"}
    keys["vrfs"]["vrf1"] |= {"device": "vrfvx_z1", "bridge": "vrfbr_z1"}
    for network, name in zip(keys["networks"], ("red", "blue"), strict=True):
        network["name"] = name
    intent = Fabric.model_validate(keys)
    files = render(derive(intent))
    for host in files.values():
        head, _, overlay = host[NET].partition("auto vrf1")
        host[NET] = (
            head + "auto vmbr0" + overlay.partition("auto vmbr0")[2].partition("auto red")[0]
        )
        before, _, after = ("auto vrf1" + overlay).partition("auto vmbr0")
        host["/etc/network/interfaces.d/sdn"] = (
            "#version:7\n" + before + "auto red" + after.partition("auto red")[2]
        )
        grouped = re.sub(
            r" neighbor (\S+) remote-as 1234", r" neighbor \1 peer-group VTEP", host[FRR]
        )
        grouped = re.sub(r"  neighbor \S+ activate\n", "", grouped)
        grouped = grouped.replace("evpn\n", "evpn\n  neighbor VTEP activate\n")
        grouped = grouped.replace(
            " timers bgp", " neighbor VTEP peer-group\n neighbor VTEP remote-as 1234\n timers bgp"
        )
        host[FRR] = grouped

    found = infer(read_hosts(files), "l3-symmetric")

    assert {str(remark) for remark in found.remarks} == {
        f"node{n}/etc/network/interfaces.d/sdn: Proxmox's SDN writes its files: the intent only "
        "observes it (scope: observed)"
        for n in (1, 2, 3)
    }
    again = Fabric.model_validate(found.fabric)
    assert again.scope is Scope.OBSERVED
    assert again.networks == intent.networks
    assert again.vrfs == intent.vrfs
    assert again.overlay == intent.overlay
