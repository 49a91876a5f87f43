"""The parts of an EVPN table, one for each RD: read once in a process, whoever prints them.

Nothing in a part hangs on another: an RD stands above its paths, and prefixes count below it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parsers._engine import match_lines
from parsers._evpn.rows import Rows
from parsers._kept import Kept
from parsers._text import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from overlay.records import EvpnPath
    from parsers._engine import Match

_HEAD = "Route Distinguisher: "
_BETWEEN = f"\n{_HEAD}"
_FOOT = "\nDisplayed "
# What only stands above or below all paths.
_NOT_OF_A_PART = ("router_id", "no_table", "shown", "prefixes", "exist", "legend")


@dataclass(frozen=True, slots=True)
class Block:
    """The paths under one RD, what of them is not known, and what they count for (`Rows`)."""

    paths: tuple[EvpnPath, ...]
    unknown: tuple[str, ...]
    prefixes: int
    printed_prefixes: int
    blank_prefixes: int


# At 200 characters those of 10,000 paths.
_KEPT: Kept[Block] = Kept(2_000_000)
# What TTP is given at a time: what it gives back takes twenty times as much memory.
_AT_ONCE = 500_000


def split_table(text: str) -> tuple[str, list[str], str] | None:
    """The head, the parts and the foot of a table; None where it has no parts, or no foot."""
    head, *parts = text.split(_BETWEEN)
    if not parts:
        return None
    parts[-1], foot, counts = parts[-1].partition(_FOOT)
    return (head, parts, foot + counts) if foot else None


def read_blocks(template: str, parts: Sequence[str]) -> list[Block]:
    """Each part's block. Raises ValueError or ParseError where any of them is not in order."""
    _KEPT.begin()
    blocks = {part: _KEPT.get(part) for part in parts}
    for some in _at_once([part for part, it in blocks.items() if it is None]):
        lines = {part: split_lines(_HEAD + part) for part in some}
        matches = iter(match_lines(template, list(itertools.chain.from_iterable(lines.values()))))
        for part, own in lines.items():
            block = blocks[part] = _read(own, list(itertools.islice(matches, len(own))))
            _KEPT.put(part, block)
    return [block for block in map(blocks.get, parts) if block is not None]


def _at_once(parts: Sequence[str]) -> Iterator[list[str]]:
    """The parts in their order, as many at a time as TTP is given."""
    some: list[str] = []
    size = 0
    for part in parts:
        if size > _AT_ONCE:
            yield some
            some, size = [], 0
        some.append(part)
        size += len(part)
    if some:
        yield some


def _read(lines: Sequence[str], matches: Sequence[Match]) -> Block:
    rows = Rows()
    for line, match in zip(lines, matches, strict=True):
        if "unknown" in match:
            rows.take_stranger(line)
        elif any(word in match for word in _NOT_OF_A_PART):
            raise ValueError("a line from above or below the table")
        else:
            rows.read(line, match)
    paths = tuple(row.path() for row in rows.close())
    if rows.orphans:
        raise ValueError("an RD without a path")
    return Block(
        paths=paths,
        unknown=tuple(dict.fromkeys(word for path in paths for word in path.unknown)),
        prefixes=rows.prefixes,
        printed_prefixes=rows.printed_prefixes,
        blank_prefixes=rows.blank_prefixes,
    )
