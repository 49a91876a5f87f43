"""`show bgp l2vpn evpn` → EvpnTable: every path that FRR printed, checked against its footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import ParseError
from overlay.records import EvpnPath, EvpnTable
from parsers._engine import Match, match_lines
from parsers._evpn.blocks import Block, read_blocks, split_table
from parsers._evpn.rows import Row, Rows
from parsers._text import count, number, split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATE = "bgp_l2vpn_evpn.ttp"
COMMAND = "show bgp l2vpn evpn"


def parse_evpn(text: str) -> EvpnTable:
    """Read `show bgp l2vpn evpn` of FRR 3 to 10.6 and Cumulus Linux.

    What FRR says in the place of a table (no BGP instance, bgpd not running, no prefix) gives an
    empty table that keeps it in `said`. A word or line that no FRR is known to print stays with its
    path, in `unknown`. Raises ParseError, with the lines to blame, unless every
    line is part of a path or known, and the numbers of prefixes and of paths are those of the
    footer; a text that ends without one was cut off.
    """
    try:
        table = _by_blocks(text)
    except (ValueError, ParseError):
        table = None
    # Of a table with anything in it that is not in order, the whole says best what and where.
    return table or _line_by_line(text)


def _by_blocks(text: str) -> EvpnTable | None:
    """The table from what is known of its parts; raises ValueError or ParseError for a doubt."""
    cut = split_table(text)
    if cut is None:
        return None
    head, parts, foot = cut
    reader = _Reader()
    reader.read_all(split_lines(head))
    reader.adopt(read_blocks(TEMPLATE, parts))
    reader.read_all(split_lines(foot))
    return reader.table()


def _line_by_line(text: str) -> EvpnTable:
    lines = split_lines(text)
    reader = _Reader()
    for line, match in zip(lines, match_lines(TEMPLATE, lines), strict=True):
        try:
            reader.read(line, match)
        except ValueError:
            reader.strange.append(line)
    return reader.table()


@dataclass(frozen=True, slots=True)
class _Footer:
    """The last line: how many prefixes and paths FRR says that it printed.

    In `Displayed N out of M total prefixes` N counts printed prefix columns: all paths up to FRR
    7.2, which repeats the prefix for each of them, and prefixes from 7.3 on, which leaves it blank
    for further ones. In `Displayed N prefixes (M paths)` N counts prefixes, and every path repeats
    its own.
    """

    line: str
    prefixes: int
    paths: int
    repeats_prefixes: bool = False


class _Reader:
    """Follows the table line by line; `strange` gathers what fits nowhere."""

    def __init__(self) -> None:
        self.strange: list[str] = []
        self._rows = Rows()
        self._router_id: str | None = None
        self._head = ""
        self._said: str | None = None
        self._footer: _Footer | None = None
        self._last = ""
        self._blocks: list[Block] = []

    def read_all(self, lines: Sequence[str]) -> None:
        """Take lines, all of which must be in order. Raises ValueError."""
        for line, match in zip(lines, match_lines(TEMPLATE, lines), strict=True):
            self.read(line, match)

    def adopt(self, blocks: list[Block]) -> None:
        """Take paths that were read before, where no line of a path was. Raises ValueError."""
        if self._rows.close():
            raise ValueError("paths above the first RD")
        self._blocks = blocks
        for block in blocks:
            self._rows.prefixes += block.prefixes
            self._rows.printed_prefixes += block.printed_prefixes
            self._rows.blank_prefixes += block.blank_prefixes

    def read(self, line: str, match: Match) -> None:
        """Take one line. Raises ValueError for one that cannot stand where it does."""
        self._last = line
        if self._footer:
            raise ValueError("after the table's end")
        if "unknown" in match:
            self._rows.take_stranger(line)
            return
        if "router_id" in match:
            self._router_id = match["router_id"]
            self._head = line
        elif "no_table" in match:
            self._said = match["no_table"].strip()
        elif "shown" in match:
            self._footer = _Footer(line, number(match["shown"]), number(match["total"]))
        elif "prefixes" in match:
            self._footer = _Footer(
                line, number(match["prefixes"]), number(match["paths"]), repeats_prefixes=True
            )
        elif "exist" in match:
            self._footer = _Footer(line, 0, number(match["exist"]))
            self._said = line.strip() if self._footer.paths == 0 else None
        elif "legend" not in match:
            self._rows.read(line, match)

    def table(self) -> EvpnTable:
        """The table, if every line and every count agree. Raises ParseError."""
        paths, broken = _finish(self._rows.close())
        unknown = [word for path in paths for word in path.unknown]
        if self._blocks:
            paths = [path for block in self._blocks for path in block.paths]
            unknown = [word for block in self._blocks for word in block.unknown]
        problem, to_blame = self._disagreement(paths)
        strange = list(dict.fromkeys([*self.strange, *broken, *self._rows.orphans]))
        if problem or strange:
            read = problem or f"{count(len(paths), 'path')} read"
            raise unaccounted(COMMAND, read, strange or to_blame, paths)
        return EvpnTable(
            paths=tuple(paths),
            router_id=self._router_id,
            empty=not paths,
            said=self._said,
            head=self._head,
            unknown=tuple(dict.fromkeys(unknown)),
        )

    def _disagreement(self, paths: Sequence[EvpnPath]) -> tuple[str, list[str]]:
        """What the end of the text and the paths disagree about, and the line that says so."""
        read, footer = count(len(paths), "path"), self._footer
        if self._said is not None:
            return (f"{read} beside {self._said!r}", [self._said]) if paths else ("", [])
        if footer is None:
            problem = (
                f"{read}, and the last line with their number is missing: the text was cut off"
            )
            return problem, [self._last] if self._last else []
        rows = self._rows
        prefixes = rows.prefixes if footer.repeats_prefixes else rows.printed_prefixes
        if footer.repeats_prefixes and rows.blank_prefixes:
            return f"{count(rows.blank_prefixes, 'path')} without the prefix", [footer.line]
        if (prefixes, len(paths)) == (footer.prefixes, footer.paths):
            return "", []
        problem = f"{prefixes} of {footer.prefixes} prefixes, {len(paths)} of {footer.paths} paths"
        return problem, [footer.line]


def _finish(rows: Sequence[Row]) -> tuple[list[EvpnPath], list[str]]:
    """Make paths of finished rows; second, the lines of those that cannot be one."""
    paths: list[EvpnPath] = []
    broken: list[str] = []
    for row in rows:
        try:
            paths.append(row.path())
        except ValueError:
            broken.extend(row.lines)
    return paths, broken
