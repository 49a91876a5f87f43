"""Which checks there are on a node, by the output that they need: written down by hand.

Taken from the catalogue, it would say yes to whatever the catalogue says.
"""

from __future__ import annotations

LINKS = frozenset(
    {
        "vxlan-missing", "vxlan-unexpected", "vxlan-vni", "vxlan-local-ip", "vxlan-dstport",
        "vxlan-learning", "link-down", "bridge-missing", "bridge-membership",
        "bridge-port-learning", "bridge-port-neigh-suppress", "bridge-port-flood",
        "bridge-port-broadcast", "guest-port-blocked", "bridge-port-isolated", "bridge-settings", "bridge-port-state", "vrf-missing",
        "vrf-membership", "mtu", "vtep-duplicate", "vxlan-settings",
    }
)  # fmt: skip
FLOOD_LISTS = frozenset({"flood-missing", "flood-unexpected"})
MACS = frozenset(
    {"fdb-stale", "fdb-missing", "fdb-wrong-vtep", "mac-not-advertised", "kernel-not-programmed"}
)
NEIGHBOURS = frozenset({"neighbor-missing"})
RULES = frozenset({"vrf-rule"})
NETWORKS = frozenset({"gateway-route"})
VRF_TABLES = frozenset({"vrf-isolation", "vrf-leak", "vrf-route-unexpected"})
VRF_ROUTES = frozenset({"vrf-route-missing", "vrf-route-stale"})
# Those that sort routes by the VNI in their route targets, and those that do not.
ROUTES_BY_VNI = frozenset(
    {
        "imet-not-originated", "imet-missing", "imet-unexpected", "route-target",
        "type5-unexpected", "mac-mobility", "mac-route-missing", "ip-duplicate", "next-hop",
    }
)  # fmt: skip
ROUTES = ROUTES_BY_VNI | {"evpn-empty", "rd-duplicate", "router-id"}
RENDERED = frozenset({"config-file", "config-running"})

# A node of `worlds.symmetric`, and one of `worlds.unicast`.
SYMMETRIC = {
    "ip_link": LINKS
    | {"fdb-static", "bridge-diverted"}
    | {"gateway-mac", "rmac-conflict"}
    | VRF_TABLES
    | VRF_ROUTES
    | RULES
    | NETWORKS,
    "bridge_fdb": FLOOD_LISTS | MACS | {"fdb-static"},
    "bgp_l2vpn_evpn": FLOOD_LISTS
    | MACS
    | ROUTES
    | NEIGHBOURS
    | VRF_ROUTES
    | {"gateway-advertised"},
    "evpn_summary": frozenset({"session-as", "session-down", "session-unexpected"}),
    "evpn_vni": frozenset({"l3vni"}),
    "evpn_duplicate_macs": frozenset({"mac-frozen"}),
    "evpn_duplicate_addresses": frozenset({"mac-frozen"}),
    "ip_address": frozenset({"gateway-address", "underlay-address"}) | NETWORKS,
    "ip_route": VRF_ROUTES | VRF_TABLES | NETWORKS | {"underlay-diverted"},
    "ip_rule": RULES,
    "tc_qdisc": frozenset({"traffic-control"}),
    "packet_filters": frozenset({"packet-filter"}),
    "ip_neigh": NEIGHBOURS | {"neighbor-static"},
    "sysctl": frozenset({"sysctl"}),
}
UNICAST = {
    "ip_link": LINKS | {"fdb-static"},
    "bridge_fdb": FLOOD_LISTS | {"fdb-static"},
    "bgp_l2vpn_evpn": frozenset[str](),
    "ip_address": frozenset({"underlay-address"}),
    "ip_route": frozenset({"underlay-diverted"}),
    "tc_qdisc": frozenset({"traffic-control"}),
    "packet_filters": frozenset({"packet-filter"}),
    "sysctl": frozenset({"sysctl"}),
}
