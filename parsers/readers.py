"""The outputs that one function reads each, by slug, and what becomes of them in a HostState.

A new command is one entry here. The three that an audit needs at least are in `host`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from parsers.configuration import parse_running_config, parse_sysctl
from parsers.evpn_state import parse_duplicate_addresses, parse_duplicate_macs, parse_evpn_vnis
from parsers.ip import parse_addresses, parse_ipv6_routes, parse_neighbours, parse_routes
from parsers.sessions import parse_bfd_peers, parse_bgp_summary, parse_evpn_summary
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
        "evpn_summary": Reader(parse_evpn_summary, "evpn_peers"),
        "bgp_summary": Reader(parse_bgp_summary, "bgp_families"),
        "bfd": Reader(parse_bfd_peers, "bfd_peers"),
        "evpn_vni": Reader(parse_evpn_vnis, "vnis"),
        "evpn_duplicate_macs": Reader(parse_duplicate_macs, "duplicate_macs"),
        "evpn_duplicate_addresses": Reader(parse_duplicate_addresses, "duplicate_addresses"),
        "ip_address": Reader(parse_addresses, "addresses"),
        "ip_route": Reader(parse_routes, "routes"),
        "ip6_route": Reader(parse_ipv6_routes, "ipv6_routes"),
        "ip_neigh": Reader(parse_neighbours, "neighbours"),
        "vrrp": Reader(parse_vrrp, "vrrp_groups"),
        "running_config": Reader(parse_running_config, "running_config"),
        "sysctl": Reader(parse_sysctl, "settings"),
    }
)
