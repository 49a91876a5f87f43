"""Interfaces files of ifupdown2, whole or as `grep` found lines of several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.host_records import InterfacesFile, Stanza, StatementElsewhere
from parsers._text import split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEVICES = frozenset({"iface", "vlan"})
_SOURCES = frozenset({"source", "source-directory"})
# Of ifupdown, without meaning for what we compare.
_OTHERS = frozenset({"mapping", "template", "no-auto-down", "no-scripts", "rename"})


def parse_interfaces(text: str) -> InterfacesFile:
    """An interfaces file: its stanzas, the names that start by themselves, the files it reads.

    Never raises: a line that stands in no stanza and begins none is kept in `strange` (Mako's `%`
    lines are such: what they mean is ifupdown2's to say). A person's file is not ours to refuse.
    """
    reader = _Reader()
    for number, line in _logical_lines(text):
        reader.read(number, line)
    return InterfacesFile(
        stanzas=tuple(stanza.done() for stanza in reader.stanzas if stanza.kept),
        auto=tuple(name for _, name in reader.auto),
        sources=tuple(reader.sources),
        strange=tuple(reader.strange),
        starts=tuple(reader.auto),
    )


def parse_statements_elsewhere(text: str) -> tuple[StatementElsewhere, ...]:
    """What `grep -EH` printed of `iface` and `source` lines: `path:line`. Raises ParseError."""
    lines = split_lines(text)
    found = []
    strange = []
    for line in lines:
        path, colon, statement = line.partition(":")
        words = statement.split()
        if colon and len(words) > 1:
            found.append(StatementElsewhere(path, words[0], words[1]))
        else:
            strange.append(line)
    if strange:
        raise unaccounted(
            "grep of the interfaces files", f"{len(found)} of {len(lines)} lines read", strange
        )
    return tuple(found)


@dataclass(slots=True)
class _Open:
    """A stanza in the making; one that is not `kept` only takes the lines below it."""

    name: str = ""
    family: str | None = None
    method: str | None = None
    options: list[tuple[str, str]] = field(default_factory=list)
    line: int = 0
    lines: list[int] = field(default_factory=list)
    kept: bool = True

    def done(self) -> Stanza:
        return Stanza(
            self.name,
            self.family,
            self.method,
            tuple(self.options),
            self.line,
            tuple(self.lines),
        )


class _Reader:
    """Follows a file line by line; `strange` gathers what fits nowhere, with its number."""

    def __init__(self) -> None:
        self.stanzas: list[_Open] = []
        self.auto: list[tuple[int, str]] = []
        self.sources: list[str] = []
        self.strange: list[tuple[int, str]] = []
        self._current: _Open | None = None

    def read(self, number: int, line: str) -> None:
        keyword, *rest = line.split()
        if keyword in _DEVICES and rest:
            name, family, method = (*rest, None, None)[:3]
            self._begin(_Open(str(name), family, method, line=number))
        elif (keyword == "auto" or keyword.startswith("allow-")) and rest:
            self._current = None
            if keyword in {"auto", "allow-auto", "allow-hotplug"}:
                self.auto += [(number, name) for name in rest]
        elif keyword in _SOURCES and rest:
            self._current = None
            self.sources += rest
        elif keyword in _OTHERS and rest:
            self._begin(_Open(kept=False))
        elif keyword.startswith(("%", "<")) or self._current is None:
            self.strange.append((number, line))
        else:
            value = line[len(keyword) :].strip()
            self._current.options.append((keyword, value))
            self._current.lines.append(number)

    def _begin(self, stanza: _Open) -> None:
        self._current = stanza
        self.stanzas.append(stanza)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line that says something, with its number; one that ends in a backslash goes on."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        word = line.strip()
        if not parts:
            first = number
            if word.startswith("#"):
                continue
        if word.endswith("\\"):
            parts.append(word[:-1].rstrip())
            continue
        whole = " ".join([*parts, word]).strip()
        parts = []
        if whole:
            yield first, whole
    if whole := " ".join(parts).strip():
        yield first, whole
