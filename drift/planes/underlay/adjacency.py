"""The neighbours on the links of a routed underlay, against what its protocol shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import adjacency_slugs, with_routed_underlay
from drift.causes import Broken, peer_of
from drift.evidence import bounded, lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Plane
from drift.planes.peering.systems import number_of
from overlay.host_records import Adjacency
from overlay.intent import Protocol
from overlay.outputs import BGP_SUMMARY, ISIS_NEIGHBORS, OPENFABRIC_NEIGHBORS, OSPF_NEIGHBORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.derived.routed import RoutedUnderlay, UnderlayLink
    from overlay.expected import FabricIntent

# FRR's word for an adjacency over which routes are exchanged; of IS-IS and OpenFabric it is `Up`.
_COMPLETE = {Protocol.OSPF: "Full", Protocol.EBGP_UNNUMBERED: "Established"}


def _breaks_link(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.LINK, raw.finding.host, raw.about.device
    if raw.about.edge is not None:
        yield Broken.LINK, *raw.about.edge
    if raw.finding.severity is CRITICAL:
        yield Broken.UNDERLAY, raw.finding.host


def _from_its_interface(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    for broken in (Broken.DOWN, Broken.GONE, Broken.NARROW):
        yield broken, host, about.device
    yield Broken.UNDERLAY, host
    if about.edge is not None:
        yield Broken.LINK, *about.edge
    if about.peer:
        yield Broken.UNDERLAY, peer_of(raw, owner)
        yield Broken.BGP, peer_of(raw, owner)


UNDERLAY_ADJACENCY = Check(
    "underlay-adjacency",
    CRITICAL,
    "underlay neighbour missing",
    "On each link of a routed underlay there is one neighbour, the intended one, and its adjacency "
    "is complete.",
    "Nothing is routed over that link: without another one the node is cut off, else it has one "
    "way less (then a warning).",
    (OSPF_NEIGHBORS, ISIS_NEIGHBORS, OPENFABRIC_NEIGHBORS, BGP_SUMMARY),
    needs_on=adjacency_slugs,
    applies=with_routed_underlay,
    confirm="vtysh -c 'show ip ospf neighbor' -c 'show ip ospf interface eno1.11'",
    remedy="See that the link is up at both ends, and ping the neighbour over it. `ExStart` or "
    "`Exchange`: the two ends have different MTUs. `Init`: the other end does not hear this one. "
    "None at all: `vtysh -c 'show running-config'` at both ends must have the interface in the "
    "same area, of eBGP as a neighbour; the file is put into force by "
    "`/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf`. Of eBGP `Idle` is a link on which no "
    "router advertisement has come yet: both ends need IPv6 there. Another node than the intended "
    "one: two cables are swapped.",
    explains=_breaks_link,
    follows=_from_its_interface,
    depth=Depth.PROTOCOL,
    pairwise=Pairwise.PATH,
    with_others=True,
)


def complete(protocol: Protocol) -> str:
    """FRR's word for an adjacency over which routes are exchanged."""
    return _COMPLETE.get(protocol, "Up")


def adjacencies_of(view: HostView) -> tuple[Adjacency, ...] | None:
    """The neighbours of what routes the underlay; None where they were not read.

    Those of eBGP are neighbours of IPv4 unicast that are named by their interface. They are known
    by their AS, of which FRR says 0 until it has heard it.
    """
    routed, families = view.node.routed, view.state.bgp_families
    if routed is None or routed.protocol is not Protocol.EBGP_UNNUMBERED:
        return view.state.adjacencies
    if families is None:
        return None
    return tuple(
        Adjacency(
            interface=peer.address,
            neighbour=str((peer.remote_as and number_of(peer.remote_as)) or ""),
            state=peer.state,
            text=peer.text,
        )
        for peer in families.get("ipv4Unicast", {}).values()
    )


def lost_links(view: HostView, routed: RoutedUnderlay) -> dict[str, Adjacency | None]:
    """The links without a complete adjacency with the intended neighbour, and what they have."""
    found: dict[str, Adjacency] = {}
    word = complete(routed.protocol)
    for adjacency in adjacencies_of(view) or ():
        if adjacency.interface not in found or adjacency.state == word:
            found[adjacency.interface] = adjacency
    lost: dict[str, Adjacency | None] = {}
    for link in routed.links:
        seen = found.get(link.name)
        if seen is None or seen.state != word or _is_another(view.intent, link, seen):
            lost[link.name] = seen
    return lost


def _is_another(intent: FabricIntent, link: UnderlayLink, adjacency: Adjacency) -> bool:
    name = _name_of(intent, adjacency)
    return link.peer is not None and name is not None and name != link.peer


def _name_of(intent: FabricIntent, adjacency: Adjacency) -> str | None:
    """The node that a neighbour is, by its router-id or host name; None for a stranger."""
    if adjacency.neighbour in intent.nodes:
        return adjacency.neighbour
    return intent.seen_as.get(adjacency.neighbour)


def examine_adjacencies(view: HostView) -> Iterator[RawFinding]:
    """Each link of the intent against the neighbours that its protocol has."""
    routed = view.node.routed
    if routed is None:
        return
    lost = lost_links(view, routed)
    word = complete(routed.protocol)
    severity = WARNING if len(lost) < len(routed.links) else None
    for link in routed.links:
        if link.name not in lost:
            continue
        adjacency = lost[link.name]
        actual = None
        if adjacency is not None:
            who = _name_of(view.intent, adjacency) or adjacency.neighbour
            actual = bounded(f"{adjacency.state} with {who}" if who else adjacency.state)
        yield UNDERLAY_ADJACENCY.found(
            view.host,
            link.name,
            "changed",
            f"{word} with {link.peer}" if link.peer else word,
            actual,
            attribute="adjacency",
            what=f"{routed.protocol.value} adjacency",
            evidence=lines(adjacency_slugs(view.node)[0], [adjacency.text] if adjacency else []),
            severity=severity,
            about=About(
                device=link.name,
                peer=link.peer_address,
                edge=link.edge,
                topics=frozenset({("interface", link.name), _topic(routed, link)}),
            ),
        )


def _topic(routed: RoutedUnderlay, link: UnderlayLink) -> tuple[str, ...]:
    """What in FRR's configuration breaks it."""
    return ("igp",) if routed.system is None else ("neighbor", link.name)


PLANE = Plane(examine_adjacencies, (UNDERLAY_ADJACENCY,))
