"""What only reads the nodes: a plan, and a snapshot of their state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from app.exit_codes import ExitCode
from app.pipeline import asked
from app.plan_view import plan_code, print_plans
from app.progress import host_progress
from tasks.collect import collect_all
from tasks.plan import plan_all
from tasks.snapshot import write_capture, write_meta

if TYPE_CHECKING:
    from pathlib import Path

    from app.context import Context
    from overlay.expected import FabricIntent
    from tasks.capture import HostCapture
    from tasks.plan import NodePlan
    from tasks.session import Session


def plan(context: Context, session: Session, intent: FabricIntent, *, as_json: bool) -> ExitCode:
    """Shows the difference between each node and its intent; changes nothing."""
    session = context.to_write(session, intent)
    context.say(f"reading the managed files of {len(session.hosts)} nodes")
    plans = plan_all(session, intent)
    if as_json:
        print(json.dumps([_plan_json(plan) for plan in plans], indent=1))
    else:
        print_plans(context, plans, intent)
    return plan_code(plans)


def _plan_json(plan: NodePlan) -> dict[str, object]:
    changes = [{"path": c.file.path, "diff": c.diff()} for c in plan.changes]
    return {"host": plan.host, "error": plan.error, "changes": changes}


def collect(context: Context, session: Session, intent: FabricIntent, output: Path) -> ExitCode:
    """Writes a snapshot of the live state into `output`."""
    captures: list[HostCapture] = []
    with host_progress(context, "collect", len(session.hosts)) as tick:

        def done(capture: HostCapture) -> None:
            write_capture(output, capture)
            captures.append(capture)
            tick(capture.host, "unreachable" if capture.error else "collected")

        collect_all(session, asked(intent, session.hosts), done)
    write_meta(output, captures)
    for capture in captures:
        if capture.error:
            context.err.print(f"Error: {capture.error}", markup=False, soft_wrap=True)
    lost = sum(bool(capture.error) for capture in captures)
    context.out.print(
        f"{output}: {len(captures) - lost} of {len(captures)} nodes", markup=False, soft_wrap=True
    )
    return ExitCode.INCOMPLETE if lost else ExitCode.OK
