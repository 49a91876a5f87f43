"""Guests of the node itself: what its bridges have learnt, against the routes it originates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from overlay.outputs import BRIDGE_FDB, BRIDGE_FDB_LATER, EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import FdbEntry

# Not learnt on a port: the port's own addresses, what FRR has put there, what a device holds
# itself, and a MAC that may not send yet (MAB).
_NOT_LEARNT = frozenset({"extern_learn", "self", "locked"})


def _from_mobility(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield Broken.MAC, about.vni, about.mac
    yield Broken.INSTANCE_ROUTES, host
    yield Broken.VNI, host, about.vni
    yield Broken.IMET, host, about.vni


MAC_NOT_ADVERTISED = Check(
    "mac-not-advertised",
    CRITICAL,
    "guest that is not announced",
    "Each MAC that a bridge of a VNI has learnt on a port of its own has a type-2 route of the "
    "node's own.",
    "Where unknown unicast is not flooded, no other node reaches that guest.",
    (BRIDGE_FDB, EVPN_TABLE),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="bridge fdb show br vmbr2; vtysh -c 'show evpn mac vni 2' -c 'show bgp l2vpn evpn "
    "route type macip'",
    remedy="zebra has missed the MAC. `bridge fdb del 02:00:00:00:00:98 dev tap100i0 master` has "
    "it learnt again with the guest's next packet. If `show evpn mac vni 2` calls it a duplicate: "
    "`vtysh -c 'clear evpn dup-addr vni 2 mac 02:00:00:00:00:98'`. If many are missing: "
    "`systemctl restart frr`.",
    follows=_from_mobility,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)


def examine_local_macs(view: HostView) -> Iterator[RawFinding]:
    """The MACs learnt in each L2 VNI, in both looks, for which the node originates no route."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    # A VNI without any route of the node's own is `imet-not-originated`'s to say, or
    # `route-target`'s.
    announced = {vni for path in routes.originated_imet() for vni in routes.vnis_of(path)}
    segments = {vxlan.bridge: vxlan for vxlan in view.l2_vxlans if vxlan.vni in announced}
    learnt = _learnt(view, view.state.fdb or (), segments)
    later = view.state.fdb_later
    if later is not None and later is not view.state.fdb:
        still = _learnt(view, later, segments)
        learnt = {place: entry for place, entry in learnt.items() if place in still}
    for bridge, mac in sorted(learnt):
        vxlan = segments[bridge]
        if mac not in routes.local_macs.get(vxlan.vni, ()):
            yield _finding(view, vxlan, mac, learnt[bridge, mac])


def _learnt(
    view: HostView, entries: tuple[FdbEntry, ...], segments: dict[str, VxlanIntent]
) -> dict[tuple[str, str], FdbEntry]:
    """By bridge and MAC, with or without a VLAN, what is learnt on a port of a guest."""
    tunnels = {vxlan.name for vxlan in view.node.vxlans}
    tunnels |= {link.name for link in view.links.values() if link.kind == "vxlan"}
    gateways = {name: _macs_of(view, name) for name in segments}
    return {
        (entry.master, entry.mac): entry
        for entry in entries
        if entry.master in segments
        and entry.device not in tunnels
        and entry.device != entry.master
        and entry.state != "permanent"
        and _NOT_LEARNT.isdisjoint(entry.flags)
        and entry.mac not in gateways[entry.master]
    }


def _macs_of(view: HostView, bridge: str) -> set[str | None]:
    """The bridge's own MAC: intended, as an anycast gateway, and as it is."""
    intended, link = view.bridges.get(bridge), view.links.get(bridge)
    return {intended.mac if intended else None, link.mac if link else None}


def _finding(view: HostView, vxlan: VxlanIntent, mac: str, entry: FdbEntry) -> RawFinding:
    routes = view.routes
    elsewhere = routes.paths_of(vxlan.vni, mac) if routes is not None else []
    return MAC_NOT_ADVERTISED.found(
        view.host,
        f"VNI {vxlan.vni} MAC {mac}",
        "missing",
        view.node.address,
        None,
        what=f"type-2 route of its own for a MAC on {entry.device}",
        evidence=lines(BRIDGE_FDB, [entry.text])
        + lines(EVPN_TABLE, (path.text for path in elsewhere)),
        # What zebra has missed it has mostly missed for several guests.
        about=About(
            bridge=vxlan.bridge, vni=vxlan.vni, mac=mac, group=("mac-not-advertised", view.host)
        ),
    )


PLANE = Plane(examine_local_macs, (MAC_NOT_ADVERTISED,))
