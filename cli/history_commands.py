"""`history`: what the audits so far have found, and since when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.context import Context, context_of
from reports.history_read import findings_table, list_findings, list_runs, runs_table
from reports.history_record import series_of

HISTORY_FILE = "history.sqlite"

HistoryOption = Annotated[
    Path | None,
    typer.Option(
        "--history",
        metavar="FILE",
        envvar="EVPN_FLEET_HISTORY",
        help="The history of audits. Default: audits/history.sqlite.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command()(history)


def history_file(context: Context, named: Path | None) -> Path:
    """The history to use: the named one, else the one beside this inventory's audits."""
    return named or context.audits / HISTORY_FILE


def history(
    ctx: typer.Context,
    file: HistoryOption = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="The findings and since when, not the runs.")
    ] = False,
    only_open: Annotated[
        bool, typer.Option("--open", help="Findings that are not known to be gone.")
    ] = False,
    hosts: Annotated[
        list[str] | None, typer.Option("--host", metavar="NAME", help="Findings of hosts (globs).")
    ] = None,
    checks: Annotated[
        list[str] | None, typer.Option("--check", metavar="ID", help="Findings of checks (globs).")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Lines at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Lists the audits so far, or with --findings what they found, since when, and what is gone.

    Example: run.py history --findings --open --host 'leaf*'
    """
    context = context_of(ctx)
    path = history_file(context, file)
    series = series_of(path, context.inventory)
    if findings or only_open or hosts or checks:
        rows = list_findings(
            path, series, only_open=only_open, hosts=hosts or (), checks=checks or (), most=most
        )
        table = findings_table(rows)
    else:
        rows = list_runs(path, series, most)
        table = runs_table(rows)
    if as_json:
        print(json.dumps(rows, indent=1))
    elif rows:
        context.out.print(table)
    else:
        context.say(f"{path}: nothing is recorded of inventory {context.inventory}")
