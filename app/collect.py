"""A snapshot of the nodes' live state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.audit.pipeline import asked
from app.exit_codes import ExitCode
from app.progress import host_progress
from tasks.collect import collect_all
from tasks.snapshot import write_capture, write_meta

if TYPE_CHECKING:
    from pathlib import Path

    from app.context import Context
    from overlay.expected import FabricIntent
    from tasks.commands import HostCapture
    from tasks.ssh.fleet import Fleet


def collect_snapshot(
    context: Context, fleet: Fleet, intent: FabricIntent, output: Path
) -> ExitCode:
    """Writes a snapshot of the live state into `output`."""
    captures: list[HostCapture] = []
    with host_progress(context, "collect", len(fleet.hosts)) as tick:

        def done(capture: HostCapture) -> None:
            write_capture(output, capture)
            captures.append(capture)
            tick(capture.host, "unreachable" if capture.error else "collected")

        collect_all(fleet, asked(intent, fleet.hosts), done)
    write_meta(output, captures)
    for capture in captures:
        if capture.error:
            context.err.print(f"Error: {capture.error}", markup=False, soft_wrap=True)
    lost = sum(bool(capture.error) for capture in captures)
    context.out.print(
        f"{output}: {len(captures) - lost} of {len(captures)} nodes", markup=False, soft_wrap=True
    )
    return ExitCode.INCOMPLETE if lost else ExitCode.OK
