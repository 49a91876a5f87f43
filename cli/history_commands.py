"""`history`: what the audits so far have found, and since when."""

from __future__ import annotations

from typing import Annotated

import typer

from app.offline import print_findings, print_runs
from cli.options import HistoryOption, JsonOption, context_of


def register(app: typer.Typer) -> None:
    app.command()(history)


def history(
    ctx: typer.Context,
    file: HistoryOption = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="List findings and since when, instead of audits.")
    ] = False,
    only_open: Annotated[
        bool, typer.Option("--open", help="Only findings that are still open.")
    ] = False,
    hosts: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="NAME", help="Only findings of these hosts (globs)."),
    ] = None,
    checks: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="ID", help="Only findings of these checks (globs)."),
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Maximum number of lines.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Lists past audits, or with --findings what they found: since when, and whether it is gone.

    Example: run.py history --findings --open --host 'leaf*'
    """
    context = context_of(ctx)
    if findings or only_open or hosts or checks:
        print_findings(
            context,
            file,
            most,
            only_open=only_open,
            hosts=hosts or (),
            checks=checks or (),
            as_json=as_json,
        )
    else:
        print_runs(context, file, most, as_json=as_json)
