"""The outputs that one function reads each, by slug; what an audit needs at least is in `host`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from parsers.configuration import parse_running_config, parse_sysctl
from parsers.evpn_state import parse_duplicate_addresses, parse_duplicate_macs, parse_evpn_vnis
from parsers.ip import parse_addresses, parse_ipv6_routes, parse_neighbours, parse_routes
from parsers.sessions import parse_bfd_peers, parse_bgp_summary, parse_evpn_summary
from parsers.vrrp import parse_vrrp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized

# Each raises ParseError for what it does not account for, and nothing else.
READERS: Mapping[str, Callable[[str], Sized]] = MappingProxyType(
    {
        "evpn_summary": parse_evpn_summary,
        "bgp_summary": parse_bgp_summary,
        "bfd": parse_bfd_peers,
        "evpn_vni": parse_evpn_vnis,
        "evpn_duplicate_macs": parse_duplicate_macs,
        "evpn_duplicate_addresses": parse_duplicate_addresses,
        "ip_address": parse_addresses,
        "ip_route": parse_routes,
        "ip6_route": parse_ipv6_routes,
        "ip_neigh": parse_neighbours,
        "vrrp": parse_vrrp,
        "running_config": parse_running_config,
        "sysctl": parse_sysctl,
    }
)
