"""`plan` and `collect`: what only reads the nodes."""

from __future__ import annotations

import typer

from app import fleet
from cli.options import (
    FilterOption,
    FolderOption,
    JsonOption,
    LimitOption,
    WorkersOption,
    context_of,
)


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(collect)


def plan(
    ctx: typer.Context,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Shows the unified diff between each node and its intent; changes nothing.

    Exit code 0: nothing to do; 2: there is; 3: some node could not be asked.
    """
    context = context_of(ctx)
    intent = context.load().intent
    with context.session(limit, filters, workers) as session:
        code = fleet.plan(context, session, intent, as_json=as_json)
    raise typer.Exit(code)


def collect(
    ctx: typer.Context,
    output: FolderOption,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Takes a snapshot of the live state, for `audit --from DIR`: DIR/HOST/SLUG.txt, raw."""
    context = context_of(ctx)
    intent = context.load().intent
    with context.session(limit, filters, workers) as session:
        code = fleet.collect(context, session, intent, output)
    raise typer.Exit(code)
