"""MAC routes that their originator has and another node of the VNI lacks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from drift.applies import with_evpn_vnis
from drift.causes import Broken, from_exchange, peer_of
from drift.facts.shared import names_in
from drift.model import CRITICAL, About, Check, Depth, Pairwise
from drift.plane import Across
from drift.routes import MAC_IP
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import FabricIntent

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


@dataclass(frozen=True, slots=True)
class _Facts:
    """One node's type-2 routes.

    `held` are names of its sets of prefixes, one set for each RD, and `own` those of the sets that
    it originates itself, each with the VNIs of its prefixes. `deaf` maps each of its VNIs to the
    intended VTEPs that it has no IMET route of.
    """

    held: bytes
    own: tuple[tuple[bytes, dict[str, frozenset[int]]], ...]
    deaf: dict[int, frozenset[str]]


def _facts(view: HostView, shared: Shared) -> _Facts | None:
    routes = view.routes
    if routes is None or view.table_empty:
        return None
    held = b"".join(_name(shared, rd, macs) for rd, macs in routes.held_macs().items())
    vnis = {vxlan.vni for vxlan in view.l2_vxlans}
    gateways = {bridge.mac for bridge in view.node.bridges if bridge.routed}
    own = tuple(
        (_name(shared, rd, frozenset(prefixes)), prefixes)
        for rd, prefixes in _originated(routes, vnis, gateways).items()
    )
    vteps = view.intent.vteps
    deaf = {
        vni: vteps.get(vni, frozenset()) - routes.imet.get(vni, {}).keys() for vni in sorted(vnis)
    }
    return _Facts(held, own, deaf)


def _name(shared: Shared, rd: str, macs: frozenset[str]) -> bytes:
    return shared.name(lambda: "\0".join(["macs", rd, *sorted(macs)]), (rd, macs))


def _originated(
    routes: Routes, ours: set[int], gateways: set[str | None]
) -> dict[str, dict[str, frozenset[int]]]:
    """By RD. Other nodes have an anycast gateway's MAC themselves, and take no route to it."""
    by_rd: dict[str, dict[str, frozenset[int]]] = defaultdict(dict)
    known: dict[tuple[str, ...], frozenset[int]] = {}
    for path in routes.local:
        if path.route_type == MAC_IP and path.best and path.mac not in gateways:
            vnis = known.setdefault(path.route_targets, routes.vnis_of(path) & ours)
            if vnis:
                by_rd[path.rd][path.prefix] = vnis
    return by_rd


class MacRoutes:
    """The type-2 routes that each node originates, and those that each node has.

    Of a set of routes under one RD all nodes mostly have the same: it is kept once, under a name.
    So a node costs as many names as it hears RDs, and whole sets of names are compared.
    """

    def __init__(self, intent: FabricIntent, named: Mapping[bytes, Any]) -> None:
        self._intent = intent
        self._named = named
        self._facts: dict[str, _Facts] = {}
        self._own: dict[bytes, list[str]] = defaultdict(list)
        self._vnis: dict[bytes, dict[str, frozenset[int]]] = {}

    def add(self, host: str, facts: _Facts | None) -> None:
        if facts is None:
            return
        self._facts[host] = facts
        for name, prefixes in facts.own:
            self._own[name].append(host)
            self._vnis[name] = prefixes

    @cached_property
    def _moved(self) -> frozenset[tuple[int, str]]:
        """(VNI, MAC) that several nodes originate: one of them is just giving it up."""
        origins: dict[tuple[int, str], str] = {}
        moved = set()
        for name, hosts in self._own.items():
            for prefix, vnis in self._vnis[name].items():
                for claim in ((vni, _mac_of(prefix)) for vni in vnis):
                    if origins.setdefault(claim, hosts[0]) != hosts[0]:
                        moved.add(claim)
        return frozenset(moved)

    def findings(self) -> Iterator[RawFinding]:
        by_carriers: dict[frozenset[frozenset[str]], frozenset[bytes]] = {}
        for host, facts in sorted(self._facts.items()):
            # Those that carry a VNI of its own; nobody else's routes are asked for.
            carriers = frozenset(self._intent.vteps.get(vni, frozenset()) for vni in facts.deaf)
            if carriers not in by_carriers:
                by_carriers[carriers] = self._originated_by(carriers)
            held = frozenset(names_in(facts.held))
            unlike = by_carriers[carriers] - held
            if not unlike:
                continue
            here: dict[str, set[str]] = defaultdict(set)
            for name in held:
                rd, macs = self._named[name]
                here[rd] |= macs
            for rd, name in sorted((self._named[name][0], name) for name in unlike):
                lacking = self._named[name][1] - here[rd]
                if lacking:
                    yield from self._of_rd(host, name, lacking)

    def _originated_by(self, carriers: frozenset[frozenset[str]]) -> frozenset[bytes]:
        owner = self._intent.owner
        origins = {owner.get(vtep) for vtep in frozenset[str]().union(*carriers)}
        return frozenset(
            name
            for origin in origins
            if origin is not None and origin in self._facts
            for name, _ in self._facts[origin].own
        )

    def _of_rd(self, host: str, own: bytes, lacking: frozenset[str]) -> Iterator[RawFinding]:
        deaf = self._facts[host].deaf
        for origin in self._own[own]:
            address = self._intent.nodes[origin].address
            by_vni: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
            for prefix in sorted(lacking):
                mac = _mac_of(prefix)
                for vni in self._vnis[own][prefix]:
                    # Without its IMET route all of that VTEP is missing: `imet-missing` says so.
                    heard = origin != host and vni in deaf and address not in deaf[vni]
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
                topics=frozenset(
                    ("neighbor", it)
                    for it in self._intent.senders(self._intent.nodes[host], address)
                ),
                group=("mac-route-missing", host, origin),
            ),
        )


def _mac_of(prefix: str) -> str:
    """`[2]:[0]:[48]:[mac]…`: its fourth part."""
    return prefix.split("]:[")[3].strip("[]")


ACROSS = Across(MAC_ROUTE_MISSING, _facts, MacRoutes)
