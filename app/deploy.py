"""A deployment or a rollback from end to end: planned, shown, confirmed, carried out, recorded."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from app import __version__
from app.audit.one_node import critical_findings
from app.deploy_record import open_record, write_record
from app.exit_codes import ExitCode
from app.locks import deploying
from app.plan import plan_code, print_errors, print_plans, printable, warn_of_waiting
from app.progress import host_progress
from tasks.backups import backup_number, rolled_back
from tasks.deploy import Prepared, deploy_all, intended, prepare_all
from tasks.options import DeployOptions
from tasks.outcome import NodeOutcome, RunState
from tasks.plan import NodePlan
from tasks.secrets.passwords import read_passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.context import Context
    from overlay.loading import Inventory
    from tasks.preflight.facts import Target
    from tasks.ssh.fleet import Fleet

    # Called with how many nodes would change, before any is; raises when that is not wanted.
    Confirm = Callable[[int], None]

__all__ = ["DeployOptions", "deploy", "deploy_code", "list_backups", "print_outcomes", "rollback"]


_BAD = {"failed", "restored", "restore-failed", "unreachable", "left"}


def deploy(
    context: Context,
    inventory: Inventory,
    fleet: Fleet,
    options: DeployOptions,
    *,
    confirm: Confirm,
    dry_run: bool = False,
    audit: bool = True,
) -> ExitCode:
    """Brings the fleet's nodes to the intent; with `audit`, an audit is part of verifying them."""
    nodes = inventory.intent.nodes
    passwords = read_passwords((nodes[name] for name in fleet.hosts), inventory.folder)
    target = intended(inventory.intent, passwords)
    rollout = _Rollout(context, inventory, fleet, target, "deploy", options)
    return rollout.run(confirm, dry_run=dry_run, audit=audit)


def rollback(
    context: Context,
    inventory: Inventory,
    fleet: Fleet,
    options: DeployOptions,
    *,
    number: str | None,
    confirm: Confirm,
    dry_run: bool = False,
) -> ExitCode:
    """Puts back what backup `number` holds (None: the last one). Raises FleetError."""
    number = None if number is None else backup_number(number)
    target = rolled_back(inventory.intent, number)
    kind = f"rollback to {number or 'the last'}"
    rollout = _Rollout(context, inventory, fleet, target, kind, options)
    return rollout.run(confirm, dry_run=dry_run, audit=False)


class _Rollout:
    """One run over the chosen nodes."""

    def __init__(
        self,
        context: Context,
        inventory: Inventory,
        fleet: Fleet,
        target: Target,
        kind: str,
        options: DeployOptions,
    ) -> None:
        self.context = context
        self.inventory = inventory
        self.fleet = context.to_write(fleet, inventory.intent)
        self.target = target
        self.options = replace(options, intent=inventory.digest, version=__version__)
        self.state = RunState(inventory.intent, self.options, kind)
        self.state.interrupted = lambda hosts, again: self._interrupted(hosts, again=again)
        self.state.warn = context.warn

    def run(self, confirm: Confirm, *, dry_run: bool, audit: bool) -> ExitCode:
        """Shows the plan and carries it out; the exit code."""
        if dry_run:
            return self._planned(self._prepare())[1]
        with contextlib.ExitStack() as stack:
            stack.enter_context(deploying(self.context.inventory))
            if audit:
                verification = critical_findings(
                    self.context, self.inventory.intent, len(self.fleet.hosts)
                )
                self.state.options = replace(self.options, verify=stack.enter_context(verification))
            prepared = self._prepare()
            changes, code = self._planned(prepared)
            if not changes or code is ExitCode.ERROR:
                return code
            confirm(changes)
            return self._carry_out(prepared, changes)

    def _prepare(self) -> list[Prepared]:
        self.context.say(f"reading the managed files of {len(self.fleet.hosts)} nodes")
        return prepare_all(self.fleet, self.target, self.state)

    def _planned(self, prepared: Sequence[Prepared]) -> tuple[int, ExitCode]:
        """Prints the plan; how many nodes would change, and the exit code of that alone.

        Code 1: some node must not be deployed as it is, so that none is.
        """
        plans = [node.plan for node in prepared]
        warn_of_waiting(self.context, plans, self.inventory.intent)
        print_plans(self.context, plans, self.inventory.intent)
        refused = [reason for node in prepared for reason in node.refused]
        print_errors(self.context, refused)
        code = ExitCode.ERROR if refused else plan_code(plans)
        if code is ExitCode.ERROR:
            self.context.err.print(
                "Nothing was changed. Fix that, or leave the node out with --limit."
            )
        return sum(bool(plan.changes) for plan in plans), code

    def _carry_out(self, prepared: Sequence[Prepared], changes: int) -> ExitCode:
        started = datetime.now(UTC)
        record = open_record(self.context)
        outcomes: list[NodeOutcome] = []
        try:
            with host_progress(self.context, "deploy", len(self.fleet.hosts)) as tick:

                def done(outcome: NodeOutcome) -> None:
                    outcomes.append(outcome)
                    tick(outcome.host, outcome.outcome)

                self.context.say(f"deploying {changes} nodes")
                ended = deploy_all(
                    self.fleet,
                    self.inventory.intent,
                    done,
                    target=self.target,
                    run_state=self.state,
                    prepared=prepared,
                )
        finally:
            write_record(
                record,
                kind=self.state.kind,
                started=started,
                context=self.context,
                intent=self.inventory.digest,
                outcomes=outcomes,
            )
        print_outcomes(self.context, ended)
        self.context.say(f"record: {record}")
        return deploy_code(ended)

    def _interrupted(self, hosts: tuple[str, ...], *, again: bool) -> None:
        names = ", ".join(hosts) or "none"
        if again:
            said = f"left unconfirmed; they restore themselves: {names}"
        else:
            said = f"stopping: no further node is started; waiting for {names} (Ctrl-C again "
            said += "leaves them unconfirmed, and they restore themselves)"
        self.context.err.print(f"\nStopping: {said}", markup=False, soft_wrap=True)


def list_backups(context: Context, inventory: Inventory, fleet: Fleet) -> ExitCode:
    """Prints every node's backups."""
    table = Table(box=None, pad_edge=False)
    for title in ("Node", "Number", "Outcome", "When", "Who", "What", "Intent", "Changed"):
        table.add_column(title)
    state = RunState(inventory.intent, DeployOptions())
    prepared = prepare_all(fleet, lambda task, *_: NodePlan(task.host.name), state)
    for node in prepared:
        print_errors(context, [node.plan.error] if node.plan.error else [])
        for backup in node.facts.backups if node.facts else ():
            made = backup.manifest
            row = ["?", "?", "not whole", "?", "?"]
            if made is not None:
                changed = ", ".join(record.path for record in made.files if record.changed)
                row = [made.at, made.who, made.kind, made.intent[:12], changed]
            words = [node.host, backup.number, backup.outcome, *row]
            table.add_row(*(escape(printable(word[:120])) for word in words))
    context.out.print(table)
    return ExitCode.INCOMPLETE if any(node.facts is None for node in prepared) else ExitCode.OK


def print_outcomes(context: Context, outcomes: Sequence[NodeOutcome]) -> None:
    """What became of each node; errors on stderr, the table on stdout."""
    print_errors(context, [outcome.error for outcome in outcomes if outcome.error])
    table = Table(box=None, pad_edge=False)
    for title in ("Node", "Outcome", "Backup", "Files changed"):
        table.add_column(title)
    for outcome in outcomes:
        files = ", ".join(change.file.path for change in outcome.plan.changes)
        style = "red" if outcome.outcome in _BAD else None
        style = "green" if outcome.outcome == "deployed" else style
        row = (outcome.host, outcome.outcome, outcome.backup or "-", files or "-")
        table.add_row(*row, style=style)
    context.out.print(table)
    untried = [outcome.host for outcome in outcomes if outcome.outcome == "not-tried"]
    if untried:
        said = f"Not tried: {', '.join(untried)}. Run the command again to continue with them."
        context.out.print(said, markup=False, soft_wrap=True)
    if context.verbosity:
        for outcome in outcomes:
            steps = ", ".join(outcome.steps)
            context.say(f"{outcome.host}: {steps or 'no step was needed'}")
            timing = ", ".join(f"{step.name} {step.seconds:.1f} s" for step in outcome.timing)
            context.say(f"{outcome.host}: {timing}" if timing else f"{outcome.host}: not started")


def deploy_code(outcomes: Sequence[NodeOutcome]) -> ExitCode:
    """The exit code of a deployment."""
    if any(outcome.outcome in _BAD - {"unreachable"} for outcome in outcomes):
        return ExitCode.ERROR
    if any(outcome.outcome == "unreachable" for outcome in outcomes):
        return ExitCode.INCOMPLETE
    unfinished = any(outcome.outcome == "not-tried" for outcome in outcomes)
    return ExitCode.ERROR if unfinished else ExitCode.OK
