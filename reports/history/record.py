"""One audit goes into the history, and what the history knows of its findings comes back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from reports.compare import blind_spots
from reports.history.store import writing
from reports.model import GoneFinding, PreviousRun, TrendPoint
from reports.text import bounded, utc_text

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from reports.model import FindingReport, Report

DEFAULT_KEEP_DAYS: Final = 365
MAX_RUNS: Final = 50_000
MAX_GONE: Final = 100_000
MAX_CHANGES: Final = 500_000
"""So many runs, findings that are gone, and changes are kept of a series, whatever their age."""

TREND_RUNS: Final = 60
"""The latest runs, which reports show and which no retention takes away."""

_MAX_MESSAGE: Final = 600


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step of recording one run needs."""

    db: sqlite3.Connection
    series: str
    number: int
    at: str


def series_of(history: Path, inventory: Path) -> str:
    """Return the name under which `history` keeps the audits of `inventory`: a relative path."""
    return os.path.relpath(inventory.resolve(), history.resolve().parent)


def remember(report: Report, history: Path, series: str, keep_days: int) -> Report:
    """Record an audit in one transaction; return its report with what the history adds to it.

    That is `first_seen` of each finding, `previous` and `trend`. Whatever is older than `keep_days`
    is forgotten. Raises HistoryError; then nothing was recorded.
    """
    with writing(history) as db:
        before = db.execute(
            "SELECT id FROM runs WHERE series = ? ORDER BY number DESC LIMIT 1", (series,)
        ).fetchone()
        number = db.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()[0]
        run = _Run(db, series, number, report.run.finished)
        new = _record_findings(run, report)
        gone = _record_gone(run, report)
        _record_hosts(run, report)
        _record_run(run, report, len(new), len(gone))
        _forget(run, keep_days)
        previous = PreviousRun(run=before[0], new=new, gone=gone) if before else None
        return report.model_copy(
            update={
                "findings": _dated(run, report),
                "trend": _trend(run),
                "previous": previous,
            }
        )


def _record_findings(run: _Run, report: Report) -> tuple[str, ...]:
    """Notes every finding as open; returns the ids of those that were not open before."""
    held = {
        row["id"]: row["state"]
        for row in run.db.execute("SELECT id, state FROM findings WHERE series = ?", (run.series,))
    }
    items = {item.id: item for item in report.findings}
    new = tuple(key for key in items if held.get(key, "gone") == "gone")
    run.db.executemany(
        """INSERT INTO findings (series, id, check_id, severity, host, object, message, caused_by,
               state, first_seen, last_seen, gone_since)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?9, ?9, NULL)
           ON CONFLICT DO UPDATE SET severity = excluded.severity, message = excluded.message,
               caused_by = excluded.caused_by, last_seen = excluded.last_seen, gone_since = NULL,
               first_seen = iif(state = 'gone', excluded.first_seen, first_seen), state = 'open'""",
        [
            (
                *(run.series, item.id, item.check, item.severity.value, item.host),
                *(bounded(item.object, _MAX_MESSAGE), bounded(item.message, _MAX_MESSAGE)),
                *(item.caused_by, run.at),
            )
            for item in items.values()
        ],
    )
    _note_changes(run, "finding", new)
    return new


def _record_gone(run: _Run, report: Report) -> tuple[GoneFinding, ...]:
    """Notes what was open and was not found again: as gone, or unknown where nobody could look.

    What is suppressed now is unknown as well: it is still there, and counts no more.
    """
    blind = blind_spots(report)
    accepted = {item.finding.id for item in report.suppressed}
    found = {item.id for item in report.findings}
    rows = run.db.execute(
        """SELECT id, check_id, host, object, message FROM findings
           WHERE series = ? AND state <> 'gone' ORDER BY host, check_id, object, id""",
        (run.series,),
    )
    missed = [row for row in rows if row["id"] not in found]
    unknown = [
        row["id"] for row in missed if row["id"] in accepted or blind(row["host"], row["check_id"])
    ]
    hidden = set(unknown)
    gone = tuple(
        GoneFinding(id=key, check=check, host=host, object=thing, message=message)
        for key, check, host, thing, message in missed
        if key not in hidden
    )
    run.db.executemany(
        "UPDATE findings SET state = 'unknown' WHERE series = ? AND id = ?",
        [(run.series, key) for key in unknown],
    )
    run.db.executemany(
        "UPDATE findings SET state = 'gone', gone_since = ? WHERE series = ? AND id = ?",
        [(run.at, run.series, item.id) for item in gone],
    )
    _note_changes(run, "finding", tuple(item.id for item in gone))
    return gone


def _record_hosts(run: _Run, report: Report) -> None:
    """Notes which hosts are incomplete; one that this run left out stays as it was."""
    held = {
        row["name"]: bool(row["incomplete"])
        for row in run.db.execute(
            "SELECT name, incomplete FROM hosts WHERE series = ?", (run.series,)
        )
    }
    states = {name: host.status == "incomplete" for name, host in report.hosts.items()}
    run.db.executemany(
        """INSERT INTO hosts (series, name, incomplete, error, since, last_seen)
           VALUES (?, ?, ?, ?, ?5, ?5)
           ON CONFLICT DO UPDATE SET error = excluded.error, last_seen = excluded.last_seen,
               since = iif(incomplete = excluded.incomplete, since, excluded.since),
               incomplete = excluded.incomplete""",
        [
            (run.series, name, states[name], bounded(host.error or "", _MAX_MESSAGE), run.at)
            for name, host in report.hosts.items()
        ],
    )
    changed = tuple(name for name, state in states.items() if state != held.get(name, False))
    _note_changes(run, "host", changed)


def _note_changes(run: _Run, subject: str, names: tuple[str, ...]) -> None:
    run.db.executemany(
        "INSERT INTO changes (series, subject, name, at, run) VALUES (?, ?, ?, ?, ?)",
        [(run.series, subject, name, run.at, run.number) for name in names],
    )


def _record_run(run: _Run, report: Report, new: int, gone: int) -> None:
    hosts, counts, info = report.summary.hosts, report.summary.findings, report.run
    run.db.execute(
        f"INSERT INTO runs VALUES ({', '.join('?' * 14)})",  # noqa: S608 - question marks alone
        (
            *(run.number, run.series, info.id, info.started, info.finished, info.source),
            *(hosts.total, hosts.drifted, hosts.incomplete),
            *(counts.critical, counts.warning, counts.info, new, gone),
        ),
    )


def _forget(run: _Run, keep_days: int) -> None:
    """Deletes what is older than the retention or beyond the maximum, but never the trend."""
    moment = datetime.fromisoformat(run.at)
    oldest = utc_text(moment - timedelta(days=keep_days))
    scope = {"series": run.series, "oldest": oldest, "trend": TREND_RUNS, "most": MAX_RUNS}
    # Numbers, not times, guard the latest runs: a clock that jumps ahead must not empty the file.
    run.db.execute(
        """DELETE FROM runs WHERE series = :series AND number NOT IN (SELECT number FROM runs
           WHERE series = :series ORDER BY number DESC LIMIT :trend) AND (finished < :oldest
           OR number NOT IN (SELECT number FROM runs WHERE series = :series
           ORDER BY number DESC LIMIT :most))""",
        scope,
    )
    scope["first"] = run.db.execute(
        "SELECT min(number) FROM runs WHERE series = ?", (run.series,)
    ).fetchone()[0]
    scope["most"] = MAX_CHANGES
    run.db.execute(
        """DELETE FROM changes WHERE series = :series AND (run < :first
           OR rowid <= (SELECT max(rowid) FROM changes) - :most)""",
        scope,
    )
    scope["most"] = MAX_GONE
    run.db.execute(
        """DELETE FROM findings WHERE series = :series AND state <> 'open' AND (last_seen < :oldest
           OR (state = 'gone' AND id IN (SELECT id FROM findings WHERE series = :series
           AND state = 'gone' ORDER BY last_seen DESC LIMIT -1 OFFSET :most)))""",
        scope,
    )
    run.db.execute("DELETE FROM hosts WHERE series = :series AND last_seen < :oldest", scope)
    run.db.execute(
        """DELETE FROM told WHERE series = :series AND name NOT IN
           (SELECT id FROM findings WHERE series = :series AND subject = 'finding'
            UNION ALL SELECT name FROM hosts WHERE series = :series AND subject = 'host')""",
        scope,
    )


def _dated(run: _Run, report: Report) -> tuple[FindingReport, ...]:
    since = dict(
        run.db.execute(
            "SELECT id, first_seen FROM findings WHERE series = ? AND state = 'open'",
            (run.series,),
        ).fetchall()
    )
    return tuple(item.model_copy(update={"first_seen": since[item.id]}) for item in report.findings)


def _trend(run: _Run) -> tuple[TrendPoint, ...]:
    rows = run.db.execute(
        """SELECT finished, critical, warning, info, incomplete FROM runs WHERE series = ?
           ORDER BY number DESC LIMIT ?""",
        (run.series, TREND_RUNS),
    ).fetchall()
    return tuple(TrendPoint(**dict(row)) for row in reversed(rows))
