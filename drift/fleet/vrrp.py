"""Floating addresses across nodes: each has one master."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.evidence import lines
from drift.model import About
from drift.plane import Across
from drift.planes.vrrp import (
    MASTER,
    MASTERSHIP,
    VRRP_GROUP,
    family_of,
    group_title,
    group_topics,
)
from overlay.outputs import VRRP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Kind, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent, VipIntent


@dataclass(frozen=True, slots=True)
class _Seat:
    """One node of a group, as observed."""

    host: str
    address: str
    vip: VipIntent
    master: bool
    evidence: str


def _seats(view: HostView, _shared: Shared) -> tuple[_Seat, ...]:
    groups = view.state.vrrp_groups or {}
    seats = []
    for vip in view.node.vips:
        group = groups.get(vip.id)
        master = group is not None and family_of(group, vip).status == MASTER
        evidence = "" if group is None else group.text
        seats.append(_Seat(view.host, view.node.address, vip, master, evidence))
    return tuple(seats)


class Masters:
    """Who holds each floating address, gathered node by node."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._seats: dict[int, list[_Seat]] = defaultdict(list)
        self._members: dict[int, set[str]] = defaultdict(set)
        for node in intent.nodes.values():
            for vip in node.vips:
                self._members[vip.id].add(node.name)

    def add(self, _host: str, facts: tuple[_Seat, ...]) -> None:
        """Counts one node whose groups were read."""
        for seat in facts:
            self._seats[seat.vip.id].append(seat)

    def findings(self) -> Iterator[RawFinding]:
        """Groups without a master, if all of their nodes were read; with more than one."""
        for number, seats in sorted(self._seats.items()):
            ranked = sorted(seats, key=lambda seat: (-seat.vip.priority, seat.host))
            masters = [seat for seat in ranked if seat.master]
            if not masters and self._members[number] == {seat.host for seat in seats}:
                yield _master_finding(ranked[0], [], ranked[0].host, "missing")
            for seat in masters[1:]:
                yield _master_finding(seat, masters, masters[0].host, "extra")


def _master_finding(seat: _Seat, masters: list[_Seat], wanted: str, kind: Kind) -> RawFinding:
    return VRRP_GROUP.found(
        seat.host,
        group_title(seat.vip),
        kind,
        [wanted],
        [other.host for other in masters],
        attribute=MASTERSHIP,
        evidence=lines(VRRP, [seat.evidence]),
        about=About(
            peer=masters[0].address if masters else None,
            topics=group_topics(seat.vip),
            group=("vrrp", seat.vip.id, kind),
        ),
    )


ACROSS = Across(VRRP_GROUP, _seats, Masters)
