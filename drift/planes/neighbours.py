"""Neighbour entries that zebra makes of EVPN routes: next hops of VRFs, and remote guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_gateways, with_neighbours
from drift.causes import Broken, from_forwarding, from_interface, from_vni, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check
from drift.plane import Plane
from drift.vrf_evpn_routes import next_hop_of, own_router_macs, routed_paths
from overlay.outputs import BRIDGE_FDB_LATER, EVPN_TABLE, IP_ADDRESS, IP_NEIGH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.host_records import Neighbour
    from overlay.records import EvpnPath

    # By address, the entries on one device.
    Table = dict[str, Neighbour]

_MAC_IP = 2
_SHOWN = 3
# Asked for and not answered: there is no MAC, or one that is no longer used.
_LASTING = frozenset({"PERMANENT", "NOARP"})
_TO_A_GROUP = 0x01  # in the first byte of a MAC
_UNANSWERED = frozenset({"FAILED", "INCOMPLETE"})


def _loses_next_hop(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.about.vrf is not None:
        yield Broken.NEIGHBOUR, raw.finding.host, peer_of(raw, owner)
        yield Broken.NEIGHBOUR, raw.finding.host


def _from_entries(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield from from_forwarding(raw, owner)
    yield Broken.ENTRY, host, about.vni, about.mac
    if about.vrf is None:
        yield Broken.NEIGHBOUR, host, peer_of(raw, owner)
        if raw.finding.kind == "missing":
            # Who has lost or flushed one entry of zebra's has mostly lost others, too.
            yield Broken.NEIGHBOUR, host
    # Where two nodes send from one address, the owner's next hops may be the other's.
    for address, node in owner.items():
        if node == host:
            yield Broken.SOURCE, address


def _from_its_bridge(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from from_interface(raw, owner)
    yield from from_vni(raw, owner)  # without ARP a bridge makes such entries itself


NEIGHBOR_MISSING = Check(
    "neighbor-missing",
    CRITICAL,
    "neighbour missing or wrong",
    "On an L3VNI's bridge each VTEP that the VRF routes to has a neighbour entry with the router "
    "MAC (RMAC) of its routes, and on a bridge with ARP suppression each remote guest's address "
    "one with the guest's MAC.",
    "Packets that are routed to that VTEP leave with a wrong MAC or not at all; for a guest, ARP "
    "is answered wrongly or not at all. It is a warning where ARP for the guest is flooded instead "
    "and nothing is routed by the entry.",
    (EVPN_TABLE, IP_NEIGH),
    by_vni=True,
    applies=with_neighbours,
    confirm="ip neigh show dev vmbr4000; vtysh -c 'show evpn next-hops vni 4000' -c 'show evpn "
    "rmac vni 4000'; ip neigh show dev vmbr2; vtysh -c 'show evpn arp-cache vni 2'",
    remedy="`ip neigh replace 192.168.0.2 dev vmbr4000 lladdr 02:00:00:00:00:02 nud noarp "
    "extern_learn proto zebra` with the MAC that is expected. zebra puts back an entry that is "
    "deleted, not one that somebody has replaced. `vtysh -c 'clear bgp l2vpn evpn *'` has it make "
    "all of them again (sessions start again).",
    explains=_loses_next_hop,
    follows=_from_entries,
    with_others=True,
    transient=True,
    reads=(IP_ADDRESS, BRIDGE_FDB_LATER),
)


NEIGHBOR_STATIC = Check(
    "neighbor-static",
    CRITICAL,
    "static neighbour entry",
    "On the bridge of a network with a gateway no neighbour entry lasts for ever (permanent, "
    "noarp) but those of FRR.",
    "What the node routes to that address, its gateway's replies included, goes to that MAC: where "
    "nobody has it, or another guest than the one that EVPN tells of, it is lost. Else it is a "
    "warning: it will be, when the guest changes its MAC or another one takes the address.",
    (IP_NEIGH,),
    applies=with_gateways,
    confirm="ip neigh show dev vmbr2 nud permanent nud noarp; bridge fdb show br vmbr2",
    remedy="`ip neigh del 10.0.2.1 dev vmbr2`: the node asks for the MAC again. One that is meant "
    "to be there belongs into suppressions.yaml.",
    follows=_from_its_bridge,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)


def examine_static(view: HostView) -> Iterator[RawFinding]:
    """The permanent entries on gateways' bridges which nothing but somebody's hand makes."""
    for vxlan in view.l2_vxlans:
        bridge = view.bridges.get(vxlan.bridge)
        if bridge is None or not bridge.routed:
            continue
        for entry in filter(_is_by_hand, view.neighbours.get(bridge.name, ())):
            if any(not it.local and it.mac != entry.mac for it in _told(view, vxlan, entry)):
                continue  # it is the wrong entry of another node's guest: `neighbor-missing`
            yield NEIGHBOR_STATIC.found(
                view.host,
                f"{bridge.name} guest {entry.address}",
                "extra",
                None,
                entry.mac,
                what="static neighbour entry",
                evidence=lines(IP_NEIGH, [entry.text]),
                severity=None if _leads_astray(view, vxlan, entry) else WARNING,
                about=About(
                    device=bridge.name,
                    vni=vxlan.vni,
                    vrf=bridge.vrf,
                    address=entry.address,
                    group=("neighbor-static", view.host, bridge.vrf),
                ),
            )


def _leads_astray(view: HostView, vxlan: VxlanIntent, entry: Neighbour) -> bool:
    """Whether its MAC is nowhere, the node's own, or behind the tunnel and another address's."""
    if (vxlan.bridge, entry.mac) in view.housed:
        return any(link.mac == entry.mac for link in view.links.values())
    if entry.mac not in view.tunnels.get(vxlan.name, {}):
        return True
    told = _told(view, vxlan, entry)
    return view.routes is not None and all(path.mac != entry.mac for path in told)


def _told(view: HostView, vxlan: VxlanIntent, entry: Neighbour) -> Sequence[EvpnPath]:
    """What EVPN tells of the entry's address in that VNI."""
    if view.routes is None:
        return ()
    return view.routes.addressed.get(vxlan.vni, {}).get((entry.address, None), ())


def _is_by_hand(entry: Neighbour) -> bool:
    """True for a guest's entry that stays until somebody takes it away, and is not zebra's."""
    if "extern_learn" in entry.flags or "proxy" in entry.flags:
        return False
    if _LASTING.isdisjoint(entry.states):
        return False
    # The kernel's own entries for multicast and broadcast last, too.
    return entry.mac is not None and not int(entry.mac[:2], 16) & _TO_A_GROUP


def examine_neighbours(view: HostView) -> Iterator[RawFinding]:
    """The next hops of each L3VNI, then the guests of each VNI that suppresses ARP."""
    routes = view.routes
    if routes is None or view.table_empty or view.state.neighbours is None:
        return
    tables: dict[str, Table] = {
        vxlan.bridge: {
            entry.address: entry
            for entry in view.neighbours.get(vxlan.bridge, ())
            if "proxy" not in entry.flags
        }
        for vxlan in view.node.vxlans
    }
    for vxlan in view.l3_vxlans:
        if view.is_ready(vxlan):
            yield from _next_hops(view, vxlan, routes, tables[vxlan.bridge])
    for vxlan in view.l2_vxlans:
        if vxlan.flags.neigh_suppress and view.is_ready(vxlan):
            yield from _guests(view, vxlan, routes, tables[vxlan.bridge])


def _next_hops(
    view: HostView, vxlan: VxlanIntent, routes: Routes, table: Table
) -> Iterator[RawFinding]:
    own = own_router_macs(view, vxlan, routes)
    wanted: dict[str, list[EvpnPath]] = {}
    for path in routed_paths(view, vxlan, routes):
        known = path.rmac is not None and path.next_hop is not None
        if known and path.rmac not in own and (vxlan.name, path.rmac) not in view.moving:
            wanted.setdefault(next_hop_of(path), []).append(path)
    wrong = [
        address
        for address, paths in wanted.items()
        if _mac(table.get(address)) not in {path.rmac for path in paths}
    ]
    vrf = view.bridges[vxlan.bridge].vrf
    for address in sorted(wrong):
        paths = wanted[address]
        vtep = paths[0].next_hop
        mapped = "" if address == vtep else " for IPv6"
        about = About(
            device=vxlan.bridge,
            vni=vxlan.vni,
            vrf=vrf,
            peer=vtep,
            mac=paths[0].rmac,
            # All of a VRF is one fact; else what leads to one VTEP, by IPv4 and IPv6.
            group=(
                "next hops", view.host, vxlan.vni, *(() if len(wrong) == len(wanted) else (vtep,))
            ),
        )  # fmt: skip
        subject = f"{vxlan.bridge} VTEP {vtep}{mapped}"
        yield _finding(view, subject, paths, table.get(address), about)


def _guests(
    view: HostView, vxlan: VxlanIntent, routes: Routes, table: Table
) -> Iterator[RawFinding]:
    bridge = view.bridges[vxlan.bridge]
    addresses = {address.partition("/")[0] for address in bridge.addresses}
    six = _has_ipv6(view, vxlan.bridge)
    for (ip, _), paths in sorted(routes.addressed.get(vxlan.vni, {}).items(), key=_by_address):
        first, entry = paths[0], table.get(ip)
        if first.mac == _mac(entry) or first.route_type != _MAC_IP:
            continue
        # In two places, with two MACs, or here already: just moving, or another check's to say.
        alone = len({(path.mac, path.next_hop) for path in paths}) == 1
        if not alone or any(path.local for path in paths) or ip in addresses:
            continue
        mac = first.mac or ""
        here = (vxlan.bridge, mac) in view.housed or (vxlan.name, mac) in view.moving
        if here or mac == bridge.mac or (entry is None and ":" in ip and not six):
            continue
        about = About(
            device=vxlan.bridge,
            vni=vxlan.vni,
            peer=first.next_hop,
            mac=mac,
            group=("guests", view.host, vxlan.vni),
        )
        harmless = _is_harmless(view, vxlan, ip, entry)
        yield _finding(view, f"{vxlan.bridge} guest {ip}", paths, entry, about, harmless=harmless)


def _is_harmless(view: HostView, vxlan: VxlanIntent, ip: str, entry: Neighbour | None) -> bool:
    """True when guests still reach another one of which this entry is missing or wrong.

    The bridge answers ARP by an entry whose MAC is behind the tunnel, and floods the request
    otherwise; neighbour discovery is multicast. What the node itself routes goes by host routes
    where there is an L3VNI, and by this entry elsewhere.
    """
    bridge = view.bridges[vxlan.bridge]
    routed_by_it = bool(bridge.addresses) and bridge.vrf not in view.l3vni_by_vrf
    answered = _mac(entry) in view.tunnels.get(vxlan.name, {})
    flooded = ":" not in ip or vxlan.flags.multicast_flood
    return flooded and not answered and not routed_by_it


def _by_address(item: tuple[tuple[str, int | None], object]) -> str:
    return item[0][0]


def _has_ipv6(view: HostView, bridge: str) -> bool:
    """False where the kernel has no IPv6 on a bridge, or that is not known: no entry can be."""
    link = (view.state.addresses or {}).get(bridge)
    return link is not None and any(":" in address.ip for address in link.addresses)


def _mac(entry: Neighbour | None) -> str | None:
    if entry is None or not _UNANSWERED.isdisjoint(entry.states):
        return None
    return entry.mac


def _finding(
    view: HostView,
    subject: str,
    paths: list[EvpnPath],
    entry: Neighbour | None,
    about: About,
    *,
    harmless: bool = False,
) -> RawFinding:
    found = _mac(entry)
    if entry is not None and found is None:
        found = " ".join(entry.states) or "no MAC"
    macs = (path.rmac if about.vrf is not None else path.mac for path in paths)
    wanted = sorted({mac for mac in macs if mac is not None})
    return NEIGHBOR_MISSING.found(
        view.host,
        subject,
        "missing" if _mac(entry) is None else "changed",
        wanted,
        found,
        what=f"MAC of the neighbour on {about.device}",
        severity=WARNING if harmless else None,
        evidence=lines(IP_NEIGH, [entry.text] if entry is not None else [])
        + lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN),
        about=about,
    )


PLANE = Plane(examine_neighbours, (NEIGHBOR_MISSING,))
STATIC = Plane(examine_static, (NEIGHBOR_STATIC,))
