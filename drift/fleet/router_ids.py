"""BGP router-ids: each as intended, and no two alike."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_evpn
from drift.causes import Broken, renews_routes
from drift.evidence import lines
from drift.fleet.other_nodes import other_nodes
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Across
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent


def _renames_router(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield from renews_routes(raw, owner)
    yield Broken.ROUTER_ID, raw.finding.host
    yield Broken.ROUTER_ID_IN_USE, raw.finding.actual


ROUTER_ID = Check(
    "router-id",
    CRITICAL,
    "wrong router-id",
    "The BGP router-id is the intended one, and no other node uses it.",
    "Two speakers with one router-id build no session, and their RDs collide. One that nobody else "
    "has is a warning.",
    (EVPN_TABLE,),
    applies=with_evpn,
    confirm="vtysh -c 'show bgp l2vpn evpn summary'",
    remedy="`vtysh -c 'configure terminal' -c 'router bgp 1234' -c 'bgp router-id "
    "192.168.0.1'`. All its BGP sessions restart.",
    explains=_renames_router,
    depth=Depth.PROTOCOL + 1,
)


def _router_id(view: HostView, _shared: Shared) -> tuple[str, str] | None:
    """Its router-id, and the line that says so."""
    if view.table is None or not view.table.router_id:
        return None
    return view.table.router_id, view.table.head


class RouterIds:
    """Which nodes use which router-id."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._intent = intent
        self._router_ids: dict[str, list[str]] = defaultdict(list)
        self._heads: dict[str, str] = {}

    def add(self, host: str, facts: tuple[str, str] | None) -> None:
        if facts is not None:
            router_id, self._heads[host] = facts
            self._router_ids[router_id].append(host)

    def findings(self) -> Iterator[RawFinding]:
        for router_id, hosts in sorted(self._router_ids.items()):
            for host in sorted(hosts):
                bgp = self._intent.nodes[host].bgp
                if bgp is None or bgp.router_id == router_id:
                    continue
                shared = f" (also on {other_nodes(hosts, host)})" if len(hosts) > 1 else ""
                yield ROUTER_ID.found(
                    host,
                    "bgp",
                    "changed",
                    bgp.router_id,
                    router_id,
                    attribute="router-id",
                    what=f"router-id{shared}",
                    evidence=lines(EVPN_TABLE, [self._heads[host]]),
                    severity=None if shared else WARNING,
                    about=About(topics=frozenset({("bgp", "router-id")})),
                )


ACROSS = Across(ROUTER_ID, _router_id, RouterIds)
