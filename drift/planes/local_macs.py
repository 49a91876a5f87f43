"""Guests of the node itself: what its bridges have learnt, against the routes it originates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis, with_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from overlay.outputs import BRIDGE_FDB, BRIDGE_FDB_LATER, EVPN_TABLE, IP_LINK

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


FDB_STATIC = Check(
    "fdb-static",
    CRITICAL,
    "forwarding entry by hand",
    "On the bridge of a network no MAC but the node's own interfaces' is permanent, none is held "
    "on a port (`sticky`) but by FRR, and the gateway's own is on no port.",
    "Frames for a guest with such a MAC end in the node, or leave by a port that the guest is not "
    "behind, and what the guest sends does not change that. A gateway whose MAC is behind a port "
    "is reached by nobody.",
    (BRIDGE_FDB, IP_LINK),
    applies=with_vnis,
    confirm="bridge fdb show br vmbr2 | grep -e permanent -e sticky",
    remedy="`bridge fdb del 02:00:00:00:00:98 dev vmbr2 self` where the bridge itself has it, "
    "`bridge fdb del 02:00:00:00:00:98 dev tap100i0 master` for a port. One that is meant to be "
    "there belongs into suppressions.yaml.",
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)


def examine_entries_by_hand(view: HostView) -> Iterator[RawFinding]:
    """The entries, in both looks, that hold a MAC where no guest's packet can move it."""
    own = {link.mac for link in view.links.values()}
    segments = {vxlan.bridge: vxlan for vxlan in view.l2_vxlans}
    fdb = view.state.fdb or ()
    later = {_place(entry) for entry in view.state.fdb_later or fdb}
    # Every port shows its own MAC as permanent; where not even that is shown nothing is concluded.
    shown = {it.device for it in fdb if it.state == "permanent" and it.mac in own} | segments.keys()
    for entry in fdb:
        vxlan = segments.get(entry.master or "")
        # Of a port that came or went meanwhile not all is known.
        if vxlan is None or entry.device not in view.links or _place(entry) not in later:
            continue
        held = "sticky" in entry.flags and "extern_learn" not in entry.flags
        ends_here = entry.state == "permanent" and entry.mac not in own and entry.device in shown
        if held or ends_here or _takes_gateway(view, entry):
            remote = view.routes.macs.get(vxlan.vni, {}) if view.routes is not None else {}
            if entry.mac not in remote:  # which `fdb-missing` says
                yield _by_hand(view, vxlan, entry)


def _takes_gateway(view: HostView, entry: FdbEntry) -> bool:
    """Whether the bridge looks for its own MAC behind a port, which has another one."""
    bridge, link = view.bridges.get(entry.master or ""), view.links.get(entry.master or "")
    port = view.links.get(entry.device or "")
    return (
        bridge is not None
        and bridge.routed
        and link is not None
        and entry.mac == link.mac
        and entry.device != entry.master
        and entry.state == "static"
        and (port is None or port.mac != entry.mac)
        and "extern_learn" not in entry.flags
    )


def _place(entry: FdbEntry) -> tuple[str | None, str, int | None, str]:
    return entry.device, entry.mac, entry.vlan, entry.state


def _by_hand(view: HostView, vxlan: VxlanIntent, entry: FdbEntry) -> RawFinding:
    return FDB_STATIC.found(
        view.host,
        f"{vxlan.bridge} MAC {entry.mac}",
        "extra",
        None,
        f"{entry.state} on {entry.device}".strip(),
        what="forwarding entry by hand",
        evidence=lines(BRIDGE_FDB, [entry.text]),
        about=About(
            bridge=vxlan.bridge, vni=vxlan.vni, mac=entry.mac, group=("fdb-static", view.host)
        ),
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
BY_HAND = Plane(examine_entries_by_hand, (FDB_STATIC,))
