"""The links of the underlay as a report's drawing shows them: counted, and said in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reports.text import counted, short_name

if TYPE_CHECKING:
    from drift.result import Link, Underlay

_PROTOCOLS: Final = {
    "ospf": "OSPF",
    "isis": "IS-IS",
    "openfabric": "OpenFabric",
    "ebgp-unnumbered": "eBGP",
}


def name_of(link: Link) -> str:
    """The two ends of a link."""
    return f"{short_name(link.one)} – {short_name(link.two)}"


def words_on(link: Link) -> str:
    """What a reader is told of a link."""
    if link.state == "down":
        said = f"adjacency is {short_name(link.said)}" if link.said else "no neighbour"
    else:
        said = "link up" if link.state == "up" else "not collected at either end"
    return f"{name_of(link)}: {said}"


def sentence_on(underlay: Underlay) -> str:
    """How many links of how many are up."""
    protocol = _PROTOCOLS.get(underlay.protocol, underlay.protocol)
    return f"Underlay routed by {protocol}: {count_up(underlay.links)}"


def count_up(links: tuple[Link, ...]) -> str:
    """Such as `5 of 6 links up`."""
    states = Counter(link.state for link in links)
    rest = f", {states['unknown']:,} unknown" if states["unknown"] else ""
    return f"{states['up']:,} of {counted(len(links), 'link')} up{rest}"


def without_any(links: tuple[Link, ...]) -> frozenset[str]:
    """The nodes with several links of which none is up, and more than one is down."""
    up = {end for link in links if link.state == "up" for end in (link.one, link.two)}
    down = Counter(e for link in links if link.state == "down" for e in (link.one, link.two))
    return frozenset(name for name, number in down.items() if number > 1 and name not in up)


def failures_of(underlay: Underlay) -> tuple[str, ...]:
    """Each link that is down, those of a node that has lost all of them as one line."""
    alone = without_any(underlay.links)
    lines = [f"{short_name(name)}: none of its links is up" for name in sorted(alone)]
    lines += [
        words_on(link)
        for link in underlay.links
        if link.state == "down" and not {link.one, link.two} & alone
    ]
    return tuple(lines)
