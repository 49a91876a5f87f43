"""How findings explain one another: what can be broken, and the rules that several checks share.

A cause is a tuple such as `(Broken.VNI, "node1", 2)`: node1's part in VNI 2 is broken. A finding
that explains it is a possible cause of every finding that may follow from it (`Check.explains`,
`Check.follows`). The rules of a single check stand beside it.
"""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding


class Broken(StrEnum):
    """What is broken; behind the colon what stands after it in the cause."""

    UNDERLAY = auto()  # host: its way to all others
    NARROW = auto()  # host: its underlay's MTU is too small; with a device: that of this link
    LINK = auto()  # two hosts in order, number; or host, device: a link of a routed underlay
    PATH = auto()  # two hosts in order: no packet gets from one to the other
    GATEWAY = auto()  # host: a gateway's address is not there
    VNI = auto()  # host, VNI: its part in that VNI
    VRF = auto()  # host, VRF
    SINGLE = auto()  # host: one VXLAN device, on a VLAN-aware bridge, takes the place of all others
    BELOW = auto()  # host, bridge: a port of that bridge
    DOWN = auto()  # host, device: it is down, or a port without carrier
    GONE = auto()  # host, device: it is not there
    PORTS = auto()  # host, bridge: something keeps its ports from forwarding
    MTU = auto()  # host, bridge, MTU: a port of that bridge has this one
    SOURCE = auto()  # address: somebody sends from it who should not
    TAKEN = auto()  # host, address: it is another node's
    FOREIGN = auto()  # host, VNI: the host is in that VNI and should not be
    BGP = auto()  # host: its BGP as a whole
    INSTANCE_ROUTES = auto()  # host: it originates for no VNI
    IMET = auto()  # host, VNI: its IMET route
    RENEWED = auto()  # host: it announces its routes with other attributes
    ROUTER_ID = auto()  # host: its router-id
    ROUTER_ID_IN_USE = auto()  # router-id: it is not its owner's alone
    REFUSED = auto()  # two hosts in order: one takes the other for one of another AS
    MISLED = auto()  # address: routes lead there in place of their VTEPs
    BETWEEN = auto()  # two hosts in order: what they exchange
    TYPED = auto()  # two hosts in order: one has typed something about the other into vtysh
    ALONE = auto()  # host: it has no session left
    SYSTEMS = auto()  # two AS in order: what their nodes exchange by a session of reflectors
    L3VNI = auto()  # host, VNI: in zebra
    ROUTING = auto()  # host, VNI: its bridge is not in its VRF
    ORIGIN = auto()  # check, object: at the node that originates it
    PREFIX = auto()  # host, VNI: its prefix routes
    ROUTE = auto()  # host, VNI, VTEP: the IMET route that the host has of that VTEP
    KERNEL = auto()  # host: nothing that FRR knows gets into it
    ENTRY = auto()  # host, VNI, MAC: its forwarding entry
    NEIGHBOUR = auto()  # host, VTEP: the neighbour entry of a next hop; without a VTEP, of any
    LEARNED = auto()  # host, VNI: MACs are learned beside EVPN
    MAC = auto()  # VNI, MAC: it keeps moving
    FROZEN = auto()  # VNI, MAC: FRR holds it where it was
    ADDRESS = auto()  # VNI, IP address: two MACs have it
    ROUTER_MAC = auto()  # host: its router MAC is another node's too
    OVERTAKEN = auto()  # host, object: another route goes before the one to that destination
    VIP = auto()  # object: a group's own state
    CONFIG = auto()  # host, topic: what was typed into vtysh


def peer_of(raw: RawFinding, owner: Owner) -> str:
    """The node behind the address that a finding is about; the address when nobody owns it."""
    address = raw.about.peer or ""
    return owner.get(address, address)


def between(host: str, peer: str) -> Cause:
    """The cause of all that two nodes do not exchange."""
    return (Broken.BETWEEN, *sorted((host, peer)))


def breaks_device(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """A device that is missing, down or misplaced takes with it all that runs over it."""
    host, about = raw.finding.host, raw.about
    if about.underlay:
        yield Broken.UNDERLAY, host
    elif about.vni is not None:
        yield Broken.VNI, host, about.vni
    elif about.vrf is not None:
        yield Broken.VRF, host, about.vrf
    yield from ((Broken.VNI, host, vni) for vni in about.vnis)
    if about.bridge:
        yield Broken.BELOW, host, about.bridge
    if raw.finding.kind == "missing":
        yield Broken.GONE, host, about.device


def breaks_vni(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield from ((Broken.VNI, host, vni) for vni in about.vnis or {about.vni})


def adds_vni(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """The host is in a VNI that is not its own."""
    yield Broken.FOREIGN, raw.finding.host, raw.about.vni


def renews_routes(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.RENEWED, raw.finding.host


def at_its_origin(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    """The others miss, or receive, what this node itself does not originate, or does."""
    if peer_of(raw, owner) == raw.finding.host:
        yield Broken.ORIGIN, raw.finding.check, raw.finding.object
        yield Broken.PREFIX, raw.finding.host, raw.about.vni


def overtakes(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """A route that stands in a VRF's table before the one to the same destination."""
    yield Broken.OVERTAKEN, raw.finding.host, raw.finding.object


def from_vni(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.VNI, raw.finding.host, raw.about.vni


def from_interface(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    """Its device is gone, or the VRF that the device is in."""
    yield Broken.GONE, raw.finding.host, raw.about.device
    if raw.about.vrf is not None:
        yield Broken.VRF, raw.finding.host, raw.about.vrf


def from_exchange(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    """The session between two nodes; with reflectors, the last one that one of them had."""
    host, peer = raw.finding.host, peer_of(raw, owner)
    yield between(host, peer)
    yield Broken.ALONE, peer
    yield Broken.ALONE, host


def from_forwarding(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    """What zebra has put into the kernel, or should have: entries, neighbours and VRF routes."""
    host, about = raw.finding.host, raw.about
    yield Broken.KERNEL, host
    yield Broken.VNI, host, about.vni
    yield Broken.MAC, about.vni, about.mac
    yield Broken.FROZEN, about.vni, about.mac
    yield Broken.LEARNED, host, about.vni
    if about.vrf is not None:
        # A router MAC, or what is routed: zebra takes it back with the VRF or its L3VNI.
        yield Broken.VRF, host, about.vrf
        yield Broken.ROUTING, host, about.vni
        yield Broken.L3VNI, host, about.vni
        # FRR 8.4 drops a VTEP's router MAC with one of its prefixes, while others still lead there,
        # and where that VTEP announces its routes with other attributes.
        yield Broken.PREFIX, peer_of(raw, owner), about.vni
        yield Broken.RENEWED, peer_of(raw, owner)
    # Without advertise-all-vni zebra takes back all that it had put into the kernel.
    yield Broken.INSTANCE_ROUTES, host
    # Of an address that two nodes send from, FRR 8.4 also drops the router MAC.
    yield Broken.SOURCE, about.peer
