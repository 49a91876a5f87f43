"""`audit` and what goes with it: `parse`, `report`, `compare`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cli import __version__
from cli.audit_lock import one_audit_at_a_time
from cli.audit_options import (
    DEFAULTS,
    AuditOptions,
    CheckOption,
    FailOnOption,
    NoSuppressionsOption,
    SettleOption,
    SkipOption,
    choice_of,
)
from cli.context import (
    Context,
    FilterOption,
    JsonOption,
    LimitOption,
    WorkersOption,
    context_of,
)
from cli.history_commands import HistoryOption  # noqa: TC001 - read at run time
from cli.pipeline import LiveFleet, judge, observe_snapshot
from cli.recording import (
    KEEP_DAYS,
    DeadlineOption,
    DryNotifyOption,
    KeepOption,
    MetricsOption,
    NoHistoryOption,
    NotifyOption,
    Recording,
    history_to_use,
)
from cli.settle import second_look
from cli.settle import settle as settle_down
from drift.model import Severity
from overlay.errors import FleetError
from overlay.loading import Inventory  # noqa: TC001 - names are read at run time
from overlay.records import HostState  # noqa: TC001 - names are read at run time
from parsers import parse as parse_output
from parsers import records_as_json
from reports.build import exit_code
from reports.compare import compare_json, compare_reports, compare_text
from reports.formats import FORMATS, render_report
from reports.jsonfile import read_report, write_report, write_text
from reports.model import Report  # noqa: TC001 - names are read at run time
from reports.run import new_run_id, run_info
from reports.terminal import print_summary
from tasks.render import render_all


def register(app: typer.Typer) -> None:
    for command in (audit, parse, report, compare):
        app.command()(command)


def audit(
    ctx: typer.Context,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Read a snapshot, not the nodes.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Default: audits/<UTC time>/."),
    ] = None,
    keep_snapshot: Annotated[
        bool, typer.Option("--keep-snapshot", help="Keep the raw outputs in DIR/snapshot.")
    ] = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
    check: CheckOption = None,
    skip: SkipOption = None,
    fail_on: FailOnOption = Severity.INFO,
    no_suppressions: NoSuppressionsOption = False,
    settle: SettleOption = 0,
    history: HistoryOption = None,
    no_history: NoHistoryOption = False,
    keep: KeepOption = KEEP_DAYS,
    metrics: MetricsOption = None,
    notify: NotifyOption = None,
    notify_dry_run: DryNotifyOption = False,
    deadline: DeadlineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compares what the nodes hold with the intent; writes report.json and report.html.

    Exit code 0: in sync; 2: drift; 3: some node could not be reached or read.
    """
    context = context_of(ctx)
    folder = output or _default_folder(context)
    kept = history_to_use(context, history, off=no_history, snapshot=source is not None)
    records = Recording(context, kept, keep, metrics, tuple(notify or ()), notify_dry_run)
    options = AuditOptions(
        limit,
        filters,
        workers,
        source=source,
        snapshot=folder / "snapshot" if keep_snapshot else None,
        choice=choice_of(check, skip),
        suppressions=not no_suppressions,
        settle=settle,
        until=None if deadline is None else time.monotonic() + deadline,
    )
    with contextlib.nullcontext() if source else one_audit_at_a_time(context):
        built = perform_audit(context, folder, options, amend=records.remember)
    if output is None:
        _point_latest(folder)
    if as_json:
        print(render_report(built, "json"), end="")
    elif not (context.quiet and exit_code(built, fail_on) == 0):
        print_summary(built, context.out, verbose=context.verbosity > 0)
    context.say(f"report: {folder / 'report.html'}")
    records.publish(built)
    raise typer.Exit(exit_code(built, fail_on))


def perform_audit(
    context: Context,
    folder: Path,
    options: AuditOptions = DEFAULTS,
    *,
    amend: Callable[[Report], Report] | None = None,
) -> Report:
    """Audits live nodes, or a snapshot, and writes both reports into `folder`.

    `amend` gets the report before it is written, and returns the one to write.
    """
    if options.settle and options.source is not None:
        raise FleetError(
            "--settle looks at live nodes again, and --from reads a snapshot", "leave one of them"
        )
    started = datetime.now(UTC)
    inventory = context.load(suppressions=options.suppressions)
    _make(folder)
    built = _judged(context, inventory, options, started)
    if amend is not None:
        built = amend(built)
    write_report(built, folder / "report.json")
    write_text(folder / "report.html", render_report(built, "html"))
    return built


def _judged(
    context: Context, inventory: Inventory, options: AuditOptions, started: datetime
) -> Report:
    intent = inventory.intent
    run = partial(
        run_info,
        started=started,
        run_id=new_run_id(started),
        tool_version=__version__,
        inventory=str(context.inventory),
        source="live" if options.source is None else "snapshot",
        fabric=intent.fabric.name,
    )
    with context.session(options.limit, options.filters, options.workers) as session:
        rendered = dict(render_all(session, intent))

        def built_of(states: dict[str, HostState]) -> Report:
            return judge(run(), intent, states, rendered, options.choice, inventory.suppressions)

        if options.source is not None:
            return built_of(observe_snapshot(options.source, session, intent))
        fleet = LiveFleet(context, session, intent, options.snapshot, options.until)

        def look_again(hosts: Collection[str]) -> Report:
            return built_of(fleet.look(hosts))

        first = second_look(
            built_of(fleet.look()), look_again, until=options.until, say=context.say
        )
        return settle_down(
            first,
            look_again,
            seconds=options.settle_seconds(time.monotonic()),
            say=context.say,
        )


def _make(folder: Path) -> None:
    # Before anything is collected: an audit whose report cannot be kept is worth nothing.
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FleetError(
            f"{folder}: no report can be written there: {error}", "name another --output"
        ) from None


def _default_folder(context: Context) -> Path:
    base = context.audits / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder, count = base, 1
    while folder.exists():  # two audits within one second
        count += 1
        folder = base.with_name(f"{base.name}-{count}")
    return folder


def _point_latest(folder: Path) -> None:
    # Renamed into place, so that `latest` never points nowhere.
    new = folder.with_name(f".latest-{folder.name}")
    try:
        new.unlink(missing_ok=True)
        new.symlink_to(folder.name)
        new.replace(folder.with_name("latest"))
    except OSError as error:
        raise FleetError(
            f"{folder.parent / 'latest'} cannot be made to point at this audit: {error}",
            "remove what stands there, or name an --output",
        ) from None


def parse(
    ctx: typer.Context,
    command: Annotated[str, typer.Argument(help="bridge_fdb, ip_link, ip_route, …")],
    file: Annotated[str, typer.Argument(help="A captured output; - or nothing: stdin.")] = "-",
) -> None:
    """Parses one captured output and prints its records as a JSON array.

    Example: bridge fdb show | run.py parse bridge_fdb
    """
    _ = ctx
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise FleetError(
            f"{file}: cannot be read: {error}", "name a file, or - for stdin"
        ) from None
    records = records_as_json(parse_output(command, raw.decode("utf-8", "replace")))
    print(json.dumps(records, indent=1))


def report(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="REPORT.json", help="An audit's report.json.")],
    form: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(FORMATS)}.")] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: stdout.")
    ] = None,
) -> None:
    """Renders an existing report again, in another form.

    Example: run.py report audits/latest/report.json --format markdown
    """
    text = render_report(read_report(file), form)
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        context_of(ctx).say(f"wrote {output}")


def compare(
    ctx: typer.Context,
    old: Annotated[Path, typer.Argument(metavar="OLD.json")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json")],
    as_json: JsonOption = False,
) -> None:
    """Says what is new, gone and unchanged between two audits.

    Exit code 2 when anything is new, 3 when something could not be looked for again.

    Example: run.py compare audits/before/report.json audits/latest/report.json
    """
    _ = ctx
    comparison = compare_reports(read_report(old), read_report(new))
    sys.stdout.write(compare_json(comparison) if as_json else compare_text(comparison))
    raise typer.Exit(3 if comparison.unknown else 2 if comparison.new else 0)
