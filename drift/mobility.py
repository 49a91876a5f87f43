"""MACs that are in two places at once, or keep moving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.check import B
from drift.draft import About, Draft, draft, lines
from drift.routes import vnis_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.routes import Routes
    from drift.view import HostView
    from overlay.records import EvpnPath

MOBILITY_CHECKS = frozenset({"mac-mobility"})

# Each move of a MAC adds 1 to its sequence number (RFC 7432, 7.7). In the middle of a migration
# it is in two places, with two numbers, for a moment: one alone must say nothing. A MAC that is
# pinned somewhere (static, "sticky") does not migrate. FRR itself calls 5 moves within 3 minutes a
# duplicate; the number alone does not say within which time.
MOVES_IN_TWO_PLACES = 5
MOVES = 20


def examine_mobility(view: HostView) -> Iterator[Draft]:
    """Each MAC of a local L2 VNI that several VTEPs claim, or that has moved too often."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    for vni, mac in sorted(_suspects(view, routes)):
        paths = [p for p in _paths(routes, vni, mac) if p.esi is None or not p.esi.strip("0:")]
        latest: dict[str, int] = {}
        for path in paths:
            place = view.node.address if path.local else path.next_hop or ""
            latest[place] = max(latest.get(place, 0), path.mobility_sequence or 0)
        moves = max(latest.values(), default=0)
        tied = sum(1 for number in latest.values() if number == moves) > 1
        pinned = any(path.sticky for path in paths)
        if len(latest) > 1 and (tied or pinned or moves >= MOVES_IN_TWO_PLACES):
            yield _finding(view, vni, mac, paths, "one VTEP", sorted(latest), "VTEPs")
        elif moves >= MOVES:
            yield _finding(view, vni, mac, paths, f"fewer than {MOVES}", moves, "moves")


def _suspects(view: HostView, routes: Routes) -> set[tuple[int, str]]:
    """The MACs worth a look: in several VTEPs' routes, or with a high number; no gateway's."""
    vnis = {vxlan.vni for vxlan in view.l2_vxlans}
    found = set(routes.contested)
    for vni in vnis:
        found |= {(vni, mac) for mac in routes.local_macs.get(vni, set()) & routes.macs[vni].keys()}
    for path in routes.moved:
        if path.mac is not None and (path.mobility_sequence or 0) >= MOVES:
            found |= {(vni, path.mac) for vni in vnis_of(path) & vnis}
    anycast = {(vni, view.bridges[name].mac) for name, vni in view.vni_by_bridge.items()}
    return found - anycast


def _paths(routes: Routes, vni: int, mac: str) -> list[EvpnPath]:
    return [*routes.paths_of(vni, mac), *routes.originated_macs(vni, mac)]


def _finding(
    view: HostView,
    vni: int,
    mac: str,
    paths: list[EvpnPath],
    expected: object,
    actual: object,
    attribute: str,
) -> Draft:
    return draft(
        "mac-mobility",
        view.host,
        f"VNI {vni} MAC {mac}",
        "changed",
        expected,
        actual,
        attribute=attribute,
        evidence=lines(B, (path.text for path in paths)),
        about=About(vni=vni, group=("mac-mobility", vni, mac)),
    )
