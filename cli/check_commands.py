"""`checks`: the catalogue of what an audit looks at."""

from __future__ import annotations

from typing import Annotated

import typer

from app.offline import print_checks
from cli.options import JsonOption, context_of


def register(app: typer.Typer) -> None:
    app.command()(checks)


def checks(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Checks to print in full (globs).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Lists all checks, or prints the named ones in full: meaning, how to confirm, how to fix.

    Example: run.py checks flood-missing
    """
    print_checks(context_of(ctx), ids or [], as_json=as_json)
