"""Faults of routing tables and rules: data only."""

from __future__ import annotations

from lab.fault import Fault, Ping, To

_GATEWAY = (
    'address=$(ip -4 -o address show dev "$bridge" scope global | '
    r"sed -n 's/.* inet \([^ /]*\)\/.*/\1/p' | head -n 1); "
    'need address "$address"; save address "$address"; '
)
_VTEP = 'save address "$(local_of "$vxlan")"; save port "$(underlay)"; '

ROUTE_FAULTS = (
    Fault(
        "vrf-route-missing",
        "A blackhole route stands before the way to a guest on another node.",
        "vrf-route-missing",
        inject='guest=$(first_guest_route); need "guest route" "$guest"; save guest "$guest"; '
        'ip route replace blackhole "$guest" vrf "$vrf" metric 5',
        heal='ip route del blackhole "$(saved guest)" vrf "$vrf" metric 5 2>/dev/null || :',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "vrf-route-stale",
        "zebra has left routes to another VTEP in the VRF, for guests that are on this node.",
        "vrf-route-stale",
        inject='svi=$(of_l3vni SVI-If); need "L3VNI bridge" "$svi"; '
        'hop=$(routed_vtep "$svi"); need "next hop" "$hop"; '
        "have_guests_ask_their_gateway; entries=$(local_neighbours); "
        'need "neighbour entry of a guest" "$entries"; save entries "$entries"; '
        'while read -r address rest; do ip route add "$address" via "${hop% *}" dev "$svi" onlink '
        'vrf "$vrf" proto bgp metric 20; done < "$keep/entries"',
        heal='while read -r address rest; do ip route del "$address" vrf "$vrf" proto bgp metric '
        '20; done < "$keep/entries"',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "gateway-route",
        "The VRF has lost the kernel's own routes to its networks.",
        "gateway-route",
        inject='routes=$(ip route show vrf "$vrf" proto kernel scope link); '
        'need "routes of the kernel" "$routes"; save routes "$routes"; '
        'ip route flush vrf "$vrf" proto kernel scope link',
        # Unquoted: the words of a route.
        heal='while read -r route; do ip route replace $route vrf "$vrf" proto kernel scope link; '
        'done < "$keep/routes"',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "gateway-route-part",
        "Prohibit routes stand in the VRF for the lower half of each of its networks.",
        "gateway-route",
        inject='networks=$(ip route show vrf "$vrf" proto kernel scope link | '
        "sed -n 's/^\\([0-9.]*\\)\\/24 .*/\\1/p'); need networks \"$networks\"; "
        'save networks "$networks"; '
        'for network in $networks; do ip route add prohibit "$network/25" vrf "$vrf"; done',
        heal='for network in $(saved networks); do ip route del prohibit "$network/25" vrf "$vrf"; '
        "done",
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "gateway-route-via",
        "Routes lead the lower half of each network to its own bridge, but to a guest that is not "
        "there.",
        "gateway-route",
        inject='networks=$(ip route show vrf "$vrf" proto kernel scope link | '
        "sed -n 's/^\\([0-9.]*\\)\\.0\\/24 dev \\([^ ]*\\) .*/\\1 \\2/p'); "
        'need networks "$networks"; save networks "$networks"; while read -r network device; do '
        'ip route add "$network.0/25" via "$network.99" dev "$device" vrf "$vrf"; '
        'done < "$keep/networks"',
        heal='while read -r network device; do ip route del "$network.0/25" vrf "$vrf"; '
        'done < "$keep/networks"',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "gateway-address-not-taken",
        "The gateway has its address, but the kernel has no route to take what is for it.",
        "gateway-address",
        inject=_GATEWAY + 'ip route del local "$address" vrf "$vrf"',
        heal='ip route add local "$(saved address)" vrf "$vrf" dev "$bridge" proto kernel scope '
        'host src "$(saved address)"',
        stops=Ping(To.GATEWAY),
    ),
    Fault(
        "underlay-address-not-taken",
        "The node has its VTEP address, but the kernel has no route to take what is for it.",
        "underlay-address",
        inject=_VTEP + 'ip route del local "$(saved address)" table local',
        heal='ip route add local "$(saved address)" dev "$(saved port)" table local proto kernel '
        'scope host src "$(saved address)"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "vrf-rule",
        "The kernel's rule that looks packets of VRFs up in their tables is gone.",
        "vrf-rule",
        inject="ip rule del l3mdev pref 1000",
        heal="ip rule add l3mdev pref 1000",
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "vrf-rule-before",
        "A routing rule before that of the VRFs drops what is for one of their networks.",
        "vrf-rule",
        inject='network=$(ip route show vrf "$vrf" proto kernel scope link | head -n 1); '
        'need network "$network"; save network "${network%% *}"; '
        'ip rule add pref 500 to "$(saved network)" blackhole',
        heal='ip rule del pref 500 to "$(saved network)" blackhole',
        stops=Ping(To.ROUTED),
    ),
    Fault(
        "vrf-rule-local",
        "The node's own addresses are looked up before the tables of VRFs: guests reach them.",
        "vrf-rule",
        inject="ip rule add pref 0 lookup local",
        heal="ip rule del pref 0 lookup local",
        stops=Ping(To.UNDERLAY),
    ),
)
