"""An audit of one node as a part of its verification after a deployment."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app import __version__
from app.audit.mapping import Mapper, Orders, Workers
from app.audit.pipeline import asked, judge
from drift.catalogue import WITH_OTHERS
from drift.engine import chosen_ids
from drift.facts.examined import Gathered
from drift.model import Severity
from overlay.errors import FleetError
from reports.build import run_info
from tasks.collect import capture_over
from tasks.ssh.hosts import time_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.context import Context
    from drift.facts.examined import Examined
    from overlay.expected import FabricIntent
    from tasks.commands import CollectCommand, HostCapture
    from tasks.options import Verify
    from tasks.ssh.remote_node import RemoteNode


@contextlib.contextmanager
def critical_findings(context: Context, intent: FabricIntent, hosts: int) -> Iterator[Verify]:
    """A verification that fails on a critical finding of the node's own, in the findings' words.

    It fails, too, where the node does not answer in time. What hangs on other nodes is not asked:
    which BGP sessions must be up is verified apart.
    Each node is asked over the connection that its deployment has open, and waits for no other one;
    `hosts` is how many are deployed at most.
    """
    orders = Orders(intent, chosen_ids(None, ()), alone=True)
    with Workers(orders, hosts, patient=True) as workers:

        def verify(node: RemoteNode, files: Mapping[str, str], until: float) -> str | None:
            started = datetime.now(UTC)
            limit = min(until, time.monotonic() + time_limit(node.host))
            commands = asked(intent, [node.name])[node.name]
            capture = capture_over(node.connection, node.host, commands, limit)
            unanswered = _unanswered(capture, commands)
            if unanswered:
                return f"audit: no answer in time: {unanswered[0]}"
            gathered = Gathered()
            gathered.add(_examined(workers, orders, capture, files))
            run = run_info(
                started=started,
                tool_version=__version__,
                inventory=str(context.inventory),
                source="live",
                fabric=intent.fabric.name,
            )
            report = judge(run, orders, gathered)
            found = [
                finding.message
                for finding in report.findings
                if finding.host == node.name
                and finding.caused_by is None
                and finding.check not in WITH_OTHERS
                and finding.severity is Severity.CRITICAL
            ]
            return f"audit: {'; '.join(found[:5])}" if found else None

        yield verify


def _unanswered(capture: HostCapture, commands: Sequence[CollectCommand]) -> list[str]:
    """The commands that hung or were not reached: such a node is not verified."""
    outputs = ((command.slug, capture.outputs.get(command.slug)) for command in commands)
    # 124 is what timeout(1) exits with.
    return [slug for slug, output in outputs if output is None or output.rc in (None, 124)]


def _examined(
    workers: Workers, orders: Orders, capture: HostCapture, files: Mapping[str, str]
) -> Examined:
    try:
        return workers.examine(capture, files).result()
    except (BrokenExecutor, FleetError):
        # Somebody ended its processes; doing it here is slower, and as right.
        return Mapper(orders).of_capture(capture, files)
