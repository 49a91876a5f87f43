"""What an audit asks a node: all that its checks need, and nothing that its role has no use for."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift.catalogue import CHECKS, wanted_outputs
from overlay.loading import load_inventory
from overlay.outputs import file_slug
from parsers import NEEDED_SLUGS, READERS
from tasks.commands import BY_SLUG, COMMANDS, TEXT_SLUGS, commands_for
from tasks.files import MANAGED_FILES
from tests.drift import worlds

EXAMPLES = Path(__file__).parents[2] / "examples"

KERNEL = {"bridge_fdb", "ip_link", "ip_address", "sysctl", "ip_route", "ip6_route"}
FILES = {"file_interfaces", "file_frr_conf", "file_daemons", "file_90_evpn_fleet_conf"}
EVPN = {"bgp_l2vpn_evpn", "evpn_summary", "running_config"}
TUNNELS = {"bridge_fdb_later", "ip_neigh", "tc_filter", "tc_qdisc"}
TUNNELS |= {"packet_filters", "ipsec_policies"}
TUNNELS |= {"ip_rule", "ip6_rule"}
VTEP = TUNNELS | {"evpn_duplicate_macs", "evpn_duplicate_addresses"}
VRF = {"evpn_vni"}

# What each kind of node is asked, written down by hand.
ASKED = {
    ("l2-multicast", "node1"): KERNEL | FILES | TUNNELS,
    ("l2-unicast", "node1"): KERNEL | FILES | TUNNELS,
    ("l2-evpn", "node1"): KERNEL | FILES | EVPN | VTEP,
    ("l3-asymmetric", "node1"): KERNEL | FILES | EVPN | VTEP,
    ("l3-symmetric", "node1"): KERNEL | FILES | EVPN | VTEP | VRF,
    ("single-device", "node1"): KERNEL | FILES | EVPN | VTEP | VRF | {"bridge_vlans"},
    ("route-reflectors", "rrserver1"): KERNEL | FILES | EVPN,
    ("exit-single-gateway", "node1"): KERNEL | FILES | EVPN | VTEP | VRF,
    ("exit-upstream-bgp", "node1"): KERNEL | FILES | EVPN | VTEP | VRF | {"bgp_summary"},
    ("exit-upstream-bgp", "router"): KERNEL | FILES | {"running_config", "bgp_summary"},
    ("exit-vrrp", "node2"): KERNEL | FILES | EVPN | VTEP | VRF | {"vrrp"},
    ("exit-vrrp", "router"): KERNEL | FILES | {"running_config"},
}


def _asked(example: str, node: str) -> dict[str, str]:
    intent = load_inventory(EXAMPLES / example).intent
    wanted = wanted_outputs(intent, intent.nodes[node])
    return {c.slug: c.command for c in commands_for(wanted, intent.nodes[node])}


@pytest.mark.parametrize(("example", "node"), ASKED)
def test_a_node_is_asked_what_its_checks_need_and_no_more(example: str, node: str) -> None:
    assert _asked(example, node).keys() == ASKED[example, node]


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/fabric.yaml")), ids=lambda f: f.parent.name
)
def test_every_output_that_a_check_needs_has_a_command(file: Path) -> None:
    intent = load_inventory(file.parent).intent
    for node in intent.nodes.values():
        asked = {command.slug for command in commands_for(wanted_outputs(intent, node), node)}
        needed = {
            slug
            for each in CHECKS.values()
            if each.applies(intent, node) and not each.by_probe
            for slug in each.slugs(intent, node)
        }
        assert needed - asked == set(), node.name


# What prints it, by the manuals of iproute2 and FRR.
PRINTED_BY = {
    "bridge_fdb": "bridge fdb show",
    "bridge_fdb_later": "bridge fdb show",
    "ip_link": "ip -d link show",
    "bridge_vlans": "bridge -j vlan show && bridge -j vlan tunnelshow && bridge -j vni show",
    "bgp_l2vpn_evpn": "vtysh -c 'show bgp l2vpn evpn'",
    "evpn_summary": "vtysh -c 'show bgp l2vpn evpn summary json'",
    "evpn_vni": "vtysh -c 'show evpn vni json'",
    "evpn_duplicate_macs": "vtysh -c 'show evpn mac vni all duplicate json'",
    "evpn_duplicate_addresses": "vtysh -c 'show evpn arp-cache vni all duplicate json'",
    "bgp_summary": "vtysh -c 'show bgp summary json'",
    "bfd_peers": "vtysh -c 'show bfd peers json'",
    "ip_address": "ip -j address show",
    "ip_route": "ip -j route show table all",
    "ip6_route": "ip -6 -j route show table all",
    "ip_rule": "ip -j rule show",
    "ip6_rule": "ip -6 -j rule show",
    "ip_neigh": "ip -j neigh show nud all",
    "tc_qdisc": "tc -j qdisc show",
    # Where the module is loaded: `nft -j list ruleset`, `ip xfrm policy show` and `ip xfrm state list nokeys`.
    "packet_filters": "test ! -e /sys/module/nf_tables",
    "ipsec_policies": "test ! -e /sys/module/xfrm_user",
    "ospf_neighbors": "vtysh -c 'show ip ospf neighbor json'",
    "isis_neighbors": "vtysh -c 'show isis neighbor json'",
    "openfabric_neighbors": "vtysh -c 'show openfabric neighbor json'",
    "vrrp": "vtysh -c 'show vrrp json'",
    "nat": "nft -j list table inet evpn_fleet_snat",  # or, where that is gone, all tables
    "sysctl": "sysctl -e",
    "running_config": "vtysh -c 'show running-config'",
    "probe": "python3",  # and what tasks.probes.command adds
}


def test_each_output_is_that_of_its_command() -> None:
    commands = {command.slug: command.command for command in COMMANDS}
    # Of each device with a place for them.
    assert "tc filter show dev " in commands.pop("tc_filter")
    assert {s: c for s, c in commands.items() if not s.startswith("file_")} == PRINTED_BY


def test_a_router_is_asked_nothing_of_evpn() -> None:
    static = _asked("exit-vrrp", "router").keys()
    assert not static & {"bgp_l2vpn_evpn", "evpn_summary", "evpn_vni", "bgp_summary"}
    assert "bgp_summary" in _asked("exit-upstream-bgp", "router")


def test_bfd_is_asked_for_only_where_it_is_intended() -> None:
    intent = worlds.with_bfd("exit-upstream-bgp")
    for node in intent.nodes.values():
        asked = commands_for(wanted_outputs(intent, node), node)
        assert {c.slug: c for c in asked}["bfd_peers"].command == "vtysh -c 'show bfd peers json'"


def test_the_nodes_of_a_fabric_are_together_asked_everything_but_what_none_has() -> None:
    nodes = load_inventory(EXAMPLES / "exit-vrrp").intent.nodes
    everything = {slug for node in nodes for slug in _asked("exit-vrrp", node)}
    assert everything == BY_SLUG.keys() - {
        "bgp_summary",
        "bridge_vlans",
        "bfd_peers",
        "ospf_neighbors",
        "isis_neighbors",
        "openfabric_neighbors",
        "file_evpn_fleet",
        "file_evpn_fleet_kept",
        "file_evpn_fleet_snat_nft",
        "nat",
        "probe",
    }
    assert TEXT_SLUGS[2] not in _asked("l2-multicast", "node1")


def test_sysctl_is_asked_for_the_keys_of_the_intent() -> None:
    assert _asked("exit-multi-gateway", "node1")["sysctl"] == (
        "sysctl -e net.bridge.bridge-nf-call-ip6tables net.bridge.bridge-nf-call-iptables "
        "net.ipv4.conf.all.arp_ignore "
        "net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter "
        "net.ipv4.conf.vmbr0.rp_filter "
        "net.ipv4.conf.vmbr2.arp_ignore net.ipv4.conf.vmbr2.forwarding "
        "net.ipv4.conf.vmbr3.arp_ignore "
        "net.ipv4.conf.vmbr3.forwarding net.ipv4.conf.vmbr4000.forwarding "
        "net.ipv4.conf.vmbr4000.rp_filter net.ipv4.ip_forward "
        "net.ipv4.neigh.default.gc_thresh3 net.ipv4.neigh.vmbr0.mcast_solicit "
        "net.ipv4.neigh.vmbr2.mcast_solicit net.ipv4.neigh.vmbr3.mcast_solicit "
        "net.ipv6.conf.all.forwarding "
        "net.ipv6.neigh.default.gc_thresh3"
    )


def test_a_file_that_is_not_there_is_no_failed_command() -> None:
    command = BY_SLUG["file_frr_conf"]
    assert command.command == "[ ! -e /etc/frr/frr.conf ] || cat /etc/frr/frr.conf"
    assert command.root


def test_slugs_are_distinct_and_known_to_the_rooms_that_share_them() -> None:
    assert len(BY_SLUG) == len(COMMANDS)
    read = {*NEEDED_SLUGS, *READERS, "bridge_fdb_later"}
    assert {c.slug for c in COMMANDS if c.path is None} <= read
    assert {file_slug(file.path) for file in MANAGED_FILES} == FILES | {
        "file_evpn_fleet", "file_evpn_fleet_kept", "file_evpn_fleet_snat_nft",
    }  # fmt: skip
