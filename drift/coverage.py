"""What is read of a node and written to it, and which check compares it: or why none does.

`docs/checks.md` shows it, and a test holds it to the records' fields and to the rendered files: a
field or a statement that is new has to be entered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Compared = tuple[str, ...]
"""Ids of checks."""
Entry = Compared | str
"""The checks that compare it, or in words why none does."""

_KEY = "which record it is, not a property of it"
_EVIDENCE = "the printed lines themselves, shown as evidence"
_GUESTS = "of guests, which no intent names"
_UNUSED = "no topology here uses it"
_FILTERED = ("packet-filter",)
_CHOICE = "BGP's own choice; what it chose is compared with the kernel"

RECORDS: Mapping[str, Mapping[str, Entry]] = {
    "FdbEntry": {
        "mac": ("fdb-missing", "fdb-stale"),
        "device": ("fdb-missing", "flood-missing"),
        "dst": ("fdb-wrong-vtep", "flood-missing", "flood-unexpected"),
        "vlan": ("fdb-missing",),
        **dict.fromkeys(("vni", "port", "via"), ("fdb-wrong-vtep", "flood-missing")),
        "src_vni": ("fdb-missing", "flood-missing"),
        "nhid": ("fdb-wrong-vtep",),
        "link_netnsid": _UNUSED,
        "master": ("fdb-missing",),
        "state": "how long an entry lives; that it is there and where it leads is compared",
        "flags": "who made an entry; one without a route behind it is `fdb-stale`, whoever made it",
        "used": "a time",
        "text": _EVIDENCE,
    },
    "VxlanDetail": {
        "vni": ("vxlan-vni", "vxlan-unexpected"),
        "local": ("vxlan-local-ip", "vtep-duplicate"),
        "group": ("vxlan-group",),
        "remote": "the flood list has the same address, and is compared",
        "device": ("vxlan-group",),
        "dstport": ("vxlan-dstport",),
        "learning": ("vxlan-learning",),
        "external": ("vxlan-vni", "vxlan-unexpected"),
        "ttl": ("vxlan-settings",),
        "ageing": "in EVPN zebra removes MACs; elsewhere the kernel's default is as good as any",
        "vnifilter": ("vni-filter",),
        "proxy": ("vxlan-settings",),
    },
    "BridgePort": {
        "state": ("bridge-port-state", "guest-port-blocked"),
        "learning": ("bridge-port-learning", "guest-port-blocked"),
        "flood": ("bridge-port-flood",),
        "mcast_flood": ("bridge-port-flood",),
        "bcast_flood": ("bridge-port-broadcast", "guest-port-blocked"),
        "neigh_suppress": ("bridge-port-neigh-suppress",),
        "isolated": ("bridge-port-isolated",),
        "hairpin": "not rendered: every kernel begins with it off",
        "locked": ("bridge-port-state", "guest-port-blocked"),
        "vlan_tunnel": ("vlan-vni-map",),
    },
    "BridgeVlans": {
        "ports": ("port-vlan",),
        "tunnels": ("vlan-vni-map",),
        "filters": ("vni-filter",),
        **dict.fromkeys(("text", "tunnel_text", "filter_text"), _EVIDENCE),
    },
    "BridgeDetail": {
        **dict.fromkeys(("stp_state", "vlan_filtering", "ageing_time"), ("bridge-settings",)),
        **dict.fromkeys(("learnt", "most_learnt"), ("bridge-settings",)),
        "forward_delay": "says nothing while STP is off, which `bridge-settings` compares",
    },
    "Link": {
        "index": "the kernel's own number",
        "name": ("vxlan-missing", "bridge-missing", "vrf-missing"),
        "parent": ("bridge-membership",),
        "flags": ("link-down", "bridge-settings"),
        "mtu": ("mtu",),
        "state": "`flags` say it more exactly",
        "master": ("bridge-membership", "vrf-membership"),
        "link_type": "follows from the kind",
        "mac": ("gateway-mac", "rmac-conflict"),
        "kind": ("vxlan-missing", "bridge-missing"),
        "port_kind": "follows from the master's kind",
        "altnames": "other names of one device",
        "vxlan": ("vxlan-vni",),
        "bridge": ("bridge-settings",),
        "bridge_port": ("bridge-port-state",),
        "vlan": ("bridge-membership",),
        "macvlan": ("bridge-diverted",),
        "vrf_table": "chosen by ifupdown2 (`vrf-table auto`); bridges are in a VRF by its name",
        "text": _EVIDENCE,
    },
    "EvpnPath": {
        "rd": ("rd-duplicate", "mac-route-missing"),
        "prefix": ("mac-route-missing",),
        "route_type": ("imet-missing", "fdb-missing", "type5-missing"),
        "eth_tag": "0 where a device carries one VNI",
        "mac": ("fdb-missing", "ip-duplicate", "gateway-advertised"),
        "ip": ("imet-missing", "ip-duplicate", "gateway-advertised", "type5-missing"),
        "prefix_length": ("type5-missing", "type5-unexpected"),
        "esi": ("mac-mobility",),
        "status": ("mac-route-missing", "fdb-missing"),
        "next_hop": ("fdb-wrong-vtep", "mac-mobility", "next-hop"),
        "metric": _CHOICE,
        "local_pref": _CHOICE,
        "weight": "tells a node's own routes from received ones",
        "as_path": _CHOICE,
        "origin": _CHOICE,
        "route_targets": ("route-target", "imet-unexpected"),
        "extended": ("gateway-advertised",),
        "rmac": ("fdb-missing", "fdb-wrong-vtep"),
        "mobility_sequence": ("mac-mobility",),
        "sticky": ("mac-mobility",),
        "unknown": "nothing follows from an unknown word; a note shows it",
        "text": _EVIDENCE,
    },
    "EvpnTable": {
        "paths": ("evpn-empty",),
        "router_id": ("router-id",),
        "empty": ("evpn-empty",),
        "said": ("evpn-empty",),
        "head": _EVIDENCE,
        "unknown": "nothing follows from an unknown word; a note shows it",
    },
    "BgpPeer": {
        "address": ("session-down", "session-unexpected"),
        "state": ("session-down",),
        "family": ("session-down",),
        "remote_as": ("session-as",),
        "local_as": ("session-as",),
        "dynamic": "a reflector's clients are dynamic; that they are there is compared",
        "received": "the routes themselves are compared, not how many",
        "sent": "the routes themselves are compared at the other end, not how many",
        "text": _EVIDENCE,
    },
    "BfdPeer": {
        "address": ("bfd-down",),
        "status": ("bfd-down",),
        "local": "the session of an address that is wrong is not up",
        "vrf": "sessions are in the main VRF; one that is up counts",
        "interface": "the session of a wrong interface is not up",
        "multihop": "FRR derives it from the BGP session",
        "configured": "who asked for a session does not matter while it is up",
        "diagnostic": "the reason of the peer's last change, for a person to read",
        "multiplier": ("config-running",),
        "receive_interval": ("config-running",),
        "transmit_interval": ("config-running",),
        "text": _EVIDENCE,
    },
    "Adjacency": {
        **dict.fromkeys(("interface", "neighbour", "state"), ("underlay-adjacency",)),
        "address": "that of the neighbour's interface; which node it is is compared",
        "text": _EVIDENCE,
    },
    "EvpnVni": {
        "vni": ("l3vni",),
        "type": ("l3vni",),
        "vrf": ("l3vni",),
        "device": "one device of a VNI is sure where `vxlan-unexpected` finds no second one",
        "bridge": "the kernel's membership is compared (`bridge-membership`)",
        "vlan": "bridges are not VLAN-aware",
        "remote_vteps": "zebra's flood list is compared as the kernel has it (`flood-missing`)",
        "text": _EVIDENCE,
    },
    "DuplicateMac": {
        "vni": ("mac-frozen",),
        "mac": ("mac-frozen",),
        "local": ("mac-frozen",),
        "device": _GUESTS,
        "vtep": ("mac-frozen",),
        "es": ("mac-frozen",),
        "moves": "`mac-mobility` counts moves in the routes",
        "text": _EVIDENCE,
    },
    "DuplicateAddress": {
        "vni": ("mac-frozen",),
        "address": ("mac-frozen",),
        "local": ("mac-frozen",),
        "mac": ("mac-frozen",),
        "vtep": ("mac-frozen",),
        "es": ("mac-frozen",),
        "moves": "`mac-mobility` counts moves in the routes",
        "text": _EVIDENCE,
    },
    "VrrpFamily": {
        "status": ("vrrp",),
        "priority": ("vrrp",),
        "addresses": ("vrrp",),
        "device": "ifupdown2 names it; that the group is Master or Backup is compared",
    },
    "VrrpGroup": {
        "id": ("vrrp",),
        "interface": ("vrrp",),
        "shutdown": ("vrrp",),
        "priority": ("vrrp",),
        "ipv4": ("vrrp",),
        "ipv6": ("vrrp",),
        "text": _EVIDENCE,
    },
    "NatRule": {
        **dict.fromkeys(("verdict", "devices", "sources", "targets", "address", "more"), ("snat",)),
        "text": _EVIDENCE,
    },
    "NatChain": {
        **dict.fromkeys(("name", "hook", "rules"), ("snat",)),
    },
    "InterfaceAddress": {
        "interface": ("gateway-address", "underlay-address"),
        "scope": "follows from the address",
        "flags": ("gateway-address", "underlay-address"),
    },
    "AddressedLink": {
        "name": ("gateway-address", "underlay-address"),
        "addresses": ("gateway-address", "underlay-address"),
        "text": _EVIDENCE,
    },
    "NextHop": {
        "gateway": ("exit-route", "vrf-route-missing", "vrf-static-route"),
        "device": ("exit-route", "vrf-route-missing", "underlay-route", "vrf-leak"),
        "alive": "a dead hop's device is down, which `link-down` finds",
    },
    "Route": {
        "table": ("exit-route", "vrf-isolation", "vrf-route-missing"),
        "prefix": ("vrf-isolation", "vrf-route-missing", "gateway-route", "underlay-route"),
        "type": ("exit-route", "vrf-isolation", "vrf-route-missing", "gateway-address"),
        "metric": ("exit-route", "vrf-route-missing"),
        "protocol": ("vrf-route-unexpected", "vrf-route-stale"),
        "hops": ("exit-route", "vrf-route-missing", "vrf-static-route", "vrf-leak"),
        "mtu": ("underlay-diverted", "gateway-route", "vrf-route-missing"),
    },
    "Rule": {
        "priority": "which rule comes first is their order",
        **dict.fromkeys(
            ("action", "table", "source", "target", "device", "to_vrf", "narrowed"),
            ("vrf-rule",),
        ),
        "text": _EVIDENCE,
    },
    "Qdisc": {
        **dict.fromkeys(("device", "kind", "root", "burst"), ("traffic-control",)),
        "text": _EVIDENCE,
    },
    "TrafficFilter": {
        **dict.fromkeys(("device", "place", "kind", "narrowed", "actions"), ("traffic-control",)),
        "text": _EVIDENCE,
    },
    "PacketTest": dict.fromkeys(("field", "values", "differs"), _FILTERED),
    "PacketRule": {
        **dict.fromkeys(("tests", "verdict", "target"), _FILTERED),
        "text": _EVIDENCE,
    },
    "PacketChain": dict.fromkeys(
        ("family", "table", "name", "hook", "devices", "policy", "rules"), _FILTERED
    ),
    "IpsecPolicy": {
        **dict.fromkeys(("source", "target", "direction", "blocks", "unmet"), _FILTERED),
        **dict.fromkeys(("priority", "protocol", "port", "narrowed"), _FILTERED),
        "text": _EVIDENCE,
    },
    "Neighbour": {
        "address": ("neighbor-missing",),
        "device": ("neighbor-missing",),
        "mac": ("neighbor-missing", "neighbor-static"),
        "states": ("neighbor-missing", "neighbor-static"),
        "flags": ("neighbor-missing",),
        "protocol": "who made an entry does not matter where it leads",
    },
    "Probe": {
        "address": ("vtep-unreachable", "path-mtu"),
        "answer": ("vtep-unreachable", "path-mtu"),
        "size": ("path-mtu",),
        "vni": ("vtep-unreachable",),
        "passed": ("path-mtu",),
        "mac": ("vtep-unreachable",),
        "why": "for a person to read; what could not be asked proves nothing",
        "text": _EVIDENCE,
    },
    "FrrLine": {
        "statement": "read for `lint` and `import`; `config-running` compares what FRR runs",
        "line": "where a statement stands in its file",
    },
}
"""By record and field of what parsers return."""

_ON_DISK = ("config-file",)
STATEMENTS: Mapping[str, Mapping[str, Entry]] = {
    "interfaces": {
        **dict.fromkeys(("auto", "allow-evpn", "source"), _ON_DISK),
        "iface": ("vxlan-missing", "bridge-missing", "vrf-missing"),
        "address": ("gateway-address", "underlay-address"),
        "gateway": ("exit-route",),
        **dict.fromkeys(("arp-accept", "bridge-fd", "bridge-ports-condone-regex"), _ON_DISK),
        **dict.fromkeys(("ip6-forward", "post-down", "pre-down"), _ON_DISK),
        "bridge-allow-untagged": ("port-vlan",),
        "bridge-arp-nd-suppress": ("bridge-port-neigh-suppress",),
        "bridge-learning": ("bridge-port-learning",),
        "bridge-multicast-flood": ("bridge-port-flood",),
        "bridge-ports": ("bridge-membership",),
        "bridge-stp": ("bridge-settings",),
        "bridge-unicast-flood": ("bridge-port-flood",),
        "bridge-vids": ("vlan-vni-map", "port-vlan"),
        "bridge-vlan-aware": ("bridge-settings",),
        "hwaddress": ("gateway-mac",),
        "ip-forward": ("sysctl",),
        "mtu": ("mtu",),
        "pre-up": ("vxlan-vni", "vxlan-local-ip", "vxlan-dstport", "vxlan-group"),
        "up": ("flood-missing",),
        "post-up": ("vrf-isolation", "snat", "vlan-vni-map", "vni-filter"),
        **dict.fromkeys(("vlan-id", "vlan-raw-device"), ("bridge-membership",)),
        "vrf": ("vrf-membership",),
        "vrf-table": ("vrf-missing",),
        "vrrp": ("vrrp",),
        "vxlan-id": ("vxlan-vni",),
        "vxlan-learning": ("vxlan-learning",),
        "vxlan-local-tunnelip": ("vxlan-local-ip",),
        "vxlan-physdev": ("vxlan-group",),
        "vxlan-port": ("vxlan-dstport",),
        "vxlan-remoteip": ("flood-missing", "flood-unexpected"),
        "vxlan-svcnodeip": ("vxlan-group",),
    },
    "frr.conf": {
        "every statement": ("config-running",),
        "neighbor … password": "an audit never knows it; that there is one is `config-running`, "
        "one that is not the peer's `session-down`, and `plan` compares the file's",
    },
    "daemons": {
        "bgpd": ("evpn-empty", "session-down"),
        "bfdd": ("bfd-down",),
        "ospfd": ("underlay-adjacency",),
        "isisd": ("underlay-adjacency",),
        "fabricd": ("underlay-adjacency",),
        "vrrpd": ("vrrp",),
        "vtysh_enable": _ON_DISK,
        "zebra_options": _ON_DISK,
        "bgpd_options": _ON_DISK,
        "staticd_options": _ON_DISK,
        "vrrpd_options": _ON_DISK,
        "bfdd_options": _ON_DISK,
        "ospfd_options": _ON_DISK,
        "isisd_options": _ON_DISK,
        "fabricd_options": _ON_DISK,
    },
    "sysctl": {"every setting": ("sysctl",)},
    "evpn-fleet-snat.nft": {"every rule": ("snat",)},
}
"""By managed file and first word; `config-file` compares every byte of them on disk besides."""


def coverage_text() -> str:
    """The last part of `docs/checks.md`."""
    rows = [
        f"| `{record}.{field}` | {_said(entry)} |"
        for record, fields in RECORDS.items()
        for field, entry in fields.items()
        if entry != _EVIDENCE
    ]
    written = [
        f"| {file} | {f'`{word}`' if ' ' not in word else word} | {_said(entry)} |"
        for file, words in STATEMENTS.items()
        for word, entry in words.items()
    ]
    return "\n".join([_READ, *rows, _WRITTEN, *written, ""])


def _said(entry: Entry) -> str:
    if isinstance(entry, str):
        return f"not compared: {entry}"
    return ", ".join(f"[`{check}`](#{check})" for check in entry)


_READ = """\
## What is read, and what compares it

Each field that a parser takes from a node's output, with a check that compares it or depends on
it, or why none does.

| field | compared by |
|---|---|"""
_WRITTEN = """
## What is written, and what compares it

Each attribute of the rendered files, with the checks that compare what became of it in the kernel
or in FRR. `config-file` compares every line on disk besides; where it stands alone, nothing shows
whether the running node goes by it.

| file | statement | compared by |
|---|---|---|"""
