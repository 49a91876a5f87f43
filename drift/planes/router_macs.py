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
from drift.planes.forwarding import FDB_MISSING, FDB_WRONG_VTEP
from drift.routes import vnis_of
from overlay.outputs import BRIDGE_FDB, EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import EvpnPath, FdbEntry

_IP_PREFIX = 5
_LOCAL_PREFERENCE = 100
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
        for path in _used(view, vxlan, routes):
            if path.rmac in suspects:
                used[path.rmac].append(path)
        for mac, paths in sorted(used.items()):
            entry = entries.get(mac)
            if entry is None:
                yield _missing(view, vxlan, mac, paths)
            else:
                yield _elsewhere(view, vxlan, mac, paths, entry)


def _suspects(view: HostView, vxlan: VxlanIntent, routes: Routes) -> set[str]:
    """The RMACs that are in no entry, or in one towards a VTEP that does not claim them."""
    entries = view.tunnels.get(vxlan.name, {})
    found = set()
    for mac, claimed in routes.router_macs.get(vxlan.vni, {}).items():
        entry = entries.get(mac)
        # An entry with a next-hop id names no single VTEP: take it as the route's.
        if entry is None or (entry.dst is not None and entry.dst not in claimed):
            found.add(mac)
    if not found:
        return found
    # FRR imports no route with the node's own RMAC; who else has it is `rmac-conflict`'s to say.
    own = {path.rmac for path in routes.local if vxlan.vni in vnis_of(path)}
    bridge = view.links.get(vxlan.bridge)
    own.add(bridge.mac if bridge is not None else None)
    return {mac for mac in found - own if (vxlan.name, mac) not in view.moving}


def _used(view: HostView, vxlan: VxlanIntent, routes: Routes) -> Iterator[EvpnPath]:
    """The paths received that the VRF of an L3VNI routes by: zebra has the RMACs of only these."""
    by_prefix: dict[tuple[str | None, int | None], list[EvpnPath]] = defaultdict(list)
    for path in routes.routing_paths(vxlan.vni):
        by_prefix[path.ip, path.prefix_length].append(path)
    vrf = view.bridges[vxlan.bridge].vrf
    exits = view.node.bgp.exits if view.node.bgp else ()
    yielding = {prefix for e in exits if e.vrf == vrf and e.backup for prefix in e.defaults}
    for (ip, length), paths in by_prefix.items():
        received = [path for path in paths if not path.local]
        if paths[0].route_type != _IP_PREFIX:
            # A host in two places is just moving: which one wins is not ours to guess.
            alone = len(received) == len(paths) and len({path.next_hop for path in paths}) == 1
            yield from received if alone else ()
        elif received and (len(received) == len(paths) or f"{ip}/{length}" in yielding):
            # Its own default leads an exit out, except where that gives way to the primary exit's.
            best = max(map(_preference, received))
            yield from (path for path in received if _preference(path) == best)


def _preference(path: EvpnPath) -> tuple[int, int]:
    """How BGP ranks the ways to a prefix; those with one rank are all used (ECMP)."""
    preference = _LOCAL_PREFERENCE if path.local_pref is None else path.local_pref
    return preference, -len(path.as_path.split())


def _missing(view: HostView, vxlan: VxlanIntent, mac: str, paths: list[EvpnPath]) -> RawFinding:
    vteps = _vteps(paths)
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


def _elsewhere(
    view: HostView, vxlan: VxlanIntent, mac: str, paths: list[EvpnPath], entry: FdbEntry
) -> RawFinding:
    vteps = _vteps(paths)
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


def _vteps(paths: list[EvpnPath]) -> list[str]:
    return sorted({path.next_hop for path in paths if path.next_hop is not None})


def _about(view: HostView, vxlan: VxlanIntent, vtep: str, mac: str) -> About:
    vrf = view.bridges[vxlan.bridge].vrf
    return About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni, vrf=vrf, peer=vtep, mac=mac)


PLANE = Plane(examine_router_macs, (FDB_MISSING, FDB_WRONG_VTEP))
