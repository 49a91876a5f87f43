"""The options of `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.audit.options import Severity

CheckOption = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="ID[,ID…]", help="Run only these checks (globs: flood-*)."),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="ID[,ID…]", help="Run all checks except these (globs)."),
]
FailOnOption = Annotated[
    Severity, typer.Option("--fail-on", help="Lowest severity that causes exit code 2.")
]
NoSuppressionsOption = Annotated[
    bool,
    typer.Option(
        "--no-suppressions", help="Ignore suppressions.yaml: count accepted findings too."
    ),
]
SettleOption = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        min=0,
        help="Audit nodes that are not in sync again, for up to this long.",
    ),
]
ProbeOption = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Have each VTEP ping those that share a VNI with it (of a large fabric a sample), "
        "and send one VXLAN packet to each.",
    ),
]
NoHistoryOption = Annotated[
    bool, typer.Option("--no-history", help="Do not read or write the history of audits.")
]
KeepOption = Annotated[
    int,
    typer.Option("--keep", metavar="DAYS", min=1, help="Days of audits that the history keeps."),
]
MetricsOption = Annotated[
    Path | None,
    typer.Option(
        "--metrics", metavar="FILE", help="Write Prometheus metrics to this file (.prom)."
    ),
]
NotifyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="URL|FILE",
        envvar="EVPN_FLEET_NOTIFY",
        help="Send what changed to this apprise URL, or to those in FILE, one per line.",
    ),
]
DryNotifyOption = Annotated[
    bool, typer.Option("--notify-dry-run", help="Print notifications instead of sending them.")
]
DeadlineOption = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=1,
        help="Report nodes that have not answered by then as incomplete.",
    ),
]
