"""Guests' ports: not in the intent, but one that is up must let its guest through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_vnis
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from drift.planes.links.bridges import from_what_holds_it
from overlay.expected import BridgeRole
from overlay.outputs import BRIDGE_FDB, IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.records import Link

_FORWARDING = "forwarding"
# The kinds of what machines and containers are plugged in by.
_OF_GUESTS = frozenset({"tun", "veth"})

GUEST_PORT_BLOCKED = Check(
    "guest-port-blocked",
    CRITICAL,
    "guest's port blocked",
    "Each tap or veth of a network's bridge is up, and each other port that is up is in the state "
    "forwarding, not locked, gets broadcasts, and learns MACs or has them as static entries.",
    "The guest behind it reaches nobody. Without broadcasts it never hears that somebody asks for "
    "its MAC; a MAC that is not learnt is not announced to other nodes.",
    (IP_LINK,),
    reads=(BRIDGE_FDB,),
    applies=with_vnis,
    confirm="bridge -d link show | grep -A1 tap100i0",
    remedy="`bridge link set dev tap100i0 state 3 locked off learning on bcast_flood on` (3 is "
    "forwarding), and `ip link set tap100i0 up`. A port that is locked (802.1X) or down on "
    "purpose belongs into suppressions.yaml.",
    follows=from_what_holds_it,
)


def examine_guest_ports(view: HostView) -> Iterator[RawFinding]:
    """The ports of networks' bridges that no intent names."""
    bridges = {it.name: it for it in view.node.bridges if it.role is BridgeRole.NETWORK}
    fdb = view.state.fdb
    static = None if fdb is None else {it.device for it in fdb if it.state == "static"}
    for link in view.links.values():
        bridge = bridges.get(link.master or "")
        if bridge is None or link.name in bridge.ports or link.kind == "vxlan":
            continue
        blocked = _blocked(link, static)
        if blocked is not None:
            yield GUEST_PORT_BLOCKED.found(
                view.host,
                link.name,
                "changed",
                _FORWARDING,
                blocked,
                attribute="bridge port state",
                what=f"state of the port on {bridge.name}",
                evidence=lines(IP_LINK, [link.text]),
                about=About(
                    device=link.name, bridge=bridge.name, vni=view.vni_by_bridge.get(bridge.name)
                ),
            )


def _blocked(link: Link, static: set[str | None] | None) -> str | None:
    """What keeps a port from serving its guest; without carrier that is the guest's own matter.

    Only a guest's device is brought up for it by its node: a NIC that is down may be a spare one.
    `static` are the ports with MACs that need not be learnt, as of Proxmox's option for bridges;
    None where that is not known.
    """
    port = link.bridge_port
    if port is None:
        return None
    if not link.admin_up and link.kind in _OF_GUESTS:
        return "down"
    if not (link.admin_up and link.carrier):
        return None
    if port.state not in {None, _FORWARDING}:
        return port.state
    if port.locked:
        return "locked"
    if port.bcast_flood is False:
        return "without broadcasts"
    mute = port.learning is False and static is not None and link.name not in static
    return "without learning" if mute else None


PLANE = Plane(examine_guest_ports, (GUEST_PORT_BLOCKED,))
