"""What a node originates: an IMET route for each of its VNIs, with their route targets.

And which targets it imports: that stands in no route, but in what FRR runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken, from_vni, renews_routes
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from overlay.outputs import EVPN_TABLE, RUNNING_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift.model import Cause, Evidence, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.host_records import Statement
    from overlay.records import EvpnPath

_ADVERTISED = frozenset({("bgp", "advertise-all-vni"), ("bgp", "flooding")})
_IMPORTED = "imported route target"
_IMPORT = re.compile(r"route-target (?:import|both) (\S+)")
_FAMILY = "address-family l2vpn evpn"
_TYPED = frozenset({("bgp", "route-target")})
_MAC_IP = 2
_IMET = 3
_SHOWN = 6


def _stops_imet(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    if raw.about.vni is None:
        yield Broken.INSTANCE_ROUTES, raw.finding.host
    else:
        yield Broken.IMET, raw.finding.host, raw.about.vni


def _changes_target(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    if raw.finding.attribute == _IMPORTED:
        yield (Broken.VNI if about.vrf is None else Broken.L3VNI), host, about.vni
        return
    yield from renews_routes(raw, owner)
    if about.vrf is not None:
        # Of its routes the others know nothing in that VRF.
        yield Broken.L3VNI, host, about.vni
        return
    lacking = about.vnis if about.vni is None else {about.vni}
    yield from ((Broken.IMET, host, vni) for vni in lacking)
    yield from ((Broken.FOREIGN, host, vni) for vni in about.foreign)


IMET_NOT_ORIGINATED = Check(
    "imet-not-originated",
    CRITICAL,
    "IMET route not originated",
    "The node originates a type-3 route for each of its L2 VNIs.",
    "Without it no other node floods to this one (advertise-all-vni, or a VNI FRR ignores).",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show evpn vni' -c 'show bgp l2vpn evpn route type multicast'",
    remedy="If all VNIs are concerned: `vtysh -c 'configure terminal' -c 'router bgp 1234' -c "
    "'address-family l2vpn evpn' -c 'advertise-all-vni'`. If `show evpn vni` lacks just "
    "this one, zebra sees no VXLAN device for it that is up and in a bridge: fix the "
    "device.",
    explains=_stops_imet,
    follows=from_vni,
    depth=Depth.PROTOCOL + 3,
)

ROUTE_TARGET = Check(
    "route-target",
    CRITICAL,
    "wrong route target",
    "Routes that the node originates carry the route targets of their VNI, and of their VRF where "
    "they are routed: those of the intent (`rt`), or FRR's own, AS:VNI (whose AS is not judged: "
    "import matches *:VNI). FRR imports those of the intent, or its own.",
    "Others import by route target: with another one the routes go elsewhere or nowhere.",
    (EVPN_TABLE,),
    reads=(RUNNING_CONFIG,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show bgp l2vpn evpn vni 2'",
    remedy="Somebody has set it by hand; without that FRR derives AS:VNI: `vtysh -c 'configure "
    "terminal' -c 'router bgp 1234' -c 'address-family l2vpn evpn' -c 'no vni 2'`. Where the "
    "intent has an `rt`, `/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` brings it back.",
    explains=_changes_target,
    follows=from_vni,
    depth=Depth.PROTOCOL + 2,
    with_others=True,
)


def examine_origination(view: HostView) -> Iterator[RawFinding]:
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
        named = routes.vnis_of(path)
        for vni in named & known:
            by_vni.setdefault(vni, []).append(path)
        if not named & (known | carried):
            foreign.append(path)
    lacking = [vxlan for vxlan in view.l2_vxlans if vxlan.vni not in by_vni]
    mistaken = foreign if any(map(view.is_ready, lacking)) else []
    yield from _foreign_targets(view, routes, mistaken, [v for v in lacking if view.is_ready(v)])
    yield from _not_originated(view, lacking, len(mistaken))
    yield from _mixed_targets(view, routes, by_vni)


def _foreign_targets(
    view: HostView, routes: Routes, paths: list[EvpnPath], lacking: list[VxlanIntent]
) -> Iterator[RawFinding]:
    # Which VNI a route should be of is certain only when a single one lacks its route.
    only = lacking[0].vni if len(lacking) == 1 else None
    for path in paths:
        yield ROUTE_TARGET.found(
            view.host,
            f"RD {path.rd}" if only is None else f"VNI {only}",
            "changed",
            [target for vxlan in lacking for target in _targets(view, vxlan.vni)],
            path.route_targets,
            attribute="route target",
            evidence=lines(EVPN_TABLE, [path.text]),
            about=About(
                vni=only,
                vnis=frozenset(vxlan.vni for vxlan in lacking),
                foreign=routes.takers_of(path),
                topics=frozenset(("vni", vxlan.vni) for vxlan in lacking),
            ),
        )
        if only is not None:
            return


def _targets(view: HostView, vni: int) -> tuple[str, ...]:
    """What the routes that the node originates for a VNI carry."""
    return view.intent.targets.of(vni, view.node.bgp.asn if view.node.bgp else 0)


def _imet_lines(view: HostView, vni: int | None) -> tuple[Evidence, ...]:
    """The IMET routes that the node does hold, of one VNI or of all: its own is not among them."""
    held = [path for path in (view.table.paths if view.table else ()) if path.route_type == _IMET]
    routes = view.routes
    ours = [p for p in held if vni is None or (routes and vni in routes.vnis_of(p))]
    return lines(EVPN_TABLE, [path.text for path in ours or held], limit=_SHOWN)


def _not_originated(
    view: HostView, lacking: list[VxlanIntent], mistaken: int
) -> Iterator[RawFinding]:
    """One finding for the whole instance when nothing is originated that could be."""
    ready = [vxlan for vxlan in lacking if view.is_ready(vxlan)]
    if mistaken >= len(ready):  # each of these has a route, with a wrong target
        lacking, ready = [vxlan for vxlan in lacking if vxlan not in ready], []
    able = [vxlan for vxlan in view.l2_vxlans if view.is_ready(vxlan)]
    if len(ready) > 1 and len(ready) == len(able):
        yield IMET_NOT_ORIGINATED.found(
            view.host,
            "bgp",
            "missing",
            [f"VNI {vxlan.vni}" for vxlan in ready],
            None,
            what="IMET routes of its own",
            evidence=_imet_lines(view, None),
            about=About(topics=_ADVERTISED),
        )
        lacking = [vxlan for vxlan in lacking if vxlan not in ready]
    for vxlan in lacking:
        yield IMET_NOT_ORIGINATED.found(
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
) -> Iterator[RawFinding]:
    """Routes of a VNI (they share its RD) that carry others than the VNI's and its VRF's."""
    by_rd = {path.rd: vni for vni, paths in by_vni.items() for path in paths}
    bridges = {vxlan.vni: view.bridges.get(vxlan.bridge) for vxlan in view.l2_vxlans}
    wrong: dict[int, EvpnPath] = {}
    routed: dict[str, list[tuple[int, EvpnPath]]] = {}
    for path in routes.local:
        vni = by_rd.get(path.rd)
        if vni is None or vni in wrong:
            continue
        bridge = bridges[vni]
        vrf = bridge.vrf if bridge else None
        if path.route_type == _MAC_IP and path.ip and vrf in view.l3vni_by_vrf:
            routed.setdefault(vrf or "", []).append((vni, path))
        elif not _carries(view, path.route_targets, vni):
            wrong[vni] = path
    for vni, path in wrong.items():
        about = About(vni=vni, foreign=routes.takers_of(path), topics=frozenset({("vni", vni)}))
        yield _wrong_targets(view, f"VNI {vni}", path, about, (vni,))
    for vrf, found in routed.items():
        l3vni = view.l3vni_by_vrf[vrf]
        for vni, path in found:
            rest = _beside(view, path.route_targets, vni)
            # Without any of the VRF's it is not routed yet, which `l3vni` says.
            if vni not in wrong and rest and not _carries(view, rest, l3vni):
                about = About(vni=l3vni, vrf=vrf, topics=_TYPED)
                yield _wrong_targets(view, f"VRF {vrf}", path, about, (vni, l3vni))
                break


def _carries(view: HostView, found: Sequence[str], vni: int) -> bool:
    """Whether these are the targets of one VNI: all of those by hand, or FRR's own of any AS."""
    targets = view.intent.targets
    if vni in targets.exported:
        return set(found) == set(targets.exported[vni])
    return {targets.exporting_vni(target) for target in found} == {vni}


def _beside(view: HostView, found: tuple[str, ...], vni: int) -> list[str]:
    """The targets of a route that are not those of its network."""
    exporting = view.intent.targets.exporting_vni
    return [target for target in found if exporting(target) != vni]


def _wrong_targets(
    view: HostView, what: str, path: EvpnPath, about: About, vnis: tuple[int, ...]
) -> RawFinding:
    return ROUTE_TARGET.found(
        view.host,
        what,
        "changed",
        [target for vni in vnis for target in _targets(view, vni)],
        path.route_targets,
        attribute="route target",
        evidence=lines(EVPN_TABLE, [path.text]),
        about=about,
    )


def examine_imports(view: HostView) -> Iterator[RawFinding]:
    """What FRR is told to import into each VNI and VRF; `*:N` and FRR's own spelling are one."""
    running, bgp = view.state.running_config, view.node.bgp
    if running is None or bgp is None or any("route-target" in it for it in view.node.frr_extra):
        return  # what is kept by hand counts as intended, and `config-running` compares it
    told: dict[Statement, list[str]] = {}
    for statement in running:
        if found := _IMPORT.fullmatch(statement[-1]):
            told.setdefault(statement[:-1], []).append(_any_as(found[1]))
    instance = f"router bgp {bgp.asn}"
    for vxlan in view.l2_vxlans:
        place: Statement = (instance, _FAMILY, f"vni {vxlan.vni}")
        about = About(vni=vxlan.vni, topics=frozenset({("vni", vxlan.vni)}))
        wanted = vxlan.by_hand.imports
        yield from _wrong_imports(view, f"VNI {vxlan.vni}", wanted, told.get(place, []), about)
    for vrf in view.node.vrfs:
        if vrf.l3vni is not None:
            place = f"{instance} vrf {vrf.name}", _FAMILY
            about = About(vni=vrf.l3vni, vrf=vrf.name, topics=_TYPED)
            wanted = vrf.by_hand.imports
            yield from _wrong_imports(view, f"VRF {vrf.name}", wanted, told.get(place, []), about)


def _any_as(target: str) -> str:
    return f"*{target[1:]}" if target.startswith("0:") else target


def _wrong_imports(
    view: HostView, what: str, wanted: tuple[str, ...], found: list[str], about: About
) -> Iterator[RawFinding]:
    if set(wanted) == set(found):
        return
    own = [f"*:{about.vni}"]
    yield ROUTE_TARGET.found(
        view.host,
        what,
        "changed",
        sorted(wanted) or own,
        sorted(found) or own,
        attribute=_IMPORTED,
        evidence=lines(RUNNING_CONFIG, [f"route-target import {target}" for target in found]),
        about=about,
    )
