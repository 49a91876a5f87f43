"""Problems of the intent: gathered, all reported at once, each with file, key, reason and hint."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol

from overlay.errors import IntentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

KeyPath = tuple[str | int, ...]
Complaint = tuple[KeyPath, str, str]
"""What a cross-check says: the key, the reason, and what to do next."""


class SourceFile(Protocol):
    """A file that people write, and where in it a key stands."""

    @property
    def path(self) -> Path: ...

    def position(self, key: KeyPath) -> tuple[int | None, int | None]:
        """Line and column (from 1) of the deepest part of `key` that the file has."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file that people write; `line` and `column` count from 1."""

    file: str
    key: str
    reason: str
    hint: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        where = f"{place}: {self.key}" if self.key else place
        return f"{where}: {self.reason}\n  next: {self.hint}"


@dataclass(slots=True)
class Problems:
    """Collects the problems of one inventory; `check()` raises them all as one IntentError."""

    found: list[Problem] = field(default_factory=list)

    def add(self, file: SourceFile, key: KeyPath, reason: str, hint: str) -> None:
        """Notes a problem at `key` of `file`; the line is looked up in the file itself."""
        line, column = file.position(key)
        self.found.append(Problem(file.path.name, dotted(key), reason, hint, line, column))

    def check(self) -> None:
        """Raises IntentError with every problem found so far; does nothing when there is none."""
        if not self.found:
            return
        count = len(self.found)
        ordered = sorted(set(map(str, self.found)), key=list(map(str, self.found)).index)
        raise IntentError(
            f"{count} problem{'s' * (count != 1)} in the intent",
            "fix the problems listed above, then run `validate` again",
            tuple(ordered),
        )


def dotted(key: Iterable[str | int]) -> str:
    """`("networks", 1, "vni")` as people read it: `networks[1].vni`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def few(names: Collection[str]) -> str:
    """The first three names, and how many more there are."""
    shown = sorted(names)[:3]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
