"""Route distinguishers under which several nodes originate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drift.applies import with_evpn
from drift.causes import Broken, renews_routes
from drift.evidence import lines
from drift.facts.shared import names_in
from drift.model import WARNING, About, Check
from drift.plane import Across
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent

_FEW = 5


def _from_router_id(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ROUTER_ID_IN_USE, raw.about.router_id
    yield Broken.ROUTER_ID, raw.finding.host
    # The second originator may be one that has only passed the routes on.
    hops = raw.finding.actual
    yield from ((Broken.MISLED, hop) for hop in (hops if isinstance(hops, (list, tuple)) else ()))


RD_DUPLICATE = Check(
    "rd-duplicate",
    WARNING,
    "RD used twice",
    "No two originators use one route distinguisher.",
    "A reflector passes on only one of two routes that have the same RD and prefix: a default "
    "route's second exit, or a guest's new place, is not known until the first is gone.",
    (EVPN_TABLE,),
    applies=with_evpn,
    confirm="vtysh -c 'show bgp l2vpn evpn vni'",
    remedy="On the node where it was set by hand: `vtysh -c 'configure terminal' -c 'router "
    "bgp 1234' -c 'address-family l2vpn evpn' -c 'no vni 2'`. FRR derives an RD from "
    "the router-id: if two nodes share it, fix that first.",
    explains=renews_routes,
    follows=_from_router_id,
    with_others=True,
)


@dataclass(frozen=True, slots=True)
class _Own:
    """One path that a node originates under an RD: its lines, and its VNIs."""

    text: str
    vnis: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Facts:
    """`hops` are names of (RD, next hop), `shared` the RDs with several next hops on this node."""

    own: dict[str, _Own] = field(default_factory=dict)
    hops: bytes = b""
    shared: dict[str, set[str | None]] = field(default_factory=dict)


def _facts(view: HostView, shared: Shared) -> _Facts:
    routes = view.routes
    if routes is None:
        return _Facts()
    own: dict[str, _Own] = {}
    for path in routes.local:
        if path.rd not in own:
            own[path.rd] = _Own(path.text, routes.vnis_of(path))
    named = b"".join(_name(shared, rd, hop) for rd, hop in routes.hops.items())
    return _Facts(own, named, routes.shared)


def _name(shared: Shared, rd: str, hop: str | None) -> bytes:
    return shared.name(lambda: f"hop\0{rd}\0{hop}", (rd, hop))


class RouteDistinguishers:
    """Which next hops stand under which RD, and which RDs are whose own."""

    def __init__(self, intent: FabricIntent, named: Mapping[bytes, Any]) -> None:
        self._intent = intent
        self._named = named
        self._seen: set[bytes] = set()
        self._hops: dict[str, str | None] = {}
        self._shared: dict[str, set[str | None]] = {}
        self._witness: dict[str, str] = {}
        self._own: dict[tuple[str, str], _Own] = {}

    def add(self, host: str, facts: _Facts) -> None:
        for rd, own in facts.own.items():
            self._own[host, rd] = own
        for name in names_in(facts.hops):
            # What an earlier node has too adds nothing: it is the first witness.
            if name not in self._seen:
                self._seen.add(name)
                rd, hop = self._named[name]
                if self._hops.setdefault(rd, hop) != hop:
                    self._share(rd, {self._hops[rd], hop}, host)
        for rd, hops in facts.shared.items():
            self._share(rd, hops, host)

    def _share(self, rd: str, hops: Collection[str | None], witness: str) -> None:
        self._shared.setdefault(rd, set()).update(hops)
        self._witness.setdefault(rd, witness)

    def findings(self) -> Iterator[RawFinding]:
        for rd, hops in sorted(self._shared.items()):
            owners = {
                owner
                for owner in (self._intent.owner.get(hop or "") for hop in hops)
                if owner is not None and (owner, rd) in self._own
            }
            for host in sorted(owners or {self._witness[rd]}):
                own = self._own.get((host, rd))
                yield RD_DUPLICATE.found(
                    host,
                    f"RD {rd}",
                    "changed",
                    "one originator",
                    sorted(str(hop) for hop in hops)[:_FEW],
                    attribute="originators",
                    evidence=lines(EVPN_TABLE, [own.text] if own else []),
                    about=About(
                        router_id=rd.rpartition(":")[0],
                        group=("rd-duplicate", rd),
                        topics=_rd_topics(own),
                    ),
                )


def _rd_topics(own: _Own | None) -> frozenset[tuple[object, ...]]:
    """An RD is set for a whole instance, or for the VNI of its routes."""
    vnis = own.vnis if own is not None else frozenset()
    return frozenset({("bgp", "rd"), *((Broken.VNI, vni) for vni in vnis)})


ACROSS = Across(RD_DUPLICATE, _facts, RouteDistinguishers)
