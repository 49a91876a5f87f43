"""The plane of EVPN routes: whether there are any, and what is received, against the intent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift.applies import with_evpn, with_evpn_vnis
from drift.causes import Broken, from_exchange, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Plane
from drift.planes.origination import (
    IMET_NOT_ORIGINATED,
    ROUTE_TARGET,
    examine_imports,
    examine_origination,
)
from drift.planes.sessions import established_peers
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.records import EvpnPath

_NO_PREFIX = re.compile(r"No (EVPN )?prefixes ")


def _stops_bgp(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.BGP, raw.finding.host


def _hides_route(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ROUTE, raw.finding.host, raw.about.vni, raw.about.peer


def _from_peer(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, peer, vni = raw.finding.host, peer_of(raw, owner), raw.about.vni
    yield Broken.UNDERLAY, peer
    yield Broken.BGP, peer
    yield Broken.VNI, peer, vni
    yield Broken.INSTANCE_ROUTES, peer
    yield Broken.IMET, peer, vni
    # A route from an address that is the node's own too is thrown away.
    yield Broken.TAKEN, host, raw.about.peer
    yield from from_exchange(raw, owner)
    yield Broken.ROUTER_ID, peer
    yield Broken.UNDERLAY, host
    yield Broken.ROUTER_ID, host


def _from_foreign_vni(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield Broken.FOREIGN, peer_of(raw, owner), raw.about.vni
    yield Broken.SOURCE, raw.about.peer


EVPN_EMPTY = Check(
    "evpn-empty",
    CRITICAL,
    "no EVPN table",
    "The node has an EVPN table with routes, and so has a reflector of a fabric with VNIs.",
    "FRR is down or has no EVPN: the node neither hears nor is heard.",
    (EVPN_TABLE,),
    applies=with_evpn,
    confirm="systemctl status frr; vtysh -c 'show bgp l2vpn evpn summary'",
    remedy="`systemctl reset-failed frr; systemctl restart frr`; `journalctl -u frr` says why "
    "it ended. /etc/frr/daemons needs `bgpd=yes`, and frr.conf its `router bgp`: `plan` "
    "shows what is missing.",
    explains=_stops_bgp,
    depth=Depth.PROTOCOL,
)

IMET_MISSING = Check(
    "imet-missing",
    CRITICAL,
    "IMET route missing",
    "A type-3 route is received from every intended VTEP of each shared VNI.",
    "This node does not flood to that VTEP.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show bgp l2vpn evpn route type multicast'",
    remedy="Run `vtysh -c 'show evpn vni'` on the VTEP that is named: if it lacks the "
    "VNI, fix that there. With it, look at the BGP sessions between the two, or with the "
    "reflectors.",
    explains=_hides_route,
    follows=_from_peer,
    depth=Depth.ROUTE,
    pairwise=Pairwise.ROUTE,
    with_others=True,
)

IMET_UNEXPECTED = Check(
    "imet-unexpected",
    WARNING,
    "IMET route not intended",
    "Each type-3 route is of a VNI and from a VTEP that the intent names together.",
    "A VTEP that is not part of the network has joined it.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn,
    confirm="vtysh -c 'show bgp l2vpn evpn route type multicast'",
    remedy="Go to the VTEP that is named and delete its VXLAN device of that VNI. If it is "
    "wanted, the intent must name it.",
    follows=_from_foreign_vni,
)


def examine_evpn(view: HostView) -> Iterator[RawFinding]:
    """The table as a whole, what the node originates, and what it receives."""
    yield from examine_table(view)
    yield from examine_origination(view)
    yield from examine_imports(view)
    yield from examine_imet(view)


def examine_table(view: HostView) -> Iterator[RawFinding]:
    """Whether there is an EVPN table at all; a node that originates nothing may have none."""
    if view.table is None or not view.table_empty or not _has_routes(view):
        return
    said = view.table.said
    yield EVPN_EMPTY.found(
        view.host,
        "bgp",
        "missing",
        "routes",
        said,
        what="EVPN table",
        evidence=lines(EVPN_TABLE, [said or ""]),
        about=About(topics=frozenset({("instance",)})),
    )


def _has_routes(view: HostView) -> bool:
    """True when the node should have routes: its own, or those that it reflects.

    And where BGP does not run: then it has none, whoever sends some later.
    """
    bgp = view.node.bgp
    # `No prefixes displayed, 0 exist`, or `No EVPN prefixes exist`: BGP itself runs.
    running = view.table is not None and bool(_NO_PREFIX.match(view.table.said or ""))
    if view.l2_vxlans or (bgp and bgp.exits) or not running:
        return True
    if not view.node.reflects:
        return False
    carriers = frozenset().union(*view.intent.vteps.values())
    heard = established_peers(view)
    if heard is not None:
        # Without a session there is nothing to reflect, which the sessions say themselves.
        carriers &= heard
    return bool(carriers)


def examine_imet(view: HostView) -> Iterator[RawFinding]:
    """IMET routes received, against the VTEPs that the intent gives each VNI."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    for vxlan in view.l2_vxlans:
        received = routes.imet.get(vxlan.vni, {})
        wanted = view.intent.vteps.get(vxlan.vni, frozenset())
        for vtep in sorted(wanted - received.keys() - {view.node.address}):
            yield _imet_missing(view, vxlan.vni, vtep, received.values())
    for vni, received in sorted(routes.imet.items()):
        strange = received.keys() - view.intent.vteps.get(vni, frozenset())
        for vtep in sorted(strange - {view.node.address}):
            # A route with several targets is judged by the one that is intended.
            if not intended_elsewhere(view, routes, received[vtep], vtep):
                yield _imet_unexpected(view, vni, vtep, received[vtep])
    yield from _own_unexpected(view, routes)


def intended_elsewhere(view: HostView, routes: Routes, path: EvpnPath, vtep: str) -> bool:
    """True for one from outside or that comes and goes, and for one of another VNI by intent."""
    return (
        routes.from_outside(path)
        or view.intent.visits(vtep)
        or any(vtep in view.intent.vteps.get(vni, ()) for vni in routes.vnis_of(path))
    )


def _own_unexpected(view: HostView, routes: Routes) -> Iterator[RawFinding]:
    own = {vxlan.vni for vxlan in view.l2_vxlans}
    strange: dict[int, EvpnPath] = {}
    for path in routes.originated_imet():
        named = routes.vnis_of(path)
        if not named & own:
            strange.update((vni, path) for vni in named)
    for vni, path in sorted(strange.items()):
        yield _imet_unexpected(view, vni, view.node.address, path)


def _imet_missing(view: HostView, vni: int, vtep: str, others: Iterable[EvpnPath]) -> RawFinding:
    return IMET_MISSING.found(
        view.host,
        f"VNI {vni} VTEP {vtep}",
        "missing",
        vtep,
        None,
        what="IMET route",
        evidence=lines(EVPN_TABLE, (path.text for path in others), limit=3),
        about=About(
            vni=vni,
            peer=vtep,
            topics=frozenset(("neighbor", it) for it in view.intent.senders(view.node, vtep)),
        ),
    )


def _imet_unexpected(view: HostView, vni: int, vtep: str, path: EvpnPath) -> RawFinding:
    return IMET_UNEXPECTED.found(
        view.host,
        f"VNI {vni} VTEP {vtep}",
        "extra",
        None,
        vtep,
        what="IMET route",
        evidence=lines(EVPN_TABLE, [path.text]),
        about=About(vni=vni, peer=vtep, group=("imet-unexpected", vni, vtep)),
    )


PLANE = Plane(
    examine_evpn,
    (EVPN_EMPTY, IMET_NOT_ORIGINATED, IMET_MISSING, IMET_UNEXPECTED, ROUTE_TARGET),
)
