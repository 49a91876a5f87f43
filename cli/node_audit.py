"""An audit of one node as one more proof of its deployment."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import __version__
from cli.pipeline import LiveFleet, judge
from drift.catalogue import WITH_OTHERS
from drift.model import Severity
from reports.run import run_info
from tasks.render import render_all

if TYPE_CHECKING:
    from cli.context import Context
    from overlay.expected import FabricIntent
    from tasks.options import Prove


def critical_findings(context: Context, intent: FabricIntent) -> Prove:
    """A proof that fails on a critical finding of the node's own, in the findings' words.

    What hangs on other nodes is not asked: which BGP sessions must be up is a proof of its own.
    """
    quiet = replace(context, quiet=True)
    # TTP is not thread-safe, and each node of a batch asks from its own thread.
    one_at_a_time = threading.Lock()

    def prove(host: str) -> str | None:
        with one_at_a_time, quiet.session([host], None, 1) as session:
            states = LiveFleet(quiet, session, intent).look()
            rendered = dict(render_all(session, intent))
        run = run_info(
            started=datetime.now(UTC),
            tool_version=__version__,
            inventory=str(context.inventory),
            source="live",
            fabric=intent.fabric.name,
        )
        report = judge(run, intent, states, rendered)
        found = [
            finding.message
            for finding in report.findings
            if finding.host == host
            and finding.caused_by is None
            and finding.check not in WITH_OTHERS
            and finding.severity is Severity.CRITICAL
        ]
        return f"audit: {'; '.join(found[:5])}" if found else None

    return prove
