"""`dev …`: for those who work on evpn-fleet itself; hidden from operators."""

from __future__ import annotations

import typer

from app import regenerate as regenerating
from cli.options import context_of

dev_app = typer.Typer(help="Commands for work on evpn-fleet itself.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(dev_app, name="dev", hidden=True)


@dev_app.command()
def regenerate(ctx: typer.Context) -> None:
    """Writes the generated files: schemas, tables and pages in docs/, golden files of tests."""
    regenerating.regenerate(context_of(ctx))
