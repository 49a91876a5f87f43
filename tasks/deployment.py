"""Deploying one node: staged, validated, armed, applied, verified from outside, confirmed.

Until it is armed nothing is replaced. From then on the node goes back to what it had unless we
confirm it in time: whatever happens to us, to the path or to the node, no node is lost.
"""

from __future__ import annotations

import contextlib
import shlex
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.errors import DeployError, FleetError
from parsers.configuration import configured_peers
from tasks.bgp_sessions import intended_peers, required_sessions
from tasks.files import BACKUPS, FRR_CONF
from tasks.outcome import NodeOutcome, Outcome, RunState, Step
from tasks.reconnection import Reconnection
from tasks.safety.arm import (
    SwitchState,
    apply_guard,
    arm_sections,
    hold_section,
    start_restore_section,
    state_sections,
    withdraw_section,
)
from tasks.safety.places import LOCK, apply_unit, backup_folder
from tasks.safety.scripts import boot_unit, confirm_script, restore_script
from tasks.ssh.remote_node import RemoteNode, require, words_of
from tasks.ssh.script import Script, Section, build_script, split_output
from tasks.steps import apply_sections, validate_sections
from tasks.verification import verification_sections, what_fails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.records import RawOutput
    from tasks.plan import NodePlan
    from tasks.preflight.facts import NodeFacts
    from tasks.safety.manifest import Manifest

_APPLY_DEADLINE = 300.0
_POLL = 2.0
_CONFIRM_TRIES = 3
# How long a node gets to put its old configuration back once its timer is over.
_RESTORE_BUDGET = 240.0


@dataclass(slots=True)
class Deployment:
    """One node's deployment. `limit` is when the node would restore itself (monotonic)."""

    remote: RemoteNode
    plan: NodePlan
    facts: NodeFacts
    manifest: Manifest
    run_state: RunState
    stage: str = ""
    limit: float = 0.0
    reconnection: Reconnection = field(init=False)
    steps: tuple[str, ...] = ()
    timing: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reconnection = Reconnection(self.remote, self.run_state)

    @property
    def host(self) -> str:
        return self.remote.name

    @property
    def number(self) -> str:
        return self.manifest.number

    def run(self) -> NodeOutcome:
        """From the staged files to the confirmation. Raises FleetError while nothing is changed."""
        self._prepare()
        problem = self._apply_and_verify()
        if problem is None:
            problem = self._confirm()
        if problem is None:
            return self._ended("deployed")
        return self._undone(problem)

    def _ended(self, outcome: Outcome, error: str | None = None) -> NodeOutcome:
        timing = tuple(self.timing)
        return NodeOutcome(
            self.host, outcome, self.plan, self.steps, error, backup=self.number, timing=timing
        )

    @contextlib.contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.run_state.in_flight[self.host] = name
        begun = time.monotonic()
        try:
            yield
        finally:
            self.timing.append(Step(name, round(time.monotonic() - begun, 3)))

    # Nothing is changed on the node in here.

    def _prepare(self) -> None:
        with self._timed("stage"):
            self.stage = self.remote.make_stage()
        try:
            with self._timed("upload"):
                self.remote.upload(self.stage, self._texts())
            with self._timed("validate"):
                sections = validate_sections(self.plan.changes, self.stage)
                outputs = self.remote.run(sections, deadline=120)
                require(
                    self.host, "validate", sections, outputs,
                    "nothing was changed; fix the cause, then run `plan` and `deploy` again",
                )  # fmt: skip
        except FleetError:
            self._clean()
            raise
        with self._timed("arm"):
            self._arm()

    def _texts(self) -> dict[str, str]:
        changes = self.plan.changes
        texts = {c.file.name: c.after.text for c in changes if c.after.text is not None}
        texts["restore.sh"] = restore_script(self.manifest, changes, self.stage)
        texts["confirm.sh"] = confirm_script(self.manifest, self.stage)
        texts["boot.service"] = boot_unit()
        texts["manifest.json"] = self.manifest.to_json()
        texts["apply.sh"] = self._apply_script.text
        return texts

    def _clean(self) -> None:
        # When even this fails the connection is gone, and what led here is the thing to report.
        with contextlib.suppress(FleetError):
            self.remote.run([Section("clean", f"rm -rf {shlex.quote(self.stage)}")])

    def _arm(self) -> None:
        options = self.run_state.options
        # An apply that ends restarts the time; this is for one that hangs, and a slow one is not
        # to be undone half-way.
        seconds = 2 * options.confirm_within
        sections = arm_sections(
            self.manifest,
            self.plan.changes,
            self.stage,
            seconds=seconds,
            break_lock=options.break_lock,
        )
        self.limit = time.monotonic() + seconds
        try:
            outputs = self.remote.run(sections, deadline=120)
            require(
                self.host, "arming the switch", sections, outputs,
                "nothing was changed; a stale lock: remove it with --break-lock",
            )  # fmt: skip
        except FleetError:
            self._withdraw()
            self._clean()
            raise

    def _withdraw(self) -> None:
        with contextlib.suppress(FleetError):
            if not self.remote.connection.is_alive():
                self.remote.reconnect()
            self.remote.run([withdraw_section(self.manifest)])

    # From here on the node restores itself unless it is confirmed.

    _inner: Script | None = None

    @property
    def _apply_script(self) -> Script:
        if self._inner is None:
            seconds = self.run_state.options.confirm_within
            steps = apply_sections(self.plan.changes, self.stage)
            self._inner = build_script(
                [apply_guard(self.number), *steps, hold_section(self.number, seconds)]
            )
        return self._inner

    def _apply_and_verify(self) -> str | None:
        """Why the node is not good, or None."""
        try:
            with self._timed("apply"):
                self._apply()
            with self._timed("verify"):
                return self._verify()
        except FleetError as error:
            return str(error)

    def _apply(self) -> None:
        """Runs the steps in a unit of the node's own: they end even when our connection dies."""
        unit = apply_unit(self.number)
        # In memory: what fails because the disk is full can still say so.
        out, err = f"{LOCK}/apply.out", f"{LOCK}/apply.err"
        command = (
            f"systemd-run --quiet --wait --collect --unit={unit} -p TimeoutStopSec=5 "
            f"-p StandardOutput=file:{out} -p StandardError=file:{err} "
            f"/bin/sh {self.stage}/apply.sh"
        )
        read = [Section("out", f"cat {out}"), Section("err", f"cat {err}")]
        sections = [Section("unit", command, timeout=int(_APPLY_DEADLINE)), *read]
        try:
            outputs = self.remote.run(sections, deadline=_APPLY_DEADLINE + 30)
        except FleetError:
            outputs = {}
        if any(slug not in outputs or outputs[slug].rc != 0 for slug in ("out", "err")):
            # What is replaced is often what our connection uses: that it broke says nothing yet.
            outputs = self._await_unit(read)
        # When its last step began we know only roughly; what decides is the node's own clock.
        self.limit = min(self.limit, time.monotonic() + self.run_state.options.confirm_within)
        self._judge_apply(outputs)

    def _judge_apply(self, outputs: dict[str, RawOutput]) -> None:
        script = self._apply_script
        texts = (outputs["out"].text.encode(), outputs["err"].text.encode())
        steps = split_output(script, *texts)
        require(self.host, "apply", [Section(s, "") for s in script.slugs], steps, "")
        self.steps = script.slugs[1:-1]

    def _await_unit(self, read: list[Section]) -> dict[str, RawOutput]:
        """Waits, over new connections, until the unit has ended; returns its outputs."""
        while True:
            self._check_abandoned()
            late = time.monotonic() > self.limit  # before the look: there is always one
            state = self._state(*read)
            if state is not None:
                switch, outputs = state
                if switch.decided is not None or not switch.pending:
                    raise DeployError(f"{self.host}: it restored itself before it was verified")
                if not switch.applying and all(outputs[s.slug].rc == 0 for s in read):
                    return outputs
            if late or self.reconnection.given_up:
                said = "the steps did not finish in time"
                if self.reconnection.until is not None:
                    said = "it stopped answering while its new files were put in place"
                raise DeployError(f"{self.host}: {said}")
            time.sleep(_POLL)

    def _state(self, *more: Section) -> tuple[SwitchState, dict[str, RawOutput]] | None:
        """The switch as the node tells it over a new connection; None when it does not answer."""
        try:
            self.reconnection.renew(self.limit)
            outputs = self.remote.run([*state_sections(self.number), *more], deadline=20)
        except FleetError:
            return None
        state = SwitchState.read(outputs)
        if state is None or any(section.slug not in outputs for section in more):
            return None
        return state, outputs

    def _verify(self) -> str | None:
        """Asks the node, over new connections, until all holds or the time is nearly over."""
        until = self.limit - min(20.0, self.run_state.options.confirm_within / 4)
        while True:
            self._check_abandoned()
            problem = self._proof_round(until)
            if problem is None or time.monotonic() + _POLL > until:
                return problem
            time.sleep(_POLL)

    def _proof_round(self, until: float) -> str | None:
        try:
            self.reconnection.renew(self.limit)
            outputs = self.remote.run(verification_sections(self.plan), deadline=60)
        except FleetError as error:
            return str(error)
        problem = what_fails(self.plan, outputs, self._required())
        verify = self.run_state.options.verify
        if problem is None and verify is not None:
            try:
                problem = verify(self.remote, self._rendered(), until)
            except FleetError as error:
                problem = str(error)
        return f"{self.host}: {problem}" if problem else None

    def _rendered(self) -> dict[str, str]:
        files = ((change.file.path, change.after.text) for change in self.plan.files)
        return {path: text for path, text in files if text is not None}

    def _required(self) -> frozenset[str]:
        """Asked again in each round: a peer of the same run may be lost in the meantime."""
        conf = next(change for change in self.plan.files if change.file is FRR_CONF)
        after = conf.after.text or ""
        intent = self.run_state.intent
        node = intent.nodes[self.host]
        if self.run_state.kind == "deploy":
            intended = intended_peers(intent, node)
        else:
            intended = configured_peers(after)
        return required_sessions(
            intended,
            self.facts.sessions,
            self.run_state.peers(),
            frr_before=conf.before.text or "",
            frr_after=after,
            clients=frozenset(intent.clients(node)),
        )

    def _check_abandoned(self) -> None:
        if self.run_state.abandoned.is_set():
            raise DeployError(f"{self.host}: stopped before it was verified")

    def _confirm(self) -> str | None:
        """Takes the switch away; why that did not succeed, or None. Asking twice does no harm."""
        command = f"/bin/sh {backup_folder(self.number)}/confirm.sh confirm"
        with self._timed("confirm"):
            for _ in range(_CONFIRM_TRIES):
                with contextlib.suppress(FleetError):
                    outputs = self.remote.run(
                        [Section("confirm", command, timeout=30)], deadline=45
                    )
                    output = outputs.get("confirm")
                    if output is not None and output.rc is not None:
                        return None if output.rc == 0 else f"{self.host}: {words_of(output)}"
                if self.reconnection.given_up:
                    break
                with contextlib.suppress(FleetError):
                    self.reconnection.renew(self.limit)
        return f"{self.host}: the connection broke while it was being confirmed"

    def _undone(self, problem: str) -> NodeOutcome:
        """The node goes back: told to if it answers, else by its timer; what became of it."""
        if self.run_state.abandoned.is_set():
            return self._ended(
                "left",
                f"{self.host}: this run was stopped: unless it is confirmed by hand (`sh "
                f"{backup_folder(self.number)}/confirm.sh`) it restores itself within "
                f"{max(0, round(self.limit - time.monotonic()))} s",
            )
        with self._timed("restore"):
            state = self._await_decision()
        return self._judged(problem, state)

    def _await_decision(self) -> SwitchState | None:
        """Has the node restore itself, and waits until it has; None when it never answers."""
        told = False
        until = max(self.limit, time.monotonic()) + _RESTORE_BUDGET
        latest: SwitchState | None = None
        while time.monotonic() < until and not self.run_state.abandoned.is_set():
            if self.reconnection.given_up:
                # What it said before it fell silent is not how it ended.
                return None
            answer = self._state()
            if answer is not None:
                latest = answer[0]
                # The outcome is written before the mark is taken away: only then it is all over.
                half = latest.decided == "restored" and latest.pending.endswith(self.number)
                if latest.decided is not None and not half:
                    return latest
                if not told and latest.decided is None:
                    told = self._tell_to_restore()
                    continue
            time.sleep(_POLL)
        return latest

    def _tell_to_restore(self) -> bool:
        try:
            output = self.remote.run([start_restore_section(self.number)]).get("restore")
        except FleetError:
            return False
        return output is not None and output.rc == 0

    def _judged(self, problem: str, state: SwitchState | None) -> NodeOutcome:
        notes = "".join(f"\n  on the node: {note}" for note in state.notes) if state else ""
        here = f"{BACKUPS}/{self.number}"
        if state is None:
            return self._ended(
                "unreachable",
                f"{problem}\n{self.host}: it has not answered since. Its switch restores the old "
                f"configuration by itself, also at boot; on its console: `cat {here}/outcome`, and "
                f"`sh {here}/restore.sh hand`",
            )
        if state.decided == "confirmed":
            return self._ended("deployed")
        if state.decided == "restored":
            return self._ended("restored", f"{problem}\n{self.host}: restored{notes}")
        return self._ended(
            "restore-failed",
            f"{problem}\n{self.host}: RESTORING THE OLD CONFIGURATION FAILED{notes}\n"
            f"  next: log in (or use its console), read {here}/outcome, then run "
            f"`sh {here}/restore.sh hand`",
        )
