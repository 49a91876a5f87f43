"""`checks`: the catalogue of what an audit looks at."""

from __future__ import annotations

import json

import typer  # noqa: TC002 - Typer reads the annotations
from rich.table import Table

from cli.context import JsonOption, context_of
from drift.catalogue import CHECKS


def register(app: typer.Typer) -> None:
    app.command()(checks)


def checks(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Prints the catalogue of checks: id, severity, what it compares, which outputs it needs."""
    context = context_of(ctx)
    if as_json:
        listed = [
            {
                "id": check.id,
                "severity": check.severity.value,
                "compares": check.compares,
                "needs": list(check.needs),
            }
            for check in CHECKS.values()
        ]
        print(json.dumps(listed, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("Check", "Severity", "Compares", "Needs"):
        table.add_column(title)
    for check in CHECKS.values():
        table.add_row(check.id, check.severity.value, check.compares, ", ".join(check.needs))
    context.out.print(table)
