"""Floating addresses (VRRP): each node's group, and across nodes whether one of them is master."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift.check import GROUPS
from drift.compare import compare
from drift.draft import About, Draft, bounded, draft, excerpt, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.compare import Record
    from drift.findings import Kind
    from drift.view import HostView
    from overlay.expected import FabricIntent, VipIntent

VRRP_CHECKS = frozenset({"vrrp"})

_MASTER = "Master"
_RUNNING = "running"


def groups_in(listing: object) -> dict[int, dict[str, Any]] | None:
    """The groups of `show vrrp json` by their number; None if it is no such listing."""
    if not isinstance(listing, list):
        return None
    return {
        group["vrid"]: group
        for group in listing
        if isinstance(group, dict) and isinstance(group.get("vrid"), int)
    }


def examine_groups(view: HostView) -> Iterator[Draft]:
    """Each group of the node: its interface, priority and address, and that it runs."""
    groups = groups_in(view.state.json[GROUPS])
    if groups is None:
        return
    vips = {vip.id: vip for vip in view.node.vips}
    wanted: dict[int, Record] = {
        vip.id: {
            "interface": view.node.underlay_bridge.name,
            "priority": vip.priority,
            "address": [vip.ip],
            "state": _RUNNING,
        }
        for vip in vips.values()
    }
    found = {number: _observed(groups[number], vips[number]) for number in vips if number in groups}
    for difference in compare(wanted, found):
        vip = vips[difference.key]
        whole = difference.field is None
        yield draft(
            "vrrp",
            view.host,
            _title(vip),
            difference.kind,
            vip.ip if whole else difference.expected,
            difference.actual,
            attribute=difference.field or "",
            what="VRRP group" if whole else "",
            evidence=lines(GROUPS, [_shown(groups, vip.id)]),
            about=About(device=view.node.underlay_bridge.name, topics=_topics(vip)),
        )


def _title(vip: VipIntent) -> str:
    return f"VIP {vip.ip}"


def _topics(vip: VipIntent) -> frozenset[tuple[object, ...]]:
    return frozenset({("vrrp", str(vip.id))})


def _observed(group: dict[str, Any], vip: VipIntent) -> Record:
    family = _family(group, vip)
    addresses = family.get("addresses")
    return {
        "interface": bounded(group.get("interface")),
        "priority": group.get("priority", family.get("effectivePriority")),
        "address": [str(one) for one in addresses] if isinstance(addresses, list) else None,
        "state": bounded(_state(group, family)),
    }


def _family(group: dict[str, Any], vip: VipIntent) -> dict[str, Any]:
    family = group.get("v6" if ":" in vip.ip else "v4")
    return family if isinstance(family, dict) else {}


def _state(group: dict[str, Any], family: dict[str, Any]) -> object:
    if group.get("shutdown") is True:
        return "shut down"
    # `Initialize` is a group without its macvlan device, or whose interface is down.
    status = family.get("status")
    return _RUNNING if status in (_MASTER, "Backup") else status


def _shown(groups: dict[int, dict[str, Any]], number: int) -> str:
    return excerpt(str(number), {str(key): value for key, value in groups.items()})


@dataclass(frozen=True, slots=True)
class _Seat:
    """One node of a group, as observed."""

    host: str
    address: str
    vip: VipIntent
    master: bool
    evidence: str


class Masters:
    """Who holds each floating address, gathered node by node."""

    def __init__(self, intent: FabricIntent) -> None:
        self._seats: dict[int, list[_Seat]] = defaultdict(list)
        self._members: dict[int, set[str]] = defaultdict(set)
        for node in intent.nodes.values():
            for vip in node.vips:
                self._members[vip.id].add(node.name)

    def add(self, view: HostView) -> None:
        """Counts one node whose groups were read."""
        groups = groups_in(view.state.json[GROUPS]) or {}
        for vip in view.node.vips:
            group = groups.get(vip.id, {})
            master = _family(group, vip).get("status") == _MASTER
            seat = _Seat(view.host, view.node.address, vip, master, _shown(groups, vip.id))
            self._seats[vip.id].append(seat)

    def findings(self) -> Iterator[Draft]:
        """Groups without a master, if all of their nodes were read; with more than one."""
        for number, seats in sorted(self._seats.items()):
            ranked = sorted(seats, key=lambda seat: (-seat.vip.priority, seat.host))
            masters = [seat for seat in ranked if seat.master]
            if not masters and self._members[number] == {seat.host for seat in seats}:
                yield _master_finding(ranked[0], [], ranked[0].host, "missing")
            for seat in masters[1:]:
                yield _master_finding(seat, masters, masters[0].host, "extra")


def _master_finding(seat: _Seat, masters: list[_Seat], wanted: str, kind: Kind) -> Draft:
    return draft(
        "vrrp",
        seat.host,
        _title(seat.vip),
        kind,
        [wanted],
        [other.host for other in masters],
        attribute="master",
        evidence=lines(GROUPS, [seat.evidence]),
        about=About(
            peer=masters[0].address if masters else None,
            topics=_topics(seat.vip),
            group=("vrrp", seat.vip.id, kind),
        ),
    )
