"""What the history holds, for people (tables) and programs (JSON)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from reports.history.store import flapping, reading
from reports.text import one_line, short_name

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import JsonValue

Row = dict[str, "JsonValue"]

_STYLES: Final = {"open": "red", "flapping": "magenta", "unknown": "yellow", "gone": "green"}


def list_runs(history: Path, series: str, most: int) -> list[Row]:
    """Return the latest runs of a series, latest first, each with its totals."""
    with reading(history) as db:
        rows = db.execute(
            "SELECT * FROM runs WHERE series = ? ORDER BY number DESC LIMIT ?", (series, most)
        ).fetchall()
    return [_plain(row) for row in rows]


def list_findings(
    history: Path,
    series: str,
    *,
    only_open: bool = False,
    hosts: Iterable[str] = (),
    checks: Iterable[str] = (),
    most: int = 1000,
) -> list[Row]:
    """Return the known findings of a series: open ones first, then by when they were last seen.

    `hosts` and `checks` are globs. `state` is open, gone, or unknown (the last run could not look);
    `flapping` says that it changed FLAPPING_CHANGES times within FLAPPING_HOURS. `changes` counts
    every appearing and going away that the history still holds.
    """
    host_globs, check_globs = tuple(hosts), tuple(checks)
    with reading(history) as db:
        latest = db.execute(
            "SELECT finished FROM runs WHERE series = ? ORDER BY number DESC LIMIT 1", (series,)
        ).fetchone()
        shaky = flapping(db, series, "finding", latest[0]) if latest else {}
        rows = db.execute(
            """SELECT f.*, (SELECT count(*) FROM changes c WHERE c.series = f.series
                   AND c.subject = 'finding' AND c.name = f.id) AS changes
               FROM findings f WHERE series = ? AND (state <> 'gone' OR NOT ?)
               ORDER BY state = 'gone', last_seen DESC, host, check_id, object, id""",
            (series, only_open),
        ).fetchall()
    chosen: list[Row] = []
    for row in rows:
        if _fits(row["host"], host_globs) and _fits(row["check_id"], check_globs):
            plain = _plain(row)
            plain["check"] = plain.pop("check_id")
            plain["flapping"] = row["id"] in shaky
            chosen.append(plain)
    return chosen[:most]


def runs_table(rows: Sequence[Row]) -> Table:
    """Return the runs as a table, one a line."""
    numbers = ("hosts", "drifted", "incomplete", "critical", "warning", "info", "new", "gone")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("finished", "run"):
        table.add_column(title, no_wrap=True)
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(str(row[key])) for key in ("finished", "id", *numbers)))
    return table


def findings_table(rows: Sequence[Row]) -> Table:
    """Return the findings as a table, one a line, node text made harmless."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("first seen", "last seen", "state"):
        table.add_column(title, no_wrap=True)
    table.add_column("changes", justify="right", no_wrap=True)
    for title in ("severity", "host", "check", "finding"):
        table.add_column(title, overflow="fold")
    for row in rows:
        state = "flapping" if row["flapping"] and row["state"] == "open" else str(row["state"])
        table.add_row(
            Text(str(row["first_seen"])),
            Text(str(row["last_seen"])),
            Text(state, style=_STYLES[state]),
            Text(str(row["changes"])),
            Text(str(row["severity"])),
            Text(short_name(str(row["host"]))),
            Text(one_line(str(row["check"]), 80)),
            Text(one_line(str(row["message"]), 300)),
        )
    return table


def _plain(row: sqlite3.Row) -> Row:
    return {key: value for key, value in dict(row).items() if key not in {"number", "series"}}


def _fits(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)
