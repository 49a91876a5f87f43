"""A plan of the nodes, and how plans are shown: coloured diffs, those of like nodes as one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.audit.options import HERE
from app.exit_codes import ExitCode
from overlay.crosscheck.waiting_sessions import waiting_sessions
from overlay.problems import dotted, few
from overlay.redaction import redact
from tasks.foreign.statements import foreign_refusals
from tasks.plan import ShownPlan, plan_all
from tasks.secrets.passwords import read_passwords

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Sized

    from app.audit.cluster_worker import Seen
    from app.audit.options import Machines
    from app.context import Context
    from overlay.expected import FabricIntent
    from overlay.loading import Inventory
    from tasks.ssh.fleet import Fleet


class Planned(Protocol):
    """What all that is shown of a plan can be told from: a NodePlan, or a ShownPlan."""

    @property
    def host(self) -> str: ...
    @property
    def changes(self) -> Sized: ...
    @property
    def error(self) -> str | None: ...
    @property
    def unreachable(self) -> bool: ...
    @property
    def diff(self) -> str: ...
    @property
    def loses_neighbours(self) -> bool: ...
    @property
    def frr(self) -> str | None: ...


AnyPlan = TypeVar("AnyPlan", bound=Planned)


def plan_fleet(
    context: Context,
    fleet: Fleet,
    inventory: Inventory,
    *,
    as_json: bool,
    replace_foreign: bool = False,
    machines: Machines = HERE,
) -> ExitCode:
    """Shows the difference between each node and its intent; changes nothing.

    With `machines` their workers ask the nodes, and read the passwords that they need.

    Code 1 also where a deployment would be stopped: foreign statements that are not to be removed.
    """
    intent = inventory.intent
    fleet = context.to_write(fleet, intent)
    reading = f"reading the managed files of {len(fleet.hosts)} nodes"
    if machines:
        context.say(reading)
        plans = _plans_of_workers(context, fleet, inventory, machines)
    else:
        passwords = read_passwords((intent.nodes[name] for name in fleet.hosts), context.inventory)
        context.say(reading)
        plans = [plan.shown() for plan in plan_all(fleet, intent, passwords)]
    warn_of_waiting(context, plans, intent)
    if as_json:
        print(json.dumps([_plan_json(plan) for plan in plans], indent=1))
    else:
        print_plans(context, plans, intent)
    refused = [
        said
        for plan in plans
        for said in foreign_refusals(plan.host, () if replace_foreign else plan.foreign)
    ]
    print_errors(context, refused)
    return ExitCode.ERROR if refused else plan_code(plans)


def _plans_of_workers(
    context: Context, fleet: Fleet, inventory: Inventory, machines: Machines
) -> list[ShownPlan]:
    """The plans as a cluster's workers made them, in the inventory's order."""
    from app.audit.cluster import SITE, open_cluster  # noqa: PLC0415 - with a cluster only
    from app.audit.clustered import ticket_of  # noqa: PLC0415

    plans: dict[str, ShownPlan] = {}

    def done(seen: Seen) -> None:
        error = seen.capture.error if seen.capture else None  # no worker came back with it
        plans[seen.host] = seen.plan or ShownPlan(seen.host, error=error, unreachable=True)

    sites = {host: fleet.said(host, SITE) for host in fleet.hosts}
    with open_cluster(machines, context) as cluster:
        cluster.look(ticket_of(inventory, None, plan=True), sites, done)
    return [plans[host] for host in fleet.hosts]


def warn_of_waiting(context: Context, plans: Iterable[Planned], intent: FabricIntent) -> None:
    """Says which sessions may stay down, by the FRR that the nodes run."""
    running = {plan.host: plan.frr for plan in plans if plan.frr}
    for key, reason, hint in waiting_sessions(intent, running):
        context.warn(f"{dotted(key)}: {reason}", hint)


def _plan_json(plan: ShownPlan) -> dict[str, object]:
    changes = [{"path": path, "diff": diff} for path, diff in plan.changes]
    foreign = [
        {"path": one.path, "line": one.line, "statement": one.statement} for one in plan.foreign
    ]
    return {"host": plan.host, "error": plan.error, "changes": changes, "foreign": foreign}


def print_plans(context: Context, plans: Sequence[Planned], intent: FabricIntent) -> None:
    """Each different diff once, under the names of the nodes that it is for; then the sums."""
    for plan in plans:
        if plan.error:
            context.err.print(f"Error: {plan.error}", markup=False, soft_wrap=True)
    addresses = {name: node.address for name, node in intent.nodes.items()}
    for alike in fold_plans([plan for plan in plans if plan.changes], addresses):
        names = ", ".join(plan.host for plan in alike)
        context.out.print(f"{names}:", markup=False, style="bold", soft_wrap=True)
        if len({plan.diff for plan in alike}) > 1:
            said = f"# {alike[0].host}'s diff; the others differ only in name and address"
            context.out.print(said, markup=False, style="dim", soft_wrap=True)
        for line in alike[0].diff.splitlines():
            context.out.print(printable(line), markup=False, soft_wrap=True, style=_style(line))
    print_plan_summary(context, plans)


def fold_plans(plans: Sequence[AnyPlan], addresses: Mapping[str, str]) -> list[tuple[AnyPlan, ...]]:
    """Plans whose diffs are the same but for the node's own name and address, together."""
    folded: dict[str, list[AnyPlan]] = {}
    for plan in plans:
        folded.setdefault(_anonymous(plan, addresses.get(plan.host, "")), []).append(plan)
    return [tuple(alike) for alike in folded.values()]


def _anonymous(plan: Planned, address: str) -> str:
    names = {plan.host: "\0name", address: "\0address"}
    own = "|".join(re.escape(name) for name in names if name)
    return re.sub(rf"(?<![\w.:-])({own})(?![\w.:-])", lambda found: names[found[1]], plan.diff)


def print_plan_summary(context: Context, plans: Sequence[Planned]) -> None:
    """One line: how many nodes would change; before it, which of them at the same time."""
    together = [plan.host for plan in plans if plan.loses_neighbours]
    if len(together) > 1:
        said = (
            f"What routes the underlay changes on {few(together)}: they are deployed together, and "
            "guests lose their connections until the last of them is done."
        )
        context.out.print(said, markup=False, soft_wrap=True)
    changed = sum(bool(plan.changes) for plan in plans)
    failed = sum(bool(plan.error) for plan in plans)
    same = len(plans) - changed - failed
    context.out.print(f"Plan: {changed} to change, {same} in sync, {failed} could not be read")


def plan_code(plans: Sequence[Planned]) -> ExitCode:
    """The exit code of a plan that is only shown."""
    if any(plan.error and not plan.unreachable for plan in plans):
        return ExitCode.ERROR
    if any(plan.error for plan in plans):
        return ExitCode.INCOMPLETE
    return ExitCode.DRIFT if any(plan.changes for plan in plans) else ExitCode.OK


def _style(line: str) -> str:
    if line.startswith(("+++", "---", "@@", "#")):
        return "dim"
    return {"+": "green", "-": "red"}.get(line[:1], "")


def printable(line: str) -> str:
    """A file on a node may hold escape sequences; the terminal must not obey them."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)


def print_errors(context: Context, errors: Sequence[str]) -> None:
    """Each error on stderr; a node's words in it are shown without secrets and commands."""
    for error in errors:
        for at, line in enumerate(redact(error).splitlines()):
            prefix = "" if at else "Error: "
            context.err.print(prefix + printable(line), markup=False, soft_wrap=True)
