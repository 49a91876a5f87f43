"""What a fault of the lab is, and the shell functions that faults are written with.

The shell texts run on the node after ``PRELUDE``, under ``set -eu``, with ``$bridge``, ``$vxlan``,
``$vni``, ``$vrf`` and ``$uplink`` set.  ``$keep`` is a folder that lives from inject to heal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class To(StrEnum):
    """Whom a guest of the broken node pings; the value says it."""

    SEGMENT = "within the VNI"
    UNHEARD = "within the VNI, to an address that has not been heard of"
    ROUTED = "to another VNI"
    ROUTED_UNHEARD = "to another VNI, to an address that has not been heard of"
    TAGGED = "within the VNI, in tagged frames"
    GATEWAY = "to its gateway, whose MAC it knows from another node"
    UNDERLAY = "to its node's VTEP address, which answers"
    OUTSIDE = "to the outside; through an exit, of guests of other nodes, too"


@dataclass(frozen=True, slots=True)
class Ping:
    """A guest's ping by which a fault shows: all are lost, or to the underlay, some are answered.

    `to` a guest on another node is one of those that it has; `forgets` says that it asks for the
    MAC again.
    """

    to: To = To.SEGMENT
    options: str = ""
    forgets: bool = False

    def __str__(self) -> str:
        asks = ", its ARP entry deleted" if self.forgets else ""
        return f"`{' '.join(('ping', *self.options.split()))}` {self.to.value}{asks}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break a node: what it breaks, the check that must see it, and both scripts.

    ``seen_by_others`` says that the finding is on the other nodes, which receive the routes.
    ``shared`` says that it changes what other nodes receive, so that it breaks one at a time;
    ``bound`` that no other node than ``node`` has what it breaks; ``renews`` that the node
    announces its routes with other attributes, on which FRR 8.4 elsewhere may lose its router MAC.
    ``probe`` that only an audit with ``--probe`` sees it.  ``stops`` is the guest's ping by which
    it shows; what harms no guest has none.
    ``topology`` is the example whose overlay it needs.
    """

    name: str
    breaks: str
    check: str
    inject: str
    heal: str
    node: str = "node2"
    seen_by_others: bool = False
    shared: bool = False
    bound: bool = False
    renews: bool = False
    probe: bool = False
    stops: Ping | None = None
    topology: str = "l3-symmetric"


# bgpd throws away what looks like its own route, and does not ask for it by itself when it no
# longer does.
ASK_AGAIN = "sleep 2; vtysh -c 'clear bgp l2vpn evpn * soft in'"

PRELUDE = r"""
save() { printf '%s\n' "$2" > "$keep/$1"; }
saved() { cat "$keep/$1"; }
mac_of() { cat "/sys/class/net/$1/address"; }
mtu_of() { cat "/sys/class/net/$1/mtu"; }
local_of() { ip -d link show dev "$1" | sed -n 's/.* local \([^ ]*\) .*/\1/p'; }
# An address that nobody has, $1 at its end, of the family that the tunnels are of.
nobody() {
    case $(local_of "$vxlan") in *:*) echo "2001:db8::$1" ;; *) echo "192.0.2.$1" ;; esac
}

port_flags='learning neigh_suppress unicast_flood multicast_flood broadcast_flood multicast_router'
# Make $vxlan again with VNI $1, UDP port $2 and option $3, and everything else as it is.
remake_vxlan() {
    port=/sys/class/net/$vxlan/brport
    for flag in $port_flags; do
        save "$flag" "$(cat "$port/$flag")"
    done
    save local "$(local_of "$vxlan")"; save mac "$(mac_of "$vxlan")"; save mtu "$(mtu_of "$vxlan")"
    ip link del "$vxlan"
    ip link add "$vxlan" address "$(saved mac)" mtu "$(saved mtu)" type vxlan \
        id "$1" local "$(saved local)" dstport "$2" nolearning ${3:-}
    ip link set "$vxlan" master "$bridge" up
    for flag in $port_flags; do
        saved "$flag" > "$port/$flag"
    done
}
# A VXLAN device's VNI and port cannot be changed, so it is made again from the deployed file.
redo_vxlan() { ip link del "$vxlan" 2>/dev/null || :; ifup "$vxlan"; }

# zebra puts back what it installed. Its data plane is a thread of its own: with that one frozen
# the daemon still answers vtysh and watchfrr, but nothing of it reaches the kernel any more.
frr=/sys/fs/cgroup/system.slice/frr.service
freeze_zebra() {
    for task in /proc/"$(pidof zebra)"/task/*; do
        [ "$(cat "$task/comm")" != zebra_dplane ] || thread=${task##*/}
    done
    mkdir "$frr/hold"
    echo threaded > "$frr/hold/cgroup.type"
    echo "$thread" > "$frr/hold/cgroup.threads"
    echo 1 > "$frr/hold/cgroup.freeze"
}
thaw_zebra() {
    [ -d "$frr/hold" ] || return 0
    echo 0 > "$frr/hold/cgroup.freeze"
    for thread in $(cat "$frr/hold/cgroup.threads"); do echo "$thread" > "$frr/cgroup.threads"; done
    rmdir "$frr/hold"
}
first_flood() {
    bridge fdb show dev "$vxlan" | sed -n 's/^00:00:00:00:00:00 dst \([^ ]*\) .*/\1/p' | sort |
        head -n 1
}
# Each remote MAC as "MAC VTEP".
remote_macs() {
    bridge fdb show dev "$vxlan" | grep -v ^00:00:00:00:00:00 |
        sed -n 's/^\([^ ]*\) dst \([^ ]*\) .*extern_learn.*/\1 \2/p'
}
first_remote() { remote_macs | head -n 1; }
# A guest's MAC that the bridge has learned, as "MAC PORT".
first_guest() {
    bridge fdb show br "$bridge" | grep -v -e " $vxlan " -e permanent -e extern_learn -e ' vlan ' |
        sed -n 's/^\([^ ]*\) dev \([^ ]*\) master .*/\1 \2/p' | head -n 1
}
# A frame to everybody from each guest of the node, for which no guest needs to know a MAC.
have_guests_speak() {
    for guest in $(ip netns list | cut -d ' ' -f 1); do
        ip netns exec "$guest" ping -c 1 -W 1 224.0.0.1 >/dev/null 2>&1 || :
    done
}
members_of_vrf() { ip -o link show master "$vrf" | cut -d : -f 2 | cut -d @ -f 1; }
have_guests_ask_their_gateway() {
    for guest in $(ip netns list | cut -d ' ' -f 1); do
        gateway=$(ip -n "$guest" route show default | sed -n 's/.*via \([^ ]*\) .*/\1/p')
        ip netns exec "$guest" ping -c 1 -W 1 "$gateway" >/dev/null 2>&1 || :
    done
}
# What the kernel itself has asked for in $vrf, each as "ADDRESS DEVICE MAC".
local_neighbours() {
    ip -4 neigh show vrf "$vrf" | grep -v zebra |
        sed -n 's/^\([^ ]*\) dev \([^ ]*\) lladdr \([^ ]*\) .*/\1 \2 \3/p'
}
# The first router MAC on the L3VNI's device $1 that a route carries, as "MAC VTEP".
first_router_mac() {
    vtysh -c 'show bgp l2vpn evpn' | sed -n 's/.*Rmac:\([0-9a-f:]*\).*/\1/p' | sort -u |
        while read -r mac; do
            bridge fdb show dev "$1" | sed -n "s/^\($mac\) dst \([^ ]*\) .*extern_learn.*/\1 \2/p"
        done | head -n 1
}
# The address of a guest that $vrf has a route of another node to.
first_guest_route() {
    ip route show vrf "$vrf" proto bgp | sed -n 's/^\([0-9.]*\) .*via .*/\1/p' | head -n 1
}
# The first neighbour on the bridge $1 that zebra has made, as "ADDRESS MAC".
first_next_hop() {
    ip -4 neigh show dev "$1" | sed -n 's/^\([^ ]*\) lladdr \([^ ]*\) .*zebra.*/\1 \2/p' | head -n 1
}
# One that the VRF routes to: on an L3VNI's bridge zebra may keep entries of guests, too.
routed_vtep() {
    ip -4 neigh show dev "$1" to "$(ip -4 route show vrf "$vrf" proto bgp |
        sed -n "s/.*via \([^ ]*\) dev $1 .*/\1/p" | head -n 1)" |
        sed -n 's/^\([^ ]*\) lladdr \([^ ]*\) .*/\1 \2/p' | head -n 1
}
need() { [ -n "$2" ] || { echo "there is no $1 on $vxlan yet" >&2; exit 1; }; }
# The NIC's other end is a port of a switch, in a namespace of its own: what the node cannot see.
in_wire() { ip netns exec wire "$@"; }
# Have the switch drop UDP packets to port $1 on their way here, from $2 alone if it is given.
drop_udp() {
    case $(local_of "$vxlan") in *:*) ip=ip6 protocol=ipv6 ;; *) ip=ip protocol=ip ;; esac
    in_wire tc qdisc add dev vec1 clsact 2>/dev/null || :
    in_wire tc filter add dev vec1 ingress protocol "$protocol" u32 match "$ip" protocol 17 0xff \
        match "$ip" dport "$1" 0xffff ${2:+match "$ip" src "$2"} action drop
}
drop_no_udp() { in_wire tc qdisc del dev vec1 clsact 2>/dev/null || :; }
asn() { vtysh -c 'show running-config' | sed -n 's/^router bgp \([0-9]*\)$/\1/p'; }
in_evpn() {
    vtysh -c 'configure terminal' -c "router bgp $(asn)" -c 'address-family l2vpn evpn' -c "$1"
}
in_bgp() { vtysh -c 'configure terminal' -c "router bgp $(asn)" -c "$1"; }
in_vni() {
    vtysh -c 'configure terminal' -c "router bgp $(asn)" -c 'address-family l2vpn evpn' \
        -c "vni $vni" -c "$1"
}
in_vrf_evpn() {
    vtysh -c 'configure terminal' -c "router bgp $(asn) vrf $vrf" \
        -c 'address-family l2vpn evpn' -c "$1"
}
in_vrf() { vtysh -c 'configure terminal' -c "vrf $vrf" -c "$1"; }
running() { vtysh -c 'show running-config' | sed -n "$1" | head -n 1; }
underlay() { basename "$(readlink "/sys/class/net/$uplink/master")"; }
l3vni() { running "/^vrf $vrf\$/,/^exit-vrf/s/^ vni \([0-9]*\).*/\1/p"; }
# The bridge of the L3VNI, and its MAC, as zebra knows them.
of_l3vni() { vtysh -c "show evpn vni $(l3vni)" | sed -n "s/^ *$1: *\([^ ]*\).*/\1/p"; }
"""
