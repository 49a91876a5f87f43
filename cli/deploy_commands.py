"""`deploy` and `rollback`: what changes nodes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app import deploy as deploying
from app.deploy import DeployOptions
from cli.options import FilterOption, ForeignOption, LimitOption, WorkersOption, context_of
from overlay.errors import FleetError

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before applying.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
BatchOption = Annotated[
    str,
    typer.Option(metavar="N|P%", help="Nodes deployed in parallel. Default: 10%, at least 2."),
]
CanaryOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Node deployed first, alone. Default: the first plain VTEP; or none."
    ),
]
FailuresOption = Annotated[
    int, typer.Option(min=1, help="Stop after the batch in which this many nodes failed.")
]
ConfirmOption = Annotated[
    int,
    typer.Option(
        min=30,
        max=3600,
        help="Seconds until a node that is not confirmed restores its old configuration.",
    ),
]
BreakLockOption = Annotated[
    bool, typer.Option("--break-lock", help="Remove another deployment's (stale) lock from a node.")
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Deploy to a node that Proxmox SDN manages.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Overwrite files that were edited by hand on a node.")
]
AuditOption = Annotated[
    bool,
    typer.Option(help="Also restore a node if its audit has a critical finding of its own."),
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
    replace_foreign: ForeignOption = False,
    prove_audit: AuditOption = True,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Deploys the intent: plan, ask, apply, verify. A node that fails verification is restored.

    A node in sync is not touched. A node that is not verified in time restores its old
    configuration by itself. Exit code 0: all good; 1: some node failed or was restored; 3: some
    node did not answer.
    """
    context = context_of(ctx)
    inventory = context.load()
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over, overwrite,
        replace_foreign,
    )  # fmt: skip
    with context.fleet(limit, filters, workers) as fleet:
        code = deploying.deploy(
            context, inventory, fleet, options,
            confirm=_do_not_ask if yes else _ask, dry_run=dry_run, audit=prove_audit,
        )  # fmt: skip
    raise typer.Exit(code)


def rollback(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="Undo back to before this deployment. Default: the last one."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List each node's backups.")] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    batch: BatchOption = "",
    canary: CanaryOption = None,
    max_failures: FailuresOption = 1,
    confirm_within: ConfirmOption = 120,
    break_lock: BreakLockOption = False,
    overwrite: OverwriteOption = False,
    replace_foreign: ForeignOption = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Deploys the files of a backup, with the same plan, verification and restore as `deploy`."""
    context = context_of(ctx)
    inventory = context.load()
    # A node that was taken over once is given back without being asked for again.
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over=True,
        overwrite=overwrite, replace_foreign=replace_foreign,
    )  # fmt: skip
    with context.fleet(limit, filters, workers) as fleet:
        if show:
            code = deploying.list_backups(context, inventory, fleet)
        else:
            code = deploying.rollback(
                context, inventory, fleet, options,
                number=to, confirm=_do_not_ask if yes else _ask, dry_run=dry_run,
            )  # fmt: skip
    raise typer.Exit(code)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise FleetError(
            "deploy asks before it changes a node, and there is no terminal to ask on",
            "read the output of `plan`, then add --yes",
        )
    typer.confirm(f"Apply this to {count} nodes?", abort=True, err=True)


def _do_not_ask(_count: int) -> None:
    """--yes was given."""
