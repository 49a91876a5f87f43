"""Bridges and their intended ports against `ip -d link`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_gateways
from drift.causes import Broken, breaks_device
from drift.model import CRITICAL, WARNING, Check, Depth
from drift.planes.links.fields import Field
from drift.planes.links.vxlans import from_single
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.model import Cause, Owner, RawFinding
    from drift.planes.links.fields import Read
    from overlay.expected import BridgeIntent, FabricIntent, NodeIntent, PortFlags
    from overlay.records import Link


# Of the kernel's unit, 1/100 s. Its default is 300 s; a bridge keeps nothing for 0.
_LEAST_AGEING = 1000


def _owns_bridges(_intent: FabricIntent, node: NodeIntent) -> bool:
    return bool(node.owned_bridges)


def _breaks_bridge(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from breaks_device(raw, owner)
    yield Broken.PORTS, raw.finding.host, raw.about.device


def _silences_underlay(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    # A node that cannot ask for its neighbours' MACs loses its sessions, too.
    if raw.about.underlay:
        yield from breaks_device(raw, owner)


def from_what_holds_it(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    # The kernel disables a port that is down, and all ports of a bridge that is down; STP holds a
    # port for some seconds (twice the forward delay) before it forwards.
    for name in (raw.about.device, raw.about.bridge):
        yield Broken.DOWN, raw.finding.host, name
    yield Broken.PORTS, raw.finding.host, raw.about.bridge


def _from_bridge(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.GONE, raw.finding.host, raw.about.bridge


BRIDGE_MISSING = Check(
    "bridge-missing",
    CRITICAL,
    "bridge missing",
    "Every bridge of the intent exists.",
    "Without its bridge, a VNI reaches no guest and a VTEP has no address.",
    (IP_LINK,),
    confirm="ip -d link show type bridge",
    remedy="`ifup vmbr2`, then `ifup vxlan2`. The guests' ports are not in that file: put "
    "each back with `ip link set tap100i0 master vmbr2`, or restart the guest.",
    explains=breaks_device,
    follows=from_single,
    depth=Depth.DEVICE + 1,
)

BRIDGE_MEMBERSHIP = Check(
    "bridge-membership",
    CRITICAL,
    "port in the wrong bridge",
    "VXLAN devices, the underlay port and ports to a LAN are ports of their intended bridges, a "
    "VLAN with its intended number and device.",
    "Outside its bridge a VXLAN device carries nothing, or another network's traffic.",
    (IP_LINK,),
    confirm="bridge link show",
    remedy="If `ip -d link show master vmbr2` shows another device with its VNI there, delete that "
    "one first: `ip link del vxlan99`. Then `ip link set vxlan2 master vmbr2` and `ifup vxlan2`: a "
    "port that leaves its bridge loses its flags.",
    explains=breaks_device,
    follows=_from_bridge,
    depth=Depth.PLACE,
)

BRIDGE_PORT_LEARNING = Check(
    "bridge-port-learning",
    WARNING,
    "port learning differs",
    "Learning on the VXLAN bridge port is as intended, and on for ports to a LAN.",
    "Learning from the tunnel overrides what EVPN says about where a MAC is.",
    (IP_LINK,),
    confirm="bridge -d link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 learning off` with EVPN, `learning on` without.",
)

BRIDGE_PORT_NEIGH_SUPPRESS = Check(
    "bridge-port-neigh-suppress",
    WARNING,
    "ARP suppression differs",
    "ARP and ND suppression on the VXLAN bridge port is as intended.",
    "Without it, every ARP request is flooded to every VTEP.",
    (IP_LINK,),
    confirm="bridge -d link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 neigh_suppress on` with EVPN, `neigh_suppress off` "
    "without.",
)

BRIDGE_PORT_FLOOD = Check(
    "bridge-port-flood",
    WARNING,
    "flooding differs",
    "Unicast and multicast flooding on the VXLAN bridge port are as intended, and on for ports to "
    "a LAN.",
    "Flooding where EVPN knows all MACs multiplies traffic; its lack elsewhere loses it, and is "
    "critical: without multicasts no guest finds another one by IPv6.",
    (IP_LINK,),
    confirm="bridge -d link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 flood off mcast_flood off` with EVPN, both `on` without.",
)

BRIDGE_PORT_BROADCAST = Check(
    "bridge-port-broadcast",
    CRITICAL,
    "broadcasts stay out of the tunnel",
    "Broadcasts leave by the VXLAN bridge port in every mode, and by the underlay's port and ports "
    "to a LAN.",
    "ARP for an address that EVPN does not know, or any without EVPN, reaches no other node. From "
    "the underlay's port it is the node's own ARP that does not leave.",
    (IP_LINK,),
    confirm="bridge -d link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 bcast_flood on`.",
    explains=_silences_underlay,
)

BRIDGE_PORT_ISOLATED = Check(
    "bridge-port-isolated",
    CRITICAL,
    "isolated port",
    "No intended port is isolated.",
    "An isolated port exchanges nothing with the other isolated ports of its bridge. While it has "
    "none, that is a warning.",
    (IP_LINK,),
    confirm="bridge -d link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 isolated off`.",
)

BRIDGE_SETTINGS = Check(
    "bridge-settings",
    CRITICAL,
    "bridge settings differ",
    "A bridge filters no VLANs, but for that of one VXLAN device for all VNIs, which has to, and "
    "runs no spanning tree, as it is rendered, speaks ARP, keeps a "
    "silent MAC for 10 seconds at least, and may learn any number of MACs.",
    "With VLAN filtering tagged frames are dropped, and FRR looks for the gateway on vmbr2.1; STP "
    "holds each port that comes up, and may block one for good. Without ARP no guest reaches its "
    "gateway. A MAC that is forgotten at once is withdrawn from EVPN, too; one beyond the limit of "
    "the bridge is never announced. A limit with room left is a warning.",
    (IP_LINK,),
    applies=_owns_bridges,
    confirm="ip -d link show vmbr2",
    remedy="`ip link set vmbr2 type bridge vlan_filtering 0 stp_state 0 ageing_time 30000` (1/100 "
    "s; `vlan_filtering 1` on the bridge of one VXLAN device for all VNIs), `ip link set vmbr2 "
    "type bridge fdb_max_learned 0`, `ip link set vmbr2 arp on`. If it "
    "comes back, look for `bridge-vlan-aware`, `bridge-stp` or `bridge-ageing` in "
    "/etc/network/interfaces.d.",
    explains=_breaks_bridge,
    depth=Depth.PLACE + 3,
)

BRIDGE_PORT_STATE = Check(
    "bridge-port-state",
    CRITICAL,
    "port does not forward",
    "Every intended port of a bridge is in the state forwarding, and not locked.",
    "Nothing passes through a port in any other state, though it is up; what comes in by a locked "
    "one is dropped unless its MAC is known there. Of one whose MACs BGP tells that is a warning.",
    (IP_LINK,),
    applies=_owns_bridges,
    confirm="bridge link show dev vxlan2",
    remedy="`bridge link set dev vxlan2 state 3 locked off` (3 is forwarding). With STP on the "
    "bridge, turn that off first: `ip link set vmbr2 type bridge stp_state 0`.",
    explains=breaks_device,
    follows=from_what_holds_it,
    depth=Depth.PLACE + 4,
)

GATEWAY_MAC = Check(
    "gateway-mac",
    CRITICAL,
    "wrong gateway MAC",
    "An anycast gateway's bridge has the intended MAC, the same on every node.",
    "A guest that moves keeps the old MAC in its ARP cache and loses its gateway.",
    (IP_LINK,),
    applies=with_gateways,
    confirm="ip link show vmbr2",
    remedy="`ip link set vmbr2 address 44:39:39:ff:40:94` with the MAC of `overlay: gateway_mac:`.",
)

CHECKS = (
    BRIDGE_MISSING,
    BRIDGE_MEMBERSHIP,
    BRIDGE_PORT_LEARNING,
    BRIDGE_PORT_NEIGH_SUPPRESS,
    BRIDGE_PORT_FLOOD,
    BRIDGE_PORT_BROADCAST,
    BRIDGE_PORT_ISOLATED,
    BRIDGE_SETTINGS,
    BRIDGE_PORT_STATE,
    GATEWAY_MAC,
)


def _of_port(name: str) -> Read:
    return lambda link: getattr(link.bridge_port, name, None)


def _is_alone_isolated(link: Link, links: Mapping[str, Link]) -> bool:
    """True for an isolated port that has no other isolated port to exchange anything with."""
    return not any(
        other.master == link.master and other.bridge_port and other.bridge_port.isolated
        for other in links.values()
        if other.name != link.name
    )


def _has_its_macs_from_bgp(link: Link, _links: Mapping[str, Link]) -> bool:
    """True for a port that learns none: what comes in by it is known there before."""
    return link.bridge_port is not None and link.bridge_port.learning is False


def _spanning_tree(link: Link) -> object:
    state = link.bridge.stp_state if link.bridge else None
    return None if state is None else state != 0


def _may_learn(link: Link, _links: Mapping[str, Link]) -> bool:
    """True while a bridge has learnt fewer MACs than it may."""
    detail = link.bridge
    if detail is None or detail.learnt is None or detail.most_learnt is None:
        return False
    return detail.learnt < detail.most_learnt


FIELDS = {
    "raw": Field(BRIDGE_MEMBERSHIP, "device of its VLAN", lambda link: link.parent),
    "vlan": Field(BRIDGE_MEMBERSHIP, "VLAN", lambda link: link.vlan, printed_late=True),
    "bridge": Field(BRIDGE_MEMBERSHIP, "bridge", lambda link: link.master),
    "port_learning": Field(
        BRIDGE_PORT_LEARNING, "bridge port learning", _of_port("learning"), printed_late=True
    ),
    "neigh_suppress": Field(
        BRIDGE_PORT_NEIGH_SUPPRESS,
        "bridge port neighbour suppression",
        _of_port("neigh_suppress"),
        printed_late=True,
    ),
    "flood": Field(
        BRIDGE_PORT_FLOOD,
        "bridge port unicast flooding",
        _of_port("flood"),
        printed_late=True,
        loses=lambda link: _of_port("flood")(link) is False,
    ),
    "mcast_flood": Field(
        BRIDGE_PORT_FLOOD,
        "bridge port multicast flooding",
        _of_port("mcast_flood"),
        printed_late=True,
        loses=lambda link: _of_port("mcast_flood")(link) is False,
    ),
    "bcast_flood": Field(
        BRIDGE_PORT_BROADCAST,
        "bridge port broadcast flooding",
        _of_port("bcast_flood"),
        printed_late=True,
    ),
    "isolated": Field(
        BRIDGE_PORT_ISOLATED,
        "bridge port isolation",
        _of_port("isolated"),
        printed_late=True,
        harmless=_is_alone_isolated,
    ),
    "port_state": Field(
        BRIDGE_PORT_STATE, "bridge port state", _of_port("state"), printed_late=True
    ),
    "locked": Field(
        BRIDGE_PORT_STATE,
        "bridge port lock",
        _of_port("locked"),
        printed_late=True,
        harmless=_has_its_macs_from_bgp,
    ),
    "vlan_filtering": Field(
        BRIDGE_SETTINGS,
        "VLAN filtering",
        lambda link: link.bridge and link.bridge.vlan_filtering,
        printed_late=True,
    ),
    "stp": Field(BRIDGE_SETTINGS, "spanning tree (STP)", _spanning_tree, printed_late=True),
    "arp": Field(BRIDGE_SETTINGS, "ARP", lambda link: "NOARP" not in link.flags),
    "least_ageing": Field(
        BRIDGE_SETTINGS,
        "ageing time",
        lambda link: link.bridge and link.bridge.ageing_time,
        printed_late=True,
        at_least=True,
    ),
    "most_learnt": Field(
        BRIDGE_SETTINGS,
        "limit of learnt MACs (0: none)",
        lambda link: link.bridge and link.bridge.most_learnt,
        printed_late=True,
        harmless=_may_learn,
    ),
    "mac": Field(GATEWAY_MAC, "gateway MAC", lambda link: link.mac),
}


def port_fields(bridge: str, flags: PortFlags | None = None) -> dict[str, object]:
    """What a link must be as a port of its bridge; a VXLAN device has flags besides."""
    fields: dict[str, object] = {
        "bridge": bridge,
        "isolated": False,
        "port_state": "forwarding",
        "locked": False,
        "bcast_flood": True,
    }
    if flags is not None:
        fields |= {
            "port_learning": flags.learning,
            "neigh_suppress": flags.neigh_suppress,
            "flood": flags.unicast_flood,
            "mcast_flood": flags.multicast_flood,
        }
    return fields


def bridge_fields(bridge: BridgeIntent) -> dict[str, object]:
    """What the bridge itself must be."""
    return bridge_settings(vlan_aware=False) | gateway_fields(bridge)


def bridge_settings(*, vlan_aware: bool) -> dict[str, object]:
    return {
        "vlan_filtering": vlan_aware,
        "stp": False,
        "least_ageing": _LEAST_AGEING,
        "most_learnt": 0,
    }


def gateway_fields(bridge: BridgeIntent) -> dict[str, object]:
    """What an interface with addresses must be, a bridge or a VLAN of one."""
    fields: dict[str, object] = {}
    if bridge.addresses:  # else nobody asks it for its MAC
        fields["arp"] = True
    return fields if bridge.mac is None else fields | {"mac": bridge.mac}
