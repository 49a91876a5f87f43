"""The sessions of one peering, pair by pair, from what the report holds: down, unread, or up."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.text import counted, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.result import Peering

_NAMES: Final = {
    "full-mesh": "iBGP full mesh",
    "reflector": "iBGP with the route reflectors",
    "upstream": "eBGP with routers outside",
    "static": "Default route to a router outside",
}


@dataclass(frozen=True, slots=True)
class Sessions:
    """The pairs of a peering; `silent` ends see none of their sessions up, with FRR's word."""

    peering: Peering
    silent: dict[str, str]
    pairs_down: dict[frozenset[str], tuple[str, ...]]
    total: int
    down: int
    unknown: int
    failures: tuple[str, ...]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each pair that should have a session, once."""
        if self.peering.kind == "full-mesh":
            return itertools.combinations(self.peering.nodes, 2)
        return itertools.product(self.peering.hubs, self.peering.nodes)

    def state(self, one: str, two: str) -> Literal["up", "down", "unknown"]:
        """Down if either end says so, unknown if neither was read."""
        if {one, two} & self.silent.keys() or frozenset((one, two)) in self.pairs_down:
            return "down"
        unread = self.peering.unread
        return "unknown" if one in unread and two in unread else "up"

    def says(self, one: str, two: str) -> str:
        """What a reader is told of a pair."""
        names = f"{short_name(one)} – {short_name(two)}"
        if self.peering.kind == "static":
            return f"{names}: default route"
        state = self.state(one, two)
        if state != "down":
            return f"{names}: {'Established' if state == 'up' else 'not collected at either end'}"
        said = [*self.pairs_down.get(frozenset((one, two)), ())]
        said += [self.silent[end] for end in (one, two) if end in self.silent]
        return f"{names}: {', '.join(filter(None, dict.fromkeys(said))) or 'down'}"

    @property
    def sentence(self) -> str:
        """How many of how many are up."""
        name = _NAMES[self.peering.kind]
        if self.peering.kind == "static":
            return name
        up = self.total - self.down - self.unknown
        rest = f", {self.unknown:,} unknown" if self.unknown else ""
        return f"{name}: {up:,} of {counted(self.total, 'session')} up{rest}"


def sessions_of(peering: Peering) -> Sessions:
    """Return a peering's sessions, counted without walking over every pair."""
    pairs: dict[frozenset[str], tuple[str, ...]] = {}
    for item in peering.down:
        if item.peer is not None:
            pair = frozenset((item.node, item.peer))
            pairs[pair] = tuple(dict.fromkeys((*pairs.get(pair, ()), item.state or "not listed")))
    silent = _silent(peering, pairs)
    others = [pair for pair in pairs if not pair & silent.keys()]
    hubs, nodes = peering.hubs, peering.nodes
    unread = frozenset(peering.unread) - silent.keys()
    if peering.kind == "full-mesh":
        total = _couples(len(nodes))
        down = total - _couples(len(nodes) - len(silent)) + len(others)
        unknown = _couples(len(unread))
    else:
        total = len(hubs) * len(nodes)
        loud = [sum(name not in silent for name in ends) for ends in (hubs, nodes)]
        down = total - loud[0] * loud[1] + len(others)
        unknown = sum(name in unread for name in hubs) * sum(name in unread for name in nodes)
    failures = [
        f"{short_name(name)}: none of its sessions is up"
        + (f" ({short_name(said)})" if said else "")
        for name, said in silent.items()
    ]
    failures += [
        f"{' – '.join(map(short_name, sorted(pair)))}: {', '.join(map(short_name, said))}"
        for pair, said in pairs.items()
        if not pair & silent.keys()
    ]
    return Sessions(peering, silent, pairs, total, down, unknown, tuple(failures))


def _silent(peering: Peering, pairs: Mapping[frozenset[str], tuple[str, ...]]) -> dict[str, str]:
    """The ends without any session: those that say so, and those of which all others say it."""
    silent = {item.node: item.state or "" for item in peering.down if item.peer is None}
    said: dict[str, list[str]] = {}
    for pair, states in pairs.items():
        for end in pair:
            said.setdefault(end, []).extend(states)
    down = Counter(end for pair in pairs for end in pair)
    for ends, others in ((peering.hubs, peering.nodes), (peering.nodes, peering.hubs)):
        degree = len(ends) - 1 if peering.kind == "full-mesh" else len(others)
        for end in ends:
            if end not in silent and 1 < degree == down[end]:
                silent[end] = ", ".join(dict.fromkeys(said[end]))
    return silent


def _couples(number: int) -> int:
    return number * (number - 1) // 2
