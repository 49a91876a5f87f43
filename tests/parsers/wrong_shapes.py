"""Outputs that are refused, and the exact complaint about each."""

from __future__ import annotations

import json

from tests.parsers.shapes import GROUP, HOST, INET, LINK, LOCAL, MAC, UP

# (slug, what is wrong): the document (or text), and the complaint.
REFUSED = {
    ("bridge_vlans", "one line of three"): (
        "[]\n",
        (
            "bridge -j vlan show; bridge -j vlan tunnelshow; bridge -j vni show: 1 line, not one of "
            "each of bridge -j vlan show, bridge -j vlan tunnelshow, bridge -j vni show; not understood: '[]'"
        ),
    ),
    ("evpn_summary", "nothing at all"): (
        "",
        (
            "show bgp l2vpn evpn summary json: not JSON (EOF while parsing a value at line 1 column "
            "0): no output"
        ),
    ),
    ("evpn_summary", "no JSON"): (
        "bgpd is not running\n",
        (
            "show bgp l2vpn evpn summary json: not JSON (expected value at line 1 column 1): "
            "'bgpd is not running'"
        ),
    ),
    ("evpn_summary", "a list"): (
        [],
        "show bgp l2vpn evpn summary json: not an object (found '[]')",
    ),
    ("evpn_summary", "something else"): (
        {"warning": "no such VRF"},
        (
            "show bgp l2vpn evpn summary json: peers: this key is missing (found "
            """'{"warning": "no such VRF"}')"""
        ),
    ),
    ("evpn_summary", "a peer without its state"): (
        {"peers": {"192.168.0.2": {"remoteAs": 1234}}},
        (
            "show bgp l2vpn evpn summary json: peers.192.168.0.2.state: this key is missing (found "
            """'{"remoteAs": 1234}')"""
        ),
    ),
    ("evpn_summary", "one address twice"): (
        {"peers": {"192.168.0.2": UP, "*192.168.0.2": UP}},
        (
            "show bgp l2vpn evpn summary json: peers.*192.168.0.2: a second neighbour of this address "
            """(found '{"state": "Established"}')"""
        ),
    ),
    ("ospf_neighbors", "a neighbour without its state"): (
        {"neighbors": {"192.0.2.1": [{"ifaceName": "eno2:192.0.2.0"}]}},
        (
            "show ip ospf neighbor json: neighbors.192.0.2.1[0].nbrState: this key is missing "
            """(found '{"ifaceName": "eno2:192.0.2.0"}')"""
        ),
    ),
    ("isis_neighbors", "no areas"): (
        {},
        "show isis neighbor json: areas: this key is missing (found '{}')",
    ),
    ("isis_neighbors", "a neighbour without its interface"): (
        {"areas": [{"circuits": [{"adj": "spine1", "state": "Up"}]}]},
        (
            "show isis neighbor json: areas[0].circuits[0].interface: this key is missing "
            """(found '{"adj": "spine1", "state": "Up"}')"""
        ),
    ),
    ("openfabric_neighbors", "a circuit that is none"): (
        {"areas": [{"circuits": [5]}]},
        "show openfabric neighbor json: areas[0].circuits[0]: not an object (found '5')",
    ),
    ("bgp_summary", "a family that is none"): (
        {"ipv4Unicast": 5},
        "show bgp summary json: ipv4Unicast: not an object (found '5')",
    ),
    ("bgp_summary", "a state that is none"): (
        {"default": {"ipv4Unicast": {"peers": {"192.0.2.1": {"state": 5}}}}},
        (
            "show bgp summary json: default.ipv4Unicast.peers.192.0.2.1.state: not a text "
            "(found '5')"
        ),
    ),
    ("bfd_peers", "an object"): ({}, "show bfd peers json: not a list (found '{}')"),
    ("bfd_peers", "no status"): (
        [{"peer": "192.168.0.2"}],
        """show bfd peers json: [0].status: this key is missing (found '{"peer": "192.168.0.2"}')""",
    ),
    ("evpn_vni", "no type"): (
        {"2": {}},
        (
            "show evpn vni json: 2.type: this key is missing (found '{}'); 2.tenantVrf: this key is "
            "missing (found '{}')"
        ),
    ),
    ("evpn_vni", "no number"): (
        {"two": {"type": "L2", "tenantVrf": "vrf1"}},
        """show evpn vni json: not a VNI (found '"two"')""",
    ),
    ("evpn_vni", "no address"): (
        {"2": {"type": "L2", "tenantVrf": "vrf1", "remoteVteps": ["node2"]}},
        """show evpn vni json: 2.remoteVteps: not an IP address (found '"node2"')""",
    ),
    ("evpn_duplicate_macs", "no MAC"): (
        {"2": {"numMacs": 1, "macs": {"node2": LOCAL}}},
        """show evpn mac vni all duplicate json: 2.macs: not a MAC (found '"node2"')""",
    ),
    ("evpn_duplicate_macs", "on a third side"): (
        {"2": {"numMacs": 1, "macs": {MAC: {"type": "auto"}}}},
        (
            f"show evpn mac vni all duplicate json: 2.macs.{MAC}.type: neither local nor remote "
            """(found '"auto"')"""
        ),
    ),
    ("evpn_duplicate_addresses", "fewer than it says"): (
        {"2": {"numArpNd": 1}},
        (
            "show evpn arp-cache vni all duplicate json: 2: 0 of 1 addresses (found "
            """'{"numArpNd": 1}')"""
        ),
    ),
    ("evpn_duplicate_addresses", "no count"): (
        {"2": {"10.0.2.1": {}}},
        (
            "show evpn arp-cache vni all duplicate json: 2.numArpNd: this key is missing (found "
            """'{"10.0.2.1": {}}')"""
        ),
    ),
    ("evpn_duplicate_addresses", "no MAC"): (
        {"2": {"numArpNd": 1, "10.0.2.1": HOST | {"mac": "node2"}}},
        (
            "show evpn arp-cache vni all duplicate json: 2.10.0.2.1.mac: not a MAC (found "
            """'"node2"')"""
        ),
    ),
    ("ip_address", "no name"): (
        [{"ifindex": 1}],
        """ip -j address show: [0].ifname: this key is missing (found '{"ifindex": 1}')""",
    ),
    ("ip_address", "one name twice"): (
        [LINK, LINK],
        """ip -j address show: [1].ifname: a second link of this name (found '"vmbr2"')""",
    ),
    ("ip_address", "no length"): (
        [LINK | {"addr_info": [{"family": "inet", "local": "10.0.2.254"}]}],
        (
            "ip -j address show: [0].addr_info[0].prefixlen: this key is missing (found "
            """'{"family": "inet", "local": "10.0.2.254"}')"""
        ),
    ),
    ("ip_address", "no address"): (
        [LINK | {"addr_info": [INET | {"prefixlen": 33}]}],
        (
            "ip -j address show: [0].addr_info[0]: not an address with its length (found "
            """'{"family": "inet", "local": "10.0.2.254", "prefixlen": 33}')"""
        ),
    ),
    ("ip_route", "no destination"): (
        [{"dev": "vmbr0"}],
        """ip -j route show table all: [0].dst: this key is missing (found '{"dev": "vmbr0"}')""",
    ),
    ("ip_route", "no destination that is one"): (
        [{"dst": "10.0.2.1/24"}],
        """ip -j route show table all: [0].dst: not a destination (found '"10.0.2.1/24"')""",
    ),
    ("ip_route", "a number in quotes"): (
        [{"dst": "default", "metric": "20"}],
        """ip -j route show table all: [0].metric: not a whole number (found '"20"')""",
    ),
    ("ip6_route", "cut off"): (
        '[{"dst": "default", "dev"',
        (
            "ip -6 -j route show table all: not JSON (EOF while parsing an object at line 1 column "
            """25): '[{"dst": "default", "dev"'"""
        ),
    ),
    ("ip_rule", "no priority"): (
        [{"src": "all"}],
        """ip -j rule show: [0].priority: this key is missing (found '{"src": "all"}')""",
    ),
    ("ip6_rule", "no prefix"): (
        [{"priority": 9, "src": "x"}],
        """ip -6 -j rule show: [0].src: not a prefix (found '{"priority": 9, "src": "x"}')""",
    ),
    ("ip_neigh", "no device, and more of it"): (
        [{"dst": "10.0.2.1"}] * 5,
        "; ".join(
            f"{'ip -j neigh show nud all: ' * (at == 0)}[{at}].dev: this key is missing (found "
            """'{"dst": "10.0.2.1"}')"""
            for at in range(3)
        )
        + " and 2 more",
    ),
    ("tc_qdisc", "no device"): (
        [{"kind": "noqueue"}],
        """tc -j qdisc show: [0].dev: this key is missing (found '{"kind": "noqueue"}')""",
    ),
    ("ip_neigh", "no address"): (
        [{"dst": "\u001b[2J", "dev": "vmbr2"}],
        r"""ip -j neigh show nud all: [0].dst: not an IP address (found '"\\u001b[2J"')""",
    ),
    ("vrrp", "one number on two links"): (
        [GROUP, GROUP | {"interface": "vmbr2"}],
        "show vrrp json: [1].vrid: a second group of this number (found '1')",
    ),
    ("vrrp", "no family"): (
        [{key: value for key, value in GROUP.items() if key != "v6"}],
        "show vrrp json: [0].v6: this key is missing (found '"
        + json.dumps({key: value for key, value in GROUP.items() if key != "v6"}, sort_keys=True)
        + "')",
    ),
    ("nat", "a rule without a chain"): (
        {"nftables": [{"rule": {"chain": "postrouting", "expr": []}}]},
        "nft -j list table: nftables: a rule of a chain that is not listed (found '\"postrouting\"')",
    ),
    ("nat", "no listing"): (
        {"metainfo": {}},
        "nft -j list table: nftables: this key is missing (found '{\"metainfo\": {}}')",
    ),
    ("sysctl", "a line that is no setting"): (
        "net.ipv4.ip_forward = 1\nsysctl: permission denied\n",
        "sysctl: 1 of 2 settings read; not understood: 'sysctl: permission denied'",
    ),
    ("tc_filter", "a line below no filter"): (
        "tap2i0 ingress   not_in_hw\n",
        "tc filter show: 0 of 1 read; not understood: 'tap2i0 ingress   not_in_hw'",
    ),
    ("packet_filters", "no listing"): (
        {"metainfo": {}},
        "nft -j list ruleset: nftables: this key is missing (found '{\"metainfo\": {}}')",
    ),
    ("ipsec_policies", "a line below no policy"): (
        "\tdir out action block priority 0\n",
        "ip xfrm policy show: 0 read; not understood: '\\tdir out action block priority 0'",
    ),
    ("probe", "a line that is no answer"): (
        "path 192.168.0.2 1550 ok\npath 192.168.0.3 1550 maybe\n",
        "probe: 1 of 2 answers read; not understood: 'path 192.168.0.3 1550 maybe'",
    ),
    ("sysctl", "one key twice"): (
        "a = 1\na = 2\n",
        "sysctl: 1 of 2 settings read; not understood: 'a = 2'",
    ),
    ("running_config", "nothing at all"): (
        "",
        "show running-config: no line `Current configuration:`: no output",
    ),
    ("running_config", "an error"): (
        "bgpd is not running\n",
        "show running-config: no line `Current configuration:`: 'bgpd is not running'",
    ),
    ("running_config", "cut off"): (
        "Current configuration:\n!\nrouter bgp 1234\n",
        "show running-config: it does not end in `end`: the text was cut off at 'router bgp 1234'",
    ),
}
