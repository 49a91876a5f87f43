"""Floating addresses (VRRP): each node's groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.applies import with_vips
from drift.causes import Broken, between, peer_of
from drift.compare import compare
from drift.evidence import bounded, lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from overlay.outputs import VRRP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import VipIntent
    from overlay.host_records import VrrpFamily, VrrpGroup

MASTER = "Master"
MASTERSHIP = "master"
_RUNNING = "running"


def _stops_group(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    if raw.finding.attribute != MASTERSHIP:
        yield Broken.VIP, raw.finding.object


def _from_group(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield Broken.GONE, raw.finding.host, raw.about.device
    yield Broken.UNDERLAY, raw.finding.host
    if raw.finding.attribute == MASTERSHIP:
        yield Broken.VIP, raw.finding.object
    if raw.about.peer is not None:
        yield Broken.UNDERLAY, peer_of(raw, owner)
        yield between(raw.finding.host, peer_of(raw, owner))


VRRP_GROUP = Check(
    "vrrp",
    CRITICAL,
    "floating address not held as intended",
    "Each VRRP group runs with its intended address and priority, and has one master.",
    "Nobody answers at the floating address, or two nodes do. Another priority is a warning: "
    "another node may hold the address, and it answers.",
    (VRRP,),
    applies=with_vips,
    confirm="vtysh -c 'show vrrp'",
    remedy="`vtysh -c 'configure terminal' -c 'interface vmbr0' -c 'vrrp 1 priority 100'` with "
    "the intended priority. Two masters do not hear each other: let IP protocol 112 "
    "pass to 224.0.0.18 and ff02::12. Without any group: /etc/frr/daemons needs "
    "`vrrpd=yes`.",
    explains=_stops_group,
    follows=_from_group,
    with_others=True,
)


@dataclass(frozen=True, slots=True)
class _Group:
    """What is compared of a group; its fields are the attributes of findings."""

    interface: str | None
    priority: int | None
    address: tuple[str, ...]
    state: str | None


def examine_groups(view: HostView) -> Iterator[RawFinding]:
    """Each group of the node: its interface, priority and address, and that it runs."""
    groups = view.state.vrrp_groups or {}
    vips = {vip.id: vip for vip in view.node.vips}
    interface = view.node.underlay_bridge.name
    wanted = {vip.id: _Group(interface, vip.priority, (vip.ip,), _RUNNING) for vip in vips.values()}
    found = {number: _observed(groups[number], vips[number]) for number in vips if number in groups}
    for difference in compare(wanted, found):
        vip = vips[difference.key]
        whole = difference.field is None
        yield VRRP_GROUP.found(
            view.host,
            group_title(vip),
            difference.kind,
            vip.ip if whole else difference.expected,
            difference.actual,
            attribute=difference.field or "",
            what="VRRP group" if whole else "",
            evidence=lines(VRRP, [groups[vip.id].text] if vip.id in groups else []),
            severity=WARNING if difference.field == "priority" else None,
            about=About(device=view.node.underlay_bridge.name, topics=group_topics(vip)),
        )


def group_title(vip: VipIntent) -> str:
    return f"VIP {vip.ip}"


def group_topics(vip: VipIntent) -> frozenset[tuple[object, ...]]:
    return frozenset({("vrrp", str(vip.id))})


def _observed(group: VrrpGroup, vip: VipIntent) -> _Group:
    family = family_of(group, vip)
    return _Group(
        interface=bounded(group.interface),
        priority=family.priority if group.priority is None else group.priority,
        address=tuple(family.addresses),
        state=bounded(_state(group, family)),
    )


def family_of(group: VrrpGroup, vip: VipIntent) -> VrrpFamily:
    """The half of a group that a floating address belongs to."""
    return group.ipv6 if ":" in vip.ip else group.ipv4


def _state(group: VrrpGroup, family: VrrpFamily) -> str:
    if group.shutdown:
        return "shut down"
    # `Initialize` is a group without its macvlan device, or whose interface is down.
    return _RUNNING if family.status in (MASTER, "Backup") else family.status


PLANE = Plane(examine_groups, (VRRP_GROUP,))
