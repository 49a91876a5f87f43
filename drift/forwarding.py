"""The plane of forwarding: flood lists and remote MACs against intent and EVPN routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.check import B, F
from drift.compare import compare, unequal
from drift.draft import About, Draft, draft, lines
from overlay.intent import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.findings import Evidence
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import FdbEntry

FLOOD_CHECKS = frozenset({"flood-missing", "flood-unexpected"})
FDB_CHECKS = frozenset({"fdb-stale", "fdb-missing", "fdb-wrong-vtep"})

_DESTINATION = "destination"


def examine_flood_lists(view: HostView) -> Iterator[Draft]:
    """Flood lists against the group (multicast), the other VTEPs (unicast) or IMET (EVPN)."""
    if view.intent.evpn and view.table_empty:
        return  # every entry would differ, for the one reason that `evpn-empty` gives
    for vxlan in view.l2_vxlans:
        required, allowed = _flood_intent(view, vxlan)
        found = view.floods.get(vxlan.name, {})
        moving = {address for device, address in view.moving if device == vxlan.name}
        for vtep in sorted(required - found.keys() - moving):
            yield _flood_missing(view, vxlan, vtep)
        for vtep in sorted(found.keys() - required - allowed - moving):
            yield _flood_unexpected(view, vxlan, vtep, found[vtep])


def _flood_intent(view: HostView, vxlan: VxlanIntent) -> tuple[set[str], set[str]]:
    """The addresses that must be in the flood list, and those that may be."""
    mode = view.intent.fabric.mode
    if mode is Mode.MULTICAST:
        return ({vxlan.group} if vxlan.group else set()), set()
    if mode is Mode.UNICAST:
        return set(vxlan.remotes), set()
    received = set(view.routes.imet.get(vxlan.vni, ())) if view.routes else set()
    intended = view.intent.vteps.get(vxlan.vni, frozenset())
    return received - {vxlan.local}, set(intended) - {vxlan.local}


def _flood_missing(view: HostView, vxlan: VxlanIntent, vtep: str) -> Draft:
    evidence = lines(F, (entry.text for _, entry in sorted(view.floods[vxlan.name].items())))
    if view.intent.evpn and view.routes is not None:
        evidence += lines(B, [view.routes.imet[vxlan.vni][vtep].text])
    return draft(
        "flood-missing",
        view.host,
        f"{vxlan.name} VTEP {vtep}",
        "missing",
        vtep,
        None,
        what="flood list entry",
        evidence=evidence,
        about=_about(vxlan, vtep),
    )


def _flood_unexpected(view: HostView, vxlan: VxlanIntent, vtep: str, entry: FdbEntry) -> Draft:
    return draft(
        "flood-unexpected",
        view.host,
        f"{vxlan.name} VTEP {vtep}",
        "extra",
        None,
        vtep,
        what="flood list entry",
        evidence=lines(F, [entry.text]),
        about=_about(vxlan, vtep),
    )


def _about(vxlan: VxlanIntent, vtep: str | None) -> About:
    return About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni, peer=vtep)


def examine_macs(view: HostView) -> Iterator[Draft]:
    """Remote MACs of each L2 VNI against the best type-2 routes (an L3VNI's: `routermacs`)."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    for vxlan in view.l2_vxlans:
        entries = view.tunnels.get(vxlan.name, {})
        wanted = _remote_macs(view, vxlan, routes)
        # An entry with a next-hop id (multihoming) names no single VTEP: take it as the route's.
        found = {mac: e.dst or wanted.get(mac) for mac, e in entries.items()}
        different = {mac for mac in unequal(wanted, found) if (vxlan.name, mac) not in view.moving}
        if not different:
            continue
        differences = compare(
            {mac: {_DESTINATION: wanted[mac]} for mac in sorted(different) if mac in wanted},
            {mac: {_DESTINATION: found[mac]} for mac in sorted(different) if mac in found},
        )
        for difference in differences:
            mac = difference.key
            if difference.kind == "changed":
                yield _mac_elsewhere(view, vxlan, mac, wanted[mac], entries[mac])
            elif (vxlan.bridge, mac) in view.housed:
                # A machine that has moved here: the bridge's own entry overrules the tunnel's old
                # one, which FRR leaves, and the old node's route, which ends in a moment.
                continue
            elif difference.kind == "missing":
                yield _mac_missing(view, vxlan, mac, wanted[mac])
            elif mac not in routes.macs[vxlan.vni]:
                yield _mac_stale(view, vxlan, mac, entries[mac])


def _remote_macs(view: HostView, vxlan: VxlanIntent, routes: Routes) -> dict[str, str]:
    """Each MAC that must be behind a VTEP, and behind which."""
    macs = routes.macs[vxlan.vni]
    # A MAC that has moved here is still in the old node's routes for a moment; the anycast
    # gateway's is every node's own.
    own = set(routes.local_macs.get(vxlan.vni, ()))
    bridge = view.bridges.get(vxlan.bridge)
    if bridge is not None and bridge.mac is not None:
        own.add(bridge.mac)
    if own.isdisjoint(macs):
        return macs
    return {mac: hop for mac, hop in macs.items() if mac not in own}


def _mac_missing(view: HostView, vxlan: VxlanIntent, mac: str, vtep: str) -> Draft:
    return draft(
        "fdb-missing",
        view.host,
        f"{vxlan.name} MAC {mac}",
        "missing",
        vtep,
        None,
        what="forwarding entry",
        evidence=_route_lines(view, vxlan, mac),
        about=_about(vxlan, vtep),
    )


def _mac_elsewhere(
    view: HostView, vxlan: VxlanIntent, mac: str, vtep: str, entry: FdbEntry
) -> Draft:
    return draft(
        "fdb-wrong-vtep",
        view.host,
        f"{vxlan.name} MAC {mac}",
        "changed",
        vtep,
        entry.dst,
        attribute="VTEP",
        evidence=lines(F, [entry.text]) + _route_lines(view, vxlan, mac),
        about=_about(vxlan, vtep),
    )


def _mac_stale(view: HostView, vxlan: VxlanIntent, mac: str, entry: FdbEntry) -> Draft:
    return draft(
        "fdb-stale",
        view.host,
        f"{vxlan.name} MAC {mac}",
        "extra",
        None,
        entry.dst,
        what="forwarding entry",
        evidence=lines(F, [entry.text]),
        about=_about(vxlan, entry.dst),
    )


def _route_lines(view: HostView, vxlan: VxlanIntent, mac: str) -> tuple[Evidence, ...]:
    if view.routes is None:
        return ()
    return lines(B, (path.text for path in view.routes.paths_of(vxlan.vni, mac)))
