"""MAC routes that their originator has and another node of the VNI lacks."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken, from_exchange, peer_of
from drift.model import CRITICAL, About, Check, Depth, Pairwise
from drift.plane import Across
from drift.routes import MAC_IP, vnis_of
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import FabricIntent

    # A set of prefixes under one RD, known by its number.
    _Held = tuple[str, int]

# More of one VTEP in one VNI are one finding.
_MOST_MACS = 5
_SHOWN = 5


def _from_exchange(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, peer, vni = raw.finding.host, peer_of(raw, owner), raw.about.vni
    # What looks like the node's own is thrown away: its VTEP address, its router MAC, its RD.
    yield Broken.TAKEN, host, raw.about.peer
    yield Broken.ROUTER_MAC, host
    for node in (peer, host):
        yield Broken.ROUTER_ID, node
        yield Broken.RENEWED, node
        yield Broken.BGP, node
        yield Broken.UNDERLAY, node
    yield from from_exchange(raw, owner)
    yield Broken.VNI, peer, vni
    yield Broken.MAC, vni, raw.about.mac


MAC_ROUTE_MISSING = Check(
    "mac-route-missing",
    CRITICAL,
    "MAC route lost on the way",
    "Each type-2 route that a node originates is a best route of every other node that carries the "
    "VNI and has that node's IMET route.",
    "The node does not know where that MAC is: frames for it are lost, or flooded.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show bgp l2vpn evpn route type macip' | grep 02:00:00:00:00:99",
    remedy="The session passes the IMET route, so it is up: look for a filter on the way, `vtysh "
    "-c 'show bgp neighbors 192.168.0.2'` on both ends and on the reflectors (route-map, "
    "`maximum-prefix`). Without one, have the routes come again on the node that lacks them: "
    "`vtysh -c 'clear bgp l2vpn evpn 192.168.0.2 soft in'`.",
    follows=_from_exchange,
    depth=Depth.ROUTE + 1,
    pairwise=Pairwise.ROUTE,
    with_others=True,
    transient=True,
)


class MacRoutes:
    """The type-2 routes that each node originates, and those that each node has.

    Of a set of routes under one RD all nodes mostly have the same: it is kept once, under a number.
    So a node costs as many numbers as it hears RDs, and whole sets of numbers are compared.
    """

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._numbers: dict[tuple[str, frozenset[str]], int] = {}
        self._sets: list[frozenset[str]] = []
        self._held: dict[str, set[_Held]] = {}
        self._imet: dict[str, dict[int, frozenset[str]]] = {}
        self._own: dict[_Held, list[str]] = defaultdict(list)
        self._vnis: dict[_Held, dict[str, frozenset[int]]] = {}

    def add(self, view: HostView) -> None:
        routes = view.routes
        if routes is None or view.table_empty:
            return
        held = {(rd, self._number(rd, macs)) for rd, macs in routes.held_macs().items()}
        self._held[view.host] = held
        vnis = {vxlan.vni for vxlan in view.l2_vxlans}
        self._imet[view.host] = {vni: frozenset(routes.imet.get(vni, ())) for vni in vnis}
        self._add_own(view.host, routes, vnis)

    def _number(self, rd: str, macs: frozenset[str]) -> int:
        number = self._numbers.setdefault((rd, macs), len(self._sets))
        if number == len(self._sets):
            self._sets.append(macs)
        return number

    def _add_own(self, host: str, routes: Routes, ours: set[int]) -> None:
        by_rd: dict[str, dict[str, frozenset[int]]] = defaultdict(dict)
        for path in routes.local:
            if path.route_type == MAC_IP and path.best:
                vnis = vnis_of(path) & ours
                if vnis:
                    by_rd[path.rd][path.prefix] = vnis
        for rd, prefixes in by_rd.items():
            key = rd, self._number(rd, frozenset(prefixes))
            self._own[key].append(host)
            self._vnis[key] = prefixes

    @cached_property
    def _moved(self) -> frozenset[tuple[int, str]]:
        """(VNI, MAC) that several nodes originate: one of them is just giving it up."""
        origins: dict[tuple[int, str], str] = {}
        moved = set()
        for key, hosts in self._own.items():
            for prefix, vnis in self._vnis[key].items():
                for claim in ((vni, _mac_of(prefix)) for vni in vnis):
                    if origins.setdefault(claim, hosts[0]) != hosts[0]:
                        moved.add(claim)
        return frozenset(moved)

    def findings(self) -> Iterator[RawFinding]:
        everything = self._own.keys()
        for host, held in sorted(self._held.items()):
            unlike = everything - held
            if not unlike:
                continue
            here: dict[str, set[int]] = defaultdict(set)
            for rd, number in held:
                here[rd].add(number)
            for rd, number in sorted(unlike):
                present = frozenset[str]().union(*(self._sets[n] for n in here[rd]))
                lacking = self._sets[number] - present
                if lacking:
                    yield from self._of_rd(host, (rd, number), lacking)

    def _of_rd(self, host: str, key: _Held, lacking: frozenset[str]) -> Iterator[RawFinding]:
        for origin in self._own[key]:
            address = self._intent.nodes[origin].address
            by_vni: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
            for prefix in sorted(lacking):
                mac = _mac_of(prefix)
                for vni in self._vnis[key][prefix]:
                    # Without its IMET route all of that VTEP is missing: `imet-missing` says so.
                    heard = origin != host and address in self._imet[host].get(vni, ())
                    if heard and (vni, mac) not in self._moved:
                        by_vni[vni][mac].append(prefix)
            for vni, macs in sorted(by_vni.items()):
                yield from self._of_vni(host, vni, origin, macs)

    def _of_vni(
        self, host: str, vni: int, origin: str, macs: dict[str, list[str]]
    ) -> Iterator[RawFinding]:
        if len(macs) <= _MOST_MACS:
            for mac, prefixes in macs.items():
                yield self._finding(host, vni, origin, f"MAC {mac}", prefixes, mac)
            return
        more = [f"and {len(macs) - _SHOWN} more"] if len(macs) > _SHOWN else []
        shown = [*list(macs)[:_SHOWN], *more]
        address = self._intent.nodes[origin].address
        yield self._finding(host, vni, origin, f"MACs of VTEP {address}", shown, None)

    def _finding(
        self,
        host: str,
        vni: int,
        origin: str,
        subject: str,
        expected: list[str],
        mac: str | None,
    ) -> RawFinding:
        address = self._intent.nodes[origin].address
        return MAC_ROUTE_MISSING.found(
            host,
            f"VNI {vni} {subject}",
            "missing",
            expected,
            None,
            what=f"route of {origin}",
            about=About(
                vni=vni,
                peer=address,
                mac=mac,
                topics=frozenset(("neighbor", peer) for peer in self._senders(host, address)),
                group=("mac-route-missing", host, origin),
            ),
        )

    def _senders(self, host: str, origin: str) -> list[str]:
        """Who tells the node of that VTEP's routes: itself, or the reflectors."""
        bgp = self._intent.nodes[host].bgp
        peers = list(bgp.peers) if bgp else []
        return [origin] if origin in peers else peers


def _mac_of(prefix: str) -> str:
    """`[2]:[0]:[48]:[mac]…`: its fourth part."""
    return prefix.split("]:[")[3].strip("[]")


ACROSS = Across(MAC_ROUTE_MISSING, MacRoutes)
