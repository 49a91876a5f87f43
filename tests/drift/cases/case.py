"""What a case of a check is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.drift import worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift.model import Severity
    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation


@dataclass(frozen=True)
class Case:
    """A fault, and the one root finding it must give: its host, its object, words of its message."""

    mutation: Mutation
    host: str
    object: str
    says: str
    fabric: Callable[[], FabricIntent] = field(default=worlds.symmetric)
    severity: Severity | None = None  # the check's own
