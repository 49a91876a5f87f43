"""The history of audits: one SQLite file, opened so that nothing can leave it half written.

A rollback journal, not WAL: one short write per audit needs no more, readers need no right to
write, and the file may lie on any filesystem. A killed writer's journal is undone by whoever opens
the file next. `user_version` is the schema's number, `application_id` says that the file is ours.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from overlay.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION_ID: Final = 0x45565046  # "EVPF"
BUSY_SECONDS: Final = 10.0
"""How long a run waits for another one that is writing."""

FLAPPING_CHANGES: Final = 3
FLAPPING_HOURS: Final = 24
"""What appeared or went away this often within so many hours is flapping."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        # `series`: audits of one inventory, by its path as seen from this file, so that the
        # folder can be moved. Times are UTC, ISO 8601; `number` is the order of recording.
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY, series TEXT NOT NULL, id TEXT NOT NULL,
            started TEXT NOT NULL, finished TEXT NOT NULL, source TEXT NOT NULL,
            hosts INTEGER NOT NULL, drifted INTEGER NOT NULL, incomplete INTEGER NOT NULL,
            critical INTEGER NOT NULL, warning INTEGER NOT NULL, info INTEGER NOT NULL,
            new INTEGER NOT NULL, gone INTEGER NOT NULL, UNIQUE (series, id))""",
        # One row per fact. `state`: open; gone (looked for and not found); unknown (was open, and
        # the last run could not look). `first_seen` begins the latest period in which it was open.
        """CREATE TABLE findings (
            series TEXT NOT NULL, id TEXT NOT NULL, check_id TEXT NOT NULL, severity TEXT NOT NULL,
            host TEXT NOT NULL, object TEXT NOT NULL, message TEXT NOT NULL, caused_by TEXT,
            state TEXT NOT NULL CHECK (state IN ('open', 'gone', 'unknown')),
            first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, gone_since TEXT,
            PRIMARY KEY (series, id)) WITHOUT ROWID""",
        """CREATE TABLE hosts (
            series TEXT NOT NULL, name TEXT NOT NULL, incomplete INTEGER NOT NULL,
            error TEXT NOT NULL, since TEXT NOT NULL, last_seen TEXT NOT NULL,
            PRIMARY KEY (series, name)) WITHOUT ROWID""",
        # Every appearing and going away of a finding or of a host's incompleteness.
        """CREATE TABLE changes (
            series TEXT NOT NULL, subject TEXT NOT NULL CHECK (subject IN ('finding', 'host')),
            name TEXT NOT NULL, at TEXT NOT NULL, run INTEGER NOT NULL)""",
        "CREATE INDEX changes_of ON changes (series, subject, name, at)",
        # What a receiver of notifications was told to be wrong and not yet to be right again.
        """CREATE TABLE told (
            series TEXT NOT NULL, receiver TEXT NOT NULL,
            subject TEXT NOT NULL CHECK (subject IN ('finding', 'host')), name TEXT NOT NULL,
            PRIMARY KEY (series, receiver, subject, name)) WITHOUT ROWID""",
    ),
)
"""The statements that lead from each schema version to the next; never changed, only added to."""

_NEXT: Final = {
    "SQLITE_BUSY": "another run has been writing for a long time: try again when it has finished",
    "SQLITE_CANTOPEN": "name a --history in a folder that you may write to, or use --no-history",
    "SQLITE_CORRUPT": "move the file away; the next audit starts a new one. The reports of all "
    "audits are still in their folders",
    "SQLITE_FULL": "free some space there, or name a --history on another disk",
    "SQLITE_IOERR": "check the disk and the free space there, or name another --history",
    "SQLITE_NOTADB": "it is not a history: name another --history, or move that file away; the "
    "next audit starts a new one",
    "SQLITE_READONLY": "let this user write to the file and its folder, or use --no-history",
}


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields the history for queries only; HistoryError if there is none or it cannot be read."""
    if not path.exists():
        raise HistoryError(
            f"{path}: there is no history yet", "run `audit` first, or name another --history"
        )
    with _explained(path), contextlib.closing(_connect(path, "ro")) as db:
        _migrate_or_refuse(db, path, may_write=False)
        yield db


@contextlib.contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields the history within one transaction: all of the block is kept, or nothing of it.

    The file is made, or brought to the current schema, if need be. Raises HistoryError.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(_connect(path, "rwc")) as db:
            db.execute("BEGIN IMMEDIATE")
            # If the block raises, closing rolls back.
            _migrate_or_refuse(db, path, may_write=True)
            yield db
            db.execute("COMMIT")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


def _migrate_or_refuse(db: sqlite3.Connection, path: Path, *, may_write: bool) -> None:
    """Brings the schema up to date within the open transaction; refuses what is not ours."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    empty = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != APPLICATION_ID and not (empty and version == 0):
        raise HistoryError(
            f"{path}: is a database of another program, not a history of audits",
            "name another --history",
        )
    if version > len(MIGRATIONS):
        raise HistoryError(
            f"{path}: was written by a newer evpn-fleet (its schema is {version}, this version "
            f"knows {len(MIGRATIONS)})",
            "use that version again, or name another --history; the file was not touched",
        )
    if version == len(MIGRATIONS):
        return
    if not may_write:
        raise HistoryError(
            f"{path}: has schema {version}, this version reads {len(MIGRATIONS)}",
            "the next audit brings it up to date: run `audit` first",
        )
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Makes what SQLite and the disk say into an error that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        hint = next((text for code, text in _NEXT.items() if name.startswith(code)), "")
        raise HistoryError(
            f"{path}: the history cannot be used: {error}",
            hint or "move the file away; the next audit starts a new one",
        ) from error
    except OSError as error:
        raise HistoryError(
            f"{path}: the history cannot be used: {error.strerror or error}",
            _NEXT["SQLITE_CANTOPEN"],
        ) from error


def flapping(db: sqlite3.Connection, series: str, subject: str, now: str) -> dict[str, int]:
    """Returns how often each flapping finding or host changed in the window that ends at `now`."""
    rows = db.execute(
        """SELECT name, count(*) FROM changes WHERE series = ? AND subject = ?
           AND at > strftime('%Y-%m-%dT%H:%M:%SZ', ?, ?) GROUP BY name HAVING count(*) >= ?""",
        (series, subject, now, f"-{FLAPPING_HOURS} hours", FLAPPING_CHANGES),
    )
    return {str(name): int(count) for name, count in rows}
