"""Cross-validation of what VXLAN devices flood, answer and leave from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Fabric, Mode, Network, Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint, KeyPath


def _flags(fabric: Fabric) -> Iterator[Complaint]:
    """Flags of VXLAN devices that a mode cannot do without, or knows nothing of."""
    if fabric.mode is Mode.EVPN:
        return
    mode = f"mode {fabric.mode.value}"
    floods = f"{mode} finds all neighbours by flooding"
    answers = f"{mode} has no routes to answer ARP from"
    places: list[tuple[KeyPath, Overlay | Network]] = [(("overlay",), fabric.overlay)]
    places += [(("networks", index), net) for index, net in enumerate(fabric.networks)]
    for key, place in places:
        for name, refused, why in (
            ("unicast_flood", False, floods),
            ("multicast_flood", False, floods),
            ("arp_suppression", True, answers),
        ):
            if getattr(place, name) is refused:
                yield (*key, name), why, "remove this key, or set `mode: evpn`"


def _source_address(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.overlay.source_address:
        return
    key = ("overlay", "source_address")
    hint = "remove this key: tunnels then leave from each node's address"
    if fabric.mode is Mode.EVPN:
        yield key, "mode evpn needs it: FRR announces a VTEP by it", hint
    elif fabric.underlay.prefix.version == 6:
        yield key, "an IPv6 underlay needs it: the kernel takes its VXLAN devices for IPv4's", hint


CHECKS = (_flags, _source_address)
