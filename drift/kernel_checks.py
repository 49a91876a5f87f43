"""The catalogue's checks of the kernel's links."""

from __future__ import annotations

from drift.check import (
    CRITICAL,
    WARNING,
    Check,
    L,
    with_gateways,
    with_l3vni,
    with_multicast,
)

LINKS = (
    Check(
        "vxlan-missing",
        CRITICAL,
        "VXLAN device missing",
        "Every VXLAN device of the intent exists.",
        "Without it, the node is cut off from that VNI.",
        (L,),
        confirm="ip -d link show type vxlan",
        mend="`ifup vxlan2` makes it from /etc/network/interfaces. If it has no stanza there, "
        "`plan` shows it and `deploy` writes it.",
    ),
    Check(
        "vxlan-unexpected",
        WARNING,
        "VXLAN device not intended",
        "Every VXLAN device carries a VNI that the intent gives this node.",
        "FRR advertises any VNI it finds, so a leftover device draws traffic here.",
        (L,),
        confirm="ip -d link show type vxlan",
        mend="A VNI that is wanted belongs under `networks:` of fabric.yaml. Otherwise `ip link "
        "del vxlan99`, and take its stanza out of the file that it comes from "
        "(/etc/network/interfaces.d).",
    ),
    Check(
        "vxlan-vni",
        CRITICAL,
        "wrong VNI",
        "A VXLAN device carries the intended VNI.",
        "With another VNI, its guests are in another segment than they should be.",
        (L,),
        confirm="ip -d link show vxlan2",
        mend="The VNI is fixed when the device is made: `ip link del vxlan2; ifup vxlan2`.",
    ),
    Check(
        "vxlan-local-ip",
        CRITICAL,
        "wrong tunnel source",
        "A VXLAN device sends from the node's VTEP address.",
        "FRR originates routes with this address: others send to it and nobody answers.",
        (L,),
        confirm="ip -d link show vxlan2",
        mend="`ip link set vxlan2 type vxlan id 2 local 192.168.0.1` with the node's own VTEP "
        "address.",
    ),
    Check(
        "vxlan-dstport",
        CRITICAL,
        "wrong UDP port",
        "A VXLAN device uses the intended UDP port.",
        "Others send to the intended port; on another one nothing listens.",
        (L,),
        confirm="ip -d link show vxlan2",
        mend="The port is fixed when the device is made: `ip link del vxlan2; ifup vxlan2`.",
    ),
    Check(
        "vxlan-learning",
        WARNING,
        "data-plane learning differs",
        "A VXLAN device learns MACs from traffic only where no control plane does.",
        "Learning beside EVPN keeps MACs that BGP has withdrawn; without EVPN nothing else learns.",
        (L,),
        confirm="ip -d link show vxlan2",
        mend="`ip link set vxlan2 type vxlan id 2 nolearning` with EVPN, `learning` without. "
        "What it has learned meanwhile is gone once the device is made anew: `ip link del "
        "vxlan2; ifup vxlan2`.",
    ),
    Check(
        "vxlan-group",
        CRITICAL,
        "wrong multicast group",
        "A VXLAN device has the intended multicast group and physical device.",
        "Broadcast and ARP reach only those who joined the same group on the same network.",
        (L,),
        concerns=with_multicast,
        confirm="ip -d link show vxlan2",
        mend="`ip link set vxlan2 type vxlan id 2 group 225.20.1.1 dev vmbr0`.",
    ),
    Check(
        "link-down",
        CRITICAL,
        "interface down",
        "Every intended interface is administratively up and has carrier below it.",
        "Nothing passes through an interface that is down.",
        (L,),
        confirm="ip link show vxlan2",
        mend="`ip link set vxlan2 up`. With `NO-CARRIER`, look at what lies below: the cable and "
        "the switch's port, or a bridge none of whose ports is up.",
    ),
    Check(
        "bridge-missing",
        CRITICAL,
        "bridge missing",
        "Every bridge of the intent exists.",
        "Without its bridge, a VNI reaches no guest and a VTEP has no address.",
        (L,),
        confirm="ip -d link show type bridge",
        mend="`ifup vmbr2`, then `ifup vxlan2`. The ports of virtual machines are in no file: "
        "put each back with `ip link set tap100i0 master vmbr2`, or restart the machine.",
    ),
    Check(
        "bridge-membership",
        CRITICAL,
        "port in the wrong bridge",
        "VXLAN devices and the underlay port are ports of their intended bridges.",
        "Outside its bridge a VXLAN device carries nothing, or another network's traffic.",
        (L,),
        confirm="bridge link show",
        mend="`ip link set vxlan2 master vmbr2`, then `ifup vxlan2`: a port that leaves its "
        "bridge loses its flags.",
    ),
    Check(
        "bridge-port-learning",
        WARNING,
        "port learning differs",
        "Learning on the VXLAN bridge port is as intended.",
        "Learning from the tunnel overrides what EVPN says about where a MAC is.",
        (L,),
        confirm="bridge -d link show dev vxlan2",
        mend="`bridge link set dev vxlan2 learning off` with EVPN, `learning on` without.",
    ),
    Check(
        "bridge-port-neigh-suppress",
        WARNING,
        "ARP suppression differs",
        "ARP and ND suppression on the VXLAN bridge port is as intended.",
        "Without it, every ARP request is flooded to every VTEP.",
        (L,),
        confirm="bridge -d link show dev vxlan2",
        mend="`bridge link set dev vxlan2 neigh_suppress on` with EVPN, `neigh_suppress off` "
        "without.",
    ),
    Check(
        "bridge-port-flood",
        WARNING,
        "flooding differs",
        "Unicast and multicast flooding on the VXLAN bridge port are as intended.",
        "Flooding where EVPN knows all MACs multiplies traffic; its lack elsewhere loses it.",
        (L,),
        confirm="bridge -d link show dev vxlan2",
        mend="`bridge link set dev vxlan2 flood off mcast_flood off` with EVPN, both `on` without.",
    ),
    Check(
        "bridge-port-isolated",
        CRITICAL,
        "isolated port",
        "No intended port is isolated.",
        "An isolated port exchanges nothing with the other isolated ports of its bridge.",
        (L,),
        confirm="bridge -d link show dev vxlan2",
        mend="`bridge link set dev vxlan2 isolated off`.",
    ),
    Check(
        "gateway-mac",
        CRITICAL,
        "wrong gateway MAC",
        "An anycast gateway's bridge has the intended MAC, the same on every node.",
        "A guest that moves keeps the old MAC in its ARP cache and loses its gateway.",
        (L,),
        concerns=with_gateways,
        confirm="ip link show vmbr2",
        mend="`ip link set vmbr2 address 44:39:39:ff:40:94` with the MAC of `overlay: "
        "gateway_mac:`.",
    ),
    Check(
        "vrf-missing",
        CRITICAL,
        "VRF missing",
        "Every VRF of the intent exists.",
        "Without it, its networks are routed in the main table or not at all.",
        (L,),
        confirm="ip -d link show type vrf",
        mend="`ifup vrf1`, then put its bridges back, also that of the L3VNI: `ip link set vmbr2 "
        "master vrf1`.",
    ),
    Check(
        "vrf-membership",
        CRITICAL,
        "bridge in the wrong VRF",
        "A bridge is in the VRF that the intent names, or in none.",
        "In another table its network is unreachable from its own VRF.",
        (L,),
        confirm="ip link show master vrf1",
        mend="`ip link set vmbr2 master vrf1`; `ifup vmbr2` brings back an address that was lost "
        "on the way.",
    ),
    Check(
        "mtu",
        CRITICAL,
        "MTU differs",
        "Underlay, VXLAN devices and bridges have the intended MTU.",
        "VXLAN adds 50 bytes (IPv6: 70): what does not fit is dropped, often silently.",
        (L,),
        confirm="ip link show vmbr0",
        mend="`ip link set eno1 mtu 1550`, the underlay port first, then its bridge, then VXLAN "
        "devices and their bridges. The switches between must carry as much: `ping -M do -s "
        "1522 192.168.0.2` (the underlay's MTU less 28, with IPv6 less 48) has to pass.",
    ),
    Check(
        "vtep-duplicate",
        CRITICAL,
        "VTEP address used twice",
        "No two nodes use one VTEP address as tunnel source.",
        "Answers to one node go to the other.",
        (L,),
        confirm="ip -d link show type vxlan",
        mend="Run that on each node that is named. The one that does not own the address gets "
        "its own back: `ip link set vxlan2 type vxlan id 2 local 192.168.0.1`. FRR threw the "
        "owner's routes away as its own, so ask for them again: `vtysh -c 'clear bgp l2vpn evpn * "
        "soft in'`. A cloned machine brings its origin's configuration along.",
    ),
    Check(
        "rmac-conflict",
        CRITICAL,
        "router MAC used twice",
        "The bridges of an L3VNI have another MAC on each node.",
        "It is the router MAC of routed traffic: two nodes with one MAC take each other's.",
        (L,),
        concerns=with_l3vni,
        confirm="vtysh -c 'show evpn vni 4000'",
        mend="Its router MAC is the MAC of vmbr4000: give one of the two a MAC of its own, `ip "
        "link set vmbr4000 address 02:00:00:00:00:01`. FRR threw the other's routes away as its "
        "own, so ask for them again: `vtysh -c 'clear bgp l2vpn evpn * soft in'`. Cloned "
        "machines with one /etc/machine-id get one MAC for bridges of the same name (systemd's "
        "MACAddressPolicy=persistent): make that file anew.",
    ),
)
