"""The AS that a node speaks as, and those that it takes its EVPN peers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import session_slugs, with_evpn
from drift.causes import Broken, peer_of, renews_routes
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from drift.planes.sessions import is_alone, stops_exchange
from overlay.outputs import EVPN_SUMMARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView

_DOTTED = 1 << 16


def _stops_sessions(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host = raw.finding.host
    if raw.about.peer is None:
        yield Broken.BGP, host
        yield from renews_routes(raw, owner)
        return
    yield Broken.REFUSED, *sorted((host, peer_of(raw, owner)))
    yield from stops_exchange(raw, owner)


SESSION_AS = Check(
    "session-as",
    CRITICAL,
    "wrong AS of a BGP session",
    "The node speaks as its own AS, and takes each EVPN peer for one of the AS that the intent "
    "gives it.",
    "BGP refuses a peer of another AS. A session that comes up nevertheless is an eBGP session in "
    "place of an iBGP one, or the other way round, and passes on other routes.",
    (EVPN_SUMMARY,),
    needs_on=session_slugs,
    applies=with_evpn,
    confirm="vtysh -c 'show bgp l2vpn evpn summary'",
    remedy="`plan` shows on which of the two ends frr.conf differs; there "
    "`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf` brings the file's AS back.",
    explains=_stops_sessions,
    depth=Depth.SESSION - 1,
)


def examine_systems(view: HostView) -> Iterator[RawFinding]:
    """The AS of both ends of each intended session, as the node's own summary has them."""
    peers, bgp = view.state.evpn_peers, view.node.bgp
    if peers is None or bgp is None:
        return
    wanted = view.intent.evpn_peers(view.node)
    known = [peers[address] for address in wanted if address in peers]
    for peer in known:
        if peer.local_as is not None and number_of(peer.local_as) != bgp.asn:
            yield SESSION_AS.found(
                view.host,
                "bgp",
                "changed",
                str(bgp.asn),
                peer.local_as,
                attribute="AS",
                evidence=lines(EVPN_SUMMARY, [peer.text]),
                about=About(topics=frozenset({("instance",)})),
            )
            break
    for peer in known:
        remote_as = bgp.remote_as(peer.address)
        if peer.remote_as is not None and number_of(peer.remote_as) != remote_as:
            yield SESSION_AS.found(
                view.host,
                f"neighbor {peer.address}",
                "changed",
                str(remote_as),
                peer.remote_as,
                attribute="remote AS",
                evidence=lines(EVPN_SUMMARY, [peer.text]),
                about=About(
                    peer=peer.address,
                    alone=is_alone(view),
                    topics=frozenset({("neighbor", peer.address)}),
                ),
            )


def number_of(asn: str) -> int | None:
    """An AS number as FRR prints it, plain or dotted (`1.10`); 0, `remote-as external` before the
    peer has said its own, is none that could be compared.
    """
    high, dot, low = asn.rpartition(".")
    if not low.isdecimal() or (dot and not high.isdecimal()):
        return None
    return int(low) + (int(high) * _DOTTED if dot else 0)


PLANE = Plane(examine_systems, (SESSION_AS,))
