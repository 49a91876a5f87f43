"""`deploy` and `rollback`: what changes nodes."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli import __version__
from cli.context import Context, FilterOption, LimitOption, WorkersOption, context_of
from cli.deploy_record import open_record, write_record
from cli.local_lock import deploying
from cli.node_audit import critical_findings
from cli.plan_view import plan_code, print_plans, printable
from cli.progress import host_progress
from overlay.errors import FleetError
from tasks.backups import backup_number, rolled_back
from tasks.deploy import Prepared, deploy_all, intended, prepare_all
from tasks.options import DeployOptions
from tasks.outcome import NodeOutcome, RunState
from tasks.plan import NodePlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from overlay.loading import Inventory
    from tasks.session import Session
    from tasks.survey import Target

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before applying.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")]
BatchOption = Annotated[
    str,
    typer.Option(
        metavar="N|P%", help="Nodes deployed at once; default a tenth of them, at least 2."
    ),
]
CanaryOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The node that goes first; default the first plain VTEP; or none."
    ),
]
FailuresOption = Annotated[
    int, typer.Option(min=1, help="So many nodes gone wrong end the run after their batch.")
]
ConfirmOption = Annotated[
    int,
    typer.Option(
        min=30, max=3600, help="Seconds after which a node that is not proven restores itself."
    ),
]
BreakLockOption = Annotated[
    bool, typer.Option("--break-lock", help="Take a node's lock away from who holds it.")
]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Deploy although Proxmox's SDN manages the node.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Lose what was edited on a node by hand.")
]
AuditOption = Annotated[
    bool,
    typer.Option(help="A critical finding of the node's own undoes it, too."),
]
_BAD = {"failed", "restored", "restore-failed", "unreachable", "left"}


def register(app: typer.Typer) -> None:
    app.command()(deploy)
    app.command()(rollback)


def deploy(
    ctx: typer.Context,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    batch: BatchOption = "",
    canary: CanaryOption = None,
    max_failures: FailuresOption = 1,
    confirm_within: ConfirmOption = 120,
    break_lock: BreakLockOption = False,
    take_over: TakeOverOption = False,
    overwrite: OverwriteOption = False,
    prove_audit: AuditOption = True,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Brings every node to the intent: plan, confirm, apply, prove; what is not proven is undone.

    A node in sync is not touched. One that we cannot prove in time restores what it had, by
    itself. Exit code 0: all good; 1: some node failed or was restored; 3: some node did not answer.
    """
    context = context_of(ctx)
    inventory = context.load()
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over, overwrite
    )
    with context.session(limit, filters, workers) as session:
        target = intended(inventory.intent)
        rollout = _Rollout(context, inventory, session, target, "deploy", options)
        raise typer.Exit(rollout.run(yes=yes, dry_run=dry_run, audit=prove_audit))


def rollback(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Back to before this deployment; default the last."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show each node's backups.")] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    batch: BatchOption = "",
    canary: CanaryOption = None,
    max_failures: FailuresOption = 1,
    confirm_within: ConfirmOption = 120,
    break_lock: BreakLockOption = False,
    overwrite: OverwriteOption = False,
    limit: LimitOption = None,
    filters: FilterOption = None,
    workers: WorkersOption = 50,
) -> None:
    """Puts back the files of a backup, as carefully as a deployment: it is one."""
    context = context_of(ctx)
    inventory = context.load()
    number = None if to is None else backup_number(to)
    # A node that was taken over once is given back without being asked for again.
    options = DeployOptions(
        confirm_within, batch, canary, max_failures, break_lock, take_over=True, overwrite=overwrite
    )
    with context.session(limit, filters, workers) as session:
        kind = f"rollback to {number or 'the last'}"
        target = rolled_back(inventory.intent, number)
        rollout = _Rollout(context, inventory, session, target, kind, options)
        if show:
            raise typer.Exit(rollout.list_backups())
        raise typer.Exit(rollout.run(yes=yes, dry_run=dry_run, audit=False))


class _Rollout:
    """One run over the chosen nodes."""

    def __init__(
        self,
        context: Context,
        inventory: Inventory,
        session: Session,
        target: Target,
        kind: str,
        options: DeployOptions,
    ) -> None:
        self.context = context
        self.inventory = inventory
        self.session = session
        self.target = target
        self.options = replace(options, intent=inventory.digest, version=__version__)
        self.state = RunState(inventory.intent, self.options, kind)
        self.state.interrupted = self._interrupted
        self.state.warn = context.warn

    def run(self, *, yes: bool, dry_run: bool, audit: bool) -> int:
        """Shows the plan and carries it out; the exit code."""
        if dry_run:
            return self._planned(self._prepare())[1]
        with contextlib.ExitStack() as stack:
            stack.enter_context(deploying(self.context.inventory))
            if audit:
                proof = critical_findings(
                    self.context, self.inventory.intent, len(self.session.hosts)
                )
                self.state.options = replace(self.options, prove=stack.enter_context(proof))
            prepared = self._prepare()
            changes, code = self._planned(prepared)
            if not changes or code == 1:
                return code
            _confirm(changes, yes=yes)
            return self._carry_out(prepared, changes)

    def _prepare(self) -> list[Prepared]:
        self.context.say(f"reading the managed files of {len(self.session.hosts)} nodes")
        return prepare_all(self.session, self.target, self.state)

    def _planned(self, prepared: Sequence[Prepared]) -> tuple[int, int]:
        """Prints the plan; how many nodes would change, and the exit code of that alone.

        Code 1: some node must not be deployed as it is, so that none is.
        """
        plans = [node.plan for node in prepared]
        print_plans(self.context, plans, self.inventory.intent)
        refused = [reason for node in prepared for reason in node.refused]
        _print_errors(self.context, refused)
        code = 1 if refused else plan_code(plans)
        if code == 1:
            self.context.err.print("Nothing was changed: mend that, or leave it out with --limit.")
        return sum(bool(plan.changes) for plan in plans), code

    def _carry_out(self, prepared: Sequence[Prepared], changes: int) -> int:
        started = datetime.now(UTC)
        record = open_record(self.context)
        outcomes: list[NodeOutcome] = []
        try:
            with host_progress(self.context, "deploy", len(self.session.hosts)) as tick:

                def done(outcome: NodeOutcome) -> None:
                    outcomes.append(outcome)
                    tick(outcome.host, outcome.outcome)

                self.context.say(f"deploying {changes} nodes")
                ended = deploy_all(
                    self.session,
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

    def _interrupted(self, hosts: tuple[str, ...], again: bool) -> None:
        names = ", ".join(hosts) or "none"
        if again:
            said = f"left to their switches, which restore them: {names}"
        else:
            said = f"no further node is begun; these are finished first: {names} (Ctrl-C again "
            said += "leaves them to their switches)"
        self.context.err.print(f"\nStopping: {said}", markup=False, soft_wrap=True)

    def list_backups(self) -> int:
        """Prints every node's backups; the exit code."""
        table = Table(box=None, pad_edge=False)
        for title in ("Node", "Number", "Outcome", "When", "Who", "What", "Intent", "Changed"):
            table.add_column(title)
        prepared = prepare_all(
            self.session, lambda task, _connection, _facts: NodePlan(task.host.name), self.state
        )
        for node in prepared:
            _print_errors(self.context, [node.plan.error] if node.plan.error else [])
            for backup in node.facts.backups if node.facts else ():
                made = backup.manifest
                row = ["?", "?", "not whole", "?", "?"]
                if made is not None:
                    changed = ", ".join(record.path for record in made.files if record.changed)
                    row = [made.at, made.who, made.kind, made.intent[:12], changed]
                words = [node.host, backup.number, backup.outcome, *row]
                table.add_row(*(escape(printable(word[:120])) for word in words))
        self.context.out.print(table)
        return 3 if any(node.facts is None for node in prepared) else 0


def _print_errors(context: Context, errors: Sequence[str]) -> None:
    for error in errors:
        for at, line in enumerate(error.splitlines()):
            prefix = "" if at else "Error: "
            context.err.print(prefix + printable(line), markup=False, soft_wrap=True)


def _confirm(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise FleetError(
            "deploy asks before it changes a node, and there is no terminal to ask on",
            "look at `plan`, then add --yes",
        )
    typer.confirm(f"Apply this to {count} nodes?", abort=True, err=True)


def print_outcomes(context: Context, outcomes: Sequence[NodeOutcome]) -> None:
    """What became of each node; errors on stderr, the table on stdout."""
    _print_errors(context, [outcome.error for outcome in outcomes if outcome.error])
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
        said = f"Not tried: {', '.join(untried)}. Running the command again goes on with them."
        context.out.print(said, markup=False, soft_wrap=True)
    if context.verbosity:
        for outcome in outcomes:
            steps = ", ".join(outcome.steps)
            context.say(f"{outcome.host}: {steps or 'no step was needed'}")
            timing = ", ".join(f"{step.name} {step.seconds:.1f} s" for step in outcome.timing)
            context.say(f"{outcome.host}: {timing}" if timing else f"{outcome.host}: not begun")


def deploy_code(outcomes: Sequence[NodeOutcome]) -> int:
    """The exit code of a deployment."""
    if any(outcome.outcome in _BAD - {"unreachable"} for outcome in outcomes):
        return 1
    if any(outcome.outcome == "unreachable" for outcome in outcomes):
        return 3
    return 1 if any(outcome.outcome == "not-tried" for outcome in outcomes) else 0
