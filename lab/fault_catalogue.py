"""The faults that the lab can inject: data only (see ``lab.fault`` for how they are written)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.control_faults import CONTROL_FAULTS
from lab.fault import PRELUDE, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "PRELUDE", "Fault"]


def _flag(name: str, breaks: str, flag: str, wrong: str) -> Fault:
    """A wrong flag of the VXLAN device's bridge port; the right one is whatever it was."""
    path = f'"/sys/class/net/$vxlan/brport/{flag}"'
    return Fault(
        name=name,
        breaks=breaks,
        check=name,
        inject=f'save flag "$(cat {path})"; bridge link set dev "$vxlan" {wrong}',
        heal=f"[ ! -e {path} ] || saved flag > {path}",
    )


_FAULTS = (
    Fault(
        "vxlan-missing",
        "The VXLAN device is deleted, so the VNI is cut off on this node.",
        "vxlan-missing",
        inject='ip link del "$vxlan"',
        heal="redo_vxlan",
        shared=True,
        stops="-s 56",
    ),
    Fault(
        "vxlan-unexpected",
        "A VXLAN device with VNI 99 exists that is not in the intent.",
        "vxlan-unexpected",
        # Left down, so that FRR does not announce it: that is another fault.
        inject='ip link add vxlan99 type vxlan id 99 local "$(local_of "$vxlan")" dstport 4789'
        " nolearning",
        heal="ip link del vxlan99 2>/dev/null || :",
        shared=True,
    ),
    Fault(
        "vxlan-twin",
        "A second VXLAN device, on another UDP port, carries the VNI: FRR takes that one.",
        "vxlan-unexpected",
        inject='ip link add vx-twin type vxlan id "$vni" local "$(local_of "$vxlan")" dstport 4790 '
        'nolearning; ip link set vx-twin master "$bridge" up',
        heal="ip link del vx-twin 2>/dev/null || :; redo_vxlan",
        shared=True,
        stops="-s 56",
    ),
    Fault(
        "vxlan-vni",
        "The VXLAN device carries another VNI, so its bridge joins a foreign network.",
        "vxlan-vni",
        inject="remake_vxlan $((vni + 1000)) 4789",
        heal="redo_vxlan",
        shared=True,
        stops="-s 56",
    ),
    Fault(
        "vxlan-local-ip",
        "The tunnel leaves from an address that is not the node's VTEP.",
        "vxlan-local-ip",
        inject='save local "$(local_of "$vxlan")"; '
        'ip link set dev "$vxlan" type vxlan id "$vni" local "$(nobody 250)"',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" local "$(saved local)"',
        shared=True,
        stops="-s 56",
    ),
    Fault(
        "vtep-duplicate",
        "The tunnel leaves from another node's VTEP address, as on a cloned machine.",
        "vtep-duplicate",
        inject='vtep=$(first_flood); need "flood entry" "$vtep"; '
        'save local "$(local_of "$vxlan")"; '
        'ip link set dev "$vxlan" type vxlan id "$vni" local "$vtep"',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" local "$(saved local)"; '
        # Not `soft in` alone: a neighbour that FRR 10.3 made of this node's routes meanwhile stays.
        "sleep 2; vtysh -c 'clear bgp l2vpn evpn *'",
        shared=True,
        renews=True,
        stops="-s 56",
    ),
    Fault(
        "vxlan-group",
        "The VXLAN device floods to another multicast group than the other nodes.",
        "vxlan-group",
        inject='ip link set dev "$vxlan" type vxlan id "$vni" group 225.20.1.99 dev "$(underlay)"',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" group 225.20.1.1 dev "$(underlay)"',
        topology="l2-multicast",
    ),
    Fault(
        "vxlan-dstport",
        "The tunnel sends to UDP port 4790, where nobody listens.",
        "vxlan-dstport",
        inject='remake_vxlan "$vni" 4790',
        heal="redo_vxlan",
        shared=True,
        stops="-s 56",
    ),
    Fault(
        "vxlan-learning",
        "The VXLAN device learns VTEPs from traffic, in addition to BGP.",
        "vxlan-learning",
        inject='ip link set dev "$vxlan" type vxlan id "$vni" learning',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" nolearning',
        shared=True,
    ),
    Fault(
        "link-down",
        "The VXLAN device is administratively down.",
        "link-down",
        inject='ip link set "$vxlan" down',
        heal='ip link set "$vxlan" up',
        stops="-s 56",
    ),
    Fault(
        "bridge-missing",
        "The bridge is deleted; its VXLAN device and guests are left without one.",
        "bridge-missing",
        inject='save ports "$(ls "/sys/class/net/$bridge/brif")"; ip link del "$bridge"',
        # ifup brings back the ports that the file names; guests are not among them.
        heal='ifup "$bridge"; ifup "$vxlan"; for port in $(saved ports); do '
        '[ ! -e "/sys/class/net/$port" ] || ip link set "$port" master "$bridge"; done',
        stops="-s 56",
    ),
    Fault(
        "bridge-membership",
        "The VXLAN device is taken out of its bridge.",
        "bridge-membership",
        inject='ip link set "$vxlan" nomaster',
        heal='ip link set "$vxlan" master "$bridge"; ifup "$vxlan"',
        stops="-s 56",
    ),
    _flag(
        "bridge-port-learning",
        "The bridge learns MACs on the VXLAN port, beside what BGP says.",
        "learning",
        "learning on",
    ),
    _flag(
        "bridge-port-neigh-suppress",
        "ARP and ND are no longer answered locally, but flooded to every VTEP.",
        "neigh_suppress",
        "neigh_suppress off",
    ),
    _flag(
        "bridge-port-flood",
        "Unknown unicast is flooded into the overlay.",
        "unicast_flood",
        "flood on",
    ),
    _flag(
        "bridge-port-isolated",
        "The VXLAN port is isolated, so it exchanges nothing with other isolated ports.",
        "isolated",
        "isolated on",
    ),
    Fault(
        "bridge-settings",
        "The bridge filters VLANs: it drops tagged frames, and FRR sees no gateway on it.",
        "bridge-settings",
        inject='ip link set "$bridge" type bridge vlan_filtering 1',
        heal='ip link set "$bridge" type bridge vlan_filtering 0',
    ),
    Fault(
        "bridge-port-state",
        "The VXLAN device's bridge port is disabled: nothing passes between guests and tunnel.",
        "bridge-port-state",
        inject='bridge link set dev "$vxlan" state 0',
        heal='bridge link set dev "$vxlan" state 3',
        stops="-s 56",
    ),
    Fault(
        "gateway-mac",
        "The anycast gateway has another MAC here than on the other nodes.",
        "gateway-mac",
        inject='save mac "$(mac_of "$bridge")"; ip link set "$bridge" address 44:39:39:00:00:99',
        heal='ip link set "$bridge" address "$(saved mac)"',
    ),
    Fault(
        "vrf-missing",
        "The VRF is deleted, so its networks are routed in the main table.",
        "vrf-missing",
        inject='save members "$(ip -o link show master "$vrf" | cut -d : -f 2 | cut -d @ -f 1)"; '
        'ip link del "$vrf"',
        heal='ifup "$vrf"; for member in $(saved members); do '
        'ip link set "$member" master "$vrf"; done',
        shared=True,
    ),
    Fault(
        "vrf-membership",
        "The gateway bridge is taken out of its VRF.",
        "vrf-membership",
        inject='ip link set "$bridge" nomaster',
        heal='ip link set "$bridge" master "$vrf"',
        shared=True,
    ),
    Fault(
        "mtu",
        "The underlay port has an MTU of 1500, too small for 1500 bytes of overlay and VXLAN.",
        "mtu",
        inject='save mtu "$(mtu_of "$uplink")"; ip link set "$uplink" mtu 1500',
        heal='ip link set "$uplink" mtu "$(saved mtu)"',
    ),
    Fault(
        "flood-missing",
        "One VTEP is gone from the flood list though its IMET route is there.",
        "flood-missing",
        inject='vtep=$(first_flood); need "flood entry" "$vtep"; freeze_zebra; '
        'bridge fdb del 00:00:00:00:00:00 dev "$vxlan" dst "$vtep"',
        heal="thaw_zebra",
    ),
    Fault(
        "flood-unexpected",
        "The flood list holds an address that is not a VTEP of the VNI.",
        "flood-unexpected",
        inject='bridge fdb append 00:00:00:00:00:00 dev "$vxlan" dst "$(nobody 99)"',
        heal='bridge fdb del 00:00:00:00:00:00 dev "$vxlan" dst "$(nobody 99)" 2>/dev/null || :',
    ),
    Fault(
        "fdb-stale",
        "A MAC points at a VTEP that never announced it.",
        "fdb-stale",
        inject='vtep=$(first_flood); need "flood entry" "$vtep"; '
        'bridge fdb add 02:00:00:00:00:99 dev "$vxlan" dst "$vtep" self extern_learn',
        heal='bridge fdb del 02:00:00:00:00:99 dev "$vxlan" self 2>/dev/null || :',
    ),
    Fault(
        "fdb-missing",
        "A MAC that BGP announces is not in the forwarding database.",
        "fdb-missing",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb del "${remote% *}" dev "$vxlan" dst "${remote#* }" self',
        # zebra puts back a flood entry that is gone, but not a MAC.
        heal='remote=$(saved remote); bridge fdb replace "${remote% *}" dev "$vxlan"'
        ' dst "${remote#* }" self extern_learn; thaw_zebra',
    ),
    Fault(
        "rmac-missing",
        "Another VTEP's router MAC is not in the L3VNI's forwarding database, as FRR 8.4 loses it.",
        "fdb-missing",
        inject='device=$(of_l3vni Vxlan-Intf); need "L3VNI device" "$device"; '
        'remote=$(first_router_mac "$device"); need "router MAC" "$remote"; '
        'save device "$device"; save remote "$remote"; freeze_zebra; '
        'bridge fdb del "${remote% *}" dev "$device" dst "${remote#* }" self',
        # Of FRR 8.4 zebra puts a router MAC back that the kernel has lost, of 10.3 it does not.
        heal='remote=$(saved remote); bridge fdb replace "${remote% *}" dev "$(saved device)"'
        ' dst "${remote#* }" self extern_learn; thaw_zebra',
        # Only one that the node needs is missed, and the first is that on this node.
        shared=True,
    ),
    Fault(
        "fdb-wrong-vtep",
        "A MAC points at another VTEP than the one that announces it.",
        "fdb-wrong-vtep",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb replace "${remote% *}" dev "$vxlan" dst "$(nobody 99)" self'
        " extern_learn",
        heal='remote=$(saved remote); bridge fdb replace "${remote% *}" dev "$vxlan"'
        ' dst "${remote#* }" self extern_learn; thaw_zebra',
    ),
    Fault(
        "mac-not-advertised",
        "zebra has missed a guest's MAC, so nobody is told where it is.",
        "mac-not-advertised",
        # The kernel has the MAC twice, without and with a VLAN. zebra, which takes both for one,
        # forgets it with the second; frames go by the first.
        inject='ip link add tap990i0 type dummy; ip link set tap990i0 master "$bridge" up; '
        "bridge fdb replace 02:00:00:00:00:98 dev tap990i0 master dynamic; sleep 2; "
        "bridge fdb del 02:00:00:00:00:98 dev tap990i0 vlan 1 master",
        heal="ip link del tap990i0 2>/dev/null || :",
        shared=True,
    ),
    Fault(
        "vrf-route-missing",
        "A blackhole route stands before the way to a guest on another node.",
        "vrf-route-missing",
        inject='guest=$(first_guest_route); need "guest route" "$guest"; save guest "$guest"; '
        'ip route replace blackhole "$guest" vrf "$vrf" metric 5',
        heal='ip route del blackhole "$(saved guest)" vrf "$vrf" metric 5 2>/dev/null || :',
    ),
    Fault(
        "neighbor-missing",
        "The next hop of a VRF's routes has another MAC than the router MAC of that VTEP.",
        "neighbor-missing",
        inject='svi=$(of_l3vni SVI-If); need "L3VNI bridge" "$svi"; '
        'hop=$(routed_vtep "$svi"); need "next hop" "$hop"; save svi "$svi"; save hop "$hop"; '
        'ip neigh replace "${hop% *}" dev "$svi" lladdr 02:00:00:00:00:99 nud permanent',
        heal='hop=$(saved hop); ip neigh del "${hop% *}" dev "$(saved svi)" 2>/dev/null || :; '
        'ip neigh replace "${hop% *}" dev "$(saved svi)" lladdr "${hop#* }" nud noarp extern_learn '
        "protocol zebra",
    ),
    Fault(
        "neighbor-missing-guest",
        "ARP for a guest on another node is answered with a wrong MAC.",
        "neighbor-missing",
        inject='guest=$(first_next_hop "$bridge"); need "remote guest" "$guest"; '
        'save guest "$guest"; '
        'ip neigh replace "${guest% *}" dev "$bridge" lladdr 02:00:00:00:00:99 nud permanent',
        heal='guest=$(saved guest); ip neigh del "${guest% *}" dev "$bridge" 2>/dev/null || :; '
        'ip neigh replace "${guest% *}" dev "$bridge" lladdr "${guest#* }" nud noarp extern_learn '
        "protocol zebra",
    ),
    Fault(
        "kernel-not-programmed",
        "zebra hangs, and nothing that FRR knows of others is in the kernel.",
        "kernel-not-programmed",
        inject="freeze_zebra; bridge fdb show | while read -r mac _ device rest; do "
        'case "$mac $rest" in '
        "00:00:00:00:00:00*dst*|*dst*extern_learn*) "
        'vtep=${rest#*dst }; bridge fdb del "$mac" dev "$device" dst "${vtep%% *}" self;; '
        '*extern_learn*master*) bridge fdb del "$mac" dev "$device" master 2>/dev/null || :;; '
        'esac; done; ip route show vrf "$vrf" proto bgp | '
        'while read -r prefix rest; do ip route del "$prefix" vrf "$vrf" proto bgp; done',
        # zebra puts back flood entries and routes by itself, but not each MAC.
        heal="thaw_zebra; systemctl reset-failed frr; systemctl restart frr",
        shared=True,
    ),
    Fault(
        "path-mtu",
        "The switch's port has a small MTU, while the node's own interfaces are right.",
        "path-mtu",
        inject='save mtu "$(in_wire cat "/sys/class/net/$uplink/mtu")"; '
        'in_wire ip link set dev "$uplink" mtu 1500',
        heal='in_wire ip link set dev "$uplink" mtu "$(saved mtu)"',
        shared=True,
        probe=True,
        stops="-M do -s 1472",
    ),
    Fault(
        "vtep-unreachable",
        "A switch drops UDP port 4789 on the way to this node, and passes pings and BGP.",
        "vtep-unreachable",
        inject="in_wire tc qdisc add dev vec1 clsact; in_wire tc filter add dev vec1 ingress "
        "protocol ip u32 match ip protocol 17 0xff match ip dport 4789 0xffff action drop",
        heal="in_wire tc qdisc del dev vec1 clsact 2>/dev/null || :",
        shared=True,
        probe=True,
        stops="-s 56",
    ),
    Fault(
        "evpn-empty",
        "FRR is stopped, so the node has no EVPN table and announces nothing.",
        "evpn-empty",
        inject="systemctl stop frr",
        heal="systemctl reset-failed frr; systemctl start frr",
        shared=True,
    ),
    Fault(
        "imet-missing",
        "Another node no longer announces its VNIs, and cannot be audited.",
        "imet-missing",
        inject="in_evpn 'no advertise-all-vni'",
        heal="in_evpn advertise-all-vni",
        seen_by_others=True,
        shared=True,
    ),
    Fault(
        "imet-not-originated",
        "The node no longer announces its VNIs (advertise-all-vni is off).",
        "imet-not-originated",
        inject="in_evpn 'no advertise-all-vni'",
        heal="in_evpn advertise-all-vni",
        shared=True,
    ),
    Fault(
        "imet-unexpected",
        "The node announces VNI 98, which is not in the intent.",
        "imet-unexpected",
        inject='ip link add vmbr98 type bridge; ip link add vxlan98 type vxlan id 98 local '
        '"$(local_of "$vxlan")" dstport 4789 nolearning; ip link set vxlan98 master vmbr98 up; '
        "ip link set vmbr98 up",
        heal="for link in vxlan98 vmbr98; do ip link del $link 2>/dev/null || :; done",
        seen_by_others=True,
        shared=True,
    ),
)  # fmt: skip

CATALOGUE: Mapping[str, Fault] = {fault.name: fault for fault in (*_FAULTS, *CONTROL_FAULTS)}
