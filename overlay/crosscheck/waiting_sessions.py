"""Sessions whose ends may wait for each other for good: said as a warning, and refused nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Protocol
from overlay.problems import few
from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.expected import FabricIntent
    from overlay.problems import Complaint

# Seen between 8.4 and 10.3 alone; of those between and around them nothing is known.
_NO_BFD_BEFORE_BGP = ((8,), (9,))
_NO_BGP_BEFORE_BFD = ((10,), (10, 4))
_WAITS = "after a restart each may wait for the other for good, and the session stays down"
_BACK = "docs/inventory.md says what was seen, and what brings it back"


def waiting_sessions(intent: FabricIntent, running: Mapping[str, str]) -> Iterator[Complaint]:
    """Complains of BGP sessions that BFD watches between releases of FRR of which each waits.

    `running` are the versions of nodes that were asked; of others the intent may say them (`frr`).
    """
    said = {name: node.frr for name, node in intent.nodes.items() if node.frr} | dict(running)
    older = {name: it for name, it in said.items() if _is(it, _NO_BFD_BEFORE_BGP)}
    newer = {name: it for name, it in said.items() if _is(it, _NO_BGP_BEFORE_BFD)}
    if older and newer:
        yield from _on_links(intent, older, newer)
        yield from _between_nodes(intent, older, newer)


def _is(version: str, within: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    first, behind = within
    return first <= version_of(version) < behind


def _on_links(
    intent: FabricIntent, older: Mapping[str, str], newer: Mapping[str, str]
) -> Iterator[Complaint]:
    underlay = intent.fabric.underlay
    if underlay.protocol is not Protocol.EBGP_UNNUMBERED or underlay.bfd is None:
        return
    for name in (name for name in intent.nodes if name in older):
        routed = intent.nodes[name].routed
        for link in routed.links if routed else ():
            if link.peer is not None and link.peer in newer:
                reason = (
                    f"BFD is to watch a session between FRR {older[name]} here and "
                    f"{newer[link.peer]} on {link.peer}: {_WAITS}"
                )
                hint = f"upgrade {name}, or remove `underlay.bfd` (`hello: 1` notices within 3 s)"
                yield ("nodes", name, "interfaces", link.name), reason, f"{hint}; {_BACK}"


def _between_nodes(
    intent: FabricIntent, older: Mapping[str, str], newer: Mapping[str, str]
) -> Iterator[Complaint]:
    """One complaint of all sessions: in a mesh each node has one with each other one."""
    if intent.fabric.bgp is None or intent.fabric.bgp.bfd is None:
        return
    by_address = {node.address: name for name, node in intent.nodes.items()}
    pairs = set()
    for name in (name for name in intent.nodes if name in older or name in newer):
        node = intent.nodes[name]
        outside = [up.address for up in node.bgp.upstreams] if node.bgp else []
        for address in (*intent.evpn_peers(node), *outside):
            one, other = (name, by_address.get(address, ""))
            if one in newer:
                one, other = other, one
            if one in older and other in newer:
                pairs.add((one, other))
    if pairs:
        joined = [f"{one} ({older[one]}) and {other} ({newer[other]})" for one, other in pairs]
        yield (
            ("bgp", "bfd"),
            f"BFD is to watch sessions between these releases of FRR: {few(sorted(joined))}: "
            + _WAITS,
            "upgrade the older ones, or remove `bgp.bfd` (`timers` notice within 9 s); " + _BACK,
        )
