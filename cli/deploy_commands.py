"""`deploy` and `rollback`: what changes nodes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app import deploy as deploying
from app.deploy import DeployOptions
from cli.options import FilterOption, LimitOption, WorkersOption, context_of
from overlay.errors import FleetError

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before applying.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
BatchOption = Annotated[
    str,
    typer.Option(
        metavar="N|P%", help="Nodes deployed at once; default a tenth of them, at least 2."
    ),
]
CanaryOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The node that goes first; default the first plain VTEP; or none."
    ),
]
FailuresOption = Annotated[
    int, typer.Option(min=1, help="So many nodes gone wrong end the run after their batch.")
]
ConfirmOption = Annotated[
    int,
    typer.Option(
        min=30, max=3600, help="Seconds after which a node that is not proven restores itself."
    ),
]
BreakLockOption = Annotated[
    bool, typer.Option("--break-lock", help="Take a node's lock away from who holds it.")
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Deploy although Proxmox's SDN manages the node.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Lose what was edited on a node by hand.")
]
AuditOption = Annotated[
    bool,
    typer.Option(help="A critical finding of the node's own undoes it, too."),
]


def register(app: typer.Typer) -> None:
    app.command()(deploy)
    app.command()(rollback)


def deploy(
    ctx: typer.Context,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    batch: BatchOption = "",
    canary: CanaryOption = None,
    max_failures: FailuresOption = 1,
    confirm_within: ConfirmOption = 120,
    break_lock: BreakLockOption = False,
    take_over: TakeOverOption = False,
    overwrite: OverwriteOption = False,
    prove_audit: AuditOption = True,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Brings every node to the intent: plan, confirm, apply, prove; what is not proven is undone.

    A node in sync is not touched. One that we cannot prove in time restores what it had, by
    itself. Exit code 0: all good; 1: some node failed or was restored; 3: some node did not answer.
    """
    context = context_of(ctx)
    inventory = context.load()
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over, overwrite
    )
    with context.session(limit, filters, workers) as session:
        code = deploying.deploy(
            context, inventory, session, options,
            confirm=_do_not_ask if yes else _ask, dry_run=dry_run, audit=prove_audit,
        )  # fmt: skip
    raise typer.Exit(code)


def rollback(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Back to before this deployment; default the last."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show each node's backups.")] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    batch: BatchOption = "",
    canary: CanaryOption = None,
    max_failures: FailuresOption = 1,
    confirm_within: ConfirmOption = 120,
    break_lock: BreakLockOption = False,
    overwrite: OverwriteOption = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Puts back the files of a backup, as carefully as a deployment: it is one."""
    context = context_of(ctx)
    inventory = context.load()
    # A node that was taken over once is given back without being asked for again.
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over=True, overwrite=overwrite
    )
    with context.session(limit, filters, workers) as session:
        if show:
            code = deploying.list_backups(context, inventory, session)
        else:
            code = deploying.rollback(
                context, inventory, session, options,
                number=to, confirm=_do_not_ask if yes else _ask, dry_run=dry_run,
            )  # fmt: skip
    raise typer.Exit(code)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise FleetError(
            "deploy asks before it changes a node, and there is no terminal to ask on",
            "look at `plan`, then add --yes",
        )
    typer.confirm(f"Apply this to {count} nodes?", abort=True, err=True)


def _do_not_ask(_count: int) -> None:
    """--yes was given."""
