"""The audit, joined from its rooms: collect → parse → compare → report."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.audit.options import ALL_CHECKS, Choice
from app.progress import host_progress
from drift.catalogue import CHECKS, wanted_outputs
from drift.engine import audit as compare
from drift.suppress import suppress
from overlay.expected import RenderedNode
from overlay.outputs import FRR_FILE
from overlay.records import CommandResult, HostState
from parsers import parse_frr_config, parse_host
from reports.build import build_report, probe_info
from tasks.collect import HostCapture, collect_all
from tasks.commands import TEXT_SLUGS, commands_for
from tasks.probe import probe_command
from tasks.snapshot import read_snapshot, write_capture, write_meta

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from app.context import Context
    from overlay.expected import FabricIntent
    from overlay.suppressions import Suppression
    from reports.model import Report, RunInfo
    from tasks.commands import CollectCommand
    from tasks.ssh.fleet import Fleet

# A worker process costs 0.25 s of processor time until it parses: Python, `parsers`, TTP's
# templates. A host of the lab's size takes 5 ms, so a dozen are done before the first worker is
# ready; one with 10,000 EVPN paths takes 0.7 s, so many such must not queue behind one thread.
# One thread, not several: TTP parses behind one lock, and while it does, SSH threads go on.
_FEW_HOSTS = 12


class Parsing:
    """Parses captures in the background as they arrive; `states()` waits for all of them.

    TTP is not thread-safe: processes share nothing, and for a few hosts one thread does it all.
    """

    def __init__(self, pool: Executor, intent: FabricIntent) -> None:
        self._pool = pool
        self._intent = intent
        self._futures: dict[str, Future[HostState]] = {}
        self._states: dict[str, HostState] = {}
        self._lock = threading.Lock()

    def add(self, capture: HostCapture) -> None:
        """Takes one host's capture; may be called from any thread."""
        with self._lock:
            if capture.error is not None:
                self._states[capture.host] = HostState(capture.host, error=capture.error)
            else:
                job = self._pool.submit(parse_host, capture.host, capture.outputs)
                self._futures[capture.host] = job

    def states(self) -> dict[str, HostState]:
        """Every host's observed state, by name in alphabetical order."""
        for host, future in self._futures.items():
            self._states[host] = state_of(future.result(), self._intent)
        return dict(sorted(self._states.items()))


def state_of(state: HostState, intent: FabricIntent) -> HostState:
    """A parsed state that also says which outputs were not asked for, and why."""
    for slug in set(TEXT_SLUGS) - wanted_outputs(intent, intent.nodes[state.host]):
        state.commands[slug] = CommandResult(slug, "skipped", error="no BGP is intended")
    return state


def parse_pool(hosts: int, *, patient: bool = False) -> Executor:
    """Workers that parse the outputs of that many hosts: a thread for a few, processes for more.

    `patient` ones are not ended by a Ctrl-C: who asks them decides when it is over.
    """
    if hosts < _FEW_HOSTS:
        return ThreadPoolExecutor(1)
    # Not forked: a fork of a process with SSH threads may inherit a held lock.
    return ProcessPoolExecutor(
        min(os.cpu_count() or 1, 8),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_ignore_interrupts if patient else None,
    )


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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


@contextlib.contextmanager
def parsing(hosts: int, intent: FabricIntent) -> Iterator[Parsing]:
    """A Parsing for so many hosts; its workers end with the block."""
    with parse_pool(hosts) as pool:
        yield Parsing(pool, intent)


class LiveFleet:
    """The fleet's hosts as they were last seen; `keep` gets what they printed as a snapshot.

    What has not come at `until` (a `time.monotonic()`) is not waited for. With `probe` the nodes
    also ping each other.
    """

    def __init__(
        self,
        context: Context,
        fleet: Fleet,
        intent: FabricIntent,
        keep: Path | None = None,
        until: float | None = None,
        *,
        probe: bool = False,
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._intent = intent
        self._keep = keep
        self._until = until
        self._probe = probe
        self._captures: dict[str, HostCapture] = {}
        self._states: dict[str, HostState] = {}

    def look(self, hosts: Collection[str] | None = None) -> dict[str, HostState]:
        """Collects from these hosts (None: all) and parses what came: the states of all seen."""
        fleet = self._fleet if hosts is None else self._fleet.only(hosts)
        with (
            parsing(len(fleet.hosts), self._intent) as parser,
            host_progress(self._context, "collect", len(fleet.hosts)) as tick,
        ):

            def done(capture: HostCapture) -> None:
                parser.add(capture)
                self._store(capture)
                tick(capture.host, "unreachable" if capture.error else "collected")

            commands = asked(self._intent, fleet.hosts, probe=self._probe)
            collect_all(fleet, commands, done, self._until)
            self._states |= parser.states()
        if self._keep is not None:
            write_meta(self._keep, self._captures.values())
        return dict(sorted(self._states.items()))

    def _store(self, capture: HostCapture) -> None:
        if self._keep is None:
            return
        write_capture(self._keep, capture)
        # The texts are on disk by now; of thousands of hosts they need not be in memory as well.
        bare = {slug: replace(output, text="") for slug, output in capture.outputs.items()}
        self._captures[capture.host] = replace(capture, outputs=bare)


def observe_snapshot(folder: Path, fleet: Fleet, intent: FabricIntent) -> dict[str, HostState]:
    """Parses the fleet's hosts from a snapshot folder."""
    captures = read_snapshot(folder, fleet.hosts)
    with parsing(len(captures), intent) as parser:
        for capture in captures:
            parser.add(capture)
        return parser.states()


def judge(
    run: RunInfo,
    intent: FabricIntent,
    states: dict[str, HostState],
    rendered: Mapping[str, Mapping[str, str]],
    choice: Choice = ALL_CHECKS,
    suppressions: Sequence[Suppression] = (),
) -> Report:
    """Compares the observed states with the intent and its rendered files; builds the report.

    A suppression holds by the day on which the audit was made, also of an older snapshot.
    """
    titles = {check.id: check.title for check in CHECKS.values()}
    wanted = {
        host: RenderedNode(files, parse_frr_config(files.get(FRR_FILE, "")))
        for host, files in rendered.items()
    }
    result = compare(intent, states, rendered=wanted, only=choice.only, skip=choice.skip)
    result = suppress(
        result,
        suppressions,
        today=datetime.now(UTC).date(),
        audited=states,
        nodes=intent.nodes,
    )
    run = run.model_copy(update={"probe": probe_info(states)})
    return build_report(run=run, hosts=states, result=result, titles=titles)
