"""The attributes that ifupdown2 knows, to tell a misspelled one from one that is only rare.

The names of its address, bridge, bond, VLAN, VRF and VXLAN modules (3.0.0 and later).
"""

from __future__ import annotations

_BRIDGE = """
    access ageing allow-untagged always-up arp-nd-suppress bridgeprio broadcast-flood fd gcint
    hashel hashmax hello igmp-querier-src igmp-version l2protocol-tunnel learning maxage
    maxwait mclmc mclmi mcmi mcqi mcqifaddr mcqpi mcqri mcquerier mcqv4src mcrouter mcsnoop
    mcsqc mcsqi mcstats mld-version multicast-flood pathcosts port-pvids port-vids portmcfl
    portmcrouter portprios ports ports-condone-regex pvid stp unicast-flood vids vlan-aware
    vlan-protocol vlan-stats vlan-vni-map waitport
"""
_BOND = """
    ad-actor-sys-prio ad-actor-system ad-sys-mac-addr ad-sys-priority arp-interval
    arp-ip-target downdelay lacp-bypass-allow lacp-rate miimon min-links mode num-grat-arp
    num-unsol-na primary primary-reselect slaves updelay use-carrier xmit-hash-policy
"""
_VXLAN = """
    ageing id learning local-tunnelip mcastgrp mcastgrp-map mcastgrp6 physdev port
    purge-remotes remoteip remoteip-map svcnodeip svcnodeip6 tos ttl udp-csum vni vnifilter
"""
_OTHERS = """
    accept-ra address-virtual address-virtual-ipv6-addrgen alias arp-accept disable-ipv6
    dns-nameservers dns-search es-sys-mac ethtool-ethernet-wol ip-forward ip6-forward
    ipv6-addrgen ipv6-privext link-autoneg link-down link-duplex link-fec link-lanes
    link-speed link-type mpls-enable post-down post-up pre-down pre-up preferred-lifetime
    up-delay veth-peer-name vlan-bridge-binding vlan-id vlan-protocol vlan-raw-device vrf
    vrf-cgroup-create vrf-table vrrp vrrp-id vrrp-priority vrrp-virtual-ip
"""

KNOWN = frozenset(
    {f"bridge-{name}" for name in _BRIDGE.split()}
    | {f"bond-{name}" for name in _BOND.split()}
    | {f"vxlan-{name}" for name in _VXLAN.split()}
    | set(_OTHERS.split())
)

# Their values are shell commands, in which a `#` is the shell's.
COMMANDS = frozenset(
    {"up", "down", "pre-up", "post-up", "pre-down", "post-down", "alias", "description"}
)
