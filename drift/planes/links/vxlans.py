"""VXLAN devices against `ip -d link`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_multicast
from drift.causes import Broken, adds_vni, breaks_device, breaks_vni
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.planes.links.fields import Field
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.planes.links.fields import Read
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import Link


def _breaks_address(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from breaks_vni(raw, owner)
    yield Broken.SOURCE, str(raw.finding.actual)


def _changes_vni(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from breaks_vni(raw, owner)
    yield Broken.FOREIGN, raw.finding.host, raw.finding.actual


def _adds_device(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.about.vni is None:
        if raw.about.bridge:
            yield Broken.SINGLE, raw.finding.host
    elif raw.about.bridge:
        # FRR gives the whole VNI to one of two devices that carry it.
        yield from breaks_vni(raw, owner)
    else:
        yield from adds_vni(raw, owner)


def _learns(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.LEARNED, raw.finding.host, raw.about.vni


def _from_taken_address(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.TAKEN, raw.finding.host, raw.finding.actual


def from_single(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """A bridge or VXLAN device is missing where one device and one bridge stand for all of them."""
    if raw.finding.kind == "missing" and not raw.about.underlay:
        yield Broken.SINGLE, raw.finding.host


VXLAN_MISSING = Check(
    "vxlan-missing",
    CRITICAL,
    "VXLAN device missing",
    "Every VXLAN device of the intent exists.",
    "Without it, the node is cut off from that VNI.",
    (IP_LINK,),
    confirm="ip -d link show type vxlan",
    remedy="If `ip -d link show type vxlan` shows its VNI on another device, delete that one first "
    "(`ip link del vxlan99`): the kernel gives a VNI and UDP port to one device only. Then `ifup "
    "vxlan2` makes it from /etc/network/interfaces. If it has no stanza there, `plan` shows it and "
    "`deploy` writes it.",
    explains=breaks_device,
    follows=from_single,
    depth=Depth.DEVICE,
)

VXLAN_UNEXPECTED = Check(
    "vxlan-unexpected",
    WARNING,
    "VXLAN device not intended",
    "Every VXLAN device is one of the intent's: its VNI is this node's, on that device alone.",
    "FRR advertises any VNI it finds, so a leftover device draws traffic here. Of two devices with "
    "one VNI (the kernel allows it with two UDP ports) FRR takes one, and may take the wrong one: "
    "that is critical. Of one device for several VNIs (external) that no `overlay.device: single` "
    "intends it is not audited what it carries.",
    (IP_LINK,),
    confirm="ip -d link show type vxlan",
    remedy="A VNI that is wanted belongs under `networks:` of fabric.yaml. Otherwise `ip link "
    "del vxlan99`, and take its stanza out of the file that it comes from "
    "(/etc/network/interfaces.d). If its VNI is that of an intended device, then have that one "
    "made again, so that FRR takes it: `ip link del vxlan2; ifup vxlan2`.",
    explains=_adds_device,
    depth=Depth.DEVICE + 4,
)

VXLAN_VNI = Check(
    "vxlan-vni",
    CRITICAL,
    "wrong VNI",
    "A VXLAN device carries the intended VNI.",
    "With another VNI, its guests are in another segment than they should be.",
    (IP_LINK,),
    confirm="ip -d link show vxlan2",
    remedy="The VNI is fixed when the device is made: `ip link del vxlan2; ifup vxlan2`.",
    explains=_changes_vni,
    depth=Depth.DEVICE + 3,
)

VXLAN_LOCAL_IP = Check(
    "vxlan-local-ip",
    CRITICAL,
    "wrong tunnel source",
    "A VXLAN device sends from the node's VTEP address.",
    "FRR originates routes with this address: others send to it and get no answer.",
    (IP_LINK,),
    confirm="ip -d link show vxlan2",
    remedy="`ip link set vxlan2 type vxlan id 2 local 192.168.0.1` with the node's own VTEP "
    "address.",
    explains=_breaks_address,
    follows=_from_taken_address,
    depth=Depth.ADDRESS + 1,
)

VXLAN_DSTPORT = Check(
    "vxlan-dstport",
    CRITICAL,
    "wrong UDP port",
    "A VXLAN device uses the intended UDP port.",
    "Others send to the intended port; on another one nothing listens.",
    (IP_LINK,),
    confirm="ip -d link show vxlan2",
    remedy="The port is fixed when the device is made: `ip link del vxlan2; ifup vxlan2`.",
)

VXLAN_LEARNING = Check(
    "vxlan-learning",
    WARNING,
    "data-plane learning differs",
    "A VXLAN device learns MACs from traffic only where no control plane does.",
    "Learning beside EVPN keeps MACs that BGP has withdrawn; without EVPN nothing else learns.",
    (IP_LINK,),
    confirm="ip -d link show vxlan2",
    remedy="`ip link set vxlan2 type vxlan id 2 nolearning` with EVPN, `learning` without. "
    "What it has learned meanwhile is gone once the device is created again: `ip link del "
    "vxlan2; ifup vxlan2`.",
    explains=_learns,
)

VXLAN_GROUP = Check(
    "vxlan-group",
    CRITICAL,
    "wrong multicast group",
    "A VXLAN device has the intended multicast group and physical device.",
    "Broadcast and ARP reach only those who joined the same group on the same network.",
    (IP_LINK,),
    applies=with_multicast,
    confirm="ip -d link show vxlan2",
    remedy="`ip link set vxlan2 type vxlan id 2 group 225.20.1.1 dev vmbr0`.",
    explains=breaks_vni,
    depth=Depth.PLACE + 2,
)

VXLAN_SETTINGS = Check(
    "vxlan-settings",
    CRITICAL,
    "VXLAN settings differ",
    "A VXLAN device sends with a TTL that gets to the other VTEP, where routers may be between, "
    "and answers no ARP in place of the guests (`proxy`).",
    "A small TTL ends at a router of the underlay; as a proxy it drops each ARP request that it "
    "cannot answer itself.",
    (IP_LINK,),
    confirm="ip -d link show vxlan2",
    remedy="None of it is rendered, so the device is made again as it should be: `ip link del "
    "vxlan2; ifup vxlan2`.",
    explains=breaks_vni,
    depth=Depth.PLACE + 2,
)

CHECKS = (
    VXLAN_MISSING,
    VXLAN_UNEXPECTED,
    VXLAN_VNI,
    VXLAN_LOCAL_IP,
    VXLAN_DSTPORT,
    VXLAN_LEARNING,
    VXLAN_GROUP,
    VXLAN_SETTINGS,
)

# More routers than any underlay has between two VTEPs.
_LEAST_TTL = 16


def _of_vxlan(name: str) -> Read:
    return lambda link: getattr(link.vxlan, name, None)


def _vni(link: Link) -> object:
    if link.vxlan is None:
        return None
    return "external" if link.vxlan.external else link.vxlan.vni


def _ttl(link: Link) -> int | None:
    """Its TTL where it has one of its own: by default it is the kernel's, or the guest's."""
    said = link.vxlan.ttl if link.vxlan else None
    return int(said) if said is not None and said.isdecimal() else None


FIELDS = {
    "vni": Field(VXLAN_VNI, "VNI", _vni, printed_late=True),
    "local": Field(VXLAN_LOCAL_IP, "local tunnel address", _of_vxlan("local")),
    "dstport": Field(VXLAN_DSTPORT, "UDP port", _of_vxlan("dstport"), printed_late=True),
    "learning": Field(VXLAN_LEARNING, "learning", _of_vxlan("learning"), printed_late=True),
    "group": Field(VXLAN_GROUP, "multicast group", _of_vxlan("group")),
    "physdev": Field(VXLAN_GROUP, "physical device", _of_vxlan("device")),
    "proxy": Field(VXLAN_SETTINGS, "ARP proxy", _of_vxlan("proxy"), printed_late=True),
    "least_ttl": Field(VXLAN_SETTINGS, "TTL", _ttl, printed_late=True, at_least=True),
}


def vxlan_fields(vxlan: VxlanIntent, *, routed: bool) -> dict[str, object]:
    """What the device itself must be; that it is up and a port is for others to say."""
    fields: dict[str, object] = {
        "vni": vxlan.vni,
        "local": vxlan.local if vxlan.bound else None,
        "dstport": vxlan.dstport,
        "learning": vxlan.learning,
        "proxy": False,
    }
    if vxlan.group is not None:
        return fields | {"group": vxlan.group, "physdev": vxlan.physdev}
    return fields | ({"least_ttl": _LEAST_TTL} if routed else {})


def carriers(view: HostView, vni: int | None) -> list[Link]:
    """The VXLAN devices that carry a VNI."""
    return [
        link
        for link in view.links.values()
        if link.kind == "vxlan" and link.vxlan and link.vxlan.vni == vni
    ]


def unintended_vxlans(view: HostView, intended: Collection[str]) -> Iterator[RawFinding]:
    """VXLAN devices that no intent names: of a foreign VNI, or a second one of an intended VNI.

    One that has an intended VNI in the place of the intended device is what `vxlan-missing` says.
    """
    ours = {vxlan.vni: vxlan for vxlan in view.node.vxlans}
    # With one device for all VNIs, what their parts are called.
    intended = {*intended, *(vxlan.name for vxlan in view.node.vxlans)}
    for name, link in sorted(view.links.items()):
        if link.kind != "vxlan" or name in intended or link.vxlan is None:
            continue
        if link.vxlan.external:
            yield _external(view, link)
            continue
        vni = link.vxlan.vni
        if vni is None:
            continue
        twin = ours.get(vni)
        if twin is not None and not _is_vxlan(view, twin.name):
            continue
        beside = f" beside {twin.name}" if twin else ""
        yield VXLAN_UNEXPECTED.found(
            view.host,
            name,
            "extra",
            None,
            f"VNI {vni}{beside}",
            what="VXLAN device",
            evidence=lines(IP_LINK, [link.text]),
            # FRR takes it for the VNI's device, and the guests of the intended one are cut off.
            severity=CRITICAL if twin else None,
            about=About(device=name, vni=vni, bridge=twin.bridge if twin else ""),
        )


def _external(view: HostView, link: Link) -> RawFinding:
    """A device without a VNI of its own: as a bridge port it carries those that VLANs map to."""
    lacking = any(not _is_vxlan(view, vxlan.name) for vxlan in view.node.vxlans)
    where = f", those of VLANs of {link.master}" if link.master else ""
    return VXLAN_UNEXPECTED.found(
        view.host,
        link.name,
        "extra",
        None,
        f"external: several VNIs{where}",
        what="VXLAN device",
        evidence=lines(IP_LINK, [link.text]),
        severity=CRITICAL if link.master and lacking else None,
        about=About(device=link.name, bridge=link.master or ""),
    )


def _is_vxlan(view: HostView, name: str) -> bool:
    link = view.links.get(name)
    return link is not None and link.kind == "vxlan"
