"""The plane of forwarding: flood lists and remote MACs against intent and EVPN routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis, with_vnis
from drift.causes import Broken, from_exchange, from_forwarding, peer_of
from drift.compare import compare_values, unequal
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from overlay.intent import Mode
from overlay.outputs import BRIDGE_FDB, BRIDGE_FDB_LATER, EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Evidence, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import FdbEntry


def _from_forwarding_or_peer(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield from from_forwarding(raw, owner)
    if about.peer is not None and raw.finding.kind == "extra":
        # An entry outlives its route where the VTEP behind it fell silent.
        peer = peer_of(raw, owner)
        yield Broken.UNDERLAY, peer
        yield Broken.BGP, peer
        yield Broken.VNI, peer, about.vni
        yield from from_exchange(raw, owner)
        yield Broken.ROUTE, host, about.vni, about.peer


def _lacks_entry(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ENTRY, raw.finding.host, raw.about.vni, raw.about.mac


FLOOD_MISSING = Check(
    "flood-missing",
    CRITICAL,
    "VTEP missing from the flood list",
    "Each VTEP that the intent (unicast) or a received IMET route names is in the flood list, with "
    "the device's own VNI and UDP port.",
    "Broadcast, ARP and unknown unicast do not reach that VTEP.",
    (BRIDGE_FDB,),
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_vnis,
    confirm="bridge fdb show dev vxlan2 | grep 00:00:00:00:00:00; vtysh -c 'show evpn vni 2'",
    remedy="With EVPN zebra puts it back within seconds, unless it hangs: `systemctl restart "
    "frr`. By hand: `bridge fdb append 00:00:00:00:00:00 dev vxlan2 dst 192.168.0.2`. "
    "Without EVPN `ifup vxlan2` does it.",
    follows=_from_forwarding_or_peer,
    with_others=True,
    transient=True,
)

FLOOD_UNEXPECTED = Check(
    "flood-unexpected",
    WARNING,
    "unknown VTEP in the flood list",
    "Each address in the flood list is named by the intent or by a received IMET route.",
    "Copies of broadcast traffic go to a host that is not part of the network.",
    (BRIDGE_FDB,),
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_vnis,
    confirm="bridge fdb show dev vxlan2 | grep 00:00:00:00:00:00; vtysh -c 'show evpn vni 2'",
    remedy="`bridge fdb del 00:00:00:00:00:00 dev vxlan2 dst 192.0.2.99`. zebra leaves alone "
    "what it did not add.",
    follows=_from_forwarding_or_peer,
    transient=True,
)

FDB_STALE = Check(
    "fdb-stale",
    WARNING,
    "MAC without a route",
    "Each remote MAC in the forwarding database has a type-2 route behind it.",
    "Frames for it go to a VTEP that no longer, or never, has it.",
    (BRIDGE_FDB, EVPN_TABLE),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'",
    remedy="`bridge fdb del 02:00:00:00:00:99 dev vxlan2 self`.",
    follows=_from_forwarding_or_peer,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)

FDB_MISSING = Check(
    "fdb-missing",
    CRITICAL,
    "route without a MAC",
    "Each best type-2 route of a local VNI is in the forwarding database, and on an L3VNI's "
    "device the router MAC (RMAC) of each VTEP that its VRF has a type-2 or type-5 route to: with "
    "its VTEP in the tunnel, and as behind the tunnel in the bridge.",
    "BGP knows where the MAC is, the kernel does not, and frames for it are lost; without a "
    "VTEP's RMAC, all that is routed to that VTEP. It is a warning where the tunnel alone lacks "
    "the MAC, because it then sends copies to all VTEPs of its flood list.",
    (BRIDGE_FDB, EVPN_TABLE),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'; "
    "bridge fdb show dev vxlan4000; vtysh -c 'show evpn rmac vni 4000'",
    remedy="`bridge fdb replace 02:00:00:00:00:99 dev vxlan2 dst 192.168.0.2 self master "
    "extern_learn`. zebra does not do it by itself before the route comes again. An RMAC that "
    "`show evpn rmac vni 4000` lacks, too, was lost by FRR itself (8.4 may, when routes "
    "change): on the node that lacks it, `vtysh -c 'clear bgp 192.168.0.1'` with the address "
    "of that VTEP has its routes come again.",
    explains=_lacks_entry,
    follows=_from_forwarding_or_peer,
    with_others=True,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)

FDB_WRONG_VTEP = Check(
    "fdb-wrong-vtep",
    CRITICAL,
    "MAC behind the wrong VTEP",
    "Each remote MAC points at the next hop of its best type-2 route, and each router MAC "
    "(RMAC) on an L3VNI's device at a VTEP whose routes carry it, with the device's own VNI and "
    "UDP port.",
    "Frames for it go to the wrong node, or to a VNI or port that nobody takes them from.",
    (BRIDGE_FDB, EVPN_TABLE),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="bridge fdb show dev vxlan2; vtysh -c 'show evpn mac vni 2'; "
    "bridge fdb show dev vxlan4000; vtysh -c 'show evpn rmac vni 4000'",
    remedy="`bridge fdb replace 02:00:00:00:00:99 dev vxlan2 dst 192.168.0.2 self "
    "extern_learn` with the next hop of the best route. Where `show evpn rmac vni 4000` has "
    "the wrong VTEP, too: `systemctl restart frr` on this node.",
    explains=_lacks_entry,
    follows=_from_forwarding_or_peer,
    with_others=True,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)


def examine_flood_lists(view: HostView) -> Iterator[RawFinding]:
    """Flood lists against the group (multicast), the other VTEPs (unicast) or IMET (EVPN)."""
    if view.intent.evpn and view.table_empty:
        return  # every entry would differ, for the one reason that `evpn-empty` gives
    for vxlan in view.l2_vxlans:
        required, allowed = _flood_intent(view, vxlan)
        found = view.floods.get(vxlan.name, {})
        moving = {address for device, address in view.moving if device == vxlan.name}
        missing = required - found.keys() - moving
        for vtep in sorted(missing):
            yield _flood_missing(view, vxlan, vtep)
        for vtep in sorted(found.keys() - required - allowed - moving):
            # One of another VNI or port stands in the place of the missing one.
            if vtep.partition(" ")[0] not in missing:
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


def _flood_missing(view: HostView, vxlan: VxlanIntent, vtep: str) -> RawFinding:
    evidence = lines(
        BRIDGE_FDB, (entry.text for _, entry in sorted(view.floods[vxlan.name].items()))
    )
    if view.intent.evpn and view.routes is not None:
        evidence += lines(EVPN_TABLE, [view.routes.imet[vxlan.vni][vtep].text])
    return FLOOD_MISSING.found(
        view.host,
        f"{vxlan.name} VTEP {vtep}",
        "missing",
        vtep,
        None,
        what="flood list entry",
        evidence=evidence,
        about=_about(vxlan, vtep),
    )


def _flood_unexpected(view: HostView, vxlan: VxlanIntent, vtep: str, entry: FdbEntry) -> RawFinding:
    return FLOOD_UNEXPECTED.found(
        view.host,
        f"{vxlan.name} VTEP {vtep}",
        "extra",
        None,
        vtep,
        what="flood list entry",
        evidence=lines(BRIDGE_FDB, [entry.text]),
        about=_about(vxlan, vtep),
    )


def _about(vxlan: VxlanIntent, vtep: str | None, mac: str | None = None) -> About:
    return About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni, peer=vtep, mac=mac)


def examine_macs(view: HostView) -> Iterator[RawFinding]:
    """Remote MACs of each L2 VNI against the best type-2 routes (an L3VNI's: `router_macs`)."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    for vxlan in view.l2_vxlans:
        entries = view.tunnels.get(vxlan.name, {})
        wanted = _remote_macs(view, vxlan, routes)
        # An entry with a next-hop id (multihoming) names no single VTEP: take it as the route's.
        found = {mac: e.dst or wanted.get(mac) for mac, e in entries.items()}
        different = {mac for mac in unequal(wanted, found) if (vxlan.name, mac) not in view.moving}
        for mac in sorted(view.unbridged(vxlan, wanted.keys() & found.keys()) - different):
            yield unbridged(view, vxlan, f"MAC {mac}", _route_lines(view, vxlan, mac),
                            _about(vxlan, wanted[mac], mac))  # fmt: skip
        if not different:
            continue
        differences = compare_values(
            {mac: wanted[mac] for mac in sorted(different) if mac in wanted},
            {mac: found[mac] for mac in sorted(different) if mac in found},
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


def unbridged(
    view: HostView, vxlan: VxlanIntent, subject: str, evidence: tuple[Evidence, ...], about: About
) -> RawFinding:
    """The finding that a bridge does not know that a MAC is behind the tunnel."""
    return FDB_MISSING.found(
        view.host,
        f"{vxlan.name} {subject}",
        "missing",
        vxlan.name,
        None,
        what=f"forwarding entry of {vxlan.bridge}",
        evidence=evidence,
        about=about,
    )


def _mac_missing(view: HostView, vxlan: VxlanIntent, mac: str, vtep: str) -> RawFinding:
    return FDB_MISSING.found(
        view.host,
        f"{vxlan.name} MAC {mac}",
        "missing",
        vtep,
        None,
        what="forwarding entry",
        evidence=_route_lines(view, vxlan, mac),
        severity=WARNING if view.is_copied(vxlan, mac, vtep) else None,
        about=_about(vxlan, vtep, mac),
    )


def _mac_elsewhere(
    view: HostView, vxlan: VxlanIntent, mac: str, vtep: str, entry: FdbEntry
) -> RawFinding:
    return FDB_WRONG_VTEP.found(
        view.host,
        f"{vxlan.name} MAC {mac}",
        "changed",
        vtep,
        entry.dst,
        attribute="VTEP",
        evidence=lines(BRIDGE_FDB, [entry.text]) + _route_lines(view, vxlan, mac),
        about=_about(vxlan, vtep, mac),
    )


def _mac_stale(view: HostView, vxlan: VxlanIntent, mac: str, entry: FdbEntry) -> RawFinding:
    return FDB_STALE.found(
        view.host,
        f"{vxlan.name} MAC {mac}",
        "extra",
        None,
        entry.dst,
        what="forwarding entry",
        evidence=lines(BRIDGE_FDB, [entry.text]),
        about=_about(vxlan, entry.dst, mac),
    )


def _route_lines(view: HostView, vxlan: VxlanIntent, mac: str) -> tuple[Evidence, ...]:
    if view.routes is None:
        return ()
    return lines(EVPN_TABLE, (path.text for path in view.routes.paths_of(vxlan.vni, mac)))


FLOOD_LISTS = Plane(examine_flood_lists, (FLOOD_MISSING, FLOOD_UNEXPECTED))
MACS = Plane(examine_macs, (FDB_STALE, FDB_MISSING, FDB_WRONG_VTEP))
