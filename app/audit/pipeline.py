"""The audit, joined from its rooms: collect, then parse and compare, then report."""

from __future__ import annotations

import threading
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.audit.mapping import Orders, Workers, lost
from app.progress import host_progress
from drift.catalogue import CHECKS, wanted_outputs
from drift.engine import conclude
from drift.facts.examined import Gathered
from drift.suppress import suppress
from reports.build import build_report, probe_info
from tasks.collect import collect_all
from tasks.commands import commands_for
from tasks.probes.command import probe_command
from tasks.render import render_host
from tasks.snapshot import open_snapshot, write_capture, write_meta

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from app.context import Context
    from drift.facts.examined import Examined
    from overlay.expected import FabricIntent
    from overlay.suppressions import Suppression
    from reports.model import Report, RunInfo
    from tasks.commands import CollectCommand, HostCapture
    from tasks.ssh.fleet import Fleet


def asked(
    intent: FabricIntent, hosts: Iterable[str], *, probe: bool = False
) -> dict[str, tuple[CollectCommand, ...]]:
    """By host, the commands whose outputs its checks need; with `probe` its pings, too."""
    nodes = [intent.nodes[host] for host in hosts]
    commands = {node.name: commands_for(wanted_outputs(intent, node), node) for node in nodes}
    for node in nodes if probe else ():
        pings = probe_command(intent, node)
        commands[node.name] += () if pings is None else (pings,)
    return commands


class Keeper:
    """Writes what hosts print into a snapshot folder; does nothing without one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.captures: dict[str, HostCapture] = {}
        """By host, what was written last, without its texts: of thousands of hosts they need not be
        in memory as well."""

    def store(self, capture: HostCapture) -> None:
        """One host's outputs, from any thread."""
        if self._folder is None:
            return
        write_capture(self._folder, capture)
        bare = {slug: replace(output, text="") for slug, output in capture.outputs.items()}
        self.captures[capture.host] = replace(capture, outputs=bare)

    def finish(self) -> None:
        """What the texts do not say, of all hosts."""
        if self._folder is not None:
            write_meta(self._folder, self.captures.values())


class LiveFleet:
    """The fleet's hosts as they were last seen; `keep` gets what they printed as a snapshot.

    What has not come at `until` (a `time.monotonic()`) is not waited for. With `probe` the nodes
    also ping each other.
    """

    def __init__(
        self,
        context: Context,
        fleet: Fleet,
        orders: Orders,
        keep: Path | None = None,
        until: float | None = None,
        *,
        probe: bool = False,
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._orders = orders
        self._keeper = Keeper(keep)
        self._until = until
        self._probe = probe
        self._gathered = Gathered()

    def look(self, hosts: Collection[str] | None = None) -> Gathered:
        """Collects from these hosts (None: all) and examines what came: what is known of all."""
        fleet = self._fleet if hosts is None else self._fleet.only(hosts)
        intent = self._orders.intent
        begun: list[Future[Examined]] = []
        lock = threading.Lock()
        with (
            Workers(self._orders, len(fleet.hosts)) as workers,
            host_progress(self._context, "collect", len(fleet.hosts)) as tick,
        ):

            def done(capture: HostCapture) -> None:
                files = render_host(fleet, intent, capture.host)
                future = workers.examine(capture, files)
                with lock:
                    begun.append(future)
                self._keeper.store(capture)
                tick(capture.host, "unreachable" if capture.error else "collected")

            commands = asked(intent, fleet.hosts, probe=self._probe)
            collect_all(fleet, commands, done, self._until)
            gather(begun, self._gathered)
        self._keeper.finish()
        return self._gathered


def examine_snapshot(folder: Path, fleet: Fleet, orders: Orders) -> Gathered:
    """Examines the fleet's hosts from a snapshot folder, which the workers read."""
    snapshot = open_snapshot(folder, fleet.hosts)
    gathered = Gathered()
    with Workers(orders, len(fleet.hosts)) as workers:
        begun = [
            workers.examine_snapshot(
                snapshot.of(host), host, render_host(fleet, orders.intent, host)
            )
            for host in workers.in_turns(fleet.hosts)
        ]
        gather(begun, gathered)
    return gathered


def gather(begun: Iterable[Future[Examined]], gathered: Gathered) -> None:
    """Waits for all of them. Raises FleetError where a worker process has ended."""
    try:
        for future in begun:
            gathered.add(future.result())
    except BrokenExecutor as error:
        raise lost(error) from None


def judge(
    run: RunInfo,
    orders: Orders,
    gathered: Gathered,
    suppressions: Sequence[Suppression] = (),
) -> Report:
    """What shows across the nodes that were examined, folded; builds the report.

    A suppression holds by the day on which the audit was made, also of an older snapshot.
    """
    titles = {check.id: check.title for check in CHECKS.values()}
    outlines = gathered.outlines
    result = suppress(
        conclude(orders.intent, gathered, orders.chosen),
        suppressions,
        today=datetime.now(UTC).date(),
        audited=outlines,
        nodes=orders.intent.nodes,
    )
    run = run.model_copy(update={"probe": probe_info(outlines)})
    return build_report(run=run, hosts=outlines, result=result, titles=titles)
