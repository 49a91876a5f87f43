"""The two kinds of comparison: of one node (a plane), and across nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Check, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent


@dataclass(frozen=True, slots=True)
class Plane:
    """One pass over a node, and the checks that it makes, in the order in which they are listed.

    All of them need the same outputs.
    """

    examine: Callable[[HostView], Iterator[RawFinding]]
    checks: tuple[Check, ...]


class Gathering(Protocol):
    """One comparison across nodes, from their facts."""

    def add(self, host: str, facts: Any) -> None:
        """Takes in the facts of one node; nodes come in the order of their names."""

    def findings(self) -> Iterator[RawFinding]:
        """What shows once all nodes were taken in; one fact on several nodes is one group."""


@dataclass(frozen=True, slots=True)
class Across:
    """One check across nodes.

    `facts` is asked of each node that has the outputs which the check needs, in a worker process:
    what it returns is small, is pickled, and holds nothing of the node's tables but what the
    comparison needs. `gather` makes the comparison, in the one process that has all facts; it gets
    what the names of `Shared` stand for, which grows while facts come in.
    """

    check: Check
    facts: Callable[[HostView, Shared], Any]
    gather: Callable[[FabricIntent, Mapping[bytes, Any]], Gathering]

    @property
    def checks(self) -> tuple[Check, ...]:
        return (self.check,)
