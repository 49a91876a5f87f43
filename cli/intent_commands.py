"""`validate` and `render`: what can be said of the intent without touching a node."""

from __future__ import annotations

import typer

from app.intent import validate as validate_intent
from app.intent import write_files
from cli.options import FilterOption, FolderOption, LimitOption, context_of


def register(app: typer.Typer) -> None:
    app.command()(validate)
    app.command()(render)


def validate(ctx: typer.Context) -> None:
    """Checks the inventory and the intent offline; lists every problem at once.

    Example: run.py --inventory examples/l3-symmetric validate
    """
    validate_intent(context_of(ctx))


def render(
    ctx: typer.Context,
    output: FolderOption,
    limit: LimitOption = None,
    filters: FilterOption = None,
) -> None:
    """Writes each node's files below DIR/HOST, with their paths on the node. Offline.

    Example: run.py render --output build --limit node1
    """
    context = context_of(ctx)
    inventory = context.load()
    with context.fleet(limit, filters, 1) as fleet:
        write_files(context, fleet, inventory.intent, output)
