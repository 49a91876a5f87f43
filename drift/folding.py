"""One root cause, one finding: what follows from another finding is made to point at it.

First the known consequences, by the causes that findings explain and follow from. Then what only
shows from the far end: sessions and routes between pairs of nodes are laid at the node that most
of them have in common (at the first of many silent nodes: a dead rack is one cause), and of several
findings of one fact the first stands for all. Last, what is alike on many nodes (`drift.alike`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from drift.alike import MANY, fold_alike
from drift.causes import Broken, peer_of
from drift.model import Pairwise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from drift.model import Cause, Finding, Group, Owner, RawFinding

_CANDIDATES = 4


def fold(
    raw: Iterable[RawFinding],
    owner: Mapping[str, str],
    silent: Collection[str] = (),
    systems: Mapping[str, int] | None = None,
) -> tuple[Finding, ...]:
    """The findings in their order, each consequence pointing at its root.

    `owner` maps an underlay address to its node, `silent` are the nodes that did not answer us,
    `systems` the AS of each node where reflectors pass routes on between several.
    A root is never itself folded, so there is no cycle.
    """
    ordered = sorted(raw, key=lambda one: one.finding.order)
    causes = _Causes(ordered)
    _fold_consequences(ordered, causes, owner, systems or {})
    for narrow in (False, True):
        _fold_pairs(ordered, causes, owner, silent, narrow=narrow)
    _fold_groups(ordered, causes)
    return fold_alike(
        replace(one.finding, caused_by=causes.ids[root]) if root is not None else one.finding
        for one, root in ((d, causes.root_of(n)) for n, d in enumerate(ordered))
    )


class _Causes:
    """Which finding follows from which, by their positions in the order."""

    def __init__(self, ordered: list[RawFinding]) -> None:
        self.ids = [one.finding.id for one in ordered]
        self._cause: list[int | None] = [None] * len(ordered)

    def explained(self, number: int) -> bool:
        return self._cause[number] is not None

    def set(self, number: int, cause: int) -> bool:
        """Lays `number` at `cause`, unless `cause` itself follows from it."""
        root = self._top(cause)
        if root == number or self._cause[number] is not None:
            return False
        self._cause[number] = root
        return True

    def root_of(self, number: int) -> int | None:
        """The unfolded finding that `number` follows from; None if it is itself one."""
        root = self._top(number)
        return None if root == number else root

    def _top(self, number: int) -> int:
        top = number
        while (cause := self._cause[top]) is not None:
            top = cause
        if top != number:
            self._cause[number] = top  # the next walk is short
        return top


def _fold_consequences(
    ordered: list[RawFinding],
    causes: _Causes,
    owner: Mapping[str, str],
    systems: Mapping[str, int],
) -> None:
    by_cause: dict[Cause, list[int]] = defaultdict(list)
    for number, one in enumerate(ordered):
        for cause in _explained_by(one, owner, systems):
            by_cause[cause].append(number)
    # Only the deepest few of a cause can matter: the others are either folded under them or
    # equally good. This keeps mass drift linear.
    candidates = {
        cause: sorted(numbers, key=lambda n: (ordered[n].check.depth, n))[:_CANDIDATES]
        for cause, numbers in by_cause.items()
    }
    for number, one in enumerate(ordered):
        for cause in _followed_by(one, owner, systems):
            if any(causes.set(number, root) for root in candidates.get(cause, ())):
                break


def _explained_by(one: RawFinding, owner: Owner, systems: Mapping[str, int]) -> Iterator[Cause]:
    yield from one.check.explains(one, owner)
    yield from ((Broken.CONFIG, one.finding.host, topic) for topic in one.about.topics)
    if one.check.pairwise is Pairwise.SESSION:
        yield from _between_systems(one, owner, systems)
    elif one.check.pairwise is Pairwise.ROUTE:
        # A filter at the other end shows here.
        yield Broken.TYPED, *sorted((one.finding.host, peer_of(one, owner)))


def _followed_by(one: RawFinding, owner: Owner, systems: Mapping[str, int]) -> Iterator[Cause]:
    yield from one.check.follows(one, owner)
    if one.check.pairwise is Pairwise.ROUTE:
        yield from _between_systems(one, owner, systems)


def _between_systems(one: RawFinding, owner: Owner, systems: Mapping[str, int]) -> Iterator[Cause]:
    """A session between two AS carries the routes of all their nodes, not of its two ends alone."""
    ours, theirs = systems.get(one.finding.host), systems.get(peer_of(one, owner))
    if ours is not None and theirs is not None and ours != theirs:
        yield Broken.SYSTEMS, *sorted((ours, theirs))


def _fold_pairs(
    ordered: list[RawFinding],
    causes: _Causes,
    owner: Mapping[str, str],
    silent: Collection[str],
    *,
    narrow: bool,
) -> None:
    """Unexplained silence between pairs of nodes, laid at one that did not answer us either.

    Where both did, it is laid at the node that most pairs share. Many nodes that answer nobody are
    one cause: a rack, its switch or its power. With `narrow`, the same of paths that are too small.
    """
    pairs: list[tuple[int, str, str]] = []
    partners: dict[str, set[str]] = defaultdict(set)
    for number, one in enumerate(ordered):
        rank = one.check.pairwise
        ours = rank is not None and (rank is Pairwise.NARROW) == narrow
        if ours and one.about.peer and not causes.explained(number):
            host, peer = one.finding.host, peer_of(one, owner)
            if peer == host:  # an exit that lacks its own route
                continue
            pairs.append((number, host, peer))
            partners[host].add(peer)
            partners[peer].add(host)
    culprits: dict[str, list[int]] = defaultdict(list)
    for number, host, peer in pairs:
        culprit = min((host, peer), key=lambda n: (n not in silent, -len(partners[n]), n))
        culprits[culprit].append(number)
    dark: list[int] = []
    for culprit, numbers in culprits.items():
        root = min(numbers, key=lambda n: (*_clarity(ordered[n], culprit), n))
        for number in numbers:
            if number != root:
                causes.set(number, root)
        if culprit in silent:
            dark.append(root)
    if len(dark) >= MANY:
        first, *others = sorted(dark)
        for number in others:
            causes.set(number, first)


def _clarity(one: RawFinding, culprit: str) -> tuple[int, bool, bool]:
    """Sorts the finding that says most first: a session, one that was shut by hand, its own."""
    rank = one.check.pairwise
    return (
        len(Pairwise) if rank is None else rank,
        not one.about.by_hand,
        one.finding.host != culprit,
    )


def _fold_groups(ordered: list[RawFinding], causes: _Causes) -> None:
    first: dict[Group, int] = {}
    for number, one in enumerate(ordered):
        group = one.about.group
        if group is not None and not causes.explained(number):
            leader = first.setdefault(group, number)
            if leader != number:
                causes.set(number, leader)
