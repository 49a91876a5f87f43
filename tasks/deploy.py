"""Deploying a fleet: what each node would change, who goes first, and where it stops."""

from __future__ import annotations

import contextlib
import math
import secrets
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from nornir.core.task import Result, Task

from overlay.errors import CommandError, ConnectError, FleetError
from tasks.backups import read_backup
from tasks.deployment import Deployment
from tasks.options import DeployOptions, who_we_are
from tasks.outcome import NodeOutcome, Outcome, RunState
from tasks.plan import FileState, NodePlan, compute_plan, sha256_of
from tasks.preflight.facts import NodeFacts, survey_node
from tasks.preflight.guards import edited_paths, refusals
from tasks.rollout import members_of, redundancy_of, schedule
from tasks.safety.manifest import FileRecord, Manifest
from tasks.safety.places import backup_folder, next_number
from tasks.ssh.fleet import connect, needs_sudo
from tasks.ssh.remote_node import RemoteNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from overlay.expected import FabricIntent
    from tasks.preflight.facts import Target
    from tasks.secrets.passwords import Passwords
    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.fleet import Fleet

# Seconds for which a look at a node still holds, where nothing has been changed on any since.
_STILL_HOLDS = 10.0

__all__ = ["NodeOutcome", "Prepared", "deploy_all", "intended", "prepare_all"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of a node before anything starts; `refused` says why it must not start.

    `begun` is when it began to be looked at (monotonic).
    """

    plan: NodePlan
    facts: NodeFacts | None = None
    refused: tuple[str, ...] = ()
    begun: float = -math.inf

    @property
    def host(self) -> str:
        return self.plan.host


def intended(intent: FabricIntent, passwords: Passwords | None = None) -> Target:
    """The target of a deployment: the files that the intent renders to, with their passwords."""

    def target(task: Task, connection: FleetSSH, _facts: NodeFacts) -> NodePlan:
        return compute_plan(task, intent, connection, passwords or {})

    return target


def prepare_node(task: Task, target: Target, run_state: RunState) -> Result:
    """Nornir task: the host's Prepared. Changes nothing."""
    try:
        prepared = _prepare(task, target, run_state)
    except FleetError as error:
        lost = isinstance(error, (ConnectError, CommandError))
        plan = NodePlan(task.host.name, error=str(error), unreachable=lost)
        prepared = Prepared(plan)
    finally:
        task.host.close_connections()
    return Result(host=task.host, result=prepared)


def _prepare(task: Task, target: Target, run_state: RunState) -> Prepared:
    begun = time.monotonic()
    connection = connect(task.host, task.nornir)
    sudo = needs_sudo(task.host)
    facts = survey_node(task.host.name, connection, sudo=sudo)
    plan = target(task, connection, facts)
    edited = _edited(plan, facts, connection, sudo=sudo)
    refused = refusals(plan, facts, run_state.options, edited)
    return Prepared(plan, facts, tuple(refused), begun)


def _edited(
    plan: NodePlan, facts: NodeFacts, connection: FleetSSH, *, sudo: bool
) -> dict[str, FileState]:
    """What our last deployment put where somebody has changed it since, by path."""
    paths, last = edited_paths(plan, facts), facts.last_confirmed
    if not paths or last is None:
        return {}
    folder = f"{backup_folder(last.number)}/new"
    texts = read_backup(plan.host, connection, folder, paths, sudo=sudo)
    now = {change.file.path: change.before for change in plan.changes}
    # Its mode and owner are those of today: only the text is known to have been changed.
    return {path: FileState(texts.get(path), now[path].meta) for path in paths}


def prepare_all(fleet: Fleet, target: Target, run_state: RunState) -> list[Prepared]:
    """What would change on each host and what stands against it, in the inventory's order."""
    fields = cast("Any", {"target": target, "run_state": run_state})
    results = fleet.nornir.run(task=prepare_node, **fields)
    prepared = []
    for name in fleet.hosts:
        result = results[name][0]
        if result.failed:
            text = f"{name}: internal error: {result.exception!r}"
            prepared.append(Prepared(NodePlan(name, error=text)))
        else:
            prepared.append(result.result)
    return prepared


def deploy_node(
    task: Task,
    target: Target,
    run_state: RunState,
    done: Callable[[NodeOutcome], None],
    looked: Mapping[str, Prepared],
) -> Result:
    """Nornir task: brings one host to its target; `done` gets its NodeOutcome at once.

    Not a processor of Nornir, for the reasons in `collect_state`. Whatever fails on one host is
    that host's outcome. Before anything is changed it is looked at again, unless `looked` has it as
    of a moment ago: much may have happened since the plan.
    """
    name = task.host.name
    plan = NodePlan(name)
    remote = RemoteNode(task.host, task.nornir)
    try:
        prepared = looked.get(name)
        if prepared is None or time.monotonic() - prepared.begun > _STILL_HOLDS:
            prepared = _prepare(task, target, run_state)
        plan = prepared.plan
        if prepared.refused:
            outcome = NodeOutcome(name, "failed", plan, error="\n".join(prepared.refused))
        elif prepared.facts is None or not plan.changes:
            outcome = NodeOutcome(name, "unchanged", plan)
        else:
            manifest = _manifest(plan, prepared.facts, run_state)
            outcome = Deployment(remote, plan, prepared.facts, manifest, run_state).run()
    except ConnectError as error:
        outcome = NodeOutcome(name, "unreachable", plan, error=str(error))
    except FleetError as error:
        outcome = NodeOutcome(name, "failed", plan, error=str(error))
    finally:
        run_state.in_flight.pop(name, None)
        remote.close()
    done(outcome)
    return Result(host=task.host, result=outcome)


def _manifest(plan: NodePlan, facts: NodeFacts, run_state: RunState) -> Manifest:
    changed = {change.file.path for change in plan.changes}
    files = tuple(
        FileRecord(
            path=file.file.path,
            existed=file.before.text is not None,
            meta=file.before.meta,
            sha256=file.before.sha256,
            deployed_sha256=None if file.after.text is None else sha256_of(file.after.text),
            changed=file.file.path in changed,
        )
        for file in plan.files
    )
    return Manifest(
        number=next_number(facts.numbers),
        kind=run_state.kind,
        version=run_state.options.version,
        intent=run_state.options.intent,
        who=who_we_are(),
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        token=secrets.token_hex(8),
        files=files,
        services=facts.services,
    )


def deploy_all(
    fleet: Fleet,
    intent: FabricIntent,
    done: Callable[[NodeOutcome], None],
    *,
    options: DeployOptions | None = None,
    target: Target | None = None,
    run_state: RunState | None = None,
    prepared: Sequence[Prepared] | None = None,
) -> list[NodeOutcome]:
    """Deploys the fleet's hosts batch by batch; outcomes in the inventory's order.

    Each host is told to `done` once. After `max_failures` failed hosts no further batch
    is begun; its hosts are `not-tried`. A host with which nothing is begun (it is refused, or does
    not answer) does not count. A first Ctrl-C lets the hosts in flight finish, a second leaves them
    to their switches.
    """
    run_state = run_state or RunState(intent, options or DeployOptions())
    target = target or intended(intent)
    prepared = prepared or prepare_all(fleet, target, run_state)
    outcomes: dict[str, NodeOutcome] = {}

    def tell(outcome: NodeOutcome) -> None:
        outcomes[outcome.host] = outcome
        done(outcome)

    for node in prepared:
        if (early := _settled(node)) is not None:
            tell(early)
    _note_peers(prepared, run_state)
    plans = {node.host: node.plan for node in prepared if node.host not in outcomes}
    early_ones = frozenset(outcomes)
    # Of use for the first batch: what that changes, its neighbours see.
    looked = {node.host: node for node in prepared}
    with _interruptible(fleet, run_state):
        for batch in _batches(fleet, run_state, plans):
            failures = sum(_counts(outcomes[name]) for name in outcomes.keys() - early_ones)
            if failures >= run_state.options.max_failures or run_state.stopping.is_set():
                break
            _run_batch(fleet, batch, target, run_state, tell, looked)
            looked = {}
    for name, plan in plans.items():
        if name not in outcomes:
            tell(NodeOutcome(name, "not-tried", plan))
    return [outcomes[name] for name in fleet.hosts]


def _counts(outcome: NodeOutcome) -> bool:
    never_begun = outcome.outcome == "unreachable" and outcome.backup is None
    return not (outcome.good or never_begun or outcome.outcome == "not-tried")


def _settled(node: Prepared) -> NodeOutcome | None:
    """The outcome of a host with which nothing is begun."""
    kind: Outcome = "unreachable" if node.plan.unreachable else "failed"
    if node.plan.error is not None:
        return NodeOutcome(node.host, kind, node.plan, error=node.plan.error)
    if node.refused:
        return NodeOutcome(node.host, "failed", node.plan, error="\n".join(node.refused))
    if not node.plan.changes:
        return NodeOutcome(node.host, "unchanged", node.plan)
    return None


def _note_peers(prepared: Sequence[Prepared], run_state: RunState) -> None:
    """Which nodes sessions can be asked of, before the first batch."""
    nodes = run_state.intent.nodes
    for node in prepared:
        address = nodes[node.host].address
        if node.plan.error is not None or node.facts is None:
            run_state.lost.add(address)
        elif node.plan.changes:
            run_state.still_open.add(address)
        elif node.facts.sessions is not None:
            run_state.ready.add(address)


def _batches(
    fleet: Fleet, run_state: RunState, plans: dict[str, NodePlan]
) -> list[tuple[str, ...]]:
    groups: dict[str, set[str]] = {}
    for host in fleet.nornir.inventory.hosts.values():
        for group in host.groups:
            groups.setdefault(group.name, set()).add(host.name)
    # A group of all nodes says how to reach them, and nothing of who stands in for whom.
    everyone = set(fleet.nornir.inventory.hosts)
    frozen = {name: frozenset(held) for name, held in groups.items() if held != everyone}
    return schedule(
        members_of(run_state.intent, plans, frozen),
        batch=run_state.options.batch,
        canary=run_state.options.canary,
        redundancy=redundancy_of(run_state.intent, frozen),
        together=frozenset(name for name, plan in plans.items() if plan.loses_neighbours),
    )


def _run_batch(
    fleet: Fleet,
    batch: tuple[str, ...],
    target: Target,
    run_state: RunState,
    tell: Callable[[NodeOutcome], None],
    looked: Mapping[str, Prepared],
) -> None:
    ended: list[NodeOutcome] = []

    def end(outcome: NodeOutcome) -> None:
        ended.append(outcome)
        tell(outcome)

    run_state.begin(batch)
    fields = cast("Any", {"target": target, "run_state": run_state, "done": end, "looked": looked})
    results = fleet.only(batch).nornir.run(task=deploy_node, **fields)
    for name in batch:
        result = results[name][0]
        if result.failed:
            text = f"{name}: internal error: {result.exception!r}"
            end(NodeOutcome(name, "failed", NodePlan(name), error=text))
    run_state.end(tuple(ended))


@contextlib.contextmanager
def _interruptible(fleet: Fleet, run_state: RunState) -> Iterator[None]:
    """Ctrl-C ends a rollout between nodes, not within one; twice leaves those to their switch."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        again = run_state.stopping.is_set()
        run_state.stopping.set()
        run_state.interrupted(tuple(run_state.in_flight), again)
        if not again:
            return
        run_state.abandoned.set()
        for name in tuple(run_state.in_flight):
            with contextlib.suppress(Exception):
                fleet.nornir.inventory.hosts[name].close_connections()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
