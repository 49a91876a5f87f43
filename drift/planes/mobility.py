"""MACs that are in two places at once, or keep moving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import WARNING, About, Check
from drift.plane import Plane
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.records import EvpnPath

# Each move of a MAC adds 1 to its sequence number (RFC 7432, 7.7). In the middle of a migration
# it is in two places, with two numbers, for a moment: one alone must say nothing. A MAC that is
# pinned somewhere (static, "sticky") does not migrate. FRR itself calls 5 moves within 3 minutes a
# duplicate; the number alone does not say within which time.
MOVES_IN_TWO_PLACES = 5
MOVES = 20


def _keeps_moving(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    # Where a MAC is that moves to and fro, each node knows at another time, and some lose it.
    yield Broken.MAC, raw.about.vni, raw.about.mac


MAC_MOBILITY = Check(
    "mac-mobility",
    WARNING,
    "MAC moves, or is in two places",
    "No MAC is behind several VTEPs, unless its mobility sequence numbers (one migration adds "
    "1) say that it is just moving: they differ and are below 5. None is at 20 or more.",
    "Two guests share a MAC, or a loop throws it about: frames go to one place, then another.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show evpn mac vni 2 mac 02:00:00:00:00:77'",
    remedy="`bridge fdb show | grep 02:00:00:00:00:77` on each VTEP that is named shows its "
    "ports: give one of the two guests another MAC, delete a static entry, or break the "
    "loop. A MAC that FRR has frozen as a duplicate is freed by `vtysh -c 'clear evpn "
    "dup-addr vni 2 mac 02:00:00:00:00:77'`.",
    explains=_keeps_moving,
    transient=True,
)


def examine_mobility(view: HostView) -> Iterator[RawFinding]:
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
            found |= {(vni, path.mac) for vni in routes.vnis_of(path) & vnis}
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
) -> RawFinding:
    return MAC_MOBILITY.found(
        view.host,
        f"VNI {vni} MAC {mac}",
        "changed",
        expected,
        actual,
        attribute=attribute,
        evidence=lines(EVPN_TABLE, (path.text for path in paths)),
        about=About(vni=vni, mac=mac, group=("mac-mobility", vni, mac)),
    )


PLANE = Plane(examine_mobility, (MAC_MOBILITY,))
