"""What an audit leaves besides its report: its place in the history, metrics, notifications.

None of them changes what the audit says: what fails here is a warning on stderr, and the exit code
stays that of the nodes' state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import FleetError, HistoryError
from reports.history.changes import Changes, changes_for, mark_notified
from reports.history.record import DEFAULT_KEEP_DAYS, remember, series_of
from reports.jsonfile import write_text
from reports.metrics import prometheus_text
from reports.notify import Message, Receiver, receivers, send

if TYPE_CHECKING:
    from pathlib import Path

    from app.context import Context
    from reports.model import Report

__all__ = ["DEFAULT_KEEP_DAYS", "Recording", "history_file", "history_to_use"]

_HISTORY_FILE = "history.sqlite"


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be left where. `history` is None when the audit is not to be in one."""

    context: Context
    history: Path | None
    keep_days: int = DEFAULT_KEEP_DAYS
    metrics: Path | None = None
    notify: tuple[str, ...] = ()
    dry_run: bool = False

    def remember(self, report: Report) -> Report:
        """Puts the audit into the history; returns its report with what the history adds to it."""
        if self.history is None:
            return report
        try:
            return remember(report, self.history, self._series(self.history), self.keep_days)
        except HistoryError as error:
            self.context.warn(f"{error.what}; this audit is not in the history", error.hint)
            return report

    def publish(self, report: Report) -> None:
        """Writes the metrics, and tells the receivers what they do not know yet."""
        if self.metrics is not None:
            self._write_metrics(report, self.metrics)
        if not self.notify and not self.dry_run:
            return
        # Only a report that came back from the history has a trend: without it, what an earlier
        # run left there would be told as this one's.
        if self.history is None or not report.trend:
            self.context.warn(
                "no notification was sent: only the history shows what is new",
                "use a history: omit --no-history; with --from, name a --history",
            )
            return
        try:
            self._tell(self.history, report.run.fabric or self.context.inventory.name)
        except FleetError as error:
            self.context.warn(f"not all notifications were sent: {error.what}", error.hint)

    def _write_metrics(self, report: Report, path: Path) -> None:
        try:
            write_text(path, prometheus_text(report))
        except OSError as error:
            self.context.warn(
                f"{path}: the metrics cannot be written: {error.strerror or error}",
                "name a --metrics file in a folder that this user may write to",
            )

    def _tell(self, history: Path, fabric: str) -> None:
        series = self._series(history)
        known = receivers(self.notify) or (Receiver("a new receiver", "", ""),)
        changes = {it: found for it in known if (found := changes_for(it.id, history, series))}
        if self.dry_run:
            self._show(known, changes, fabric)
            return
        failed = send([(it, Message(n.title(fabric), n.body())) for it, n in changes.items()])
        for receiver, found in changes.items():
            if receiver.id in failed:
                self.context.warn(
                    f"{receiver.name} was not notified: {failed[receiver.id]}",
                    "the next audit tries again; test the URL with "
                    "`.venv/bin/apprise -v -b test URL`",
                )
            else:
                mark_notified(receiver.id, found, history, series)

    def _show(
        self, known: tuple[Receiver, ...], changes: dict[Receiver, Changes], fabric: str
    ) -> None:
        for receiver in known:
            found = changes.get(receiver)
            text = f"{found.title(fabric)}\n{found.body()}" if found else "nothing to send"
            self.context.err.print(f"{receiver.name}: {text}", markup=False, soft_wrap=True)

    def _series(self, history: Path) -> str:
        return series_of(history, self.context.inventory)


def history_file(context: Context, named: Path | None) -> Path:
    """The history to use: the named one, else the one beside this inventory's audits."""
    return named or context.audits / _HISTORY_FILE


def history_to_use(
    context: Context, named: Path | None, *, off: bool, snapshot: bool
) -> Path | None:
    """The history that an audit belongs into, or None.

    A snapshot tells of an earlier time, which would show as repairs and relapses between live
    audits: it is recorded only in a history that is named.
    """
    return None if off or (snapshot and named is None) else history_file(context, named)
