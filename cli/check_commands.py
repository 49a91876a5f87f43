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
        list[str] | None, typer.Argument(metavar="[ID]…", help="Print these in full (globs).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Prints the catalogue of checks; of those that are named, all there is to say.

    Example: run.py checks flood-missing
    """
    print_checks(context_of(ctx), ids or [], as_json=as_json)
