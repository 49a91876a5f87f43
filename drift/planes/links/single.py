"""One VXLAN device for all VNIs: the device and its bridge as links, and VLANs against VNIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_single_device
from drift.causes import adds_vni, breaks_vni
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Plane
from drift.planes.links.bridges import (
    BRIDGE_MISSING,
    bridge_settings,
    gateway_fields,
    port_fields,
)
from drift.planes.links.fields import Expected, Field, LinkRecord
from drift.planes.links.vxlans import VXLAN_MISSING
from overlay.outputs import BRIDGE_VLANS, IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Kind, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import BridgeIntent, SingleDevice
    from overlay.records import Link
    from overlay.vlan_records import BridgeVlans

_UNTAGGED = "Egress Untagged"


def _breaks_or_adds(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from (adds_vni if raw.finding.kind == "extra" else breaks_vni)(raw, owner)


VLAN_VNI_MAP = Check(
    "vlan-vni-map",
    CRITICAL,
    "VLAN and VNI not mapped",
    "On the one VXLAN device of all VNIs the VLAN of each network and L3VNI maps to its VNI, and "
    "no other VLAN to any; the device maps at all (`vlan_tunnel`).",
    "Without it the VNI's frames neither leave nor come in, and FRR does not announce the VNI; "
    "with another VNI they come out in another network.",
    (BRIDGE_VLANS, IP_LINK),
    applies=with_single_device,
    confirm="bridge vlan tunnelshow",
    remedy="`ifreload -a` maps a VLAN that maps to nothing. One that maps to another VNI has to be "
    "taken away first: `bridge vlan del dev vxlan0 vid 2 tunnel_info id 99`.",
    explains=_breaks_or_adds,
    depth=Depth.PLACE + 2,
)

VNI_FILTER = Check(
    "vni-filter",
    CRITICAL,
    "VNI not let in",
    "The one VXLAN device of all VNIs takes packets of this node's VNIs and of no other, as its "
    "list (`vnifilter`) says.",
    "Packets of a VNI that is missing there are dropped when they arrive. Of one too many, or "
    "without a list, no VLAN takes the packets: a warning.",
    (BRIDGE_VLANS, IP_LINK),
    applies=with_single_device,
    confirm="bridge vni show",
    remedy="`bridge vni add dev vxlan0 vni 2`; one too many: `bridge vni del dev vxlan0 vni 99`. A "
    "device without a list has to be made again: `ip link del vxlan0; ifreload -a`.",
    explains=_breaks_or_adds,
    depth=Depth.PLACE + 2,
)

PORT_VLAN = Check(
    "port-vlan",
    CRITICAL,
    "port in no network's VLAN",
    "Each port of the VLAN-aware bridge that is up is in the VLAN of a network, which leaves it "
    "untagged if it is what comes in without a tag; the bridge itself is in the VLAN of each VLAN "
    "interface; the VXLAN device takes nothing for untagged.",
    "A guest behind a port without a network's VLAN reaches nobody; a gateway whose VLAN the "
    "bridge lacks hears no guest. Untagged traffic of the tunnel is a warning.",
    (BRIDGE_VLANS, IP_LINK),
    applies=with_single_device,
    confirm="bridge vlan show",
    remedy="`bridge vlan add dev tap100i0 vid 2 pvid untagged; bridge vlan del dev tap100i0 vid "
    "1` with the VLAN of the guest's network; who plugs the guest in (Proxmox: `tag=2`) has to say "
    "it, too. For a VLAN interface: `bridge vlan add dev vmbr1 vid 2 self`.",
    explains=breaks_vni,
    depth=Depth.PLACE + 3,
)

CHECKS = (VLAN_VNI_MAP, VNI_FILTER, PORT_VLAN)


def _unfiltered(link: Link, _links: object) -> bool:
    """True for a device that takes any VNI: what no VLAN maps to goes no further."""
    return link.vxlan is not None and not link.vxlan.vnifilter


FIELDS = {
    "vnifilter": Field(
        VNI_FILTER,
        "VNI filter",
        lambda link: link.vxlan and link.vxlan.vnifilter,
        harmless=_unfiltered,
    ),
    "vlan_tunnel": Field(
        VLAN_VNI_MAP,
        "mapping of VLANs to VNIs",
        lambda link: link.bridge_port and link.bridge_port.vlan_tunnel,
        printed_late=True,
    ),
}


def device(single: SingleDevice) -> Expected:
    """The VXLAN device of all VNIs, as a link."""
    record = LinkRecord(
        vni="external",
        local=single.local,
        dstport=single.dstport,
        learning=False,
        proxy=False,
        vnifilter=True,
        vlan_tunnel=True,
        state="up",
        mtu=single.mtu,
        **port_fields(single.bridge, single.flags),
    )
    about = About(device=single.name, bridge=single.bridge, vnis=frozenset(single.vnis))
    return Expected(VXLAN_MISSING, "VXLAN device", "vxlan", record, about, "external: all VNIs")


def bridge(single: SingleDevice) -> Expected:
    """Its VLAN-aware bridge."""
    settings = bridge_settings(vlan_aware=True)
    record = LinkRecord(state="up", mtu=single.mtu, **settings)
    about = About(device=single.bridge, below=single.bridge, vnis=frozenset(single.vnis))
    return Expected(BRIDGE_MISSING, "bridge", "bridge", record, about, "present")


def vlan_interface(single: SingleDevice, network: BridgeIntent, vni: int | None) -> Expected:
    """The interface of a gateway, or of an L3VNI, on that bridge."""
    record = LinkRecord(
        state="up",
        mtu=network.mtu,
        vrf=network.vrf,
        raw=single.bridge,
        vlan=network.vlan,
        **gateway_fields(network),
    )
    about = About(device=network.name, below=single.bridge, vni=vni, vrf=network.vrf)
    return Expected(BRIDGE_MISSING, "VLAN interface", "vlan", record, about, "present")


def examine_vlans(view: HostView) -> Iterator[RawFinding]:
    """The map, the filter, and the VLANs of ports: of a device that is there."""
    single, vlans = view.node.single, view.state.vlans
    if single is None or vlans is None:
        return
    link = view.links.get(single.name)
    if link is not None and link.vxlan is not None and link.master == single.bridge:
        yield from _map(view, single, vlans)
        if link.vxlan.vnifilter:
            yield from _filter(view, single, vlans)
        yield from _untagged(view, single, vlans)
    if single.bridge in view.links:
        yield from _bridge_itself(view, single, vlans)
        yield from _ports(view, single, vlans)


def _map(view: HostView, single: SingleDevice, vlans: BridgeVlans) -> Iterator[RawFinding]:
    found = vlans.tunnels.get(single.name, {})
    wanted = dict(single.vlans)
    evidence = lines(BRIDGE_VLANS, filter(None, [vlans.tunnel_text.get(single.name)]))
    for vlan in sorted(wanted.keys() | found.keys()):
        expected, actual = wanted.get(vlan), found.get(vlan)
        if expected == actual:
            continue
        kind: Kind = "missing" if actual is None else "extra" if expected is None else "changed"
        yield VLAN_VNI_MAP.found(
            view.host,
            f"{single.name} VLAN {vlan}",
            kind,
            expected,
            actual,
            what="VNI of the VLAN",
            attribute="VNI",
            evidence=evidence,
            about=_about(single, actual if expected is None else expected),
        )


def _filter(view: HostView, single: SingleDevice, vlans: BridgeVlans) -> Iterator[RawFinding]:
    found = vlans.filters.get(single.name, frozenset())
    evidence = lines(BRIDGE_VLANS, filter(None, [vlans.filter_text.get(single.name)]))
    for vni in sorted(found ^ set(single.vnis)):
        extra = vni in found
        yield VNI_FILTER.found(
            view.host,
            f"{single.name} VNI {vni}",
            "extra" if extra else "missing",
            None if extra else vni,
            vni if extra else None,
            what="VNI in the filter",
            evidence=evidence,
            severity=WARNING if extra else None,
            about=_about(single, vni),
        )


def _untagged(view: HostView, single: SingleDevice, vlans: BridgeVlans) -> Iterator[RawFinding]:
    pvid = vlans.pvid(single.name)
    if pvid is not None:
        yield PORT_VLAN.found(
            view.host,
            single.name,
            "extra",
            None,
            pvid,
            what="VLAN of what has none (PVID)",
            evidence=lines(BRIDGE_VLANS, [vlans.text[single.name]]),
            severity=WARNING,
            about=About(device=single.name, bridge=single.bridge),
        )


def _bridge_itself(
    view: HostView, single: SingleDevice, vlans: BridgeVlans
) -> Iterator[RawFinding]:
    there = vlans.ports.get(single.bridge, {})
    for network in view.node.bridges:
        if network.vlan is None or not network.has_device or network.vlan in there:
            continue
        if network.name not in view.links:  # which `bridge-missing` says
            continue
        yield PORT_VLAN.found(
            view.host,
            f"{single.bridge} VLAN {network.vlan}",
            "missing",
            network.vlan,
            None,
            what=f"VLAN of {network.name}",
            evidence=lines(BRIDGE_VLANS, filter(None, [vlans.text.get(single.bridge)])),
            about=_about(single, view.vni_by_bridge[network.name]),
        )


def _ports(view: HostView, single: SingleDevice, vlans: BridgeVlans) -> Iterator[RawFinding]:
    known = {vlan for vlan, _ in single.vlans}
    networks = {bridge.name for bridge in view.node.bridges if bridge.vlan is not None}
    for link in view.links.values():
        if link.vxlan is not None or not link.admin_up:
            continue
        pvid = vlans.pvid(link.name)
        flags = vlans.ports.get(link.name, {})
        if link.master == single.bridge:
            said = ", ".join(map(str, sorted(flags))) or None
        elif link.master in networks and pvid in known and _UNTAGGED not in flags[pvid or 0]:
            said = f"{pvid}, tagged when it leaves"
        else:
            continue
        yield PORT_VLAN.found(
            view.host,
            link.name,
            "changed",
            "a network's",
            said,
            attribute="VLAN",
            what=f"VLAN of the port on {single.bridge}",
            evidence=lines(BRIDGE_VLANS, filter(None, [vlans.text.get(link.name)])),
            about=About(device=link.name, bridge=single.bridge),
        )


def _about(single: SingleDevice, vni: int | None) -> About:
    return About(device=single.name, bridge=single.bridge, vni=vni)


PLANE = Plane(examine_vlans, CHECKS)
