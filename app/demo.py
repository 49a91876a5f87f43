"""`demo`: the main job from end to end, on the embedded fabric or on recordings of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from app import __version__
from app.audit.run import perform_audit
from app.deploy import print_outcomes
from app.places import DEFAULT_INVENTORY
from app.plan import print_plan_summary
from lab import fabric, faults, guests
from lab.errors import LabError
from lab.spec import address_of, load_lab
from overlay.errors import FleetError
from replay.fleet import RECORDINGS, ReplayFleet
from reports.build import exit_code
from reports.terminal import print_summary
from tasks.deploy import deploy_all
from tasks.options import DeployOptions
from tasks.plan import plan_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.context import Context
    from reports.model import Report

FAULT = "flood-missing"
# BGP sessions, IMET routes and flood lists need some seconds after a deployment.
_SETTLE = 120.0


class Stage(Protocol):
    """Where the demo plays: `inventory` is what the fleet commands use there."""

    inventory: Path

    def after_deploy(self, context: Context) -> None:
        """Starts guests and shows that they reach each other."""

    def break_something(self) -> str:
        """Injects the one fault and says what it broke."""

    def heal(self) -> None:
        """Takes the fault back."""


def play(context: Context, *, keep: bool, replay: bool, lab: bool) -> None:
    """Plays the main job; raises FleetError when the audit does not name the fault.

    `keep` leaves the lab running; `replay` has recordings where the lab could run, too; `lab` none
    where it cannot.
    """
    begun = time.monotonic()
    report = None if replay else _on_the_lab(context, keep=keep, insist=lab)
    if report is None:
        report = _on_recordings(context)
    where = context.audits / "demo" / "fault" / "report.html"
    context.out.print(f"\nThe HTML report of the broken fabric: {where}", soft_wrap=True)
    context.out.print(f"The demo took {time.monotonic() - begun:.0f} s.")
    root = next((f for f in report.findings if f.caused_by is None), None)
    if root is None or root.check != FAULT:
        raise FleetError(
            f"the audit did not name the fault {FAULT}", f"read {where}, and please report this"
        )


def _on_the_lab(context: Context, *, keep: bool, insist: bool) -> Report | None:
    """The demo on real nodes; None, having said why, where the lab cannot be had."""
    try:
        if reason := fabric.supported(context.say):
            raise LabError(reason, "run the demo without --lab to see it on recordings")  # noqa: TRY301
        with _lab_stage(context, keep=keep) as stage:
            return _play(replace(context, inventory=stage.inventory), stage)
    except LabError as error:
        if insist:
            raise
        context.out.print(f"\nThe lab cannot be used on this computer: {error.what}", markup=False)
        return None


def _on_recordings(context: Context) -> Report:
    context.out.print(
        "The demo replays recordings of the lab, over real SSH on loopback: the nodes' outputs "
        "are recorded, everything else is real.",
        markup=False,
    )
    with _replay_stage(context) as stage:
        return _play(replace(context, inventory=stage.inventory), stage)


def _play(context: Context, stage: Stage) -> Report:
    folder = replace(context, inventory=DEFAULT_INVENTORY).audits / "demo"
    inventory = context.load()
    _heading(context, "Deploy: the intent becomes each node's configuration")
    with context.fleet(None, None, 50) as fleet:
        plans = plan_all(fleet, inventory.intent)
        print_plan_summary(context, plans)
        outcomes = deploy_all(
            fleet,
            inventory.intent,
            lambda o: context.say(f"{o.host}: {o.outcome}"),
            options=DeployOptions(intent=inventory.digest, version=__version__),
        )
    print_outcomes(context, outcomes)
    if any(outcome.error for outcome in outcomes):
        raise FleetError("the deployment failed on some node", "read the errors above")
    stage.after_deploy(context)
    _heading(context, "Audit: compare the nodes with the intent")
    clean = _audit_until_clean(context, folder / "clean")
    print_summary(clean, context.out)
    _heading(context, f"Break it, {stage.break_something()}")
    _heading(context, "Audit again")
    broken = perform_audit(replace(context, quiet=True), folder / "fault")
    print_summary(broken, context.out, verbose=True)
    stage.heal()
    return broken


def _audit_until_clean(context: Context, folder: Path) -> Report:
    limit = time.monotonic() + _SETTLE
    while True:
        report = perform_audit(replace(context, quiet=True), folder)
        if exit_code(report) == 0 or time.monotonic() > limit:
            return report
        context.say("the fabric is still converging: auditing again")
        time.sleep(3)


def _heading(context: Context, text: str) -> None:
    context.out.print(f"\n== {text}", style="bold", markup=False, soft_wrap=True)


class _LabStage:
    def __init__(self, inventory: Path) -> None:
        self.inventory = inventory
        self.spec = load_lab(inventory)

    def after_deploy(self, context: Context) -> None:
        guests.start_all(self.spec)
        _heading(context, "Traffic: guests on different nodes")
        for source, target, what in (
            ("vm1", "vm2", "within VNI 2"),
            ("vm1", "vm3", "from VNI 2 to VNI 3, through L3VNI 4000"),
        ):
            sent, received = self._ping(source, target)
            context.out.print(f"{source} -> {target} {what}: {received} of {sent} packets")

    def _ping(self, source: str, target: str) -> tuple[int, int]:
        limit = time.monotonic() + _SETTLE
        while True:
            sent, received = guests.ping(self.spec, source, address_of(self.spec, target))
            if (sent and sent == received) or time.monotonic() > limit:
                return sent, received
            time.sleep(2)

    def break_something(self) -> str:
        fault = faults.inject(self.spec, FAULT)
        return f"on {fault.node}: {fault.breaks}"

    def heal(self) -> None:
        faults.heal(self.spec, FAULT)


@contextlib.contextmanager
def _lab_stage(context: Context, *, keep: bool) -> Iterator[Stage]:
    stage = _LabStage(context.inventory)
    was_up = fabric.status(stage.spec).up
    _heading(context, "Boot: complete Debian nodes on this computer (User Mode Linux)")
    try:
        fabric.up(stage.spec, context.say)
        yield stage
    finally:
        if not (keep or was_up):
            fabric.down(context.say)
    if keep or was_up:
        context.out.print(
            "\nThe lab stays up: try `python run.py audit`, `python run.py lab fault`; "
            "`python run.py lab down` stops it."
        )


class _ReplayStage:
    def __init__(self, fleet: ReplayFleet) -> None:
        self.fleet = fleet
        self.inventory = fleet.inventory

    def after_deploy(self, context: Context) -> None:
        self.fleet.play("deployed")
        context.say("(guests are not replayed)")

    def break_something(self) -> str:
        self.fleet.play("fault")
        fault = faults.find_fault(FAULT)
        return f"on {fault.node}: {fault.breaks}"

    def heal(self) -> None:
        self.fleet.play("deployed")


@contextlib.contextmanager
def _replay_stage(context: Context) -> Iterator[Stage]:
    with ReplayFleet(context.inventory, RECORDINGS) as fleet:
        yield _ReplayStage(fleet)
