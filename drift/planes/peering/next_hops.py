"""Next hops of EVPN routes: the VTEP that originates them, whoever passes them on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath

_SHOWN = 6


def _misleads(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    """Who rewrites them, and what a node makes of routes that lead to somebody else."""
    host, hop = raw.finding.host, raw.about.peer
    yield Broken.MISLED, hop
    yield Broken.SOURCE, hop
    own = next((address for address, name in owner.items() if name == host), None)
    if own is not None:
        yield Broken.CONFIG, peer_of(raw, owner), ("neighbor", own)


NEXT_HOP = Check(
    "next-hop",
    CRITICAL,
    "next hop rewritten",
    "The routes of a VTEP lead to that VTEP: whoever passes them on leaves their next hop as it "
    "is. The type-3 routes, which name their VTEP, show it.",
    "Frames are tunnelled to the node that has passed the routes on, which drops them.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show bgp l2vpn evpn route type multicast'",
    remedy="The address that is named is that of the node that rewrites it. There, in the EVPN "
    "family: `no neighbor 192.168.0.1 next-hop-self force`; on a switch: `next-hop unchanged`. FRR "
    "by itself leaves next hops of EVPN as they are, over eBGP, too.",
    explains=_misleads,
    depth=Depth.ROUTE - 1,
)


def examine_next_hops(view: HostView) -> Iterator[RawFinding]:
    """One finding for each address that stands in the place of the VTEPs' own."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    wrong: dict[str, dict[str, EvpnPath]] = defaultdict(dict)
    for received in routes.imet.values():
        for vtep, path in received.items():
            if path.next_hop not in (None, path.ip) and _is_ours(view.intent, vtep):
                wrong[str(path.next_hop)][vtep] = path
    for hop, paths in sorted(wrong.items()):
        vteps = sorted(paths)
        yield NEXT_HOP.found(
            view.host,
            f"next hop {hop}",
            "changed",
            vteps,
            hop,
            attribute="next hop",
            evidence=lines(EVPN_TABLE, (path.text for path in paths.values()), limit=_SHOWN),
            about=About(
                peer=hop,
                topics=frozenset(
                    ("neighbor", it)
                    for vtep in vteps
                    for it in view.intent.senders(view.node, vtep)
                ),
                group=("next-hop", hop),
            ),
        )


def _is_ours(intent: FabricIntent, vtep: str) -> bool:
    node = intent.nodes.get(intent.owner.get(vtep, ""))
    return node is not None and node.carries


PLANE = Plane(examine_next_hops, (NEXT_HOP,))
