"""Faults of the control plane, of the way out and of the configuration: data only."""

from __future__ import annotations

from lab.fault import ASK_AGAIN, Fault, Ping, To

_STRANGER = "192.0.2.222"
_GIVE_PRIORITY_BACK = (
    'vtysh -c \'configure terminal\' -c "interface $(underlay)" -c "vrrp 1 priority $(saved old)"'
)

CONTROL_FAULTS = (
    Fault(
        "evpn-empty",
        "FRR is stopped, so the node has no EVPN table and announces nothing.",
        "evpn-empty",
        inject="systemctl stop frr",
        heal="systemctl reset-failed frr; systemctl start frr",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "imet-missing",
        "Another node no longer announces its VNIs, and cannot be audited.",
        "imet-missing",
        inject="in_evpn 'no advertise-all-vni'",
        heal="in_evpn advertise-all-vni",
        seen_by_others=True,
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "imet-not-originated",
        "The node no longer announces its VNIs (advertise-all-vni is off).",
        "imet-not-originated",
        inject="in_evpn 'no advertise-all-vni'",
        heal="in_evpn advertise-all-vni",
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "imet-unexpected",
        "The node announces VNI 98, which is not in the intent.",
        "imet-unexpected",
        inject="ip link add vmbr98 type bridge; ip link add vxlan98 type vxlan id 98 local "
        '"$(local_of "$vxlan")" dstport 4789 nolearning; ip link set vxlan98 master vmbr98 up; '
        "ip link set vmbr98 up",
        heal="for link in vxlan98 vmbr98; do ip link del $link 2>/dev/null || :; done",
        seen_by_others=True,
        shared=True,
    ),
    Fault(
        "session-down",
        "The node has shut down its BGP session with its first peer.",
        "session-down",
        inject=r"peer=$(running 's/^ neighbor \([^ ]*\) remote-as .*/\1/p'); "
        'need peer "$peer"; save peer "$peer"; in_bgp "neighbor $peer shutdown"',
        heal='in_bgp "no neighbor $(saved peer) shutdown"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "session-as",
        "The node takes its first peer for one of another AS.",
        "session-as",
        inject=r"peer=$(running 's/^ neighbor \([^ ]*\) remote-as .*/\1/p'); "
        'need peer "$peer"; save peer "$peer"; in_bgp "neighbor $peer remote-as 65099"',
        heal='in_bgp "neighbor $(saved peer) remote-as $(asn)"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "session-unexpected",
        f"The node has a BGP neighbour {_STRANGER} that is not in the intent.",
        "session-unexpected",
        inject=f'in_bgp "neighbor {_STRANGER} remote-as $(asn)"; '
        f'in_evpn "neighbor {_STRANGER} activate"',
        heal=f'in_bgp "no neighbor {_STRANGER}"',
        shared=True,
    ),
    Fault(
        "l3vni",
        "The VRF has lost its L3VNI, so FRR treats it as a layer-2 VNI.",
        "l3vni",
        inject='vni=$(l3vni); need L3VNI "$vni"; save vni "$vni"; in_vrf "no vni $vni"',
        heal='in_vrf "vni $(saved vni)"',
        # Each node has both networks itself, and goes on routing between them by its own bridges.
        topology="exit-single-gateway",
        stops=Ping(To.OUTSIDE),
    ),
    Fault(
        "route-target",
        "The routes of a VNI are exported with a wrong route target.",
        "route-target",
        inject='in_vni "route-target export $(asn):777"',
        heal='in_evpn "no vni $vni"',
        shared=True,
        renews=True,
        stops=Ping(),
    ),
    Fault(
        "route-target-imported",
        "A VNI imports a route target that is not its own, so FRR's own import has ended.",
        "route-target",
        inject='in_vni "route-target import $(asn):777"',
        # FRR may have lost router MACs with the routes that were gone, 10.7 too.
        heal="in_evpn \"no vni $vni\"; sleep 2; vtysh -c 'clear bgp l2vpn evpn *'",
        stops=Ping(),
    ),
    Fault(
        "rd-duplicate",
        "A VNI uses the route distinguisher of another node's.",
        "rd-duplicate",
        inject="rd=$(vtysh -c 'show bgp l2vpn evpn' | "
        r"sed -n 's/^Route Distinguisher: \([0-9.:]*\) *$/\1/p' | "
        'grep -v "^$(local_of "$vxlan"):" | head -n 1); need "foreign RD" "$rd"; in_vni "rd $rd"',
        heal='in_evpn "no vni $vni"',
        shared=True,
        renews=True,
    ),
    Fault(
        "router-id",
        "The BGP router-id differs from the intended one.",
        "router-id",
        inject=r"id=$(running 's/^ bgp router-id \(.*\)/\1/p'); "
        'need router-id "$id"; save id "$id"; in_bgp "bgp router-id 192.0.2.201"',
        heal='in_bgp "bgp router-id $(saved id)"',
        shared=True,
        renews=True,
    ),
    Fault(
        "rmac-conflict",
        "The bridge of the L3VNI has the router MAC of another node.",
        "rmac-conflict",
        inject='svi=$(of_l3vni SVI-If); need "L3VNI bridge" "$svi"; save svi "$svi"; '
        'save mac "$(mac_of "$svi")"; '
        r"mac=$(vtysh -c 'show bgp l2vpn evpn' | sed -n 's/.*Rmac:\([0-9a-f:]*\).*/\1/p' | "
        'grep -vi "$(saved mac)" | head -n 1); need "foreign router MAC" "$mac"; '
        'ip link set "$svi" address "$mac"',
        heal='ip link set "$(saved svi)" address "$(saved mac)"; ' + ASK_AGAIN,
        shared=True,
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "mac-route-missing",
        "A filter towards one peer drops the MAC routes that it sends, and passes its IMET routes.",
        "mac-route-missing",
        inject=r"peer=$(running 's/^ neighbor \([^ ]*\) remote-as .*/\1/p'); "
        'need peer "$peer"; save peer "$peer"; '
        "vtysh -c 'configure terminal' -c 'route-map LAB-FAULT deny 10' "
        "-c 'match evpn route-type macip' -c exit -c 'route-map LAB-FAULT permit 20'; "
        'in_evpn "neighbor $peer route-map LAB-FAULT in"; '
        'vtysh -c "clear bgp l2vpn evpn $peer soft in"',
        heal='in_evpn "no neighbor $(saved peer) route-map LAB-FAULT in"; '
        "vtysh -c 'configure terminal' -c 'no route-map LAB-FAULT'; "
        'vtysh -c "clear bgp l2vpn evpn $(saved peer) soft in"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "gateway-advertised",
        "The node announces the anycast gateway as its own host (advertise-svi-ip).",
        "gateway-advertised",
        inject="in_evpn advertise-svi-ip",
        heal="in_evpn 'no advertise-svi-ip'",
        shared=True,
    ),
    Fault(
        "type5-missing",
        "The only exit no longer advertises its default route.",
        "type5-missing",
        inject="in_vrf_evpn 'no default-originate ipv4'",
        heal="in_vrf_evpn 'default-originate ipv4'",
        node="node1",
        bound=True,
        shared=True,
        topology="exit-single-gateway",
        stops=Ping(To.OUTSIDE),
    ),
    Fault(
        "type5-missing-of-several",
        "One of several exits no longer advertises its default route: the others carry on.",
        "type5-missing",
        inject="in_vrf_evpn 'no default-originate ipv4'",
        heal="in_vrf_evpn 'default-originate ipv4'",
        shared=True,
        topology="exit-multi-gateway",
    ),
    Fault(
        "type5-unexpected",
        "A node that is not an exit advertises a default route.",
        "type5-unexpected",
        inject="in_vrf_evpn 'default-originate ipv4'",
        # FRR keeps an instance that was typed in while its VRF has an L3VNI, and the proof of the
        # next deployment would find it: only a new start is without it.
        heal="in_vrf_evpn 'no default-originate ipv4'; systemctl reset-failed frr; "
        "systemctl restart frr",
        shared=True,
    ),
    Fault(
        "gateway-address",
        "The anycast gateway has lost its address here.",
        "gateway-address",
        inject='address=$(ip -4 -o address show dev "$bridge" scope global | '
        r"sed -n 's/.* inet \([^ ]*\) .*/\1/p' | head -n 1); "
        'need address "$address"; save address "$address"; ip address del "$address" dev "$bridge"',
        heal='ip address replace "$(saved address)" dev "$bridge"',
        stops=Ping(To.GATEWAY),
    ),
    Fault(
        "underlay-address",
        "The underlay bridge has lost its VTEP address.",
        "underlay-address",
        inject='address=$(ip -4 -o address show dev "$(underlay)" scope global | '
        r"sed -n 's/.* inet \([^ ]*\) .*/\1/p' | head -n 1); need address \"$address\"; "
        'save address "$address"; save port "$(underlay)"; '
        'ip address del "$address" dev "$(underlay)"',
        heal='ip address replace "$(saved address)" dev "$(saved port)"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "exit-route-vrf",
        "The exit's VRF has lost its way out.",
        "exit-route",
        inject=r"gateway=$(running 's/^ ip route 0.0.0.0\/0 \([^ ]*\) nexthop-vrf default$/\1/p'); "
        'need "way out" "$gateway"; save gateway "$gateway"; '
        'in_vrf "no ip route 0.0.0.0/0 $gateway nexthop-vrf default"',
        heal='in_vrf "ip route 0.0.0.0/0 $(saved gateway) nexthop-vrf default"',
        node="node1",
        bound=True,
        topology="exit-single-gateway",
        stops=Ping(To.OUTSIDE),
    ),
    Fault(
        "exit-route",
        "The exit has lost its own default route; its VRF's goes to the gateway without it.",
        "exit-route",
        inject='route=$(ip route show default dev "$(underlay)" | head -n 1); '
        'need "default route" "$route"; save route "$route"; '
        'ip route del default dev "$(underlay)"',
        # Unquoted: the words of a route.
        heal='ip route replace $(saved route) dev "$(underlay)"',
        node="node1",
        bound=True,
        topology="exit-single-gateway",
    ),
    Fault(
        "vrf-isolation",
        "The VRF has lost its unreachable default: unknown destinations are looked up in the main "
        "table, and guests reach the underlay.",
        "vrf-isolation",
        inject='ip route del vrf "$vrf" unreachable default metric 4278198272',
        heal='ifup "$vrf"',
        stops=Ping(To.UNDERLAY),
    ),
    Fault(
        "vrf-isolation-ipv6",
        "The same for IPv6 alone.",
        "vrf-isolation",
        inject='ip -6 route del vrf "$vrf" unreachable default metric 4278198272',
        heal='ifup "$vrf"',
    ),
    Fault(
        "vrf-isolation-exit",
        "The exit routes guests to the underlay too, not only to the outside.",
        "vrf-isolation",
        inject='prefix=$(ip route show vrf "$vrf" type unreachable | '
        r"sed -n 's/^unreachable \([0-9][^ ]*\) .*/\1/p' | head -n 1); "
        'need "unreachable prefix" "$prefix"; '
        'ip route del vrf "$vrf" unreachable "$prefix" metric 4278198272',
        heal='ifup "$vrf"',
        topology="exit-multi-gateway",
        stops=Ping(To.UNDERLAY),
    ),
    Fault(
        "vrf-leak",
        "A route of the VRF leads into the main table: guests' packets leave by the underlay, "
        "unencapsulated.",
        "vrf-leak",
        inject='ip route add vrf "$vrf" 198.51.100.0/24 dev "$(underlay)"',
        heal='ip route del vrf "$vrf" 198.51.100.0/24 2>/dev/null || :',
    ),
    Fault(
        "vrf-route-unexpected",
        "Somebody has typed a static route into the VRF.",
        "vrf-route-unexpected",
        inject='ip route add vrf "$vrf" blackhole 198.51.100.0/25 proto static',
        heal='ip route del vrf "$vrf" blackhole 198.51.100.0/25 2>/dev/null || :',
    ),
    Fault(
        "vrrp",
        "The master of the floating address has a low priority, so another node takes over.",
        "vrrp",
        inject=r"old=$(running 's/^ vrrp 1 priority \(.*\)/\1/p'); "
        'need priority "$old"; save old "$old"; '
        "vtysh -c 'configure terminal' -c \"interface $(underlay)\" -c 'vrrp 1 priority 50'",
        heal=_GIVE_PRIORITY_BACK,
        node="node1",
        bound=True,
        topology="exit-vrrp",
    ),
    Fault(
        "vrrp-backup",
        "The backup of the floating address has a higher priority than the master, and takes over.",
        "vrrp",
        inject=r"old=$(running 's/^ vrrp 1 priority \(.*\)/\1/p'); save old ${old:-100}; "
        "vtysh -c 'configure terminal' -c \"interface $(underlay)\" -c 'vrrp 1 priority 250'",
        heal=_GIVE_PRIORITY_BACK,
        node="node2",
        bound=True,
        topology="exit-vrrp",
    ),
    Fault(
        "sysctl",
        "Reverse-path filtering is on, so replies that arrive through another exit are dropped.",
        "sysctl",
        inject="sysctl -qw net.ipv4.conf.all.rp_filter=1",
        heal="sysctl -qw net.ipv4.conf.all.rp_filter=0",
        topology="exit-multi-gateway",
        stops=Ping(To.OUTSIDE),
    ),
    Fault(
        "gateway-asks-nobody",
        "The gateways ask for no MAC: they reach those guests alone that spoke first.",
        "sysctl",
        inject="for member in $(members_of_vrf); do sysctl -qw "
        '"net.ipv4.neigh.$member.mcast_solicit=0"; done',
        heal="for member in $(members_of_vrf); do sysctl -qw "
        '"net.ipv4.neigh.$member.mcast_solicit=3"; done',
        stops=Ping(To.ROUTED_UNHEARD),
    ),
    Fault(
        "gateway-ignores-arp",
        "The gateway never answers ARP: guests that do not know its MAC have no way out.",
        "sysctl",
        inject='sysctl -qw "net.ipv4.conf.$bridge.arp_ignore=8"; '
        "for guest in $(ip netns list | cut -d ' ' -f 1); do "
        'ip -n "$guest" neigh flush all; done',
        heal='sysctl -qw "net.ipv4.conf.$bridge.arp_ignore=0"',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "config-file",
        "Somebody has added a line to the interfaces file.",
        "config-file",
        inject="echo '# lab fault' >> /etc/network/interfaces",
        heal="sed -i '/^# lab fault$/d' /etc/network/interfaces",
    ),
    Fault(
        "config-running",
        "Somebody has typed a prefix-list into vtysh.",
        "config-running",
        inject="vtysh -c 'configure terminal' -c 'ip prefix-list LAB-FAULT seq 5 permit any'",
        heal="vtysh -c 'configure terminal' -c 'no ip prefix-list LAB-FAULT'",
    ),
)
