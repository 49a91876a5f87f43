"""Faults of what the kernel forwards by, and of the way between two nodes: data only."""

from __future__ import annotations

from lab.fault import Fault, Ping, To

_PUT_BACK = (
    'remote=$(saved remote); bridge fdb replace "${remote% *}" dev "$vxlan"'
    ' dst "${remote#* }" self master extern_learn; thaw_zebra'
)

FORWARDING_FAULTS = (
    Fault(
        "flood-missing",
        "One VTEP is gone from the flood list though its IMET route is there.",
        "flood-missing",
        inject='vtep=$(first_flood); need "flood entry" "$vtep"; freeze_zebra; '
        'bridge fdb del 00:00:00:00:00:00 dev "$vxlan" dst "$vtep"',
        heal="thaw_zebra",
        stops=Ping(To.UNHEARD),
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
        "A MAC that BGP announces is not in the forwarding databases of tunnel and bridge.",
        "fdb-missing",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb del "${remote% *}" dev "$vxlan" dst "${remote#* }" self; '
        'bridge fdb del "${remote% *}" dev "$vxlan" master',
        # zebra puts back a flood entry that is gone, but not a MAC.
        heal=_PUT_BACK,
        stops=Ping(),
    ),
    Fault(
        "fdb-missing-bridge",
        "The bridge alone has lost a MAC: frames for it never enter the tunnel, which knows it.",
        "fdb-missing",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb del "${remote% *}" dev "$vxlan" master',
        heal=_PUT_BACK,
        stops=Ping(),
    ),
    Fault(
        "fdb-missing-taken",
        "The bridge takes the MAC of another node's guest for its own, and keeps its frames.",
        "fdb-missing",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb replace "${remote% *}" dev "$bridge" self local permanent',
        heal='remote=$(saved remote); bridge fdb del "${remote% *}" dev "$bridge" self || :; '
        + _PUT_BACK,
        stops=Ping(),
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
        stops=Ping(To.ROUTED),
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
        stops=Ping(),
    ),
    Fault(
        "fdb-wrong-vni",
        "A MAC points at the right VTEP with a VNI that nobody has there.",
        "fdb-wrong-vtep",
        inject='remote=$(first_remote); need "remote MAC" "$remote"; save remote "$remote"; '
        'freeze_zebra; bridge fdb replace "${remote% *}" dev "$vxlan" dst "${remote#* }" vni 77 '
        "self extern_learn",
        heal=_PUT_BACK,
        stops=Ping(),
    ),
    Fault(
        "fdb-static",
        "The bridge has a guest's MAC as one of its own: frames for that guest end in the node.",
        "fdb-static",
        inject='guest=$(first_guest); need "guest" "$guest"; save guest "$guest"; '
        'bridge fdb replace "${guest% *}" dev "$bridge" self permanent',
        heal='guest=$(saved guest); bridge fdb del "${guest% *}" dev "$bridge" self; '
        "have_guests_speak; sleep 2; have_guests_speak",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "fdb-static-gateway",
        "The bridge looks for its gateway's own MAC behind the tunnel.",
        "fdb-static",
        inject='bridge fdb replace "$(mac_of "$bridge")" dev "$vxlan" master static',
        heal='bridge fdb del "$(mac_of "$bridge")" dev "$vxlan" master || :; '
        'bridge fdb replace "$(mac_of "$bridge")" dev "$bridge" self permanent',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "mac-not-advertised",
        "zebra has missed a guest's MAC, so nobody is told where it is.",
        "mac-not-advertised",
        # The kernel has the MAC twice, without and with a VLAN. zebra, which takes both for one,
        # forgets it with the second; frames go by the first.
        inject='guest=$(first_guest); need "guest" "$guest"; save guest "$guest"; '
        'bridge fdb replace "${guest% *}" dev "${guest#* }" master dynamic; sleep 2; '
        'bridge fdb del "${guest% *}" dev "${guest#* }" vlan 1 master',
        # Learned again, at the guest's next frame.
        heal='guest=$(saved guest); bridge fdb del "${guest% *}" dev "${guest#* }" master; '
        "have_guests_speak",
        shared=True,
        stops=Ping(),
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
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "neighbor-missing-guest",
        "ARP for a guest on another node is answered with another one's MAC.",
        "neighbor-missing",
        # The bridge answers with a MAC only that is behind the tunnel: with another guest's.
        inject='guest=$(first_next_hop "$bridge"); need "remote guest" "$guest"; '
        'save guest "$guest"; mac=$(remote_macs | grep -v "^${guest#* }" | head -n 1); '
        'need "second remote MAC" "$mac"; '
        'ip neigh replace "${guest% *}" dev "$bridge" lladdr "${mac% *}" nud permanent',
        heal='guest=$(saved guest); ip neigh del "${guest% *}" dev "$bridge" 2>/dev/null || :; '
        'ip neigh replace "${guest% *}" dev "$bridge" lladdr "${guest#* }" nud noarp extern_learn '
        "protocol zebra",
        stops=Ping(forgets=True),
    ),
    Fault(
        "neighbor-static",
        "The node's own guests have static neighbour entries with a MAC that is nowhere.",
        "neighbor-static",
        inject="have_guests_ask_their_gateway; entries=$(local_neighbours); "
        'need "neighbour entry of a guest" "$entries"; save entries "$entries"; '
        "while read -r address device mac; do ip neigh replace "
        '"$address" dev "$device" lladdr 02:00:00:00:00:99 nud permanent; done < "$keep/entries"',
        heal='while read -r address device mac; do ip neigh del "$address" dev "$device" || :; '
        'done < "$keep/entries"; have_guests_ask_their_gateway',
        shared=True,
        stops=Ping(To.GATEWAY),
    ),
    Fault(
        "neighbor-static-noarp",
        "The same with the MAC of another node's guest, as entries that the kernel never asks for "
        "again, and lists only on request.",
        "neighbor-static",
        inject='other=$(first_remote); need "remote MAC" "$other"; '
        "have_guests_ask_their_gateway; entries=$(local_neighbours); "
        'need "neighbour entry of a guest" "$entries"; save entries "$entries"; '
        "while read -r address device mac; do ip neigh replace "
        '"$address" dev "$device" lladdr "${other% *}" nud noarp; done < "$keep/entries"',
        heal='while read -r address device mac; do ip neigh del "$address" dev "$device" || :; '
        'done < "$keep/entries"; have_guests_ask_their_gateway',
        shared=True,
        stops=Ping(To.GATEWAY),
    ),
    Fault(
        "sysctl-forwarding",
        "The bridges of the VRF do not forward IPv4, though the node as a whole does.",
        "sysctl",
        inject="for bridge in $(members_of_vrf); do "
        'sysctl -qw "net.ipv4.conf.$bridge.forwarding=0"; done',
        heal="for bridge in $(members_of_vrf); do "
        'sysctl -qw "net.ipv4.conf.$bridge.forwarding=1"; done',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "sysctl-path-filter",
        "The L3VNI's bridge filters strictly by the reverse path: what a guest sends that is not "
        "announced yet is dropped.",
        "sysctl",
        inject='svi=$(of_l3vni SVI-If); need "L3VNI bridge" "$svi"; '
        'key="net.ipv4.conf.$svi.rp_filter"; save key "$key"; save old "$(sysctl -n "$key")"; '
        'sysctl -qw "$key=1"',
        heal='sysctl -qw "$(saved key)=$(saved old)"',
    ),
    Fault(
        "packet-filter",
        "A packet filter of bridges (nftables) drops what passes them from port to port.",
        "packet-filter",
        inject="nft add table bridge lab; nft 'add chain bridge lab forward "
        "{ type filter hook forward priority 0; policy drop; }'",
        heal="nft delete table bridge lab",
        stops=Ping(),
    ),
    Fault(
        "packet-filter-rule",
        "A rule of nftables drops what comes from the tunnel, for the bridge itself, too.",
        "packet-filter",
        inject="nft add table bridge lab; nft 'add chain bridge lab pre "
        "{ type filter hook prerouting priority 0; }'; "
        'nft add rule bridge lab pre iifname "$vxlan" counter drop',
        heal="nft delete table bridge lab",
        stops=Ping(),
    ),
    Fault(
        "packet-filter-gateway",
        "A packet filter of bridges drops what is for their gateways.",
        "packet-filter",
        inject="nft add table bridge lab; nft 'add chain bridge lab in "
        "{ type filter hook input priority 0; }'; "
        'nft add rule bridge lab in meta protocol ip iifname != "$uplink" drop',
        heal="nft delete table bridge lab",
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "ipsec-blocks-tunnels",
        "A policy of IPsec blocks the UDP packets of tunnels, and passes BGP.",
        "packet-filter",
        # By number: not every node has names of protocols.
        inject="ip xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 proto 17 dport 4789 "
        "action block",
        heal="ip xfrm policy delete dir out src 0.0.0.0/0 dst 0.0.0.0/0 proto 17 dport 4789",
        stops=Ping(),
    ),
    Fault(
        "ipsec-without-association",
        "A policy of IPsec asks for ESP between tunnels' ends, and no association is there.",
        "packet-filter",
        inject="ip xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 proto 17 dport 4789 "
        "tmpl proto esp mode transport",
        heal="ip xfrm policy delete dir out src 0.0.0.0/0 dst 0.0.0.0/0 proto 17 dport 4789",
        stops=Ping(),
    ),
    Fault(
        "ipsec-blocks-routing",
        "A policy of IPsec blocks what the node forwards between networks.",
        "packet-filter",
        inject="ip xfrm policy add dir fwd src 10.0.0.0/8 dst 10.0.0.0/8 action block",
        heal="ip xfrm policy delete dir fwd src 10.0.0.0/8 dst 10.0.0.0/8",
        stops=Ping(To.ROUTED),
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
        stops=Ping(),
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
        stops=Ping(options="-M do -s 1472"),
    ),
    Fault(
        "vtep-unreachable",
        "A switch drops UDP port 4789 on the way to this node, and passes pings and BGP.",
        "vtep-unreachable",
        inject="drop_udp 4789",
        heal="drop_no_udp",
        shared=True,
        probe=True,
        stops=Ping(),
    ),
)
