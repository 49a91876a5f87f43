"""One root cause, one finding: what follows from another finding is made to point at it.

First the known consequences, by the scopes that findings explain and follow from. Then what only
shows from the far end: sessions and routes between pairs of nodes are laid at the node that most
of them have in common, and of several findings of one fact the first stands for all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from drift.scopes import explained_by, followed_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from drift.draft import Draft, Scope
    from drift.findings import Finding

_CANDIDATES = 4
_PAIRWISE = frozenset({"session-down", "imet-missing", "type5-missing"})

# Of two findings that explain the same scope, the deeper one: hardware and devices, then their
# places, then addresses, then protocols.
_DEPTH = (
    "link-down",
    "vxlan-missing",
    "bridge-missing",
    "vrf-missing",
    "vxlan-vni",
    "bridge-membership",
    "vrf-membership",
    "vxlan-group",
    "underlay-address",
    "vxlan-local-ip",
    "evpn-empty",
    "router-id",
    "route-target",
    "imet-not-originated",
    "l3vni",
    "session-down",
    "imet-missing",
    "type5-missing",
)
_RANK = {check: rank for rank, check in enumerate(_DEPTH)}


def fold(
    drafts: Iterable[Draft], owner: Mapping[str, str], silent: Collection[str] = ()
) -> tuple[Finding, ...]:
    """The findings in their order, each consequence pointing at its root.

    `owner` maps an underlay address to its node, `silent` are the nodes that did not answer us.
    A root is never itself folded, so there is no cycle.
    """
    ordered = sorted(drafts, key=lambda draft: draft.finding.order)
    causes = _Causes(ordered)
    _fold_consequences(ordered, causes, owner)
    _fold_pairs(ordered, causes, owner, silent)
    _fold_groups(ordered, causes)
    return tuple(
        replace(draft.finding, caused_by=causes.ids[root]) if root is not None else draft.finding
        for draft, root in ((d, causes.root_of(n)) for n, d in enumerate(ordered))
    )


class _Causes:
    """Which draft follows from which, by their positions in the order."""

    def __init__(self, ordered: list[Draft]) -> None:
        self.ids = [draft.finding.id for draft in ordered]
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
        """The unfolded draft that `number` follows from; None if it is itself one."""
        root = self._top(number)
        return None if root == number else root

    def _top(self, number: int) -> int:
        top = number
        while (cause := self._cause[top]) is not None:
            top = cause
        if top != number:
            self._cause[number] = top  # the next walk is short
        return top


def _fold_consequences(ordered: list[Draft], causes: _Causes, owner: Mapping[str, str]) -> None:
    by_scope: dict[Scope, list[int]] = defaultdict(list)
    for number, draft in enumerate(ordered):
        for scope in explained_by(draft, owner):
            by_scope[scope].append(number)
    # Only the deepest few of a scope can matter: the others are either folded under them or
    # equally good. This keeps mass drift linear.
    candidates = {
        scope: sorted(numbers, key=lambda n: (_RANK.get(ordered[n].finding.check, len(_RANK)), n))[
            :_CANDIDATES
        ]
        for scope, numbers in by_scope.items()
    }
    for number, draft in enumerate(ordered):
        for scope in followed_by(draft, owner):
            if any(causes.set(number, cause) for cause in candidates.get(scope, ())):
                break


def _fold_pairs(
    ordered: list[Draft], causes: _Causes, owner: Mapping[str, str], silent: Collection[str]
) -> None:
    """Unexplained silence between pairs of nodes, laid at one that did not answer us either.

    Where both did, it is laid at the node that most pairs share.
    """
    pairs: list[tuple[int, str, str]] = []
    partners: dict[str, set[str]] = defaultdict(set)
    for number, draft in enumerate(ordered):
        address = draft.about.peer
        if draft.finding.check in _PAIRWISE and address and not causes.explained(number):
            host, peer = draft.finding.host, owner.get(address, address)
            if peer == host:  # an exit that lacks its own route
                continue
            pairs.append((number, host, peer))
            partners[host].add(peer)
            partners[peer].add(host)
    culprits: dict[str, list[int]] = defaultdict(list)
    for number, host, peer in pairs:
        culprit = min((host, peer), key=lambda n: (n not in silent, -len(partners[n]), n))
        culprits[culprit].append(number)
    for culprit, numbers in culprits.items():
        root = min(numbers, key=lambda n: (*_clarity(ordered[n], culprit), n))
        for number in numbers:
            if number != root:
                causes.set(number, root)


def _clarity(draft: Draft, culprit: str) -> tuple[bool, bool, bool]:
    """Sorts the finding that says most first: a session, one shut or not configured, its own."""
    finding = draft.finding
    session = finding.check == "session-down"
    # A dynamic neighbour is configured nowhere: that it is absent says nothing.
    configured = session and bool(draft.about.topics)
    by_hand = configured and (finding.actual is None or "Admin" in str(finding.actual))
    return not session, not by_hand, finding.host != culprit


def _fold_groups(ordered: list[Draft], causes: _Causes) -> None:
    first: dict[Scope, int] = {}
    for number, draft in enumerate(ordered):
        group = draft.about.group
        if group is not None and not causes.explained(number):
            leader = first.setdefault(group, number)
            if leader != number:
                causes.set(number, leader)
