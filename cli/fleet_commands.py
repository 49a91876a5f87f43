"""`plan` and `collect`: what only reads the nodes."""

from __future__ import annotations

import typer

from app.audit.options import Machines
from app.plan import plan_fleet
from cli.options import (
    ClusterOption,
    FilterOption,
    FolderOption,
    ForeignOption,
    JsonOption,
    LimitOption,
    SchedulerOption,
    TimeoutOption,
    WorkersOption,
    context_of,
)


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(collect)


def plan(
    ctx: typer.Context,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    scheduler: SchedulerOption = None,
    cluster: ClusterOption = 0,
    as_json: JsonOption = False,
    replace_foreign: ForeignOption = False,
) -> None:
    """Shows the unified diff between each node's files and its intent; changes nothing.

    Exit code 0: no changes; 2: changes; 1: a node holds statements that are not ours and would be
    removed; 3: some node could not be read.
    """
    context = context_of(ctx)
    machines = Machines(scheduler, cluster, workers)
    inventory = context.load()
    with context.fleet(limit, filters, workers) as fleet:
        code = plan_fleet(
            context, fleet, inventory,
            as_json=as_json, replace_foreign=replace_foreign, machines=machines,
        )  # fmt: skip
    raise typer.Exit(code)


def collect(
    ctx: typer.Context,
    output: FolderOption,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    timeout: TimeoutOption = None,
    scheduler: SchedulerOption = None,
    cluster: ClusterOption = 0,
) -> None:
    """Saves the nodes' raw outputs as DIR/HOST/OUTPUT.txt, for `audit --from DIR`."""
    from app.collect import collect_snapshot  # noqa: PLC0415 - all of an audit, for `collect` alone

    context = context_of(ctx)
    machines = Machines(scheduler, cluster, workers)
    inventory = context.load()
    with context.fleet(limit, filters, workers, timeout) as fleet:
        code = collect_snapshot(
            context, fleet, inventory, output, machines=machines, timeout=timeout
        )
    raise typer.Exit(code)
