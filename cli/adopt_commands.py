"""`lint` and `import`: files that people wrote by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adopt.hostfiles import read_hosts
from adopt.lint import lint as find_faults
from cli.adopt_files import read_folder
from cli.context import JsonOption, context_of
from reports.text import counted, visible

if TYPE_CHECKING:
    from adopt.lint import Finding


def register(app: typer.Typer) -> None:
    app.command()(lint)


def lint(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Files of hosts, as `render` lays them.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Say also what would only make it safer.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Says what is wrong with hand-written files as such: file, line, remedy. Offline.

    It needs no inventory. Exit code 0 when nothing is wrong, 2 when something is.

    Example: run.py lint build
    """
    context = context_of(ctx)
    hosts = read_hosts(read_folder(folder))
    found = find_faults(hosts, strict=strict)
    if as_json:
        print(json.dumps([_plain(finding) for finding in found], indent=1))
    else:
        for finding in found:
            context.out.print(visible(f"{folder}/{finding}"), markup=False, soft_wrap=True)
    context.say(
        f"{counted(len(hosts), 'host')}: {counted(len(found), 'fault')}"
        + ("" if found else ", nothing to correct")
    )
    return 2 if found else 0


def _plain(finding: Finding) -> dict[str, object]:
    return asdict(finding) | {"level": finding.level.value, "also": list(finding.also)}
