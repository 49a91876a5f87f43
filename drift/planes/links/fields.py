"""The parts that an intended link is made of: its fields, and which check each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift.compare import Record
    from drift.model import About, Check
    from overlay.records import Link

    Read = Callable[[Link], object]


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a link: the check it belongs to, its name in messages, how it is read.

    A `printed_late` word is one that older iproute2 does not print: its absence is no drift.
    Of an `at_least` one more than intended is as good.
    """

    check: Check
    words: str
    read: Read
    printed_late: bool = False
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One intended link: what it must be, its fields, and its subject for folding."""

    missing: Check
    title: str
    kind: str | None
    fields: Record
    about: About
    identity: str
