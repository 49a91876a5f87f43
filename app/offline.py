"""What needs no node and no intent: the catalogue of checks, outputs, reports and their history."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from app.audit.recording import history_file
from app.exit_codes import ExitCode
from drift.catalogue import select
from drift.reference import EXAMPLE, check_text
from overlay.errors import FleetError
from parsers import parse, records_as_json
from reports.compare import compare_json, compare_reports, compare_text
from reports.formats import FORMATS, render_report
from reports.history.read import findings_table, list_findings, list_runs, runs_table
from reports.history.record import series_of
from reports.jsonfile import read_report, write_text
from tasks.sudoers import sudoers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.context import Context
    from drift.model import Check
    from tasks.sudoers import Purpose

__all__ = [
    "FORMATS",
    "compare",
    "parse_file",
    "print_checks",
    "print_findings",
    "print_runs",
    "render_again",
    "sudoers_file",
]


def print_checks(context: Context, ids: Sequence[str], *, as_json: bool) -> None:
    """Prints the catalogue; of checks that are named (ids or globs) all there is to say."""
    chosen = select(ids or None, ())
    if as_json:
        print(json.dumps([_plain(check) for check in chosen], indent=1))
    elif ids:
        print("\n".join(map(check_text, chosen)) + f"\n{EXAMPLE}")
    else:
        context.out.print(_table(chosen))


def _plain(check: Check) -> dict[str, object]:
    return {
        "id": check.id,
        "severity": check.severity.value,
        "title": check.title,
        "compares": check.compares,
        "why": check.why,
        "confirm": check.confirm,
        "remedy": check.remedy,
        "needs": list(check.needs),
        "needs_in_evpn": list(check.needs_in_evpn),
    }


def _table(chosen: Iterable[Check]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("Check", "Severity", "Compares", "Needs"):
        table.add_column(title)
    for check in chosen:
        table.add_row(check.id, check.severity.value, check.compares, ", ".join(check.needs))
    return table


def sudoers_file(user: str, purpose: Purpose) -> str:
    """The sudoers file of such an account. Raises FleetError for a name that is not a user's."""
    return sudoers(user, purpose)


def parse_file(command: str, file: str) -> None:
    """Prints the records of one captured output (`-`: of stdin). Raises FleetError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise FleetError(
            f"{file}: cannot be read: {error}", "name a file, or - for stdin"
        ) from None
    records = records_as_json(parse(command, raw.decode("utf-8", "replace")))
    print(json.dumps(records, indent=1))


def render_again(context: Context, file: Path, form: str, output: Path | None) -> None:
    """Writes an existing report in another form, to stdout unless told otherwise."""
    text = render_report(read_report(file), form)
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        context.say(f"wrote {output}")


def compare(old: Path, new: Path, *, as_json: bool) -> ExitCode:
    """Prints what is new, gone and unchanged between two audits."""
    comparison = compare_reports(read_report(old), read_report(new))
    sys.stdout.write(compare_json(comparison) if as_json else compare_text(comparison))
    if comparison.unknown:
        return ExitCode.INCOMPLETE
    return ExitCode.DRIFT if comparison.new else ExitCode.OK


def print_runs(context: Context, file: Path | None, most: int, *, as_json: bool) -> None:
    """Prints the audits so far, at most so many."""
    path = history_file(context, file)
    rows = list_runs(path, series_of(path, context.inventory), most)
    if as_json:
        print(json.dumps(rows, indent=1))
    elif rows:
        context.out.print(runs_table(rows))
    else:
        _nothing(context, path)


def print_findings(
    context: Context,
    file: Path | None,
    most: int,
    *,
    only_open: bool = False,
    hosts: Sequence[str] = (),
    checks: Sequence[str] = (),
    as_json: bool = False,
) -> None:
    """Prints what the audits found and since when: of hosts and checks by globs, () is all."""
    path = history_file(context, file)
    series = series_of(path, context.inventory)
    rows = list_findings(path, series, only_open=only_open, hosts=hosts, checks=checks, most=most)
    if as_json:
        print(json.dumps(rows, indent=1))
    elif rows:
        context.out.print(findings_table(rows))
    else:
        _nothing(context, path)


def _nothing(context: Context, path: Path) -> None:
    context.say(f"{path}: it has no records of inventory {context.inventory}")
