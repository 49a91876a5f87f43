"""`schedule`: audits at set times, by a systemd timer or by cron."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.audit.options import choice_of
from app.schedule import Units, plan_of, refuse_secrets, times_of, unit_name
from cli.options import context_of
from overlay.errors import FleetError


def register(app: typer.Typer) -> None:
    app.command()(schedule)


def schedule(
    ctx: typer.Context,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- AUDIT-OPTIONS]", help="Options for `audit`, after a --."),
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="INTERVAL", help="5min, 15min, 1h, 6h, 1d, …")
    ] = "15min",
    calendar: Annotated[
        str | None,
        typer.Option(
            "--calendar", metavar="TIMES", help="systemd calendar expression, instead of --every."
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            "--user", metavar="NAME", help="User that runs the audits, owner of the SSH keys."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the units. Default: the inventory's folder."
        ),
    ] = None,
    cron: Annotated[
        bool, typer.Option("--cron", help="Print a crontab line instead of systemd units.")
    ] = False,
    install: Annotated[
        bool, typer.Option("--install", help="Install and start the timer; needs root.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Stop and remove the timer.")] = False,
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="Install into the file system below DIR.")
    ] = Path("/"),
) -> None:
    """Prints, installs or removes systemd units that audit this inventory periodically.

    Example: run.py schedule --every 15min --user netops -- --deadline 600 --probe
    """
    context = context_of(ctx)
    if sum((cron, install, remove)) > 1:
        raise FleetError("--cron, --install and --remove exclude each other", "use one of them")
    units = Units(root, name or unit_name(context.inventory))
    if remove:
        units.remove(context)
        return
    context.load()
    words = tuple(options or ())
    plan = plan_of(context, units, times_of(every, calendar), user, words, _parsed(ctx, words))
    if cron:
        print(plan.cron_line(), end="")
    elif install:
        units.install(context, plan)
    else:
        print(f"# {units.service}\n{plan.service()}\n# {units.timer}\n{plan.timer()}", end="")


def _parsed(ctx: typer.Context, options: tuple[str, ...]) -> dict[str, Any]:
    """What `audit` makes of the options: a wrong one is found now, not at the timer's first run."""
    refuse_secrets(options)
    main: Any = ctx.find_root().command
    parsed = dict(main.get_command(ctx, "audit").make_context("audit", list(options)).params)
    choice_of(parsed["check"], parsed["skip"], unprobed=not parsed["probe"])
    return parsed
