"""The plane of links: devices, bridges, VRFs and the underlay port against `ip -d link`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drift.causes import Broken, breaks_device
from drift.compare import compare
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from drift.planes.links import bridges, single, vxlans
from drift.planes.links.bridges import BRIDGE_MISSING, bridge_fields, port_fields
from drift.planes.links.fields import Expected, Field, LinkRecord
from drift.planes.links.vxlans import VXLAN_MISSING, carriers, unintended_vxlans, vxlan_fields
from overlay.expected import BridgeRole
from overlay.intent import VXLAN_OVERHEAD
from overlay.outputs import IP_LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.compare import Difference
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.derived.routed import RoutedUnderlay
    from overlay.expected import BridgeIntent, LanPort, NodeIntent, SingleDevice, VxlanIntent
    from overlay.records import Link

_MOST_HEADERS = 20
_NO_CARRIER = "no carrier"


def _from_ports(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    # A bridge has carrier while one of its ports has; taken down by hand it is its own cause.
    if raw.finding.actual == _NO_CARRIER:
        yield Broken.BELOW, raw.finding.host, raw.about.device
    # A VLAN goes down, and away, with the device that it is on.
    if raw.about.below != raw.about.device:
        yield Broken.DOWN, raw.finding.host, raw.about.below
        yield Broken.GONE, raw.finding.host, raw.about.below


def _goes_down(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from breaks_device(raw, owner)
    # A bridge without carrier is what its ports made of it.
    if raw.finding.actual != _NO_CARRIER or raw.about.bridge or raw.about.below:
        yield Broken.DOWN, raw.finding.host, raw.about.device
    # `shutdown` of it, in vtysh.
    yield Broken.CONFIG, raw.finding.host, ("interface", raw.about.device)


def _leaves_vrf(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ROUTING, raw.finding.host, raw.about.vni


def _from_vrf(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.VRF, raw.finding.host, raw.about.vrf


def _lowers_mtu(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    if raw.about.underlay:
        yield Broken.NARROW, raw.finding.host
    if raw.about.edge or raw.about.below:
        yield Broken.NARROW, raw.finding.host, raw.about.device
        yield Broken.MTU, raw.finding.host, raw.about.device, raw.finding.actual
    if raw.about.bridge:
        yield Broken.MTU, raw.finding.host, raw.about.bridge, raw.finding.actual


def _from_port_mtu(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    if raw.about.below:
        yield Broken.MTU, raw.finding.host, raw.about.below, raw.finding.actual
    yield Broken.MTU, raw.finding.host, raw.about.device, raw.finding.actual


LINK_DOWN = Check(
    "link-down",
    CRITICAL,
    "interface down",
    "Every intended interface is administratively up and has carrier below it.",
    "Nothing passes through an interface that is down.",
    (IP_LINK,),
    confirm="ip link show vxlan2",
    remedy="`ip link set vxlan2 up`. With `NO-CARRIER`, look at what lies below: the cable and "
    "the switch's port, or a bridge none of whose ports is up.",
    explains=_goes_down,
    follows=_from_ports,
    depth=Depth.CARRIER,
)

VRF_MISSING = Check(
    "vrf-missing",
    CRITICAL,
    "VRF missing",
    "Every VRF of the intent exists.",
    "Without it, its networks are routed in the main table or not at all.",
    (IP_LINK,),
    confirm="ip -d link show type vrf",
    remedy="`ifup vrf1`, then put its bridges back, also that of the L3VNI: `ip link set vmbr2 "
    "master vrf1`.",
    explains=breaks_device,
    depth=Depth.DEVICE + 2,
)

VRF_MEMBERSHIP = Check(
    "vrf-membership",
    CRITICAL,
    "bridge in the wrong VRF",
    "A bridge is in the VRF that the intent names, or in none.",
    "In another table its network is unreachable from its own VRF.",
    (IP_LINK,),
    confirm="ip link show master vrf1",
    remedy="`ip link set vmbr2 master vrf1`; `ifup vmbr2` brings back an address that was lost "
    "on the way.",
    explains=_leaves_vrf,
    follows=_from_vrf,
    depth=Depth.PLACE + 1,
)

MTU = Check(
    "mtu",
    CRITICAL,
    "MTU differs",
    "Underlay, VXLAN devices and bridges have the intended MTU.",
    "VXLAN adds 50 bytes (IPv6: 70): what does not fit is dropped, often silently.",
    (IP_LINK,),
    confirm="ip link show vmbr0",
    remedy="`ip link set eno1 mtu 1550`, the underlay port first, then its bridge, then VXLAN "
    "devices and their bridges. The switches between must carry as much: `ping -M do -s "
    "1522 192.168.0.2` (the underlay's MTU less 28, with IPv6 less 48) has to pass.",
    explains=_lowers_mtu,
    follows=_from_port_mtu,
)


def _state(link: Link) -> str:
    if not link.admin_up:
        return "down"
    return "up" if link.carrier else _NO_CARRIER


FIELDS = {
    **vxlans.FIELDS,
    **bridges.FIELDS,
    **single.FIELDS,
    "state": Field(LINK_DOWN, "state", _state),
    "mtu": Field(MTU, "MTU", lambda link: link.mtu, printed_late=True),
    "least_mtu": Field(MTU, "least MTU", lambda link: link.mtu, printed_late=True, at_least=True),
    "vrf": Field(VRF_MEMBERSHIP, "VRF", lambda link: link.master),
}


def examine_links(view: HostView) -> Iterator[RawFinding]:
    """Every difference between the intended links of a node and the observed ones."""
    intended = _intended(view)
    wanted = {name: link.record for name, link in intended.items()}
    found = {
        name: _observe(link, intended[name].record, lenient_source=not view.intent.evpn)
        for name, link in view.links.items()
        if name in intended and _is_of_kind(link, intended[name])
    }
    for difference in compare(wanted, found):
        if difference.field is None:
            yield _missing(view, difference.key, intended[difference.key])
        else:
            yield _changed(view, difference, intended[difference.key])
    yield from unintended_vxlans(view, intended)


def _intended(view: HostView) -> dict[str, Expected]:
    node = view.node
    if node.routed is not None:
        links = _routed(node, node.routed)
    else:
        links = _underlay(node) if node.owns_underlay else _relied_on(view)
    for vrf in node.vrfs:
        about = About(device=vrf.name, vrf=vrf.name)
        links[vrf.name] = Expected(
            VRF_MISSING, "VRF", "vrf", LinkRecord(state="up"), about, "present"
        )
    if node.single is not None:
        links |= _single(view, node.single)
        return links
    for vxlan in node.vxlans:
        links[vxlan.name] = _vxlan(vxlan, routed=node.routed is not None or not node.owns_underlay)
    for bridge in node.owned_bridges:
        links[bridge.name] = _bridge(view, bridge)
    for port in node.lan_ports:
        links[port.name] = _lan_port(port)
    return links


def _single(view: HostView, shared: SingleDevice) -> dict[str, Expected]:
    """One device for all VNIs and its bridge; other bridges, and what has a VLAN interface."""
    links = {shared.name: single.device(shared), shared.bridge: single.bridge(shared)}
    for bridge in view.node.owned_bridges:
        vni = view.vni_by_bridge.get(bridge.name)
        if bridge.vlan is None:
            links[bridge.name] = _bridge(view, bridge)
        elif bridge.has_device:
            links[bridge.name] = single.vlan_interface(shared, bridge, vni)
    return links


def _underlay(node: NodeIntent) -> dict[str, Expected]:
    """The underlay port; the bridge above it is a bridge like all others."""
    name = node.underlay_bridge.name
    record = LinkRecord(state="up", mtu=node.underlay_mtu, **port_fields(name))
    about = About(device=node.underlay_port, bridge=name, underlay=True)
    return {node.underlay_port: Expected(LINK_DOWN, "underlay port", None, record, about, "up")}


def _relied_on(view: HostView) -> dict[str, Expected]:
    """Somebody else's underlay: any kind of interface, up, that tunnelled packets fit through.

    They leave by another one where the address is on a dummy or a loopback.
    """
    node = view.node
    name = node.underlay_bridge.name
    record = LinkRecord(state="up")
    link = view.links.get(name)
    if node.vxlans and name != "lo" and (link is None or link.kind != "dummy"):
        overhead = VXLAN_OVERHEAD[6 if ":" in node.address else 4]
        record = replace(record, least_mtu=max(vxlan.mtu for vxlan in node.vxlans) + overhead)
    about = About(device=name, underlay=True)
    return {name: Expected(BRIDGE_MISSING, "underlay interface", None, record, about, "present")}


def _routed(node: NodeIntent, routed: RoutedUnderlay) -> dict[str, Expected]:
    """The links of a routed underlay and what their VLANs are on; all of it may be another's."""
    record = LinkRecord(state="up", mtu=node.underlay_mtu)
    if not node.owns_underlay:
        record = LinkRecord(state="up", least_mtu=node.underlay_mtu)
    links = {}
    for nic in routed.nics if node.owns_underlay else ():
        alone = all(link.nic == nic for link in routed.links)
        about = About(device=nic, below=nic, underlay=alone)
        links[nic] = Expected(LINK_DOWN, "underlay NIC", None, record, about, "up")
    for link in routed.links:
        about = About(device=link.name, below=link.nic, edge=link.edge)
        links[link.name] = Expected(LINK_DOWN, "underlay link", None, record, about, "up")
    return links


def _lan_port(port: LanPort) -> Expected:
    """A way out of a network, or what a VLAN is on: without it the overlay itself is whole."""
    record = LinkRecord(state="up", least_mtu=port.mtu)
    if port.bridge:
        record = replace(record, **port_fields(port.bridge, port.flags))
    if port.raw:
        record = replace(record, vlan=port.vlan, raw=port.raw)
    below = port.raw or ("" if port.bridge else port.name)
    about = About(device=port.name, bridge=port.bridge, below=below)
    kind = "vlan" if port.raw else None
    return Expected(LINK_DOWN, "port to a LAN", kind, record, about, "up")


def _vxlan(vxlan: VxlanIntent, *, routed: bool) -> Expected:
    record = LinkRecord(
        state="up",
        mtu=vxlan.mtu,
        **vxlan_fields(vxlan, routed=routed),
        **port_fields(vxlan.bridge, vxlan.flags),
    )
    about = About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni)
    identity = f"VNI {vxlan.vni}"
    return Expected(VXLAN_MISSING, "VXLAN device", "vxlan", record, about, identity)


def _bridge(view: HostView, bridge: BridgeIntent) -> Expected:
    record = LinkRecord(state="up", mtu=bridge.mtu, vrf=bridge.vrf, **bridge_fields(bridge))
    about = About(
        device=bridge.name,
        vni=view.vni_by_bridge.get(bridge.name),
        vrf=bridge.vrf,
        underlay=bridge.role is BridgeRole.UNDERLAY,
    )
    return Expected(BRIDGE_MISSING, "bridge", "bridge", record, about, "present")


def _is_of_kind(link: Link, expected: Expected) -> bool:
    return expected.kind is None or link.kind == expected.kind


def _observe(link: Link, expected: LinkRecord, *, lenient_source: bool) -> LinkRecord:
    """The observed record, of what the expected one judges; itself if the link is as intended."""
    found: dict[str, object] = {}
    for name, wanted in expected.judged():
        field = FIELDS[name]
        value = field.read(link)
        if value == wanted:
            continue
        # Without a control plane the kernel may choose the source itself, so only a wrong one is
        # drift; what this iproute2 does not print cannot be judged.
        unsaid = field.printed_late or (name == "local" and lenient_source)
        met = value is None and unsaid
        if field.at_least and isinstance(value, int) and isinstance(wanted, int):
            met = value >= wanted
        if not met:
            found[name] = value
    return replace(expected, **found) if found else expected


def _missing(view: HostView, name: str, expected: Expected) -> RawFinding:
    actual, evidence = None, lines(IP_LINK, _headers(view, expected.kind))
    other = view.links.get(name)
    if other is not None:
        actual = f"a device of kind {other.kind or 'none'}"
        evidence = lines(IP_LINK, [other.text])
    elif expected.kind == "vxlan":
        found = carriers(view, expected.about.vni)
        if found:
            names = ", ".join(sorted(link.name for link in found))
            actual = f"VNI {expected.about.vni} on {names}"
            evidence = lines(IP_LINK, [link.text for link in found])
    return expected.missing.found(
        view.host,
        name,
        "missing",
        expected.identity,
        actual,
        what=expected.title,
        evidence=evidence,
        about=expected.about,
    )


def _headers(view: HostView, kind: str | None) -> list[str]:
    """What there is in place of a missing link: the header lines of its kind, or of all links."""
    kin = [link for link in view.links.values() if link.kind == kind]
    return [link.text.partition("\n")[0] for link in (kin or view.links.values())][:_MOST_HEADERS]


def _changed(view: HostView, difference: Difference[str], expected: Expected) -> RawFinding:
    field = FIELDS[str(difference.field)]
    link = view.links[difference.key]
    return field.check.found(
        view.host,
        difference.key,
        "changed",
        difference.expected,
        difference.actual,
        attribute=field.words,
        evidence=lines(IP_LINK, [link.text]),
        severity=field.severity(link, view.links),
        about=expected.about,
    )


PLANE = Plane(
    examine_links,
    (*vxlans.CHECKS, LINK_DOWN, *bridges.CHECKS, VRF_MISSING, VRF_MEMBERSHIP, MTU),
)
