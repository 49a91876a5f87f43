"""The outputs that one function reads each, by slug, and what becomes of them in a HostState.

A new command is one entry here. The three that an audit needs at least are in `host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from overlay import outputs
from parsers.configuration import parse_running_config, parse_sysctl
from parsers.evpn_state import parse_duplicate_addresses, parse_duplicate_macs, parse_evpn_vnis
from parsers.ip import (
    parse_addresses,
    parse_ipv6_routes,
    parse_ipv6_rules,
    parse_neighbours,
    parse_qdiscs,
    parse_routes,
    parse_rules,
)
from parsers.nat.nftables import parse_nat_chains
from parsers.probes import parse_probes
from parsers.sessions import parse_bfd_peers, parse_bgp_summary, parse_evpn_summary
from parsers.traffic.filters import parse_traffic_filters
from parsers.traffic.ipsec import parse_ipsec_policies
from parsers.traffic.nftables import parse_packet_filters
from parsers.traffic.vlans import parse_bridge_vlans
from parsers.underlay.adjacencies import (
    parse_isis_neighbors,
    parse_openfabric_neighbors,
    parse_ospf_neighbors,
)
from parsers.vrrp import parse_vrrp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` raises ParseError for what it does not account for, and nothing else.

    What it returns is the HostState's field `plane`.
    """

    read: Callable[[str], Sized]
    plane: str


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        outputs.EVPN_SUMMARY: Reader(parse_evpn_summary, "evpn_peers"),
        outputs.BGP_SUMMARY: Reader(parse_bgp_summary, "bgp_families"),
        outputs.BFD_PEERS: Reader(parse_bfd_peers, "bfd_peers"),
        outputs.EVPN_VNI: Reader(parse_evpn_vnis, "vnis"),
        outputs.EVPN_DUPLICATE_MACS: Reader(parse_duplicate_macs, "duplicate_macs"),
        outputs.EVPN_DUPLICATE_ADDRESSES: Reader(parse_duplicate_addresses, "duplicate_addresses"),
        outputs.BRIDGE_VLANS: Reader(parse_bridge_vlans, "vlans"),
        outputs.IP_ADDRESS: Reader(parse_addresses, "addresses"),
        outputs.IP_ROUTE: Reader(parse_routes, "routes"),
        outputs.IP6_ROUTE: Reader(parse_ipv6_routes, "ipv6_routes"),
        outputs.IP_RULE: Reader(parse_rules, "rules"),
        outputs.IP6_RULE: Reader(parse_ipv6_rules, "ipv6_rules"),
        outputs.IP_NEIGH: Reader(parse_neighbours, "neighbours"),
        outputs.TC_QDISC: Reader(parse_qdiscs, "qdiscs"),
        outputs.TC_FILTER: Reader(parse_traffic_filters, "filters"),
        outputs.PACKET_FILTERS: Reader(parse_packet_filters, "packet_chains"),
        outputs.IPSEC_POLICIES: Reader(parse_ipsec_policies, "ipsec_policies"),
        outputs.OSPF_NEIGHBORS: Reader(parse_ospf_neighbors, "adjacencies"),
        outputs.ISIS_NEIGHBORS: Reader(parse_isis_neighbors, "adjacencies"),
        outputs.OPENFABRIC_NEIGHBORS: Reader(parse_openfabric_neighbors, "adjacencies"),
        outputs.VRRP: Reader(parse_vrrp, "vrrp_groups"),
        outputs.NAT: Reader(parse_nat_chains, "nat_chains"),
        outputs.RUNNING_CONFIG: Reader(parse_running_config, "running_config"),
        outputs.SYSCTL: Reader(parse_sysctl, "settings"),
        outputs.PROBE: Reader(parse_probes, "probes"),
    }
)
