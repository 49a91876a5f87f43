"""Route distinguishers under which several nodes originate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn
from drift.causes import Broken, renews_routes
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Across
from drift.routes import vnis_of
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath

_FEW = 5


def _from_router_id(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ROUTER_ID_IN_USE, raw.about.router_id
    yield Broken.ROUTER_ID, raw.finding.host


RD_DUPLICATE = Check(
    "rd-duplicate",
    CRITICAL,
    "RD used twice",
    "No two originators use one route distinguisher.",
    "A reflector passes on only one of two routes that have the same RD and prefix.",
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


class RouteDistinguishers:
    """Which next hops stand under which RD, and which RDs are whose own."""

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._hops: dict[str, str | None] = {}
        self._shared: dict[str, set[str | None]] = {}
        self._witness: dict[str, str] = {}
        self._own: dict[tuple[str, str], EvpnPath] = {}

    def add(self, view: HostView) -> None:
        routes = view.routes
        if routes is None:
            return
        for path in routes.local:
            self._own.setdefault((view.host, path.rd), path)
        for rd, hop in routes.hops.items():
            if self._hops.setdefault(rd, hop) != hop:
                self._share(rd, {self._hops[rd], hop}, view.host)
        for rd, hops in routes.shared.items():
            self._share(rd, hops, view.host)

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


def _rd_topics(own: EvpnPath | None) -> frozenset[tuple[object, ...]]:
    """An RD is set for a whole instance, or for the VNI of its routes."""
    vnis = vnis_of(own) if own is not None else frozenset()
    return frozenset({("bgp", "rd"), *((Broken.VNI, vni) for vni in vnis)})


ACROSS = Across(RD_DUPLICATE, RouteDistinguishers)
