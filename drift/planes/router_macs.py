"""Router MACs: what a node routes by, against the forwarding databases of its L3VNIs.

A routed packet leaves for another VTEP with that VTEP's router MAC (RMAC), and the forwarding
database of the L3VNI's device says where that is. FRR 8.4 may lose an entry while its routes stay.
An entry without a route is no drift: zebra keeps some, and nothing is sent by them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.evidence import lines
from drift.model import About
from drift.plane import Plane
from drift.planes.forwarding import FDB_MISSING, FDB_WRONG_VTEP, unbridged
from drift.vrf_evpn_routes import own_router_macs, routed_paths, vteps_of
from overlay.outputs import BRIDGE_FDB, EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import EvpnPath, FdbEntry

_SHOWN = 3


def examine_router_macs(view: HostView) -> Iterator[RawFinding]:
    """The RMAC of each VTEP that an L3VNI routes to, and the VTEP that it is behind."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    for vxlan in view.l3_vxlans:
        suspects = _suspects(view, vxlan, routes)
        if not suspects:
            continue
        entries = view.tunnels.get(vxlan.name, {})
        used: dict[str, list[EvpnPath]] = defaultdict(list)
        for path in routed_paths(view, vxlan, routes):
            if path.rmac in suspects:
                used[path.rmac].append(path)
        for mac, paths in sorted(used.items()):
            entry = entries.get(mac)
            if entry is None:
                yield _missing(view, vxlan, mac, paths)
            elif entry.dst is None or entry.dst in routes.router_macs[vxlan.vni][mac]:
                yield _unbridged(view, vxlan, mac, paths)
            else:
                yield _elsewhere(view, vxlan, mac, paths, entry)


def _suspects(view: HostView, vxlan: VxlanIntent, routes: Routes) -> set[str]:
    """The RMACs that are in no entry, in one towards a VTEP that does not claim them, or that the
    bridge lacks.
    """
    entries = view.tunnels.get(vxlan.name, {})
    claims = routes.router_macs.get(vxlan.vni, {})
    found = view.unbridged(vxlan, claims)
    for mac, claimed in claims.items():
        entry = entries.get(mac)
        # An entry with a next-hop id names no single VTEP: take it as the route's.
        if entry is None or (entry.dst is not None and entry.dst not in claimed):
            found.add(mac)
    if not found:
        return found
    own = own_router_macs(view, vxlan, routes)
    return {mac for mac in found - own if (vxlan.name, mac) not in view.moving}


def _missing(view: HostView, vxlan: VxlanIntent, mac: str, paths: list[EvpnPath]) -> RawFinding:
    vteps = vteps_of(paths)
    held = sorted(view.tunnels.get(vxlan.name, {}).items())
    return FDB_MISSING.found(
        view.host,
        f"{vxlan.name} RMAC {mac}",
        "missing",
        vteps[0] if len(vteps) == 1 else vteps,
        None,
        what="forwarding entry",
        evidence=lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN)
        + lines(BRIDGE_FDB, (entry.text for _, entry in held)),
        about=_about(view, vxlan, vteps[0], mac),
    )


def _unbridged(view: HostView, vxlan: VxlanIntent, mac: str, paths: list[EvpnPath]) -> RawFinding:
    evidence = lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN)
    about = _about(view, vxlan, vteps_of(paths)[0], mac)
    return unbridged(view, vxlan, f"RMAC {mac}", evidence, about)


def _elsewhere(
    view: HostView, vxlan: VxlanIntent, mac: str, paths: list[EvpnPath], entry: FdbEntry
) -> RawFinding:
    vteps = vteps_of(paths)
    return FDB_WRONG_VTEP.found(
        view.host,
        f"{vxlan.name} RMAC {mac}",
        "changed",
        vteps[0] if len(vteps) == 1 else vteps,
        entry.dst,
        attribute="VTEP",
        evidence=lines(BRIDGE_FDB, [entry.text])
        + lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN),
        about=_about(view, vxlan, vteps[0], mac),
    )


def _about(view: HostView, vxlan: VxlanIntent, vtep: str, mac: str) -> About:
    vrf = view.bridges[vxlan.bridge].vrf
    return About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni, vrf=vrf, peer=vtep, mac=mac)


PLANE = Plane(examine_router_macs, (FDB_MISSING, FDB_WRONG_VTEP))
