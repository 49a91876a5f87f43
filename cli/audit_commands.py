"""`audit` and what goes with it: `parse`, `report`, `compare`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from app import offline
from app.audit import run as auditing
from app.audit.options import AuditOptions, Machines, Results, Severity, choice_of
from app.audit.recording import DEFAULT_KEEP_DAYS, Recording, history_to_use
from cli.options import (
    ClusterOption,
    FilterOption,
    HistoryOption,
    JsonOption,
    LimitOption,
    SchedulerOption,
    TimeoutOption,
    WorkersOption,
    context_of,
)

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


def register(app: typer.Typer) -> None:
    for command in (audit, parse, report, compare):
        app.command()(command)


def audit(
    ctx: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Audit a snapshot instead of the live nodes."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder of the report. Default: audits/<UTC time>/.",
        ),
    ] = None,
    keep_snapshot: Annotated[
        bool, typer.Option("--keep-snapshot", help="Keep the raw outputs in DIR/snapshot.")
    ] = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    timeout: TimeoutOption = None,
    scheduler: SchedulerOption = None,
    cluster: ClusterOption = 0,
    check: CheckOption = None,
    skip: SkipOption = None,
    fail_on: FailOnOption = Severity.INFO,
    no_suppressions: NoSuppressionsOption = False,
    settle: SettleOption = 0,
    probe: ProbeOption = False,
    history: HistoryOption = None,
    no_history: NoHistoryOption = False,
    keep: KeepOption = DEFAULT_KEEP_DAYS,
    metrics: MetricsOption = None,
    notify: NotifyOption = None,
    notify_dry_run: DryNotifyOption = False,
    deadline: DeadlineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compares the state of the nodes with the intent; writes report.json and report.html.

    Exit code 0: in sync; 2: drift; 3: some node could not be reached, collected or parsed.
    """
    context = context_of(ctx)
    kept = history_to_use(context, history, off=no_history, snapshot=source is not None)
    options = AuditOptions(
        limit,
        filters,
        workers,
        timeout,
        source=source,
        choice=choice_of(check, skip, unprobed=not probe and source is None),
        suppressions=not no_suppressions,
        settle=settle,
        probe=probe,
        machines=Machines(scheduler, cluster, workers),
        until=None if deadline is None else time.monotonic() + deadline,
    )
    results = Results(output, keep_snapshot, as_json, fail_on)
    records = Recording(context, kept, keep, metrics, tuple(notify or ()), notify_dry_run)
    raise typer.Exit(auditing.audit(context, options, results, records))


def parse(
    ctx: typer.Context,
    command: Annotated[str, typer.Argument(help="Kind of output: bridge_fdb, ip_link, …")],
    file: Annotated[str, typer.Argument(help="A captured output; - or omitted: stdin.")] = "-",
) -> None:
    """Parses one captured output and prints its records as a JSON array.

    Example: bridge fdb show | run.py parse bridge_fdb
    """
    _ = ctx
    offline.parse_file(command, file)


def report(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="REPORT.json", help="An audit's report.json.")],
    form: Annotated[
        str, typer.Option("--format", help=f"One of: {', '.join(offline.FORMATS)}.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")
    ] = None,
) -> None:
    """Converts an existing report to another format.

    Example: run.py report audits/latest/report.json --format markdown
    """
    offline.render_again(context_of(ctx), file, form, output)


def compare(
    ctx: typer.Context,
    old: Annotated[Path, typer.Argument(metavar="OLD.json")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json")],
    as_json: JsonOption = False,
) -> None:
    """Shows which findings are new, gone and unchanged between two audits.

    Exit code 2 when anything is new, 3 when something could not be looked for again.

    Example: run.py compare audits/before/report.json audits/latest/report.json
    """
    _ = ctx
    raise typer.Exit(offline.compare(old, new, as_json=as_json))
