"""The options of `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.audit_options import Severity

CheckOption = Annotated[
    list[str] | None,
    typer.Option("--check", metavar="ID[,ID…]", help="Only these checks (globs: flood-*)."),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option("--skip", metavar="ID[,ID…]", help="All checks but these (globs)."),
]
FailOnOption = Annotated[
    Severity, typer.Option("--fail-on", help="The least severity that makes exit code 2.")
]
NoSuppressionsOption = Annotated[
    bool, typer.Option("--no-suppressions", help="Count what suppressions.yaml accepts, too.")
]
SettleOption = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        min=0,
        help="Look again at nodes that are not in sync, for so long.",
    ),
]
NoHistoryOption = Annotated[
    bool, typer.Option("--no-history", help="Leave the history of audits alone.")
]
KeepOption = Annotated[
    int, typer.Option("--keep", metavar="DAYS", min=1, help="How long the history remembers.")
]
MetricsOption = Annotated[
    Path | None,
    typer.Option("--metrics", metavar="FILE", help="Write Prometheus metrics there (.prom)."),
]
NotifyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="URL|FILE",
        envvar="EVPN_FLEET_NOTIFY",
        help="Tell what has changed to this apprise URL, or to those in a file, one a line.",
    ),
]
DryNotifyOption = Annotated[
    bool, typer.Option("--notify-dry-run", help="Print what would be sent, and send nothing.")
]
DeadlineOption = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        metavar="SECONDS",
        min=1,
        help="Nodes that have not answered by then are incomplete.",
    ),
]
