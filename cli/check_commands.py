"""`checks`: the catalogue of what an audit looks at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.context import JsonOption, context_of
from drift.catalogue import select
from drift.reference import EXAMPLE, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drift.model import Check


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
    context = context_of(ctx)
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
        "mend": check.remedy,
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
