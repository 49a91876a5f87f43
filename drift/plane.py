"""The two kinds of comparison: of one node (a plane), and across nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    """What one comparison across nodes keeps of them: facts, and no node's table."""

    def add(self, view: HostView) -> None:
        """Takes in one node that has the outputs which the check needs."""

    def findings(self) -> Iterator[RawFinding]:
        """What shows once all nodes were taken in; one fact on several nodes is one group."""


@dataclass(frozen=True, slots=True)
class Across:
    """One check across nodes."""

    check: Check
    gather: Callable[[FabricIntent], Gathering]

    @property
    def checks(self) -> tuple[Check, ...]:
        return (self.check,)
