"""BGP sessions of a node: which are up, and which must be up again after a deployment. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.expected import FabricIntent, NodeIntent
    from overlay.records import RawOutput

SESSION_COMMANDS = {
    "sessions:evpn": "vtysh -c 'show bgp l2vpn evpn summary json'",
    "sessions:unicast": "vtysh -c 'show bgp summary json'",
}
_ESTABLISHED = "Established"
_ADDRESS = re.compile(r"[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*")
Sessions = dict[str, bool]


def read_sessions(outputs: Mapping[str, RawOutput]) -> Sessions | None:
    """Neighbour → whether its session is up, over all families; None when bgpd did not answer."""
    found: Sessions = {}
    answered = False
    for slug in SESSION_COMMANDS:
        output = outputs.get(slug)
        if output is None or output.rc != 0 or output.truncated:
            continue
        try:
            document = json.loads(output.text)
        except (ValueError, RecursionError):
            continue  # "bgpd is not running", for one
        answered = True
        for peers in _tables(document):
            for address, peer in peers.items():
                up = isinstance(peer, dict) and peer.get("state") == _ESTABLISHED
                name = str(address).lstrip("*")
                found[name] = found.get(name, True) and up
    return found if answered else None


def _tables(document: object) -> list[dict[str, object]]:
    """The `peers` of one family's summary, or of each family's."""
    if not isinstance(document, dict):
        return []
    tables = [document, *(part for part in document.values() if isinstance(part, dict))]
    return [table["peers"] for table in tables if isinstance(table.get("peers"), dict)]


def intended_peers(intent: FabricIntent, node: NodeIntent) -> frozenset[str]:
    """The addresses of all those that a node should have a BGP session with."""
    if node.router is not None:
        return frozenset(node.router.exits) if node.router.asn is not None else frozenset()
    if node.bgp is None:
        return frozenset()
    peers = set(node.bgp.peers) | {upstream.address for upstream in node.bgp.upstreams}
    if node.bgp.reflector is not None:
        own = node.bgp.own_address
        peers |= {
            other.address
            for other in intent.nodes.values()
            if other.bgp is not None and own in other.bgp.mesh
        }
        peers.discard(own)
    return frozenset(peers)


@dataclass(frozen=True, slots=True)
class Peers:
    """The underlay addresses of a run's nodes, by how they stand at the moment.

    `ready` speak BGP and are as intended (in sync, or deployed by now), `still_open` are yet to be
    deployed, `lost` are being deployed right now or went wrong in this run.
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
    only_listens: bool = False,
) -> frozenset[str]:
    """The neighbours whose sessions must be up before a deployment counts as good.

    Of lost peers nothing is asked. A session that was up must come back, unless the peer is
    still to be changed and this node's own words about it changed: then the two disagree by plan.
    A neighbour that is new here must come up when its other end is ready, unless this node
    `only_listens`: a reflector waits for its clients, which try again every two minutes at most.
    One that was down before proves nothing about this deployment.
    """
    required = set()
    for peer in intended - peers.lost:
        was = None if before is None else before.get(peer)
        if was:
            agreed = _words_on(peer, frr_before) == _words_on(peer, frr_after)
            if peer not in peers.still_open or agreed:
                required.add(peer)
        elif was is None and peer in peers.ready and not only_listens:
            required.add(peer)
    return frozenset(required)


def _words_on(peer: str, frr_conf: str) -> frozenset[str]:
    """The lines of a frr.conf that shape the session with `peer`: its own, its group's, the AS."""
    lines = set()
    for line in frr_conf.splitlines():
        words = [*line.split(), "", ""]
        general = words[:2] in (["router", "bgp"], ["bgp", "listen"])
        theirs = words[0] == "neighbor" and (words[1] == peer or not _ADDRESS.fullmatch(words[1]))
        if general or theirs:
            lines.add(line.strip())
    return frozenset(lines)


def configured_peers(frr_conf: str) -> frozenset[str]:
    """The neighbours that a frr.conf names by address."""
    rows = (line.split() for line in frr_conf.splitlines())
    named = {row[1] for row in rows if row[:1] == ["neighbor"] and row[2:3] == ["remote-as"]}
    return frozenset(name for name in named if _ADDRESS.fullmatch(name))
