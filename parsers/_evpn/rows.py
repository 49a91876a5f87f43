"""The lines of one EVPN path put together: prefix, next hop, columns, ESI and communities.

Every line is taken where it may stand and only there, so that a lost line leaves an orphan: a next
hop for a path that has one, columns without a next hop, communities for a path that has some.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.records import EvpnPath
from parsers._evpn.columns import HOP_WIDTH, Columns, Communities, parse_columns, parse_communities
from parsers._evpn.key import Key, parse_key
from parsers._text import address

if TYPE_CHECKING:
    from parsers._engine import Match

# `10.0.0.1(leaf01)`, `10.0.0.1 (leaf01)`, `10.0.0.1@7<`: host name, VRF and "announced as self".
_HOP = re.compile(r"[ \t]*([0-9A-Fa-f.:]+|\?)[^\n]*")
# Below the columns: FRR indents attributes by 20.
_ATTRIBUTE = re.compile(r"[ \t]{6,}\S")
_STATUS = frozenset("*>=RSsrhudbVINi")
# Up to FRR 7.2: `Route Distinguisher: ip 10.0.0.1:2`.
_RD = re.compile(r"(?:(?:as|as2|as4|ip) )?(\S.*?)\s*")


@dataclass(slots=True)
class Row:
    """One path while its lines are read."""

    rd: str
    printed: str
    key: Key
    status: str
    lines: list[str]
    next_hop: str | None = None
    has_hop: bool = False
    columns: Columns | None = None
    esi: str | None = None
    communities: Communities | None = None
    strangers: list[str] = field(default_factory=list)

    def take_hop(self, hop: str, columns: str) -> None:
        """The next hop, and the columns where they fit on its line. Raises ValueError."""
        if self.has_hop:
            raise ValueError("a second next hop")
        match = _HOP.fullmatch(hop)
        if match is None:
            raise ValueError("not a next hop")
        self.next_hop = None if match[1] == "?" else address(match[1])
        self.has_hop = True
        if columns:
            printed = hop.strip()
            self.columns = parse_columns(columns, max(HOP_WIDTH, len(printed)) - len(printed))

    def path(self) -> EvpnPath:
        """The finished record. Raises ValueError when a part of it never came."""
        if not self.has_hop or self.columns is None:
            raise ValueError("a path without next hop or columns")
        # A line that no FRR is known to print may hold communities all the same.
        said = self.communities or parse_communities(" ".join(self.strangers))
        return EvpnPath(
            rd=self.rd,
            prefix=self.key.text,
            route_type=self.key.route_type,
            eth_tag=self.key.eth_tag,
            mac=self.key.mac,
            ip=self.key.ip,
            prefix_length=self.key.prefix_length,
            esi=self.esi or self.key.esi,
            status=self.status,
            next_hop=self.next_hop,
            metric=self.columns.metric,
            local_pref=self.columns.local_pref,
            weight=self.columns.weight,
            as_path=self.columns.as_path,
            origin=self.columns.origin,
            route_targets=said.route_targets,
            extended=said.extended,
            rmac=said.rmac,
            mobility_sequence=said.mobility_sequence,
            sticky=said.sticky,
            unknown=self._unknown(said),
            text="\n".join(self.lines),
        )

    def _unknown(self, said: Communities) -> tuple[str, ...]:
        status = (f"status {self.status}",) if set(self.status) - _STATUS else ()
        return status + (tuple(line.strip() for line in self.strangers) or said.unknown)


@dataclass(slots=True)
class Rows:
    """The rows of a table.

    `prefixes` counts those that differ from the one above, `printed_prefixes` the columns filled
    with one, `blank_prefixes` the further paths whose column was left blank.
    """

    prefixes: int = 0
    printed_prefixes: int = 0
    blank_prefixes: int = 0
    orphans: list[str] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _rd: str | None = None
    _rd_line: str | None = None
    _rd_prefixes: set[str] = field(default_factory=set)

    def read(self, line: str, match: Match) -> None:
        """Take a line that TTP knows. Raises ValueError for one that cannot stand here."""
        if "rd" in match:
            self._open_rd(line, match["rd"])
        elif "prefix" in match:
            self._open_row(line, match)
        elif "next_hop" in match:
            self._take_hop(line, match)
        elif "columns" in match:
            self._take_columns(line)
        else:
            self._take_attribute(line, match)

    def take_stranger(self, line: str) -> None:
        """Keep a line of no known meaning with the path above it, as it is printed.

        Raises ValueError where it could be what is left of an entry: it is not indented as an
        attribute is, the path above is not complete, or it holds a part of another line. That no
        entry is gone then follows from the footer's counts.
        """
        row = self._row()
        if _ATTRIBUTE.match(line) is None or row.columns is None:
            raise ValueError("not an attribute of a path")
        parse_communities(line)  # refuses two lines in one
        row.strangers.append(line)
        row.lines.append(line)

    def close(self) -> list[Row]:
        """All rows, once the text is over."""
        self._forget_rd()
        return self._rows

    def _open_rd(self, line: str, printed: str) -> None:
        self._forget_rd()
        match = _RD.fullmatch(printed)
        self._rd = match[1] if match else printed
        self._rd_line = line
        self._rd_prefixes.clear()

    def _forget_rd(self) -> None:
        """FRR prints an RD only above a path of it: one without any lost its paths."""
        if self._rd_line is not None:
            self.orphans.append(self._rd_line)
            self._rd_line = None

    def _open_row(self, line: str, match: Match) -> None:
        """A line with a prefix opens a row; some versions repeat it for every path of it."""
        printed, behind = match["prefix"], match["rd_behind"].removeprefix(" RD ")
        rd = self._rd or behind
        if not rd or (behind and behind != rd):
            raise ValueError("a path that is not below its Route Distinguisher")
        key = parse_key(printed)
        repeated = bool(self._rows) and not self._rd_line and self._rows[-1].printed == printed
        if not repeated:
            if printed in self._rd_prefixes and printed.startswith("["):
                raise ValueError("a prefix for a second time, after others, under one RD")
            self._rd_prefixes.add(printed)
            self.prefixes += 1
        self.printed_prefixes += 1
        self._add(Row(rd, printed, key, _status(match["status"]), [line]))
        if match["next_hop"]:
            self._rows[-1].take_hop(match["next_hop"], match["columns"])

    def _add(self, row: Row) -> None:
        self._rows.append(row)
        self._rd_line = None

    def _take_hop(self, line: str, match: Match) -> None:
        """The next hop of the open row, or a further path with its prefix left blank.

        The status of such a path may be blank too (not valid): then only the open row tells.
        """
        open_row = self._row()
        if "status" in match or open_row.has_hop:
            if open_row.columns is None:
                raise ValueError("a further path before the last one was complete")
            status = _status(match.get("status", ""))
            self.blank_prefixes += 1
            self._add(Row(open_row.rd, open_row.printed, open_row.key, status, [line]))
        else:
            open_row.lines.append(line)
        self._rows[-1].take_hop(match["next_hop"], match["columns"])

    def _take_columns(self, line: str) -> None:
        row = self._row()
        if not row.has_hop or row.columns is not None:
            raise ValueError("columns without a next hop")
        row.columns = parse_columns(line)
        row.lines.append(line)

    def _take_attribute(self, line: str, match: Match) -> None:
        """An ESI, then extended communities, each at most once and behind a complete path."""
        row = self._row()
        if row.columns is None or row.communities is not None:
            raise ValueError("attributes of no path")
        if "esi" in match:
            if row.esi is not None:
                raise ValueError("a second ESI")
            row.esi = match["esi"].lower()
        else:
            row.communities = parse_communities(match["communities"])
        row.lines.append(line)

    def _row(self) -> Row:
        """The open row. Raises ValueError above the first one, or right below an RD."""
        if not self._rows or self._rd_line is not None:
            raise ValueError("a line of a path, and no path above it")
        return self._rows[-1]


def _status(printed: str) -> str:
    return printed.replace(" ", "").replace("\t", "")
