"""BGP sessions of a node: which are up, and which must be up again after a deployment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from overlay.errors import ParseError
from parsers.configuration import lines_on_peer
from parsers.sessions import parse_bgp_summary, parse_evpn_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from overlay.expected import FabricIntent, NodeIntent
    from overlay.host_records import BgpPeers
    from overlay.records import RawOutput

SESSION_COMMANDS = {
    "sessions:evpn": "vtysh -c 'show bgp l2vpn evpn summary json'",
    "sessions:unicast": "vtysh -c 'show bgp summary json'",
}
Sessions = dict[str, bool]


def read_sessions(outputs: Mapping[str, RawOutput]) -> Sessions | None:
    """Neighbour → whether its session is up, over all families; None when bgpd did not answer."""
    found: Sessions = {}
    answered = False
    for slug, read in _READERS.items():
        output = outputs.get(slug)
        if output is None or output.rc != 0 or output.truncated:
            continue
        try:
            families = read(output.text)
        except ParseError:
            continue  # "bgpd is not running", for one
        answered = True
        for peer in chain.from_iterable(peers.values() for peers in families):
            found[peer.address] = found.get(peer.address, True) and peer.established
    return found if answered else None


def _evpn_alone(text: str) -> Iterable[BgpPeers]:
    return (parse_evpn_summary(text),)


def _each_family(text: str) -> Iterable[BgpPeers]:
    return parse_bgp_summary(text).values()


_READERS: dict[str, Callable[[str], Iterable[BgpPeers]]] = {
    "sessions:evpn": _evpn_alone,
    "sessions:unicast": _each_family,
}


def intended_peers(intent: FabricIntent, node: NodeIntent) -> frozenset[str]:
    """The addresses of all those that a node should have a BGP session with."""
    if node.router is not None:
        return frozenset(node.router.exits) if node.router.asn is not None else frozenset()
    if node.bgp is None:
        return frozenset()
    upstreams = (upstream.address for upstream in node.bgp.upstreams)
    return frozenset((*intent.evpn_peers(node), *upstreams))


@dataclass(frozen=True, slots=True)
class Peers:
    """The underlay addresses of a run's nodes, by how they stand at the moment.

    `ready` speak BGP and are as intended (in sync, or deployed by now), `still_open` are yet to be
    deployed, `lost` are being deployed right now or failed in this run.
    """

    ready: frozenset[str] = frozenset()
    still_open: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()


def required_sessions(
    intended: frozenset[str],
    before: Sessions | None,
    peers: Peers,
    *,
    frr_before: str,
    frr_after: str,
    clients: Collection[str] = (),
) -> frozenset[str]:
    """The neighbours whose sessions must be up before a deployment counts as good.

    Of lost peers nothing is asked. A session that was up must come back, unless the peer is
    still to be changed and this node's own words about it changed: then the two disagree by plan.
    A neighbour that is new here must come up when its other end is ready, unless it is one of its
    `clients`: a reflector waits for them, and they try again every two minutes at most.
    One that was down before proves nothing about this deployment.
    """
    required = set()
    for peer in intended - peers.lost:
        was = None if before is None else before.get(peer)
        if was:
            agreed = lines_on_peer(peer, frr_before) == lines_on_peer(peer, frr_after)
            if peer not in peers.still_open or agreed:
                required.add(peer)
        elif was is None and peer in peers.ready and peer not in clients:
            required.add(peer)
    return frozenset(required)
