"""`lint` and `import`: hosts whose files were written by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adopt.difference import difference
from adopt.hostfiles import read_hosts
from adopt.infer import infer
from adopt.inventory_text import inventory_files, report
from adopt.lint import lint as find_faults
from cli.adopt_files import REPORT, read_folder, refuse_inventory, write_inventory
from cli.context import JsonOption, context_of, selection
from overlay.errors import IntentError
from overlay.loading import FABRIC_FILE, load_inventory
from reports.text import counted, visible
from tasks.render import render_all
from tasks.session import open_session

if TYPE_CHECKING:
    from adopt.difference import Statement
    from adopt.infer import Inferred
    from adopt.lint import Finding
    from cli.context import Context


importing = typer.Typer(help="Makes an inventory of what is there.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command()(lint)
    importing.command(name="hosts")(import_hosts)
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


def import_hosts(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="Files of hosts, as `render` lays them.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The inventory folder to write.")
    ],
    name: Annotated[
        str | None, typer.Option(help="The fabric's name; default that of the output folder.")
    ] = None,
) -> None:
    """Infers the intent from hosts' own files, and writes an inventory folder. Offline.

    Where hosts differ the intent takes what most say. `import.md` beside the intent lists who
    differs, what the intent cannot say, and what a deployment would add.

    Example: run.py import hosts --from files --output my-fabric
    """
    context = context_of(ctx)
    texts = read_folder(folder)
    refuse_inventory(output)
    hosts = read_hosts(texts)
    inferred = infer(hosts, name or output.resolve().name)
    write_inventory(output, inventory_files(inferred))
    try:
        inventory = load_inventory(output)
    except IntentError as error:
        raise IntentError(
            f"{output}: the intent that was inferred does not hold together",
            f"`lint {folder}` says what is wrong with the files; correct them, remove "
            f"{output / FABRIC_FILE} and import again",
            error.problems,
        ) from None
    lost: dict[str, list[Statement]] = {}
    added: dict[str, list[Statement]] = {}
    with open_session(output, selection(None, None), workers=1) as session:
        for host, rendered in render_all(session, inventory.intent):
            lost[host], added[host] = difference(host, texts[host], rendered)
    faults = find_faults(hosts)
    write_inventory(output, {REPORT: report(inferred, faults, lost, added)})
    _tell(context, output, inferred)
    for count, what in (
        (len(faults), "faults of the files themselves (`lint` lists them)"),
        (len(inferred.remarks), "remarks: hosts differ, or the intent says less"),
        (len(inferred.unread), "lines not understood"),
        (sum(map(len, lost.values())), "statements that the intent does not say"),
        (sum(map(len, added.values())), "statements that a deployment adds"),
    ):
        context.out.print(f"{count:6} {what}", markup=False)
    context.say(f"{output / REPORT} lists them; next: run.py --inventory {output} audit")


def _tell(context: Context, output: Path, inferred: Inferred) -> None:
    fabric = inferred.fabric
    text = (
        f"{output}: {counted(len(fabric['nodes']), 'node')}, "
        f"{counted(len(fabric['networks']), 'network')}, mode {fabric['mode']}, "
        f"routing {fabric['routing']}"
    )
    for line in (text, *map(str, inferred.remarks)):
        context.out.print(visible(line), markup=False, soft_wrap=True)


def _plain(finding: Finding) -> dict[str, object]:
    return asdict(finding) | {"level": finding.level.value, "also": list(finding.also)}
