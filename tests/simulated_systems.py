"""Whose routes a node has in a fabric of several AS, where sessions are of many kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from overlay.expected import FabricIntent, NodeIntent


def heard_through(
    intent: FabricIntent, node: NodeIntent, silent: Collection[str]
) -> frozenset[str]:
    """The names of those whose routes come to a node: its peers, and whom its peers pass on."""
    found: set[str] = set()
    waiting = [node.name]
    while waiting:
        name = waiting.pop()
        if name != node.name and not _passes_on(intent, name):
            continue
        fresh = _peers(intent, name) - found - {node.name} - {*silent}
        found |= fresh
        waiting += fresh
    return frozenset(found)


def _passes_on(intent: FabricIntent, name: str) -> bool:
    if name in intent.external:
        return intent.external[name].reflects
    bgp = intent.nodes[name].bgp
    return bool(bgp and bgp.systems and bgp.systems.passes_on)


def _peers(intent: FabricIntent, name: str) -> set[str]:
    if name in intent.external:
        address = intent.external[name].address
        nodes = intent.nodes.values()
        return {node.name for node in nodes if node.bgp and address in node.bgp.mesh}
    bgp = intent.nodes[name].bgp
    return {intent.owner[peer] for peer in bgp.peers} if bgp else set()
