"""What an audit leaves besides its report: a place in the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.history_commands import history_file
from overlay.errors import HistoryError
from reports.history_record import DEFAULT_KEEP_DAYS, remember, series_of

if TYPE_CHECKING:
    from cli.context import Context
    from reports.model import Report

NoHistoryOption = Annotated[
    bool, typer.Option("--no-history", help="Leave the history of audits alone.")
]
KeepOption = Annotated[
    int, typer.Option("--keep", metavar="DAYS", min=1, help="How long the history remembers.")
]
KEEP_DAYS = DEFAULT_KEEP_DAYS


@dataclass(frozen=True, slots=True)
class Recording:
    """Where an audit is recorded: `history` is None when it is not to be."""

    context: Context
    history: Path | None
    keep_days: int

    def __call__(self, report: Report) -> Report:
        """Records the audit and returns its report with what the history adds to it.

        A history that fails costs its own additions and a warning, never the audit's report nor
        its exit code: those say what the nodes hold.
        """
        if self.history is None:
            return report
        try:
            series = series_of(self.history, self.context.inventory)
            return remember(report, self.history, series, self.keep_days)
        except HistoryError as error:
            self.context.warn(f"{error.what}; this audit is not in it", error.hint)
            return report


def recording(
    context: Context, named: Path | None, keep_days: int, *, off: bool, snapshot: bool
) -> Recording:
    """The Recording that the options ask for.

    A snapshot tells of an earlier time, which would show as repairs and relapses between live
    audits: it is recorded only in a history that is named.
    """
    nowhere = off or (snapshot and named is None)
    return Recording(context, None if nowhere else history_file(context, named), keep_days)
