"""`plan`, `deploy` and `collect`: what touches the nodes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.context import (
    Context,
    FilterOption,
    JsonOption,
    LimitOption,
    WorkersOption,
    context_of,
)
from cli.progress import host_progress
from overlay.errors import FleetError
from tasks.collect import HostCapture, collect_all
from tasks.deploy import NodeOutcome, deploy_all
from tasks.plan import NodePlan, plan_all
from tasks.snapshot import write_capture, write_meta

if TYPE_CHECKING:
    from collections.abc import Sequence


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(deploy)
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
        _print_plans(context, plans)
    raise typer.Exit(_plan_code(plans))


def _plan_code(plans: Sequence[NodePlan]) -> int:
    if any(plan.error and not plan.unreachable for plan in plans):
        return 1
    if any(plan.error for plan in plans):
        return 3
    return 2 if any(plan.changes for plan in plans) else 0


def _plan_json(plan: NodePlan) -> dict[str, object]:
    changes = [{"path": c.file.path, "diff": c.diff()} for c in plan.changes]
    return {"host": plan.host, "error": plan.error, "changes": changes}


def _print_plans(context: Context, plans: Sequence[NodePlan]) -> None:
    for plan in plans:
        if plan.error:
            context.err.print(f"Error: {plan.error}", markup=False, soft_wrap=True)
        elif plan.changes:
            context.out.print(f"{plan.host}:", markup=False, style="bold")
            for line in plan.diff.splitlines():
                context.out.print(
                    _printable(line), markup=False, soft_wrap=True, style=_style(line)
                )
    print_plan_summary(context, plans)


def print_plan_summary(context: Context, plans: Sequence[NodePlan]) -> None:
    """One line: how many nodes would change."""
    changed = sum(bool(plan.changes) for plan in plans)
    failed = sum(bool(plan.error) for plan in plans)
    same = len(plans) - changed - failed
    context.out.print(f"Plan: {changed} to change, {same} in sync, {failed} could not be read")


def _style(line: str) -> str:
    if line.startswith(("+++", "---", "@@", "#")):
        return "dim"
    return {"+": "green", "-": "red"}.get(line[:1], "")


def _printable(line: str) -> str:
    # A file on a node may hold escape sequences; the terminal must not obey them.
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)


def deploy(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before applying.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Brings every node to the intent: shows the plan, asks, applies in parallel, verifies.

    A node that is already in sync is not touched.
    """
    context = context_of(ctx)
    inventory = context.load()
    with context.session(limit, filters, workers) as session:
        context.say(f"reading the managed files of {len(session.hosts)} nodes")
        plans = plan_all(session, inventory.intent)
        _print_plans(context, plans)
        if dry_run or not any(plan.changes for plan in plans):
            raise typer.Exit(_plan_code(plans))
        _confirm(plans, yes=yes)
        with host_progress(context, "deploy", len(session.hosts)) as tick:
            outcomes = deploy_all(
                session, inventory.intent, lambda done: tick(done.host, done.outcome)
            )
    print_outcomes(context, outcomes)
    raise typer.Exit(_deploy_code(outcomes))


def _confirm(plans: Sequence[NodePlan], *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise FleetError(
            "deploy asks before it changes a node, and there is no terminal to ask on",
            "look at `plan`, then add --yes",
        )
    count = sum(bool(plan.changes) for plan in plans)
    typer.confirm(f"Apply this to {count} nodes?", abort=True, err=True)


def print_outcomes(context: Context, outcomes: Sequence[NodeOutcome]) -> None:
    """What became of each node; errors on stderr, the table on stdout."""
    for outcome in outcomes:
        if outcome.error:
            context.err.print(f"Error: {outcome.error}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("Node")
    table.add_column("Outcome")
    table.add_column("Files changed")
    for outcome in outcomes:
        files = ", ".join(change.file.path for change in outcome.plan.changes)
        style = {"failed": "red", "unreachable": "red", "deployed": "green"}.get(outcome.outcome)
        table.add_row(outcome.host, outcome.outcome, files or "-", style=style)
    context.out.print(table)
    if context.verbosity:
        for outcome in outcomes:
            steps = ", ".join(outcome.steps)
            context.say(f"{outcome.host}: {steps or 'no step was needed'}")


def _deploy_code(outcomes: Sequence[NodeOutcome]) -> int:
    if any(outcome.outcome == "failed" for outcome in outcomes):
        return 1
    return 3 if any(outcome.outcome == "unreachable" for outcome in outcomes) else 0


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

        collect_all(session, inventory.intent, done)
    write_meta(output, captures)
    for capture in captures:
        if capture.error:
            context.err.print(f"Error: {capture.error}", markup=False, soft_wrap=True)
    lost = sum(bool(capture.error) for capture in captures)
    context.out.print(
        f"{output}: {len(captures) - lost} of {len(captures)} nodes", markup=False, soft_wrap=True
    )
    raise typer.Exit(3 if lost else 0)
