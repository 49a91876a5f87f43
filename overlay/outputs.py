"""What is asked of a node, by slug: the one vocabulary of checks, parsers and collection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlay.expected import NodeIntent

BRIDGE_FDB = "bridge_fdb"
BRIDGE_FDB_LATER = "bridge_fdb_later"
IP_LINK = "ip_link"
BRIDGE_VLANS = "bridge_vlans"
IP_ADDRESS = "ip_address"
IP_ROUTE = "ip_route"
IP6_ROUTE = "ip6_route"
IP_RULE = "ip_rule"
IP6_RULE = "ip6_rule"
IP_NEIGH = "ip_neigh"
TC_QDISC = "tc_qdisc"
TC_FILTER = "tc_filter"
PACKET_FILTERS = "packet_filters"
IPSEC_POLICIES = "ipsec_policies"
SYSCTL = "sysctl"
EVPN_TABLE = "bgp_l2vpn_evpn"
EVPN_SUMMARY = "evpn_summary"
EVPN_VNI = "evpn_vni"
EVPN_DUPLICATE_MACS = "evpn_duplicate_macs"
EVPN_DUPLICATE_ADDRESSES = "evpn_duplicate_addresses"
BGP_SUMMARY = "bgp_summary"
BFD_PEERS = "bfd_peers"
OSPF_NEIGHBORS = "ospf_neighbors"
ISIS_NEIGHBORS = "isis_neighbors"
OPENFABRIC_NEIGHBORS = "openfabric_neighbors"
VRRP = "vrrp"
NAT = "nat"
RUNNING_CONFIG = "running_config"
PROBE = "probe"

ALWAYS = (BRIDGE_FDB, IP_LINK)
"""What every snapshot of every node holds, whatever is intended there."""

DAEMONS_FILE = "/etc/frr/daemons"
FRR_FILE = "/etc/frr/frr.conf"
SYSCTL_FILE = "/etc/sysctl.d/90-evpn-fleet.conf"
INTERFACES_FILE = "/etc/network/interfaces"
OVERLAY_INTERFACES_FILE = "/etc/network/interfaces.d/evpn-fleet"
KEPT_INTERFACES_FILE = "/etc/network/interfaces.d/evpn-fleet-kept"
SNAT_FILE = "/etc/network/evpn-fleet-snat.nft"


def interfaces_path(node: NodeIntent) -> str:
    """The file that a node's interfaces are written to, by its managed scope."""
    return INTERFACES_FILE if node.owns_underlay else OVERLAY_INTERFACES_FILE


def managed_paths(node: NodeIntent) -> tuple[str, ...]:
    """The files that are ours on a node, in the order in which they are put in place.

    FRR must know its EVPN instance before a VXLAN device appears, which has crashed bgpd
    otherwise. Devices that are kept by hand are in their file before the other one lacks them. The
    interfaces load what translates addresses.
    """
    kept = (KEPT_INTERFACES_FILE,) if node.keeps_devices else ()
    snat = (SNAT_FILE,) if node.snat else ()
    return (DAEMONS_FILE, FRR_FILE, SYSCTL_FILE, *kept, *snat, interfaces_path(node))


def file_slug(path: str) -> str:
    """The slug of a managed file's text: `/etc/frr/frr.conf` is `file_frr_conf`."""
    return "file_" + re.sub(r"\W", "_", path.rpartition("/")[2])
