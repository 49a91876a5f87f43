"""Who can flood to whom: each VNI's VTEPs against the flood lists and IMET routes that were read.

It is taken from what was observed, not from the findings: those say each fact once, and in EVPN
mode `flood-missing` is about routes received, so a lost route would hide a lost flood entry. Only
differences are kept; where all is well nothing grows with nodes times nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.planes.evpn import intended_elsewhere
from drift.result import Reachability, Segment, Unlike
from overlay.intent import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.result import ReachState
    from drift.view import HostView
    from overlay.expected import FabricIntent, VxlanIntent


@dataclass(frozen=True, slots=True)
class Reached:
    """One node's part of the picture: which planes were read of it, and what differs."""

    flood: bool
    imet: bool
    unlike: tuple[Unlike, ...]


def reached(view: HostView) -> Reached:
    """The node's part, for the planes that were read of it."""
    flood = view.state.fdb is not None
    imet = view.intent.evpn and _names_vteps(view)
    unlike: list[Unlike] = []
    for vxlan in view.l2_vxlans:
        others = view.intent.vteps.get(vxlan.vni, frozenset()) - {vxlan.local}
        floods = _flood_list(view, vxlan, others) if flood else set(others)
        floods = {vtep for vtep in floods if vtep in others or not view.intent.visits(vtep)}
        routes = _imet(view, vxlan) if imet else set(others)
        unlike += _compare(view, vxlan, others, floods, routes)
    return Reached(flood, imet, tuple(unlike))


def _compare(
    view: HostView,
    vxlan: VxlanIntent,
    others: frozenset[str],
    floods: set[str],
    routes: set[str],
) -> Iterator[Unlike]:
    if floods == others == routes:
        return
    lacks = others - floods, others - routes
    strange = floods - others - {vxlan.local}, routes - others - {vxlan.local}
    kinds: tuple[tuple[ReachState, set[str] | frozenset[str]], ...] = (
        ("both-missing", lacks[0] & lacks[1]),
        ("flood-missing", lacks[0] - lacks[1]),
        ("imet-missing", lacks[1] - lacks[0]),
        ("both-extra", strange[0] & strange[1]),
        ("flood-extra", strange[0] - strange[1]),
        ("imet-extra", strange[1] - strange[0]),
    )
    owner = view.intent.owner
    for state, addresses in kinds:
        if addresses:
            names = tuple(owner.get(address, address) for address in sorted(addresses))
            yield Unlike(vxlan.vni, view.host, state, None if addresses == others else names)


class Reach:
    """Gathers the picture node by node."""

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._flood_read: set[str] = set()
        self._imet_read: set[str] = set()
        self._unlike: list[Unlike] = []

    def add(self, host: str, facts: Reached) -> None:
        """Counts one node."""
        if facts.flood:
            self._flood_read.add(host)
        if facts.imet:
            self._imet_read.add(host)
        self._unlike += facts.unlike

    def picture(self) -> Reachability:
        """What was gathered; nodes of the intent that were never added are not read."""
        owner, members = self._intent.owner, self._intent.vteps
        segments: dict[frozenset[str], list[int]] = {}
        for vni in sorted(self._intent.l2vnis & members.keys()):
            segments.setdefault(members[vni], []).append(vni)
        carriers = frozenset().union(*segments)
        intent = self._intent
        nodes = [name for name, node in intent.nodes.items() if node.address in carriers]
        # What is external is read by nobody; two of them may share one address.
        nodes += [name for name in intent.external if intent.external[name].vtep in carriers]
        place = {name: number for number, name in enumerate(nodes)}
        names = {
            vteps: sorted((owner[vtep] for vtep in vteps), key=place.__getitem__)
            for vteps in segments
        }
        return Reachability(
            imet=self._intent.evpn,
            segments=tuple(
                Segment(tuple(vnis), tuple(names[vteps])) for vteps, vnis in segments.items()
            ),
            flood_unread=tuple(name for name in nodes if name not in self._flood_read),
            imet_unread=tuple(
                name for name in nodes if self._intent.evpn and name not in self._imet_read
            ),
            unlike=tuple(sorted(self._unlike, key=lambda it: (it.vni, place[it.node], it.state))),
        )


def _names_vteps(view: HostView) -> bool:
    """False without a table, and for an FRR whose routes name no VNI."""
    return view.routes is not None and (view.table_empty or view.routes.has_targets)


def _flood_list(view: HostView, vxlan: VxlanIntent, others: frozenset[str]) -> set[str]:
    found = set(view.floods.get(vxlan.name, ()))
    if view.intent.fabric.mode is Mode.MULTICAST and vxlan.group in found:
        # The group stands for all its members.
        return (found - {vxlan.group}) | others
    return found


def _imet(view: HostView, vxlan: VxlanIntent) -> set[str]:
    routes = view.routes
    if routes is None:
        return set()
    intended = view.intent.vteps.get(vxlan.vni, frozenset())
    return {
        vtep
        for vtep, path in routes.imet.get(vxlan.vni, {}).items()
        if vtep in intended or not intended_elsewhere(view, routes, path, vtep)
    }
