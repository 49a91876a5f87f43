"""What lint says of a line: which rule, where, what is wrong, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adopt.devices import Attribute
    from adopt.hostfiles import Host


class Level(StrEnum):
    """How sure a finding is: it breaks something, it may, or it is only hardening."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong in a file of a host. `also` are further lines with the same fault."""

    rule: str
    level: Level
    host: str
    file: str
    line: int
    what: str
    remedy: str
    also: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """The file below the folder of all hosts, and the line."""
        return f"{self.host}{self.file}:{self.line}"

    def __str__(self) -> str:
        more = f" (also line {', '.join(map(str, self.also))})" if self.also else ""
        return (
            f"{self.place}: {self.level.value}: {self.what}{more} [{self.rule}]\n"
            f"  next: {self.remedy}"
        )


def at(
    rule: str,
    host: Host,
    attributes: Sequence[Attribute],
    what: str,
    remedy: str,
    level: Level = Level.ERROR,
) -> Finding:
    """A finding at the first of these attributes; the others are its further lines."""
    first, *others = attributes
    also = tuple(a.line for a in others if a.file == first.file)
    return Finding(rule, level, host.name, first.file, first.line, what, remedy, also)
