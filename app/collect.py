"""A snapshot of the nodes' live state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.audit.cluster import SITE, open_cluster
from app.audit.clustered import ticket_of
from app.audit.options import HERE
from app.audit.pipeline import Keeper, asked
from app.exit_codes import ExitCode
from app.progress import host_progress
from tasks.collect import collect_all

if TYPE_CHECKING:
    from pathlib import Path

    from app.audit.cluster_worker import Seen
    from app.audit.options import Machines
    from app.context import Context
    from overlay.loading import Inventory
    from tasks.commands import HostCapture
    from tasks.ssh.fleet import Fleet


def collect_snapshot(
    context: Context,
    fleet: Fleet,
    inventory: Inventory,
    output: Path,
    *,
    machines: Machines = HERE,
    timeout: float | None = None,
) -> ExitCode:
    """Writes a snapshot of the live state into `output`.

    With `machines` their workers ask the hosts, each for `timeout` seconds.
    """
    keeper = Keeper(output)
    with host_progress(context, "collect", len(fleet.hosts)) as tick:

        def done(capture: HostCapture) -> None:
            keeper.store(capture)
            tick(capture.host, "unreachable" if capture.error else "collected")

        if machines:
            sites = {host: fleet.said(host, SITE) for host in fleet.hosts}
            ticket = ticket_of(inventory, None, timeout=timeout, raw=True)
            with open_cluster(machines, context) as cluster:
                cluster.look(ticket, sites, lambda seen: done(_printed(seen)))
        else:
            collect_all(fleet, asked(inventory.intent, fleet.hosts), done)
    keeper.finish()
    captures = list(keeper.captures.values())
    for capture in captures:
        if capture.error:
            context.err.print(f"Error: {capture.error}", markup=False, soft_wrap=True)
    lost = sum(bool(capture.error) for capture in captures)
    context.out.print(
        f"{output}: {len(captures) - lost} of {len(captures)} nodes", markup=False, soft_wrap=True
    )
    return ExitCode.INCOMPLETE if lost else ExitCode.OK


def _printed(seen: Seen) -> HostCapture:
    assert seen.capture is not None  # noqa: S101 - the ticket asks for it
    return seen.capture
