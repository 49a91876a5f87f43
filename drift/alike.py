"""One fault on many nodes, or on many things of one node, is one root cause with a list.

A wrong MTU on fifty nodes has one cause: a playbook, a template, a kernel. It is one root, and the
others point at it. Up to three stay apart, as findings of their own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drift.model import Finding, Kind

MANY = 4
"""So many roots that differ only in their node, or only in their object, have one cause."""


class Fact(Protocol):
    """What a finding, of an audit or of a report, says beside its values."""

    @property
    def check(self) -> str: ...
    @property
    def attribute(self) -> str: ...
    @property
    def kind(self) -> Kind: ...


def fold_alike(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in their order, roots that are alike on many nodes or things laid at the first.

    What followed from one of them follows from the first, too: a root is never itself folded.
    """
    ordered = tuple(findings)
    roots = [finding for finding in ordered if finding.caused_by is None]
    leader: dict[str, str] = {}
    roots = _lay_at_first(roots, lambda one: (*_fact(one), one.object), leader)
    _lay_at_first(roots, lambda one: (*_fact(one), one.host), leader)
    if not leader:
        return ordered
    return tuple(_laid(finding, leader) for finding in ordered)


def unfold_alike(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What `fold_alike` was given: each finding at the root of its own node."""
    return tuple(
        finding
        if (own := finding.own_root) is None
        else replace(finding, caused_by=None if own == finding.id else own, own_root=None)
        for finding in findings
    )


def is_alike(root: Fact, other: Fact) -> bool:
    """True for a finding below a root that states the same of another node or thing."""
    return _said(root) == _said(other)


def _said(one: Fact) -> tuple[str, str, str]:
    return (one.check, one.attribute, one.kind)


def _fact(one: Finding) -> tuple[str, ...]:
    # Another value has another cause: 1500 bytes on thirty nodes and 1400 on twenty are two.
    return (*_said(one), repr(one.actual))


def _lay_at_first(
    roots: list[Finding], key: Callable[[Finding], tuple[str, ...]], leader: dict[str, str]
) -> list[Finding]:
    """Notes the first of each that are alike as the leader of the others; what is left as roots."""
    alike: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    for root in roots:
        alike[key(root)].append(root)
    for first, *others in alike.values():
        if len(others) + 1 >= MANY:
            leader.update((other.id, first.id) for other in others)
    return [root for root in roots if root.id not in leader]


def _laid(finding: Finding, leader: dict[str, str]) -> Finding:
    own = finding.caused_by or finding.id
    at = own
    while at in leader:
        at = leader[at]
    return finding if at == own else replace(finding, caused_by=at, own_root=own)
