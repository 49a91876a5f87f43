"""BFD: the probes beside each BGP session that notice within a second that the peer is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_bfd
from drift.causes import Broken, between, peer_of
from drift.compare import compare_values
from drift.evidence import bounded, lines
from drift.model import WARNING, About, Check, Pairwise
from drift.plane import Plane
from drift.planes.sessions import from_either_end, outside_peers
from overlay.outputs import BFD_PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.host_records import BfdPeer

UP = "up"


def _from_session(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    yield between(raw.finding.host, peer_of(raw, owner))
    yield from from_either_end(raw, owner)
    yield Broken.LINK, raw.finding.host, raw.about.device


BFD_DOWN = Check(
    "bfd-down",
    WARNING,
    "BFD session down",
    "With each intended BGP peer, and on each link of a routed underlay, there is a BFD session, "
    "and it is up, where the intent asks for BFD.",
    "When the peer dies, its routes stay until the protocol's own hold time is over.",
    (BFD_PEERS,),
    applies=with_bfd,
    confirm="vtysh -c 'show bfd peers'",
    remedy="Without any session: /etc/frr/daemons needs `bfdd=yes`. `down` though BGP is up: let "
    "UDP port 3784 (4784 where a router is between) pass both ways, and see that the peer has "
    "BFD, too. `shutdown`: `vtysh -c 'show running-config bfdd'` says where it was typed.",
    follows=_from_session,
    pairwise=Pairwise.PROBE,
    with_others=True,
)


def examine_probes(view: HostView) -> Iterator[RawFinding]:
    """The BFD session of each intended BGP peer."""
    probes = _by_peer(view.state.bfd_peers or ())
    ours = view.intent.evpn_peers(view.node)
    peers = [*ours, *(outside_peers(view.node) or ())] if view.node.bfd is not None else []
    found = {peer: bounded(probes[peer].status) for peer in peers if peer in probes}
    for difference in compare_values(dict.fromkeys(peers, UP), found):
        address = difference.key
        yield BFD_DOWN.found(
            view.host,
            f"neighbor {address}",
            "changed",
            UP,
            difference.actual,
            attribute="BFD session",
            evidence=lines(BFD_PEERS, [probes[address].text] if address in probes else []),
            about=About(peer=address, topics=frozenset({("neighbor", address), ("bfd", address)})),
        )
    yield from _of_links(view)


def _of_links(view: HostView) -> Iterator[RawFinding]:
    """The BFD session on each link of a routed underlay."""
    routed = view.node.routed
    if routed is None or routed.bfd is None:
        return
    sessions: dict[str | None, BfdPeer] = {}
    for session in view.state.bfd_peers or ():
        if session.interface not in sessions or session.status == UP:
            sessions[session.interface] = session
    for link in routed.links:
        found = sessions.get(link.name)
        if found is None or found.status != UP:
            yield BFD_DOWN.found(
                view.host,
                link.name,
                "changed",
                UP,
                bounded(found.status) if found else None,
                attribute="BFD session",
                evidence=lines(BFD_PEERS, [found.text] if found else []),
                about=About(
                    device=link.name,
                    peer=link.peer_address,
                    topics=frozenset(
                        {("interface", link.name)} | ({("bfd", found.address)} if found else set())
                    ),
                ),
            )


def _by_peer(sessions: Iterable[BfdPeer]) -> dict[str, BfdPeer]:
    """Of two sessions with one peer (another local address, another VRF) one that is up counts."""
    found: dict[str, BfdPeer] = {}
    for session in sessions:
        if session.address not in found or session.status == UP:
            found[session.address] = session
    return found


PLANE = Plane(examine_probes, (BFD_DOWN,))
