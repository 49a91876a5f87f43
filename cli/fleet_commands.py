"""`plan` and `collect`: what only reads the nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.context import (
    FilterOption,
    JsonOption,
    LimitOption,
    WorkersOption,
    context_of,
)
from cli.pipeline import asked
from cli.plan_view import plan_code, print_plans
from cli.progress import host_progress
from tasks.collect import HostCapture, collect_all
from tasks.plan import NodePlan, plan_all
from tasks.snapshot import write_capture, write_meta


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(collect)


def plan(
    ctx: typer.Context,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Shows the unified diff between each node and its intent; changes nothing.

    Exit code 0: nothing to do; 2: there is; 3: some node could not be asked.
    """
    context = context_of(ctx)
    inventory = context.load()
    with context.session(limit, filters, workers) as session:
        context.say(f"reading the managed files of {len(session.hosts)} nodes")
        plans = plan_all(session, inventory.intent)
    if as_json:
        print(json.dumps([_plan_json(plan) for plan in plans], indent=1))
    else:
        print_plans(context, plans, inventory.intent)
    raise typer.Exit(plan_code(plans))


def _plan_json(plan: NodePlan) -> dict[str, object]:
    changes = [{"path": c.file.path, "diff": c.diff()} for c in plan.changes]
    return {"host": plan.host, "error": plan.error, "changes": changes}


def collect(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write.")],
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Takes a snapshot of the live state, for `audit --from DIR`: DIR/HOST/SLUG.txt, raw."""
    context = context_of(ctx)
    inventory = context.load()
    captures: list[HostCapture] = []
    with (
        context.session(limit, filters, workers) as session,
        host_progress(context, "collect", len(session.hosts)) as tick,
    ):

        def done(capture: HostCapture) -> None:
            write_capture(output, capture)
            captures.append(capture)
            tick(capture.host, "unreachable" if capture.error else "collected")

        collect_all(session, asked(inventory.intent, session.hosts), done)
    write_meta(output, captures)
    for capture in captures:
        if capture.error:
            context.err.print(f"Error: {capture.error}", markup=False, soft_wrap=True)
    lost = sum(bool(capture.error) for capture in captures)
    context.out.print(
        f"{output}: {len(captures) - lost} of {len(captures)} nodes", markup=False, soft_wrap=True
    )
    raise typer.Exit(3 if lost else 0)
