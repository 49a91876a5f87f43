"""What is kept of a node once it was examined: small, picklable, and no table of the node."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from overlay.records import EvpnTable, HostState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift.model import About, Finding
    from drift.result import SkippedCheck


@dataclass(frozen=True, slots=True)
class Compared:
    """A node compared with its own intent.

    `found` are its findings, not folded yet; `usable` the checks that were made; `facts` by check
    what those across nodes ask of it.
    """

    usable: frozenset[str]
    skipped: tuple[SkippedCheck, ...]
    found: tuple[tuple[Finding, About], ...]
    facts: Mapping[str, Any]
    reached: Any
    heard: Any


@dataclass(frozen=True, slots=True)
class Examined:
    """One node: how its commands fared (`outline`), and how it compares.

    `compared` is None for a node without intent. `news` is what names in its facts, or in those of
    any other node that the same process examined, stand for (`drift.facts.shared`).
    """

    outline: HostState
    compared: Compared | None
    news: Mapping[bytes, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.outline.host


def outline(state: HostState) -> HostState:
    """The state without what was parsed: what reports say of its commands remains."""
    table = state.evpn
    kept = None if table is None else EvpnTable(empty=table.empty, said=table.said)
    return HostState(state.host, state.error, state.commands, evpn=kept, probes=state.probes)


class Gathered:
    """The nodes examined so far: of each the last that is known."""

    def __init__(self) -> None:
        self._nodes: dict[str, Examined] = {}
        self._named: dict[bytes, Any] = {}
        self._usable: dict[frozenset[str], frozenset[str]] = {}

    def add(self, node: Examined) -> None:
        """Takes in a node; one that was examined before is replaced."""
        # The news of a node that is replaced may be the facts of others.
        self._named.update(node.news)
        compared = node.compared
        if compared is not None:
            # Nodes of one kind have one set; each came with one of its own, of 6 kB.
            usable = self._usable.setdefault(compared.usable, compared.usable)
            compared = replace(compared, usable=usable)
        self._nodes[node.host] = replace(node, compared=compared, news={})

    @property
    def nodes(self) -> dict[str, Examined]:
        """By name, in alphabetical order."""
        return dict(sorted(self._nodes.items()))

    @property
    def outlines(self) -> dict[str, HostState]:
        return {name: node.outline for name, node in self.nodes.items()}

    @property
    def named(self) -> Mapping[bytes, Any]:
        return MappingProxyType(self._named)
