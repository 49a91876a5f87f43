"""What each release prints as JSON, as documents, and the records that it is read as."""

from __future__ import annotations

from pathlib import Path

from overlay.host_records import (
    AddressedLink,
    BfdPeer,
    BgpPeer,
    DuplicateAddress,
    DuplicateMac,
    EvpnVni,
    InterfaceAddress,
    Neighbour,
    NextHop,
    Probe,
    Qdisc,
    Route,
    Rule,
    VrrpFamily,
    VrrpGroup,
)
from overlay.records import PacketChain
from overlay.vlan_records import BridgeVlans
from tests.parsers.adjacency_shapes import ADJACENCIES
from tests.parsers.nat_shapes import NAT_LISTINGS

PARSED = Path(__file__).parent / "recordings"
RECORDED_JSON = PARSED.with_name("recorded_json")
DRIFTED = PARSED.parents[1] / "drift" / "recordings"

UP, IDLE = {"state": "Established"}, {"state": "Idle (Admin)"}
PEER = BgpPeer("192.168.0.2", "Established")
LINK = {"ifname": "vmbr2", "addr_info": []}
INET = {"family": "inet", "local": "10.0.2.254", "prefixlen": 24}
OWN = {"status": "Master", "effectivePriority": 200, "addresses": ["192.168.0.10"]}
NONE = {"status": "Initialize", "effectivePriority": 200, "addresses": [], "interface": ""}
GROUP = {"vrid": 1, "interface": "vmbr0", "shutdown": False, "v4": OWN, "v6": NONE}
MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
LOCAL = {
    "type": "local",
    "intf": "tap100i0",
    "localSequence": 9,
    "remoteSequence": 8,
    "detectionCount": 5,
    "isDuplicate": True,
}
REMOTE = {"type": "remote", "remoteVtep": "192.168.0.2", "detectionCount": 5}
HOST = {"type": "local", "state": "active", "mac": MAC, "detectionCount": 5}

# (slug, what it is): the document (or text), and the records.
READ = {
    ("bridge_vlans", "of nothing"): ("[]\n[]\n[]\n", BridgeVlans({}, {}, {})),
    ("evpn_summary", "peers at the top"): (
        {"routerId": "192.168.0.1", "peers": {"192.168.0.2": UP}},
        {"192.168.0.2": PEER},
    ),
    ("evpn_summary", "below the VRF, as before FRR 8.0"): (
        {"default": {"peers": {"192.168.0.2": UP}}},
        {"192.168.0.2": PEER},
    ),
    ("evpn_summary", "below VRF and family"): (
        {"default": {"l2VpnEvpn": {"peers": {"192.168.0.2": UP}}}},
        {"192.168.0.2": PEER},
    ),
    ("evpn_summary", "no neighbour, or no instance"): ({}, {}),
    ("evpn_summary", "every neighbour removed"): ({"routerId": "192.168.0.1", "peers": {}}, {}),
    ("evpn_summary", "a dynamic neighbour with a star"): (
        {"peers": {"*192.168.0.2": UP}},
        {"192.168.0.2": BgpPeer("192.168.0.2", "Established", dynamic=True)},
    ),
    ("evpn_summary", "an unnumbered neighbour, and the AS in dotted form"): (
        {"peers": {"eno1": {"state": "Active", "remoteAs": "1.10", "pfxRcd": 0, "pfxSnt": 7}}},
        {"eno1": BgpPeer("eno1", "Active", remote_as="1.10", received=0, sent=7)},
    ),
    ("evpn_summary", "an IPv6 address in another form"): (
        {"peers": {"FD00:0::2": IDLE}},
        {"fd00::2": BgpPeer("fd00::2", "Idle (Admin)")},
    ),
    ("bgp_summary", "two families"): (
        {"ipv4Unicast": {"peers": {"192.0.2.1": UP}}, "l2VpnEvpn": {"peers": {}}},
        {
            "ipv4Unicast": {"192.0.2.1": BgpPeer("192.0.2.1", "Established", "ipv4Unicast")},
            "l2VpnEvpn": {},
        },
    ),
    ("bgp_summary", "below the VRF"): ({"default": {"ipv4Unicast": {}}}, {"ipv4Unicast": {}}),
    ("bgp_summary", "no neighbour, or no instance"): ({}, {}),
    ("bfd_peers", "none"): ([], ()),
    ("bfd_peers", "FRR 8.4"): (
        [
            {
                "multihop": False,
                "peer": "192.168.0.2",
                "local": "192.168.0.1",
                "vrf": "default",
                "interface": "vmbr0",
                "id": 3,
                "remote-id": 9,
                "passive-mode": False,
                "status": "up",
                "uptime": 7,
                "diagnostic": "ok",
                "remote-diagnostic": "ok",
                "receive-interval": 300,
                "transmit-interval": 300,
                "detect-multiplier": 3,
            }
        ],
        (
            BfdPeer(
                "192.168.0.2",
                "up",
                local="192.168.0.1",
                vrf="default",
                interface="vmbr0",
                diagnostic="ok",
                multiplier=3,
                receive_interval=300,
                transmit_interval=300,
            ),
        ),
    ),
    ("bfd_peers", "who asked for it, from FRR 9.1 on"): (
        [{"peer": "fd00::2", "status": "down", "multihop": True, "type": "dynamic"}],
        (BfdPeer("fd00::2", "down", multihop=True, configured=False),),
    ),
    **ADJACENCIES,
    ("evpn_vni", "none"): ({}, {}),
    ("evpn_vni", "nothing at all, as FRR before 10.0 without EVPN"): ("\n", {}),
    ("evpn_vni", "with the bridge, as after FRR 10.3"): (
        {
            "2": {
                "vni": 2,
                "type": "L2",
                "tenantVrf": "vrf1",
                "vxlanIf": "vxlan2",
                "vlan": 0,
                "bridge": "vmbr2",
                "numRemoteVteps": 1,
                "remoteVteps": ["192.168.0.2"],
            },
            "4000": {
                "type": "L3",
                "tenantVrf": "vrf1",
                "vxlanIf": "None",
                "bridge": "-",
                "numRemoteVteps": "n/a",
            },
        },
        {
            2: EvpnVni(2, "L2", "vrf1", "vxlan2", "vmbr2", 0, ("192.168.0.2",)),
            4000: EvpnVni(4000, "L3", "vrf1"),
        },
    ),
    ("evpn_duplicate_macs", "nothing to say"): ({}, ()),
    ("evpn_duplicate_macs", "VNIs without one"): ({"2": {"numMacs": 0}, "3": {"numMacs": 0}}, ()),
    ("evpn_duplicate_macs", "an empty list, as in FRR's development"): (
        {"2": {"macs": {}, "numMacs": 0}},
        (),
    ),
    ("evpn_duplicate_macs", "on either side"): (
        {"2": {"numMacs": 2, "macs": {MAC.upper(): LOCAL, OTHER: REMOTE}}},
        (
            DuplicateMac(2, MAC, local=True, device="tap100i0", moves=5),
            DuplicateMac(2, OTHER, local=False, vtep="192.168.0.2", moves=5),
        ),
    ),
    ("evpn_duplicate_macs", "one more that is on neither side is counted only"): (
        {"2": {"numMacs": 2, "macs": {MAC: LOCAL}}},
        (DuplicateMac(2, MAC, local=True, device="tap100i0", moves=5),),
    ),
    ("evpn_duplicate_addresses", "nothing to say"): ({}, ()),
    ("evpn_duplicate_addresses", "nothing at all, as FRR before 10.0 without EVPN"): ("", ()),
    ("evpn_duplicate_addresses", "VNIs without one"): ({"2": {"numArpNd": 0}}, ()),
    ("evpn_duplicate_addresses", "on either side"): (
        {
            "2": {
                "numArpNd": 2,
                "10.0.2.1": HOST,
                "fd00::0:1": HOST | {"type": "remote", "remoteEs": "03:44:38:39:ff:ff:01"},
            }
        },
        (
            DuplicateAddress(2, "10.0.2.1", local=True, mac=MAC, moves=5),
            DuplicateAddress(
                2, "fd00::1", local=False, mac=MAC, es="03:44:38:39:ff:ff:01", moves=5
            ),
        ),
    ),
    ("evpn_duplicate_addresses", "on neither side: an empty row, or null"): (
        {"2": {"numArpNd": 2, "10.0.2.1": {}, "10.0.2.2": None}},
        (DuplicateAddress(2, "10.0.2.1"), DuplicateAddress(2, "10.0.2.2")),
    ),
    ("ip_address", "one of each kind"): (
        [
            {},
            LINK | {"addr_info": [INET | {"scope": "global", "dadfailed": True}, {}]},
            {"ifname": "tap100i0"},
            {"ifname": "lo", "addr_info": [{"family": "mctp", "local": 8}]},
        ],
        {
            "vmbr2": AddressedLink(
                "vmbr2", (InterfaceAddress("10.0.2.254/24", "global", ("dadfailed",)),)
            ),
            "tap100i0": AddressedLink("tap100i0"),
            "lo": AddressedLink("lo"),
        },
    ),
    ("ip_address", "none"): ([], {}),
    ("ip_route", "none"): ([], ()),
    ("ip_route", "one of each kind"): (
        [
            {"dst": "default", "gateway": "192.168.0.254", "dev": "vmbr0", "protocol": "bgp"},
            {"type": "unreachable", "dst": "default", "table": "vrf1", "metric": 4278198272},
            {"dst": "10.0.2.2", "gateway": "192.168.0.2", "dev": "vmbr4000", "table": "1001"},
            {"dst": "10.0.3.0/24", "dev": "vmbr3", "table": "vrf1", "flags": ["linkdown"]},
            {
                "dst": "10.0.9.0/24",
                "nexthops": [
                    {"gateway": "192.168.0.2", "dev": "vmbr0", "weight": 1, "flags": []},
                    {"via": {"family": "inet6", "host": "fe80::1"}, "dev": "x", "flags": ["dead"]},
                ],
            },
            {"type": "blackhole", "dst": "10.0.2.9", "table": "vrf1", "metric": 5, "flags": []},
            {"dst": "default", "dev": "lo", "pref": "medium"},
            {"dst": "default", "gateway": "fe80::1", "dev": "vmbr0"},
            {"dst": "fd00::0:1", "dev": "vmbr0"},
            {"dst": "100/200", "dev": "vmbr0"},
        ],
        (
            Route("main", "0.0.0.0/0", protocol="bgp", hops=(NextHop("192.168.0.254", "vmbr0"),)),
            Route("vrf1", "0.0.0.0/0", "unreachable", 4278198272),
            Route("1001", "10.0.2.2/32", hops=(NextHop("192.168.0.2", "vmbr4000"),)),
            Route("vrf1", "10.0.3.0/24", hops=(NextHop(None, "vmbr3", alive=False),)),
            Route(
                "main",
                "10.0.9.0/24",
                hops=(NextHop("192.168.0.2", "vmbr0"), NextHop("fe80::1", "x", alive=False)),
            ),
            Route("vrf1", "10.0.2.9/32", "blackhole", 5),
            Route("main", "::/0", hops=(NextHop(None, "lo"),)),
            Route("main", "::/0", hops=(NextHop("fe80::1", "vmbr0"),)),
            Route("main", "fd00::1/128", hops=(NextHop(None, "vmbr0"),)),
            Route("main", "100/200", hops=(NextHop(None, "vmbr0"),)),
        ),
    ),
    ("ip6_route", "its defaults are IPv6 ones"): (
        [{"type": "unreachable", "dst": "default", "dev": "lo", "table": "vrf1"}],
        (Route("vrf1", "::/0", "unreachable", hops=(NextHop(None, "lo"),)),),
    ),
    ("ip_rule", "of VRFs, and those of every kernel"): (
        [
            {"priority": 1000, "src": "all", "l3mdev": None},
            {"priority": 32765, "src": "all", "table": "local"},
        ],
        (Rule(1000, to_vrf=True), Rule(32765, table="local")),
    ),
    ("ip_rule", "one of each kind"): (
        [
            {"priority": 1, "src": "10.0.2.0", "srclen": 24, "action": "blackhole"},
            {"priority": 2, "src": "all", "dst": "10.0.3.1", "iif": "vmbr2", "table": "77"},
            {"priority": 3, "src": "all", "fwmark": "0x200", "fwmask": "0xf00", "table": "2004"},
            {"priority": 4, "not": None, "src": "10.0.2.1", "fwmark": "0x1", "table": "main"},
            {"priority": 5, "src": "all", "goto": 32766},
            {"priority": 6, "src": "0", "srclen": 8, "nop": None},
        ],
        (
            Rule(1, "blackhole", source="10.0.2.0/24"),
            Rule(2, table="77", target="10.0.3.1/32", device="vmbr2"),
            Rule(3, table="2004", narrowed=True),
            Rule(4, table="main"),
            Rule(5, "goto"),
            Rule(6, "nop", source="0.0.0.0/8"),
        ),
    ),
    ("tc_qdisc", "a queue, and what loses packets"): (
        [
            {"kind": "noqueue", "handle": "0:", "dev": "lo", "root": True, "options": {}},
            {"kind": "clsact", "handle": "ffff:", "dev": "eno1", "parent": "ffff:fff1"},
        ],
        (Qdisc("lo", "noqueue", root=True), Qdisc("eno1", "clsact")),
    ),
    ("ip6_rule", "by prefix"): (
        [{"priority": 9, "src": "fd00:2::", "srclen": 64, "table": "77"}],
        (Rule(9, table="77", source="fd00:2::/64"),),
    ),
    ("ip_neigh", "none"): ([], ()),
    ("ip_neigh", "one of each kind"): (
        [
            {
                "dst": "192.168.0.2",
                "dev": "vmbr4000",
                "lladdr": "8A:80:51:ea:80:a9",
                "extern_learn": None,
                "state": ["NOARP"],
                "protocol": "zebra",
            },
            {"dst": "10.0.2.9", "dev": "vmbr2", "state": ["FAILED"]},
            {"dst": "fe80::0:1", "dev": "vmbr2", "lladdr": MAC, "router": None, "state": ["STALE"]},
            {"dst": "10.0.2.8", "dev": "vmbr2"},
        ],
        (
            Neighbour(
                "192.168.0.2",
                "vmbr4000",
                "8a:80:51:ea:80:a9",
                ("NOARP",),
                ("extern_learn",),
                "zebra",
            ),
            Neighbour("10.0.2.9", "vmbr2", None, ("FAILED",)),
            Neighbour("fe80::1", "vmbr2", MAC, ("STALE",), ("router",)),
            Neighbour("10.0.2.8", "vmbr2"),
        ),
    ),
    ("vrrp", "none"): ([], {}),
    ("vrrp", "FRR 8.4"): (
        [GROUP],
        {
            1: VrrpGroup(
                1,
                "vmbr0",
                shutdown=False,
                priority=None,
                ipv4=VrrpFamily("Master", 200, ("192.168.0.10",)),
                ipv6=VrrpFamily("Initialize", 200),
            )
        },
    ),
    ("sysctl", "blanks in a value"): (
        "net.ipv4.ip_forward = 1\nnet.ipv4.tcp_rmem = 4096\t131072\t6291456\n\n",
        {"net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "4096 131072 6291456"},
    ),
    ("sysctl", "none of the keys is there"): ("", {}),
    **NAT_LISTINGS,
    ("tc_filter", "none; others are in test_traffic_filters"): ("", ()),
    ("packet_filters", "nobody has loaded them; others are in test_packet_filters"): ("", ()),
    ("packet_filters", "a chain"): (
        {"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c", "hook": "input"}}]},
        (PacketChain("ip", "t", "c", "input"),),
    ),
    ("ipsec_policies", "none; others are in test_packet_filters"): ("", ()),
    ("probe", "a node that was told to ask nobody"): ("", ()),
    ("probe", "each answer"): (
        (
            "path 192.168.0.2 1550 ok\n"
            "vxlan 192.168.0.2 4000 lost 5e:e6:49:f0:e1:45\n"
            "path fd00::3 1570 short 1500\n"
            "path 192.168.0.4 1550 lost\n"
            "vxlan 192.168.0.4 2 untried it needs root\n"
        ),
        (
            Probe("192.168.0.2", "ok", size=1550, text="path 192.168.0.2 1550 ok"),
            Probe(
                "192.168.0.2",
                "lost",
                vni=4000,
                mac="5e:e6:49:f0:e1:45",
                text="vxlan 192.168.0.2 4000 lost 5e:e6:49:f0:e1:45",
            ),
            Probe("fd00::3", "short", size=1570, passed=1500, text="path fd00::3 1570 short 1500"),
            Probe("192.168.0.4", "lost", size=1550, text="path 192.168.0.4 1550 lost"),
            Probe(
                "192.168.0.4",
                "untried",
                vni=2,
                why="it needs root",
                text="vxlan 192.168.0.4 2 untried it needs root",
            ),
        ),
    ),
}
