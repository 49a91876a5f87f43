"""An audit from end to end: the nodes or a snapshot, compared, reported, remembered."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from app import __version__
from app.audit.cluster import open_cluster
from app.audit.clustered import ClusterFleet, ticket_of
from app.audit.mapping import Orders, rare_collections
from app.audit.options import DEFAULTS, AuditOptions, Results
from app.audit.pipeline import LiveFleet, examine_snapshot, judge
from app.audit.settle import second_look
from app.audit.settle import settle as settle_down
from app.exit_codes import ExitCode
from app.locks import one_audit_at_a_time
from drift.engine import chosen_ids
from overlay.errors import FleetError
from reports.build import exit_code, new_run_id, run_info
from reports.formats import render_report
from reports.jsonfile import write_report, write_text
from reports.terminal import print_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from app.audit.cluster import Cluster
    from app.audit.recording import Recording
    from app.context import Context
    from drift.facts.examined import Gathered
    from overlay.loading import Inventory
    from reports.model import Report
    from tasks.ssh.fleet import Fleet


def audit(
    context: Context, options: AuditOptions, results: Results, records: Recording
) -> ExitCode:
    """One audit as the command makes it: judged, written, shown, remembered and told.

    Live nodes of one inventory are audited by one at a time. Raises FleetError.
    """
    folder = results.output or _default_folder(context)
    if results.keep_snapshot:
        options = replace(options, snapshot=folder / "snapshot")
    with contextlib.nullcontext() if options.source else one_audit_at_a_time(context):
        built = perform_audit(context, folder, options, amend=records.remember)
    if results.output is None:
        _point_latest(folder)
    code = ExitCode(exit_code(built, results.fail_on))
    if results.as_json:
        print(render_report(built, "json"), end="")
    elif not (context.quiet and code is ExitCode.OK):
        print_summary(built, context.out, verbose=context.verbosity > 0)
    context.say(f"report: {folder / 'report.html'}")
    records.publish(built)
    return code


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
            "--settle looks at live nodes again, and --from reads a snapshot",
            "leave out one of them",
        )
    if options.machines and options.source is not None:
        raise FleetError(
            "--scheduler and --cluster look at live nodes, and --from reads a snapshot",
            "leave out one of them",
        )
    if options.probe and options.source is not None:
        raise FleetError(
            "--probe has live nodes ping each other, and --from reads a snapshot",
            "leave out one of them; a snapshot of an audit with --probe holds its answers",
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
    with contextlib.ExitStack() as stack:
        stack.enter_context(rare_collections())
        fleet = stack.enter_context(
            context.fleet(options.limit, options.filters, options.workers, options.timeout)
        )
        orders = Orders(intent, chosen_ids(options.choice.only, options.choice.skip))

        def built_of(gathered: Gathered) -> Report:
            return judge(run(), orders, gathered, inventory.suppressions)

        if options.source is not None:
            return built_of(examine_snapshot(options.source, fleet, orders))
        live: LiveFleet | ClusterFleet
        if options.machines:
            cluster = stack.enter_context(open_cluster(options.machines, context))
            live = _on_cluster(context, cluster, fleet, orders, inventory, options)
        else:
            live = LiveFleet(
                context, fleet, orders, options.snapshot, options.until, probe=options.probe
            )

        def look_again(hosts: Collection[str]) -> Report:
            return built_of(live.look(hosts))

        first = second_look(built_of(live.look()), look_again, until=options.until, say=context.say)
        return settle_down(
            first,
            look_again,
            seconds=options.settle_seconds(time.monotonic()),
            say=context.say,
        )


def _on_cluster(
    context: Context,
    cluster: Cluster,
    fleet: Fleet,
    orders: Orders,
    inventory: Inventory,
    options: AuditOptions,
) -> ClusterFleet:
    ticket = ticket_of(
        inventory,
        orders.chosen,
        timeout=options.timeout,
        probe=options.probe,
        raw=options.snapshot is not None,
    )
    return ClusterFleet(context, cluster, fleet, orders, ticket, options.snapshot, options.until)


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
            f"{folder.parent / 'latest'} cannot be linked to this audit: {error}",
            "remove what is there, or use --output",
        ) from None
