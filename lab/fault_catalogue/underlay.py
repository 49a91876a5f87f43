"""Faults of the underlay, flat and routed."""

from __future__ import annotations

from lab.fault import Fault, Ping

# The first of the node's links, a VLAN of its NIC, and another VTEP.
_LINK = 'link=$(ls /sys/class/net | grep "^$uplink\\." | head -n 1)'
_VTEP = (
    'vtep=$(bridge fdb show dev "$vxlan" | '
    'sed -n "s/^00:00.* dst \\([^ ]*\\) .*/\\1/p" | head -n 1)'
)

UNDERLAY_FAULTS = (
    Fault(
        "underlay-adjacency",
        "One of the node's links passes no packet, and both ends of it are up.",
        "underlay-adjacency",
        inject=f'{_LINK}; need link "$link"; save link "$link"; '
        'tc qdisc add dev "$link" clsact; for way in ingress egress; do '
        'tc filter add dev "$link" "$way" protocol all u32 match u32 0 0 action drop; done',
        heal='tc qdisc del dev "$(saved link)" clsact',
        node="leaf2",
        shared=True,
        topology="leaf-spine",
    ),
    Fault(
        "bfd-down",
        "Somebody has shut the BFD session of one of the node's links: what it watches stays up.",
        "bfd-down",
        inject="session=$(vtysh -c 'show bfd peers' | "
        r"sed -n 's/^[[:space:]]*\(peer .*\) vrf default \(interface .*\)/\1 \2/p' | head -n 1); "
        'need "BFD session" "$session"; save session "$session"; '
        "vtysh -c 'configure terminal' -c bfd -c \"$session\" -c shutdown",
        heal="vtysh -c 'configure terminal' -c bfd -c \"$(saved session)\" -c 'no shutdown'; "
        "vtysh -c 'configure terminal' -c bfd -c \"no $(saved session)\"",
        node="leaf2",
        shared=True,
        topology="leaf-spine",
    ),
    Fault(
        "underlay-rule",
        "A routing rule drops each UDP packet of the node, its tunnels' too: pings and BGP pass.",
        "underlay-diverted",
        # By number: not every node has names of protocols.
        inject="ip rule add pref 2000 ipproto 17 blackhole",
        heal="ip rule del pref 2000",
        stops=Ping(),
    ),
    Fault(
        "underlay-blackhole",
        "A route that somebody has added ends what goes to another VTEP, in the same network.",
        "underlay-diverted",
        inject=f'{_VTEP}; need VTEP "$vtep"; save vtep "$vtep"; ip route add blackhole "$vtep"',
        heal='ip route del blackhole "$(saved vtep)"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "underlay-neighbor",
        "Another VTEP has a static neighbour entry, with a MAC that is nowhere.",
        "underlay-diverted",
        inject=f'{_VTEP}; need VTEP "$vtep"; save vtep "$vtep"; save port "$(underlay)"; '
        'ip neigh replace "$vtep" dev "$(saved port)" lladdr 02:00:00:00:00:99 nud permanent',
        heal='ip neigh del "$(saved vtep)" dev "$(saved port)"',
        shared=True,
        stops=Ping(),
    ),
    Fault(
        "underlay-route",
        "A route that somebody has added ends what goes to another VTEP.",
        "underlay-route",
        inject=f'{_VTEP}; need VTEP "$vtep"; save vtep "$vtep"; ip route add blackhole "$vtep"',
        heal='ip route del blackhole "$(saved vtep)"',
        node="leaf2",
        shared=True,
        stops=Ping(),
        topology="leaf-spine",
    ),
)
