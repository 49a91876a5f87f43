"""Cross-validation of one VXLAN device for all VNIs: what it cannot be combined with, its VLANs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.crosscheck.frr_versions import Need, too_old
from overlay.derive import carriers_by_vni
from overlay.intent import FRR_WITH_SINGLE_DEVICE, Fabric, Mode
from overlay.names import is_single, l3vni_vlan, network_vlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint, KeyPath

_SINGLE: KeyPath = ("overlay", "device")
_INSTEAD = "or remove `overlay.device`: each VNI then has a VXLAN device of its own"
_FRR = Need(
    what="one VXLAN device for all VNIs",
    frr=FRR_WITH_SINGLE_DEVICE,
    older="takes that device for VNI 0 and announces no network",
    asked=_SINGLE,
    instead=_INSTEAD,
)
_VLANS = range(2, 4095)
# What a network, and an L3VNI, cannot have of its own.
_SHARED = {
    "device": "it has none of its own",
    "mtu": "the largest frame is the device's",
    "dstport": "the UDP port is the device's",
    "arp_suppression": "it is a flag of the device as a port of its bridge",
    "unicast_flood": "it is a flag of the device as a port of its bridge",
    "multicast_flood": "it is a flag of the device as a port of its bridge",
}


def combined(fabric: Fabric) -> Iterator[Complaint]:
    """What one device for all VNIs cannot be combined with."""
    if not is_single(fabric):
        return
    if fabric.mode is not Mode.EVPN:
        reason = (
            f"mode {fabric.mode.value} has flood lists, or a group, in the stanza of each VNI's "
            "own device: those of one device for all VNIs come from FRR"
        )
        yield _SINGLE, reason, "remove it, or set `mode: evpn`"
    if fabric.underlay.prefix.version != 4:
        reason = "one VXLAN device for all VNIs has been tried over an IPv4 underlay only"
        yield _SINGLE, reason, "remove it, or use an IPv4 prefix"
    for index, network in enumerate(fabric.networks):
        for word, why in _SHARED.items():
            if getattr(network, word) is not None:
                key: KeyPath = ("networks", index, word)
                reason = f"VNI {network.vni} shares the VXLAN device of all VNIs: {why}"
                yield key, reason, f"remove it, {_INSTEAD}"
        if network.ports:
            yield (
                ("networks", index, "ports"),
                "a port to a LAN is one of its network's own bridge, and all networks share one",
                f"remove it, {_INSTEAD}",
            )
    for name, vrf in fabric.vrfs.items():
        for word in ("device", "dstport"):
            if getattr(vrf, word) is not None:
                reason = f"the L3VNI of {name} shares the VXLAN device of all VNIs: {_SHARED[word]}"
                yield ("vrfs", name, word), reason, f"remove it, {_INSTEAD}"


def releases(fabric: Fabric) -> Iterator[Complaint]:
    """Each node with a VNI must have an FRR that knows the device."""
    if is_single(fabric) and fabric.mode is Mode.EVPN and fabric.underlay.prefix.version == 4:
        carrying = {name for names in carriers_by_vni(fabric).values() for name in names}
        ours = [name for name in fabric.nodes if name in carrying and fabric.nodes[name].managed]
        yield from too_old(fabric, _FRR, ours)


def vlans(fabric: Fabric) -> Iterator[Complaint]:
    """Each VNI has a VLAN of its own; without a single device there are none."""
    places: list[tuple[KeyPath, int | None, int, str]] = [
        (("networks", index, "vlan"), it.vlan, network_vlan(it), f"VNI {it.vni}")
        for index, it in enumerate(fabric.networks)
    ]
    places += [
        (("vrfs", name, "vlan"), it.vlan, l3vni_vlan(it), f"the L3VNI of {name}")
        for name, it in fabric.vrfs.items()
        if it.l3vni is not None or it.vlan is not None
    ]
    taken: dict[int, str] = {}
    for key, said, vlan, what in places:
        if not is_single(fabric):
            if said is not None:
                reason = "VLANs are of the bridge of a single VXLAN device"
                yield key, reason, "remove it, or set `overlay.device: single`"
        elif vlan not in _VLANS:
            yield key, f"{what} has no VLAN, and its number is none", "add `vlan:`, 2 to 4094"
        elif vlan in taken:
            reason = f"VLAN {vlan} of {what} is already that of {taken[vlan]}"
            yield key, reason, "give each a VLAN of its own by `vlan:`"
        taken.setdefault(vlan, what)


CHECKS = (combined, releases, vlans)
