"""`lint` and `import`: hosts whose files were written by hand, or by Proxmox's SDN."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app import adopt, adopt_proxmox
from app.context import selection
from app.hand_written import Source
from cli.options import FilterOption, FolderOption, JsonOption, LimitOption, context_of

NameOption = Annotated[
    str | None, typer.Option(help="The fabric's name; default that of the output folder.")
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        metavar="[USER@]NAME[:PORT]",
        help="A host to read over SSH, as OpenSSH would reach it; several times.",
    ),
]
SshConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--ssh-config",
        metavar="FILE",
        help="How --host is reached (user, port, key, jump host). Default: ~/.ssh/config.",
    ),
]


class ImportScope(StrEnum):
    """The scopes that an import from Proxmox can set."""

    OBSERVED = "observed"
    OVERLAY = "overlay"


class HostScope(StrEnum):
    """What an import of hosts may have us do with them."""

    MANAGED = "managed"
    OBSERVED = "observed"


importing = typer.Typer(
    help="Makes an inventory of what is there; nothing is changed on a host. `proxmox` where "
    "Proxmox's SDN writes the nodes' files, `hosts` where you do.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    app.command()(lint)
    importing.command(name="hosts")(import_hosts)
    importing.command(name="proxmox")(import_proxmox)
    app.add_typer(importing, name="import")


def _source(
    folder: Path | None,
    hosts: list[str] | None,
    ssh_config: Path | None,
    limit: list[str] | None = None,
    filters: list[str] | None = None,
) -> Source:
    chosen = selection(limit, filters)
    return Source(folder, tuple(hosts or ()), ssh_config, chosen.limit, chosen.filters)


def lint(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Files of hosts, as `render` lays them.")
    ] = None,
    hosts: HostOption = None,
    ssh_config: SshConfigOption = None,
    limit: LimitOption = None,
    filters: FilterOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Say also what would only make it safer.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Says what is wrong with hand-written files as such: file, line, remedy.

    Of a folder, or live: of each --host, else of the inventory's hosts (no fabric.yaml is needed).
    Exit code 0 when nothing is wrong, 2 when something is.

    Example: run.py lint --host node1 --host node2
    """
    source = _source(folder, hosts, ssh_config, limit, filters)
    raise typer.Exit(adopt.lint(context_of(ctx), source, strict=strict, as_json=as_json))


def import_hosts(
    ctx: typer.Context,
    output: FolderOption,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Files of hosts, as `render` lays them."),
    ] = None,
    hosts: HostOption = None,
    ssh_config: SshConfigOption = None,
    limit: LimitOption = None,
    filters: FilterOption = None,
    scope: Annotated[
        HostScope,
        typer.Option(
            help="managed: the scope `whole`, or `overlay` where the files allow no more; "
            "observed: nothing is written until `scope:` says otherwise."
        ),
    ] = HostScope.MANAGED,
    name: NameOption = None,
) -> None:
    """Infers the intent from hosts' own files, and writes an inventory folder.

    From a folder, or live: from each --host, else from the inventory's hosts (no fabric.yaml is
    needed). Where hosts differ the intent takes what most say. `import.md` beside the intent lists
    who differs, what the intent cannot say, and what a deployment would add. What
    /etc/network/interfaces holds beside the fabric is kept in files of kept/.

    Example: run.py import hosts --host node1 --host node2 --output my-fabric
    """
    source = _source(folder, hosts, ssh_config, limit, filters)
    observe = scope is HostScope.OBSERVED
    adopt.import_hosts(context_of(ctx), source, output, name, observe=observe)


def import_proxmox(
    ctx: typer.Context,
    output: FolderOption,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A folder laid out as /etc/pve is."),
    ] = None,
    hosts: HostOption = None,
    ssh_config: SshConfigOption = None,
    scope: Annotated[
        ImportScope, typer.Option(help="What is ours of the nodes: nothing, or the overlay.")
    ] = ImportScope.OBSERVED,
    name: NameOption = None,
) -> None:
    """Writes the inventory of a Proxmox cluster's SDN, which it observes.

    From one node of the cluster, or from a folder: sdn/.running-config, .members, and
    nodes/NAME/interfaces (each node's /etc/network/interfaces). Name each node with a --host of its
    own to have its interfaces read, too. `import.md` lists what the intent cannot say.

    Example: run.py import proxmox --host pve1 --output my-fabric
    """
    source = _source(folder, hosts, ssh_config)
    adopt_proxmox.import_proxmox(context_of(ctx), source, output, name, scope.value)
