"""Links whose two ends may wait for each other for good: said as a warning, and refused nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Protocol
from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.expected import FabricIntent
    from overlay.problems import Complaint

# Seen between 8.4 and 10.3 alone; of those between and around them nothing is known.
_NO_BFD_BEFORE_BGP = ((8,), (9,))
_NO_BGP_BEFORE_BFD = ((10,), (10, 4))


def waiting_links(intent: FabricIntent, running: Mapping[str, str]) -> Iterator[Complaint]:
    """Complains of links of eBGP with BFD between releases of FRR of which each waits.

    `running` are the versions of nodes that were asked; of others the intent may say them (`frr`).
    """
    underlay = intent.fabric.underlay
    if underlay.protocol is not Protocol.EBGP_UNNUMBERED or underlay.bfd is None:
        return
    said = {name: node.frr for name, node in intent.nodes.items() if node.frr} | dict(running)
    for name, node in intent.nodes.items():
        for link in node.routed.links if node.routed else ():
            own, other = said.get(name), said.get(link.peer or "")
            if own and other and _is(own, _NO_BFD_BEFORE_BGP) and _is(other, _NO_BGP_BEFORE_BFD):
                yield ("nodes", name, "interfaces", link.name), *_said(name, own, link.peer, other)


def _said(name: str, own: str, peer: str | None, other: str) -> tuple[str, str]:
    return (
        f"BFD is to watch a session between FRR {own} here and {other} on {peer}: after a restart "
        "each may wait for the other for good, and the link is down"
    ), (
        f"upgrade {name}, or remove `underlay.bfd` (`hello: 1` notices within 3 s); "
        "docs/inventory.md says what brings such a link back"
    )


def _is(version: str, within: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    first, behind = within
    return first <= version_of(version) < behind
