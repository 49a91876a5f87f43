"""What operators do to files that were right: one change, and exactly its finding."""

from __future__ import annotations

from functools import cache

import pytest

from adopt.hostfiles import read_hosts
from adopt.lint import RULES, lint
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES, SEED, hosts
from tests.rendering import render

NET = "/etc/network/interfaces"
FRR = "/etc/frr/frr.conf"
TRANSIT = """\
        bridge-ports vxlan4000
        bridge-ports-condone-regex ^(tap|veth|fwpr|fwln)[0-9]+
        bridge-stp off
        bridge-fd 0
        mtu 1500
"""
UPSTREAM_IN = " neighbor 192.168.0.254 route-map EVPN-FLEET-UPSTREAM-IN in\n"

# What: topology, [(host, file, text, its replacement)], {(host, line's text, rule)}.
CASES = {
    "a VNI on two devices": (
        "l3-symmetric",
        [("node2", NET, "iface vxlan3 inet manual\n        vxlan-id 3\n", "iface vxlan3 inet manual\n        vxlan-id 2\n")],
        {("node2", "vxlan-id 2", "vni-on-two-devices")},
    ),
    "a device with two VNIs": (
        "l3-symmetric",
        [("node2", NET, "        vxlan-id 3\n", "        vxlan-id 3\n        vxlan-id 33\n")],
        {("node2", "vxlan-id 3", "device-with-two-vnis")},
    ),
    "several maps on a line of a single device": (
        "l2-evpn",
        [("node2", NET, "auto vxlan2\n", "auto vxlan0\niface vxlan0\n        vxlan-local-tunnelip 192.168.0.2\n        vxlan-vnifilter on\n        bridge-vlan-vni-map 102=2 103=3\n\nauto vxlan2\n")],
        {
            ("node2", "bridge-vlan-vni-map 102=2 103=3", "several-maps-on-a-line"),
            ("node2", "vxlan-vnifilter on", "no-vnifilter"),
        },
    ),
    "a gateway MAC that differs": (
        "l3-asymmetric",
        [("node3", NET, "hwaddress 44:39:39:ff:40:94\n        bridge-ports vxlan3", "hwaddress 44:39:39:ff:40:95\n        bridge-ports vxlan3")],
        {("node3", "hwaddress 44:39:39:ff:40:95", "gateway-mac-differs")},
    ),
    "a gateway without a MAC": (
        "l3-asymmetric",
        [("node3", NET, "        hwaddress 44:39:39:ff:40:94\n        bridge-ports vxlan3", "        bridge-ports vxlan3")],
        {("node3", "address 10.0.3.254/24", "gateway-mac-differs")},
    ),
    "an MTU that does not fit": (
        "l2-evpn",
        [("node1", NET, "bridge-multicast-flood off\n        mtu 1500\n\nauto vxlan3", "bridge-multicast-flood off\n        mtu 1501\n\nauto vxlan3")],
        {("node1", "mtu 1501", "mtu-does-not-fit")},
    ),
    "learning on beside EVPN": (
        "l2-evpn",
        [("node1", NET, "vxlan-learning off\n        bridge-learning off\n        bridge-arp-nd-suppress on\n        bridge-unicast-flood off\n        bridge-multicast-flood off\n        mtu 1500\n\nauto vmbr0", "vxlan-learning on\n        bridge-learning off\n        bridge-arp-nd-suppress on\n        bridge-unicast-flood off\n        bridge-multicast-flood off\n        mtu 1500\n\nauto vmbr0")],
        {("node1", "vxlan-learning on", "learning-beside-evpn")},
    ),
    "a port that learns beside EVPN": (
        "l2-evpn",
        [("node1", NET, "        bridge-learning off\n", "")],
        {("node1", "vxlan-id 2", "learning-beside-evpn"), ("node1", "vxlan-id 3", "learning-beside-evpn")},
    ),
    "a peer that is missing on one side": (
        "l2-evpn",
        [
            ("node2", FRR, " neighbor 192.168.0.3 remote-as 1234\n", ""),
            ("node2", FRR, " neighbor 192.168.0.3 timers connect 10\n", ""),
            ("node2", FRR, "  neighbor 192.168.0.3 activate\n", ""),
        ],
        {("node3", "neighbor 192.168.0.2 remote-as 1234", "peer-on-one-side")},
    ),
    "a password on one side": (
        "l2-evpn",
        [("node2", FRR, " neighbor 192.168.0.3 remote-as 1234\n", """\
 neighbor 192.168.0.3 remote-as 1234
 neighbor 192.168.0.3 password sesame
""")],
        {
            ("node2", "neighbor 192.168.0.3 password sesame", "password-on-one-side"),
            ("node3", "neighbor 192.168.0.2 remote-as 1234", "password-on-one-side"),
        },
    ),
    "two passwords of one session": (
        "l2-evpn",
        [
            (node, FRR, f" neighbor {peer} remote-as 1234\n", f"""\
 neighbor {peer} remote-as 1234
 neighbor {peer} password of-{node}
""")
            for node, peer in (("node2", "192.168.0.3"), ("node3", "192.168.0.2"))
        ],
        {
            ("node2", "neighbor 192.168.0.3 password of-node2", "password-differs"),
            ("node3", "neighbor 192.168.0.2 password of-node3", "password-differs"),
        },
    ),
    "a peer without remote-as": (
        "l2-evpn",
        [("node2", FRR, " neighbor 192.168.0.3 remote-as 1234\n", "")],
        {("node2", "neighbor 192.168.0.3 timers connect 10", "neighbor-without-remote-as")},
    ),
    "a family that is missing on one side": (
        "l2-evpn",
        [("node2", FRR, "  neighbor 192.168.0.3 activate\n", "")],
        {
            ("node2", "neighbor 192.168.0.3 remote-as 1234", "neighbor-never-activated"),
            ("node3", "neighbor 192.168.0.2 activate", "family-on-one-side"),
        },
    ),
    "eBGP without policy": (
        "exit-upstream-bgp",
        [("node1", FRR, " " + UPSTREAM_IN, "")],
        {("node1", "neighbor 192.168.0.254 remote-as external", "ebgp-without-policy")},
    ),
    "eBGP whose guard is off": (
        "exit-upstream-bgp",
        [("node1", FRR, " " + UPSTREAM_IN, ""), ("node1", FRR, "router bgp 1234\n", "router bgp 1234\n no bgp ebgp-requires-policy\n")],
        set(),
    ),
    "eBGP whose group has the policy": (
        "exit-upstream-bgp",
        [
            ("node1", FRR, " " + UPSTREAM_IN, "  neighbor up route-map EVPN-FLEET-UPSTREAM-IN in\n"),
            ("node1", FRR, " neighbor 192.168.0.254 remote-as external\n", " neighbor up peer-group\n neighbor up remote-as external\n neighbor 192.168.0.254 peer-group up\n"),
        ],
        set(),
    ),
    "fewer dynamic neighbours than clients": (
        "route-reflectors",
        [("rrserver1", FRR, " bgp listen range", " bgp listen limit 2\n bgp listen range")],
        {("rrserver1", "bgp listen limit 2", "listen-limit")},
    ),
    "a VXLAN device without local tunnel address": (
        "l3-symmetric",
        [("node1", NET, "        vxlan-local-tunnelip 192.168.0.1\n        vxlan-learning off\n        bridge-learning off\n        bridge-arp-nd-suppress on\n        bridge-unicast-flood off\n        bridge-multicast-flood off\n        mtu 1500\n\nauto vmbr0", "        vxlan-learning off\n        bridge-learning off\n        bridge-arp-nd-suppress on\n        bridge-unicast-flood off\n        bridge-multicast-flood off\n        mtu 1500\n\nauto vmbr0")],
        {("node1", "vxlan-id 4000", "no-tunnel-source")},
    ),
    "a tunnel address that no interface has": (
        "l3-symmetric",
        [("node1", NET, "vxlan-local-tunnelip 192.168.0.1\n", "vxlan-local-tunnelip 192.168.0.11\n")],
        # The others still peer with the address that the host has.
        {("node1", "vxlan-local-tunnelip 192.168.0.11", "tunnel-source-not-here")},
    ),
    "one RD for all exits": (
        "exit-multi-gateway",
        [(node, FRR, f"vrf vrf1\n bgp router-id {address}\n", "vrf vrf1\n") for node, address in (("node1", "192.168.0.1"), ("node2", "192.168.0.2"), ("node3", "192.168.0.3"))],
        {(node, "router bgp 1234 vrf vrf1", "one-rd-for-all-exits") for node in ("node1", "node2", "node3")},
    ),
    "an RD that two exits write": (
        "exit-multi-gateway",
        [(node, FRR, "  default-originate ipv4\n", "  default-originate ipv4\n  rd 1.1.1.1:1\n") for node in ("node1", "node2")],
        {("node2", "rd 1.1.1.1:1", "one-rd-for-all-exits")},
    ),
    "an exit without a way out of its own": (
        "exit-multi-gateway",
        [("node2", FRR, " ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default\n", " ip route 0.0.0.0/0 unreachable 254\n")],
        {("node2", "default-originate ipv4", "exits-loop")},
    ),
    "an exit that refuses the others' defaults": (
        "exit-multi-gateway",
        [
            ("node2", FRR, " ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default\n", ""),
            ("node2", FRR, "  neighbor 192.168.0.1 activate\n", "  neighbor 192.168.0.1 activate\n  neighbor 192.168.0.1 route-map NODEF in\n"),
            ("node2", FRR, "  neighbor 192.168.0.3 activate\n", "  neighbor 192.168.0.3 activate\n  neighbor 192.168.0.3 route-map NODEF in\n"),
            ("node2", FRR, "router bgp 1234\n", "route-map NODEF deny 10\n match evpn default-route\nexit\nroute-map NODEF permit 20\nexit\nrouter bgp 1234\n"),
        ],
        set(),
    ),
    "an import of the other exits' defaults": (
        "exit-upstream-bgp",
        [("node1", FRR, "  import vrf route-map EVPN-FLEET-NO-DEFAULT\n", "")],
        {("node1", "import vrf vrf1", "import-brings-defaults")},
    ),
    "an address used twice": (
        "l2-evpn",
        [("node3", NET, "address 192.168.0.3/24", "address 192.168.0.2/24")],
        {("node3", "address 192.168.0.2/24", "address-used-twice")},
    ),
    "a router-id used twice": (
        "l2-evpn",
        [("node3", FRR, "bgp router-id 192.168.0.3", "bgp router-id 192.168.0.2")],
        {("node3", "bgp router-id 192.168.0.2", "router-id-used-twice")},
    ),
    "a flood list without one VTEP": (
        "l2-unicast",
        [("node1", NET, "        vxlan-remoteip 192.168.0.2\n        vxlan-remoteip 192.168.0.3\n        vxlan-learning on\n        bridge-learning on\n        bridge-arp-nd-suppress off\n        bridge-unicast-flood on\n        bridge-multicast-flood on\n        mtu 1500\n\nauto vmbr0", "        vxlan-remoteip 192.168.0.2\n        mtu 1500\n\nauto vmbr0")],
        {("node1", "vxlan-remoteip 192.168.0.2", "flood-list-incomplete")},
    ),
    "an attribute that nobody knows": (
        "l2-evpn",
        [("node1", NET, "bridge-arp-nd-suppress on", "bridge-arp-nd-supress on")],
        {("node1", "bridge-arp-nd-supress on", "attribute-unknown")},
    ),
    "a VRF's families in the main instance": (
        "exit-single-gateway",
        [("node1", FRR, "exit\n!\nrouter bgp 1234 vrf vrf1\n bgp router-id 192.168.0.1\n", "")],
        {("node1", "address-family ipv4 unicast", "vrf-instance-missing")},
    ),
    "VNIs that nobody is told of": (
        "l2-evpn",
        [("node2", FRR, "  advertise-all-vni\n", "")],
        {("node2", "router bgp 1234", "no-advertise-all-vni")},
    ),
    "a neighbour of another AS": (
        "l2-evpn",
        [("node2", FRR, "neighbor 192.168.0.1 remote-as 1234", "neighbor 192.168.0.1 remote-as 1235")],
        {("node2", "neighbor 192.168.0.1 remote-as 1235", "remote-as-differs")},
    ),
    "two VTEPs that do not peer": (
        "l2-evpn",
        [
            ("node2", FRR, " neighbor 192.168.0.1 ", " ! neighbor 192.168.0.1 "),
            ("node1", FRR, " neighbor 192.168.0.2 ", " ! neighbor 192.168.0.2 "),
        ],
        {("node1", "router bgp 1234", "mesh-incomplete")},
    ),
    "a UDP port of one host's own": (
        "l2-evpn",
        [("node2", NET, "        vxlan-id 2\n", "        vxlan-id 2\n        vxlan-port 8472\n")],
        {("node2", "vxlan-port 8472", "udp-port-differs")},
    ),
    "an L3VNI without a device": (
        "l3-symmetric",
        [("node2", FRR, " vni 4000\n", " vni 4001\n")],
        {("node2", "vni 4001", "l3vni-without-device")},
    ),
    "an L3VNI outside of its VRF": (
        "l3-symmetric",
        [("node2", NET, TRANSIT + "        vrf vrf1\n", TRANSIT)],
        {("node2", "bridge-ports vxlan4000", "l3vni-outside-its-vrf")},
    ),
    "a VRF that no stanza makes": (
        "l3-symmetric",
        [("node2", NET, "        vrf vrf1\n", "        vrf vrf-1\n")],
        {("node2", "vrf vrf-1", "vrf-without-stanza"), ("node2", "vrf vrf-1", "l3vni-outside-its-vrf")},
    ),
    "one table for two VRFs": (
        "l3-symmetric",
        [("node2", NET, "auto vrf1\n", "auto vrf9\niface vrf9 inet manual\n        vrf-table 1001\n        post-up ip route add vrf vrf9 unreachable default metric 4278198272\n\nauto vrf1\n"), ("node2", NET, "vrf-table auto", "vrf-table 1001")],
        {("node2", "vrf-table 1001", "vrf-table-used-twice")},
    ),
}  # fmt: skip


@cache
def rendered(topology: str) -> dict[str, dict[str, str]]:
    return render(load_inventory(EXAMPLES / topology).intent)


@pytest.mark.parametrize("what", CASES)
def test_a_change_is_named_where_it_stands(what):
    topology, changes, wanted = CASES[what]
    files = {host: dict(texts) for host, texts in rendered(topology).items()}
    for host, path, old, new in changes:
        assert old in files[host][path], f"{host}{path} has no {old!r}"
        files[host][path] = files[host][path].replace(old, new)

    found = lint(read_hosts(files))

    said = {(f.host, files[f.host][f.file].splitlines()[f.line - 1].strip(), f.rule) for f in found}
    assert said == wanted, "\n".join(map(str, found))


def test_hardening_is_said_when_asked_for():
    found = lint(hosts(SEED / "exit-single-gateway"), strict=True)
    falling = {(f.host, f.line) for f in found if f.rule == "vrf-falls-through"}
    assert falling == {("node1", 2), ("node2", 2), ("node3", 2)}


def test_every_rule_has_a_case():
    """Each function of RULES says something in one of the tables; a rule nobody tries is none."""
    tried = {rule for _, _, wanted in CASES.values() for _, _, rule in wanted}
    assert len(RULES) == 31
    assert len(tried) >= 26


GARBAGE = {
    "nothing": "",
    "binary": "\x00\xff\x01 \x7f",
    "very long": "neighbor " * 50000,
    "deep": "\n".join(" " * n + "router bgp 1" for n in range(500)),
    "words alone": "router\niface\nauto\nneighbor\nbgp\nvni\naddress-family\nsource\nvrf\nexit",
    "numbers that are none": "router bgp x\n bgp listen limit x\n bgp listen range y\nvrf a\n vni b\n",
    "values that are missing": "router bgp 1\n neighbor\n neighbor 1.1.1.1\n bgp router-id\n"
    " bgp listen range\n bgp listen limit\n address-family l2vpn evpn\n  rd\n  default-originate\n"
    "iface a\n vxlan-id\n vxlan-remoteip\n address\n hwaddress\n bridge-ports\n mtu 99999999999999\n",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_files_that_are_none_end_in_no_traceback(what):
    text = GARBAGE[what]
    files = {f"node{n}": {NET: text, FRR: text, "/etc/sysctl.conf": text} for n in (1, 2)}
    for finding in lint(read_hosts(files), strict=True):
        assert str(finding)
