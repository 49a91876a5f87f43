"""The plane of EVPN routes: what a node originates and what it receives, against the intent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift.check import B
from drift.draft import About, Draft, draft, lines
from drift.routes import vnis_of
from drift.sessions import established_peers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.findings import Evidence
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import EvpnPath

EMPTY_CHECKS = frozenset({"evpn-empty"})
ORIGINATION_CHECKS = frozenset({"imet-not-originated", "route-target"})
IMET_CHECKS = frozenset({"imet-missing", "imet-unexpected"})

WHOLE_INSTANCE = "bgp"
_ADVERTISED = frozenset({("bgp", "advertise-all-vni")})
_NO_PREFIX = re.compile(r"No (EVPN )?prefixes ")
_MAC_IP = 2
_IMET = 3
_SHOWN = 6


def examine_table(view: HostView) -> Iterator[Draft]:
    """Whether there is an EVPN table at all; a node that originates nothing may have none."""
    if view.table is None or not view.table_empty or not _has_routes(view):
        return
    said = view.table.said
    yield draft(
        "evpn-empty",
        view.host,
        WHOLE_INSTANCE,
        "missing",
        "routes",
        said,
        what="EVPN table",
        evidence=lines(B, [said or ""]),
        about=About(topics=frozenset({("instance",)})),
    )


def _has_routes(view: HostView) -> bool:
    """True when the node should have routes: its own, or those that it reflects."""
    bgp = view.node.bgp
    if bgp is None or bgp.reflector is None:
        return bool(view.l2_vxlans) or bool(bgp and bgp.exits)
    carriers = frozenset().union(*view.intent.vteps.values())
    heard = established_peers(view)
    # `No prefixes displayed, 0 exist`, or `No EVPN prefixes exist`: BGP itself runs.
    running = view.table is not None and bool(_NO_PREFIX.match(view.table.said or ""))
    if running and heard is not None:
        # Without a session there is nothing to reflect, which the sessions say themselves.
        carriers &= heard
    return bool(carriers)


def examine_origination(view: HostView) -> Iterator[Draft]:
    """IMET routes that the node does not originate, and route targets that are not its VNIs'.

    A type-3 route holds no VNI but in its route target. So a route with a target that no device
    of the node explains, and a VNI without a route, are taken for the same thing.
    """
    routes = view.routes
    if routes is None or view.table_empty:
        return
    by_vni: dict[int, list[EvpnPath]] = {}
    foreign: list[EvpnPath] = []
    known = {vxlan.vni for vxlan in view.l2_vxlans}
    carried = {link.vxlan.vni for link in view.links.values() if link.vxlan is not None}
    for path in routes.originated_imet():
        named = vnis_of(path)
        for vni in named & known:
            by_vni.setdefault(vni, []).append(path)
        if not named & (known | carried):
            foreign.append(path)
    lacking = [vxlan for vxlan in view.l2_vxlans if vxlan.vni not in by_vni]
    mistaken = foreign if any(map(view.is_ready, lacking)) else []
    yield from _foreign_targets(view, mistaken, [v for v in lacking if view.is_ready(v)])
    yield from _not_originated(view, lacking, len(mistaken))
    yield from _mixed_targets(view, routes, by_vni)


def _foreign_targets(
    view: HostView, paths: list[EvpnPath], lacking: list[VxlanIntent]
) -> Iterator[Draft]:
    asn = _target_asn(view)
    # Which VNI a route should be of is certain only when a single one lacks its route.
    only = lacking[0].vni if len(lacking) == 1 else None
    for path in paths:
        yield draft(
            "route-target",
            view.host,
            f"RD {path.rd}" if only is None else f"VNI {only}",
            "changed",
            [f"{asn}:{vxlan.vni}" for vxlan in lacking],
            path.route_targets,
            attribute="route target",
            evidence=lines(B, [path.text]),
            about=About(vni=only, topics=frozenset(("vni", vxlan.vni) for vxlan in lacking)),
        )
        if only is not None:
            return


def _target_asn(view: HostView) -> int:
    # FRR derives route targets from the lower 16 bits of the AS number.
    return view.node.bgp.asn & 0xFFFF if view.node.bgp else 0


def _imet_lines(view: HostView, vni: int | None) -> tuple[Evidence, ...]:
    """The IMET routes that the node does hold, of one VNI or of all: its own is not among them."""
    held = [path for path in (view.table.paths if view.table else ()) if path.route_type == _IMET]
    ours = [path for path in held if vni is None or vni in vnis_of(path)]
    return lines(B, [path.text for path in ours or held], limit=_SHOWN)


def _not_originated(view: HostView, lacking: list[VxlanIntent], mistaken: int) -> Iterator[Draft]:
    """One finding for the whole instance when nothing is originated that could be."""
    ready = [vxlan for vxlan in lacking if view.is_ready(vxlan)]
    if mistaken >= len(ready):  # each of these has a route, with a wrong target
        lacking, ready = [vxlan for vxlan in lacking if vxlan not in ready], []
    able = [vxlan for vxlan in view.l2_vxlans if view.is_ready(vxlan)]
    if len(ready) > 1 and len(ready) == len(able):
        yield draft(
            "imet-not-originated",
            view.host,
            WHOLE_INSTANCE,
            "missing",
            [f"VNI {vxlan.vni}" for vxlan in ready],
            None,
            what="IMET routes of its own",
            evidence=_imet_lines(view, None),
            about=About(topics=_ADVERTISED),
        )
        lacking = [vxlan for vxlan in lacking if vxlan not in ready]
    for vxlan in lacking:
        yield draft(
            "imet-not-originated",
            view.host,
            f"VNI {vxlan.vni}",
            "missing",
            vxlan.local,
            None,
            what="IMET route of its own",
            evidence=_imet_lines(view, vxlan.vni),
            about=About(
                device=vxlan.name,
                bridge=vxlan.bridge,
                vni=vxlan.vni,
                topics=_ADVERTISED | {("vni", vxlan.vni)},
            ),
        )


def _mixed_targets(
    view: HostView, routes: Routes, by_vni: dict[int, list[EvpnPath]]
) -> Iterator[Draft]:
    """Routes of a VNI (they share its RD) that carry a target beside the VNI's and its VRF's."""
    by_rd = {path.rd: vni for vni, paths in by_vni.items() for path in paths}
    bridges = {vxlan.vni: view.bridges.get(vxlan.bridge) for vxlan in view.l2_vxlans}
    wrong: dict[int, EvpnPath] = {}
    for path in routes.local:
        vni = by_rd.get(path.rd)
        if vni is None or vni in wrong:
            continue
        bridge = bridges[vni]
        l3vni = view.l3vni_by_vrf.get(bridge.vrf or "") if bridge else None
        allowed = {vni} | ({l3vni} if l3vni and path.route_type == _MAC_IP else set())
        named = vnis_of(path)
        if vni not in named or not named <= allowed:
            wrong[vni] = path
    for vni, path in wrong.items():
        yield draft(
            "route-target",
            view.host,
            f"VNI {vni}",
            "changed",
            [f"{_target_asn(view)}:{vni}"],
            path.route_targets,
            attribute="route target",
            evidence=lines(B, [path.text]),
            about=About(vni=vni, topics=frozenset({("vni", vni)})),
        )


def examine_imet(view: HostView) -> Iterator[Draft]:
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
            if not intended_elsewhere(view, received[vtep], vtep):
                yield _imet_unexpected(view, vni, vtep, received[vtep])
    yield from _own_unexpected(view, routes)


def intended_elsewhere(view: HostView, path: EvpnPath, vtep: str) -> bool:
    """True when another VNI that the path names is one of that VTEP's by intent."""
    return any(vtep in view.intent.vteps.get(vni, ()) for vni in vnis_of(path))


def _own_unexpected(view: HostView, routes: Routes) -> Iterator[Draft]:
    own = {vxlan.vni for vxlan in view.l2_vxlans}
    strange: dict[int, EvpnPath] = {}
    for path in routes.originated_imet():
        named = vnis_of(path)
        if not named & own:
            strange.update((vni, path) for vni in named)
    for vni, path in sorted(strange.items()):
        yield _imet_unexpected(view, vni, view.node.address, path)


def _imet_missing(view: HostView, vni: int, vtep: str, others: Iterable[EvpnPath]) -> Draft:
    return draft(
        "imet-missing",
        view.host,
        f"VNI {vni} VTEP {vtep}",
        "missing",
        vtep,
        None,
        what="IMET route",
        evidence=lines(B, (path.text for path in others), limit=3),
        about=About(vni=vni, peer=vtep),
    )


def _imet_unexpected(view: HostView, vni: int, vtep: str, path: EvpnPath) -> Draft:
    return draft(
        "imet-unexpected",
        view.host,
        f"VNI {vni} VTEP {vtep}",
        "extra",
        None,
        vtep,
        what="IMET route",
        evidence=lines(B, [path.text]),
        about=About(vni=vni, peer=vtep, group=("imet-unexpected", vni, vtep)),
    )
