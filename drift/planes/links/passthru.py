"""Devices above a bridge that take the frames which the bridge should route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.causes import breaks_device
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from overlay.expected import BridgeRole
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.expected import BridgeIntent, FabricIntent, NodeIntent

_TAKES_ALL = "passthru"


def _is_routed(bridge: BridgeIntent) -> bool:
    return bridge.routed or bridge.role is BridgeRole.L3VNI


def _with_routed(_intent: FabricIntent, node: NodeIntent) -> bool:
    return any(map(_is_routed, node.bridges))


BRIDGE_DIVERTED = Check(
    "bridge-diverted",
    CRITICAL,
    "bridge's frames taken by another device",
    "No macvlan or macvtap in the mode passthru is up above a gateway's or an L3VNI's bridge.",
    "It takes each frame that is for the bridge itself: guests lose their gateway, and the node "
    "what other nodes route to it. Frames between ports pass.",
    (IP_LINK,),
    applies=_with_routed,
    confirm="ip -d link show type macvlan",
    remedy="`ip link del macvlan0`, or give it another mode when it is made (`mode bridge`).",
    explains=breaks_device,
    depth=Depth.PLACE + 6,
)


def examine_passthru(view: HostView) -> Iterator[RawFinding]:
    """Each such device: with it up, the bridge's own address is behind it."""
    routed = {it.name: it for it in view.node.bridges if _is_routed(it)}
    for link in view.links.values():
        bridge = routed.get(link.parent or "")
        if bridge is None or link.macvlan != _TAKES_ALL or not link.admin_up:
            continue
        yield BRIDGE_DIVERTED.found(
            view.host,
            bridge.name,
            "changed",
            None,
            f"{link.name} ({link.kind}, {link.macvlan})",
            attribute="macvlan",
            what="device that takes its frames",
            evidence=lines(IP_LINK, [link.text]),
            about=About(
                device=bridge.name, vni=view.vni_by_bridge.get(bridge.name), vrf=bridge.vrf
            ),
        )


PLANE = Plane(examine_passthru, (BRIDGE_DIVERTED,))
