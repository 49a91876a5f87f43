"""Faults of devices, bridges and VRFs: data only."""

from __future__ import annotations

from lab.fault import Fault, Ping, To


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


_EACH_PORT = 'for port in $(ls "/sys/class/net/$bridge/brif"); do '

LINK_FAULTS = (
    Fault(
        "vxlan-missing",
        "The VXLAN device is deleted, so the VNI is cut off on this node.",
        "vxlan-missing",
        inject='ip link del "$vxlan"',
        heal="redo_vxlan",
        shared=True,
        stops=Ping(),
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
        stops=Ping(),
    ),
    Fault(
        "vxlan-vni",
        "The VXLAN device carries another VNI, so its bridge joins a foreign network.",
        "vxlan-vni",
        inject="remake_vxlan $((vni + 1000)) 4789",
        heal="redo_vxlan",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "vxlan-local-ip",
        "The tunnel leaves from an address that is not the node's VTEP.",
        "vxlan-local-ip",
        inject='save local "$(local_of "$vxlan")"; '
        'ip link set dev "$vxlan" type vxlan id "$vni" local "$(nobody 250)"',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" local "$(saved local)"',
        shared=True,
        stops=Ping(),
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
        stops=Ping(),
    ),
    Fault(
        "vxlan-group",
        "The VXLAN device floods to a multicast group of its own.",
        "vxlan-group",
        inject='local=$(local_of "$vxlan"); ip link set dev "$vxlan" type vxlan id "$vni" '
        'group "225.20.2.${local##*.}" dev "$(underlay)"',
        heal='ip link set dev "$vxlan" type vxlan id "$vni" group 225.20.1.1 dev "$(underlay)"',
        # Guests that know each other's MAC go on.
        stops=Ping(To.UNHEARD),
        topology="l2-multicast",
    ),
    Fault(
        "vxlan-dstport",
        "The tunnel sends to UDP port 4790, where nobody listens.",
        "vxlan-dstport",
        inject='remake_vxlan "$vni" 4790',
        heal="redo_vxlan",
        shared=True,
        stops=Ping(),
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
        stops=Ping(),
    ),
    Fault(
        "bridge-missing",
        "The bridge is deleted; its VXLAN device and guests are left without one.",
        "bridge-missing",
        inject='save ports "$(ls "/sys/class/net/$bridge/brif")"; ip link del "$bridge"',
        # ifup brings back the ports that the file names; guests are not among them.
        heal='ifup "$bridge"; ifup "$vxlan"; for port in $(saved ports); do '
        '[ ! -e "/sys/class/net/$port" ] || ip link set "$port" master "$bridge"; done',
        stops=Ping(),
    ),
    Fault(
        "bridge-membership",
        "The VXLAN device is taken out of its bridge.",
        "bridge-membership",
        inject='ip link set "$vxlan" nomaster',
        heal='ip link set "$vxlan" master "$bridge"; ifup "$vxlan"',
        stops=Ping(),
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
    Fault(
        "bridge-port-broadcast",
        "Broadcasts no longer enter the tunnel.",
        "bridge-port-broadcast",
        inject='bridge link set dev "$vxlan" bcast_flood off',
        heal='bridge link set dev "$vxlan" bcast_flood on',
        stops=Ping(To.UNHEARD),
    ),
    Fault(
        "bridge-port-isolated",
        "All ports of the bridge are isolated, as for guests that must not reach each other: the "
        "VXLAN port, too.",
        "bridge-port-isolated",
        inject=_EACH_PORT + 'bridge link set dev "$port" isolated on; done',
        heal=_EACH_PORT + 'bridge link set dev "$port" isolated off; done',
        stops=Ping(),
    ),
    Fault(
        "bridge-settings",
        "The bridge filters VLANs: it drops tagged frames, and FRR sees no gateway on it.",
        "bridge-settings",
        inject='ip link set "$bridge" type bridge vlan_filtering 1',
        heal='ip link set "$bridge" type bridge vlan_filtering 0',
        stops=Ping(To.TAGGED),
    ),
    Fault(
        "gateway-no-arp",
        "The bridge neither asks by ARP nor answers it, as its gateway's guests need.",
        "bridge-settings",
        inject='ip link set "$bridge" arp off',
        heal='ip link set "$bridge" arp on',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "bridge-ageing",
        "The bridge forgets each MAC at once, so no other node is told of its guests.",
        "bridge-settings",
        inject='ip link set "$bridge" type bridge ageing_time 0',
        heal='ip link set "$bridge" type bridge ageing_time 30000; have_guests_speak',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "guest-port-locked",
        "A guest's port is locked, as for 802.1X, and its bridge no longer knows the guest.",
        "guest-port-blocked",
        inject='guest=$(first_guest); need "guest" "$guest"; save guest "$guest"; '
        'bridge link set dev "${guest#* }" locked on; '
        'bridge fdb del "${guest% *}" dev "${guest#* }" master',
        heal='guest=$(saved guest); bridge link set dev "${guest#* }" locked off; '
        "have_guests_speak",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "guest-port-learning",
        "A guest's port learns no MAC, so no other node is told of the guest.",
        "guest-port-blocked",
        inject='guest=$(first_guest); need "guest" "$guest"; save guest "$guest"; '
        'bridge link set dev "${guest#* }" learning off; '
        'bridge fdb del "${guest% *}" dev "${guest#* }" master',
        heal='guest=$(saved guest); bridge link set dev "${guest#* }" learning on; '
        "have_guests_speak",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "vxlan-settings",
        "The VXLAN device answers ARP in place of the guests, and drops what it cannot answer.",
        "vxlan-settings",
        inject='remake_vxlan "$vni" 4789 proxy',
        heal="redo_vxlan",
        shared=True,
        stops=Ping(To.UNHEARD),
    ),
    Fault(
        "traffic-control",
        "A filter on the underlay's port drops each UDP packet that comes in: pings and BGP pass.",
        "traffic-control",
        inject='tc qdisc add dev "$uplink" clsact; tc filter add dev "$uplink" ingress protocol ip '
        "u32 match ip protocol 17 0xff action drop",
        heal='tc qdisc del dev "$uplink" clsact',
        stops=Ping(),
    ),
    Fault(
        "guest-port-down",
        "A guest's port is down on its node.",
        "guest-port-blocked",
        inject='guest=$(first_guest); need "guest" "$guest"; save port "${guest#* }"; '
        'ip link set "$(saved port)" down',
        heal='ip link set "$(saved port)" up; have_guests_speak',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "guest-port-filter",
        "A filter on a guest's port drops each packet of that guest.",
        "traffic-control",
        inject='guest=$(first_guest); need "guest" "$guest"; save port "${guest#* }"; '
        'tc qdisc add dev "$(saved port)" clsact; tc filter add dev "$(saved port)" ingress '
        "protocol all u32 match u32 0 0 action drop",
        heal='tc qdisc del dev "$(saved port)" clsact',
        stops=Ping(),
    ),
    Fault(
        "guest-port-netem",
        "What leaves by a guest's port is lost (netem).",
        "traffic-control",
        inject='guest=$(first_guest); need "guest" "$guest"; save port "${guest#* }"; '
        'tc qdisc add dev "$(saved port)" root netem loss 100%',
        heal='tc qdisc del dev "$(saved port)" root',
        stops=Ping(),
    ),
    Fault(
        "bridge-port-state",
        "The VXLAN device's bridge port is disabled: nothing passes between guests and tunnel.",
        "bridge-port-state",
        inject='bridge link set dev "$vxlan" state 0',
        heal='bridge link set dev "$vxlan" state 3',
        stops=Ping(),
    ),
    Fault(
        "guest-port-blocked",
        "A guest's port is disabled in its bridge, though it is up.",
        "guest-port-blocked",
        inject='port=$(for member in "$bridge" $(members_of_vrf); do '
        'ls "/sys/class/net/$member/brif"; done | grep -v "^vxlan" | head -n 1); '
        'need "port of a guest" "$port"; save port "$port"; bridge link set dev "$port" state 0',
        heal='bridge link set dev "$(saved port)" state 3',
        stops=Ping(),
    ),
    Fault(
        "gateway-mac",
        "The anycast gateway has another MAC here than on the other nodes.",
        "gateway-mac",
        inject='save mac "$(mac_of "$bridge")"; ip link set "$bridge" address 44:39:39:00:00:99',
        heal='ip link set "$bridge" address "$(saved mac)"',
        stops=Ping(To.GATEWAY),
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
        stops=Ping(To.UNDERLAY),
    ),
    Fault(
        "vrf-membership",
        "The gateway bridge is taken out of its VRF.",
        "vrf-membership",
        inject='ip link set "$bridge" nomaster',
        heal='ip link set "$bridge" master "$vrf"',
        shared=True,
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "mtu",
        "The underlay port has an MTU of 1500, too small for 1500 bytes of overlay and VXLAN.",
        "mtu",
        inject='save mtu "$(mtu_of "$uplink")"; ip link set "$uplink" mtu 1500',
        heal='ip link set "$uplink" mtu "$(saved mtu)"',
        stops=Ping(options="-M do -s 1472"),
    ),
    Fault(
        "bridge-diverted",
        "A macvlan in the mode passthru takes each frame for the gateway.",
        "bridge-diverted",
        inject='ip link add lab0 link "$bridge" type macvlan mode passthru; ip link set lab0 up',
        heal="ip link del lab0",
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "bridge-diverted-l3vni",
        "A macvlan in the mode passthru takes what other nodes route to this one.",
        "bridge-diverted",
        inject='svi=$(of_l3vni SVI-If); need "L3VNI bridge" "$svi"; '
        'ip link add lab0 link "$svi" type macvlan mode passthru; ip link set lab0 up',
        heal="ip link del lab0",
        stops=Ping(To.ROUTED),
    ),
)
