"""What has changed since a receiver of notifications was last told: each change once.

A receiver is told of a finding, and later that it is resolved. One whom a message did not reach is
told with the next. What could not be checked is neither; what flaps is told of once, and called
resolved only when it has settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.history.store import flapping, reading, writing
from reports.text import one_line, short_name

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

MAX_LINES: Final = 10
_MAX_LINE: Final = 240
_RANKS: Final = {"critical": 0, "warning": 1, "info": 2}

# What chat programs turn into a mention, a tag or code.
_HARMLESS: Final = str.maketrans({"@": "(at)", "<": "‹", ">": "›", "`": "'"})


@dataclass(frozen=True, slots=True)
class Change:
    """One finding or host: `name` is its id, `line` what people read."""

    name: str
    line: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What one receiver does not know yet. It is false when there is nothing to tell."""

    new: tuple[Change, ...] = ()
    resolved: tuple[Change, ...] = ()
    incomplete: tuple[Change, ...] = ()
    recovered: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.resolved or self.incomplete or self.recovered)

    def title(self, fabric: str) -> str:
        """Return one short line with the counts."""
        counts = (
            (self.new, "new"),
            (self.resolved, "resolved"),
            (self.incomplete, "incomplete"),
            (self.recovered, "recovered"),
        )
        said = ", ".join(f"{len(items):,} {word}" for items, word in counts if items)
        return f"EVPN audit of {harmless(fabric)}: {said}"

    def body(self) -> str:
        """Return at most MAX_LINES changes, one a line, most severe first; then how many more."""
        kinds = (
            ("NEW", self.new),
            ("INCOMPLETE", self.incomplete),
            ("resolved", self.resolved),
            ("recovered", self.recovered),
        )
        lines = [f"{word}: {item.line}" for word, items in kinds for item in items]
        left = len(lines) - MAX_LINES
        return "\n".join(lines[:MAX_LINES] + ([f"and {left:,} more"] if left > 0 else []))


def harmless(text: str) -> str:
    """Return a line of node text that no chat program or mail reader makes into something else."""
    return one_line(text, _MAX_LINE).replace("://", ": //").translate(_HARMLESS)


def changes_for(receiver: str, history: Path, series: str) -> Changes:
    """Return what `receiver` does not know yet. Raises HistoryError."""
    with reading(history) as db:
        latest = db.execute(
            "SELECT finished FROM runs WHERE series = ? ORDER BY number DESC LIMIT 1", (series,)
        ).fetchone()
        if latest is None:
            return Changes()
        new, resolved = _findings(db, series, receiver, latest[0])
        incomplete, recovered = _hosts(db, series, receiver, latest[0])
    return Changes(new, resolved, incomplete, recovered)


def mark_notified(receiver: str, changes: Changes, history: Path, series: str) -> None:
    """Note that `changes` reached `receiver`. Raises HistoryError."""
    with writing(history) as db:
        for subject, wrong, right in (
            ("finding", changes.new, changes.resolved),
            ("host", changes.incomplete, changes.recovered),
        ):
            db.executemany(
                "INSERT OR IGNORE INTO told (series, receiver, subject, name) VALUES (?, ?, ?, ?)",
                [(series, receiver, subject, item.name) for item in wrong],
            )
            db.executemany(
                "DELETE FROM told WHERE series = ? AND receiver = ? AND subject = ? AND name = ?",
                [(series, receiver, subject, item.name) for item in right],
            )


def _findings(
    db: sqlite3.Connection, series: str, receiver: str, now: str
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    rows = db.execute(
        "SELECT * FROM findings WHERE series = ? ORDER BY host, check_id, id", (series,)
    ).fetchall()
    known = {row["id"]: row for row in rows}
    told = _told(db, series, receiver, "finding")
    shaky = flapping(db, series, "finding", now)
    # A consequence is not reported: its root cause is.
    roots = [
        row
        for row in rows
        if row["state"] == "open"
        and (row["caused_by"] not in known or known[row["caused_by"]]["state"] != "open")
    ]
    new = tuple(
        Change(row["id"], _line(row) + (" (flapping)" if row["id"] in shaky else ""))
        for row in sorted(roots, key=lambda row: _RANKS.get(row["severity"], len(_RANKS)))
        if row["id"] not in told
    )
    right = tuple(
        Change(row["id"], _line(row))
        for row in rows
        if row["state"] == "gone" and row["id"] in told and row["id"] not in shaky
    )
    return new, right


def _hosts(
    db: sqlite3.Connection, series: str, receiver: str, now: str
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    rows = db.execute("SELECT * FROM hosts WHERE series = ? ORDER BY name", (series,)).fetchall()
    told = _told(db, series, receiver, "host")
    shaky = flapping(db, series, "host", now)
    wrong = tuple(
        Change(row["name"], harmless(f"{short_name(row['name'])}: {row['error']}"))
        for row in rows
        if row["incomplete"] and row["name"] not in told
    )
    right = tuple(
        Change(row["name"], harmless(short_name(row["name"])))
        for row in rows
        if not row["incomplete"] and row["name"] in told and row["name"] not in shaky
    )
    return wrong, right


def _told(db: sqlite3.Connection, series: str, receiver: str, subject: str) -> set[str]:
    rows = db.execute(
        "SELECT name FROM told WHERE series = ? AND receiver = ? AND subject = ?",
        (series, receiver, subject),
    )
    return {str(row[0]) for row in rows}


def _line(row: sqlite3.Row) -> str:
    return harmless(
        f"{row['severity']} {short_name(row['host'])} {row['check_id']} {row['message']}"
    )
