"""`validate` and `render`: what can be said of the intent without touching a node."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import FilterOption, LimitOption, context_of
from overlay.errors import FleetError
from reports.text import counted
from tasks.render import render_all

if TYPE_CHECKING:
    from collections.abc import Mapping


def register(app: typer.Typer) -> None:
    app.command()(validate)
    app.command()(render)


def validate(ctx: typer.Context) -> None:
    """Checks the inventory and the intent, offline; says every problem at once.

    Example: run.py --inventory examples/l3-symmetric validate
    """
    context = context_of(ctx)
    inventory = context.load(suppressions=True)
    with context.session(None, None, 1):
        pass  # Nornir must be able to read it too
    fabric = inventory.intent.fabric
    sizes = ", ".join(
        counted(len(things), noun)
        for things, noun in (
            (fabric.nodes, "node"),
            (fabric.networks, "network"),
            (fabric.vrfs, "VRF"),
        )
    )
    context.out.print(
        f"{context.inventory}: fabric {fabric.name} is valid: {sizes}, "
        f"mode {fabric.mode.value}, routing {fabric.routing.value}",
        markup=False,
        soft_wrap=True,
    )


def render(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write.")],
    limit: LimitOption = None,
    filters: FilterOption = None,
) -> None:
    """Writes each node's files below DIR/HOST, as they would lie on the node. Offline.

    Example: run.py render --output build --limit node1
    """
    context = context_of(ctx)
    inventory = context.load()
    with context.session(limit, filters, 1) as session:
        count = 0
        for host, files in render_all(session, inventory.intent):
            _write(output / host, files)
            count += 1
    context.say(f"wrote the files of {count} nodes below {output}")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        if folder.is_dir():
            # A file that is rendered no more must not stay behind as if it still were.
            shutil.rmtree(folder / "etc", ignore_errors=True)
        for path, text in files.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{folder}: cannot be written: {error}", "name another --output") from None
