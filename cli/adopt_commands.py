"""`lint` and `import`: hosts whose files were written by hand."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app import adopt
from cli.options import FolderOption, JsonOption, context_of

NameOption = Annotated[
    str | None, typer.Option(help="The fabric's name; default that of the output folder.")
]


class ImportScope(StrEnum):
    """The scopes that an import from Proxmox can set."""

    OBSERVED = "observed"
    OVERLAY = "overlay"


importing = typer.Typer(help="Makes an inventory of what is there.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(lint)
    importing.command(name="hosts")(import_hosts)
    importing.command(name="proxmox")(import_proxmox)
    app.add_typer(importing, name="import")


def lint(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Files of hosts, as `render` lays them.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Say also what would only make it safer.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Says what is wrong with hand-written files as such: file, line, remedy. Offline.

    It needs no inventory. Exit code 0 when nothing is wrong, 2 when something is.

    Example: run.py lint build
    """
    raise typer.Exit(adopt.lint(context_of(ctx), folder, strict=strict, as_json=as_json))


def import_hosts(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="Files of hosts, as `render` lays them.")
    ],
    output: FolderOption,
    name: NameOption = None,
) -> None:
    """Infers the intent from hosts' own files, and writes an inventory folder. Offline.

    Where hosts differ the intent takes what most say. `import.md` beside the intent lists who
    differs, what the intent cannot say, and what a deployment would add.

    Example: run.py import hosts --from files --output my-fabric
    """
    adopt.import_hosts(context_of(ctx), folder, output, name)


def import_proxmox(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="A folder laid out as /etc/pve is.")
    ],
    output: FolderOption,
    scope: Annotated[
        ImportScope, typer.Option(help="What is ours of the nodes: nothing, or the overlay.")
    ] = ImportScope.OBSERVED,
    name: NameOption = None,
) -> None:
    """Writes the inventory of a Proxmox cluster's SDN, which it observes. Offline.

    It reads sdn/.running-config, .members, and nodes/NAME/interfaces (each node's
    /etc/network/interfaces). `import.md` lists what the intent cannot say.

    Example: run.py import proxmox --from pve --output my-fabric
    """
    adopt.import_proxmox(context_of(ctx), folder, output, name, scope.value)
