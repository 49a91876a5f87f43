"""Deploying one node: staged, validated on the node, applied there by a unit of its own.

The steps run in a transient systemd unit on the node, so that they come to their end even when
the SSH session that started them dies in the middle. FRR is configured before the interfaces.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import paramiko
from nornir.core.task import Result, Task

from overlay.errors import CommandError, ConnectError, DeployError, FleetError
from tasks.plan import NodePlan, compute_plan
from tasks.script import Script, Section, build_script, split_output
from tasks.session import connect, needs_sudo
from tasks.steps import BACKUPS, apply_sections, verify_sections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from overlay.expected import FabricIntent
    from overlay.records import RawOutput
    from tasks.connection import FleetSSH
    from tasks.session import Session

Outcome = Literal["unchanged", "deployed", "failed", "unreachable"]
_APPLY_DEADLINE = 300


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """How the deployment of one node ended; `steps` are those that were done, in their order."""

    host: str
    outcome: Outcome
    plan: NodePlan
    steps: tuple[str, ...] = field(default=())
    error: str | None = None


def push_config(task: Task, intent: FabricIntent, done: Callable[[NodeOutcome], None]) -> Result:
    """Nornir task: brings one host to the intent; `done` gets its NodeOutcome at once.

    A host in sync is not touched. Whatever goes wrong on one host is that host's outcome.
    """
    name = task.host.name
    plan = NodePlan(name)
    try:
        connection = connect(task.host, task.nornir)
        plan = compute_plan(task, intent, connection)
        if plan.changes:
            steps = _Deployment(name, connection, plan, sudo=needs_sudo(task.host)).run()
            outcome = NodeOutcome(name, "deployed", plan, steps)
        else:
            outcome = NodeOutcome(name, "unchanged", plan)
    except ConnectError as error:
        outcome = NodeOutcome(name, "unreachable", plan, error=str(error))
    except FleetError as error:
        outcome = NodeOutcome(name, "failed", plan, error=str(error))
    finally:
        task.host.close_connections()
    done(outcome)
    return Result(host=task.host, result=outcome)


def deploy_all(
    session: Session, intent: FabricIntent, done: Callable[[NodeOutcome], None]
) -> list[NodeOutcome]:
    """Deploys every host of the session in parallel; outcomes in the inventory's order."""
    results = session.nornir.run(task=push_config, intent=intent, done=done)
    outcomes = []
    for name in session.hosts:
        result = results[name][0]
        if result.failed:
            text = f"{name}: internal error: {result.exception!r}"
            outcomes.append(NodeOutcome(name, "failed", NodePlan(name), error=text))
        else:
            outcomes.append(result.result)
    return outcomes


class _NoReportError(DeployError):
    """The unit on the node was started, and nobody knows how it ended."""


@dataclass(frozen=True, slots=True)
class _Deployment:
    """One node's deployment over an open connection."""

    host: str
    connection: FleetSSH
    plan: NodePlan
    sudo: bool

    def run(self) -> tuple[str, ...]:
        """Stages, validates, applies, verifies, cleans up. Raises DeployError."""
        stage = self._make_stage()
        try:
            texts = {change.file.name: change.after.text or "" for change in self.plan.changes}
            self._upload(stage, texts)
            self._run_steps("validate", self._validate_sections(stage), "nothing was changed")
            done = self._apply(stage)
        except _NoReportError:
            raise  # the unit may still be at work with what is staged
        except FleetError:
            self._clean(stage)
            raise
        self._clean(stage)
        self._run_steps(
            "verify",
            verify_sections(self.plan.changes),
            "the new configuration is in place but does not hold as written",
        )
        return done

    def _exec(self, script: Script, deadline: float = 60) -> dict[str, RawOutput]:
        out, err = self.connection.run(script, sudo=self.sudo, deadline=deadline)
        return split_output(script, out, err)

    def _clean(self, stage: str) -> None:
        # When even this fails the connection is gone, and what led here is the thing to report.
        with contextlib.suppress(FleetError):
            self._exec(build_script([Section("clean", f"rm -rf {shlex.quote(stage)}")]))

    def _make_stage(self) -> str:
        # Made by the login user, who uploads into it, and readable by nobody else.
        script = build_script([Section("stage", "mktemp -d /tmp/evpn-fleet.XXXXXXXXXX")])
        outputs = split_output(script, *self.connection.run(script))
        stage = outputs["stage"].text.strip() if "stage" in outputs else ""
        if not stage.startswith("/tmp/evpn-fleet."):  # noqa: S108 - made by mktemp on the node
            said = outputs["stage"].stderr.strip() if "stage" in outputs else "no answer"
            raise DeployError(
                f"{self.host}: no folder to stage files in: {said}",
                "free space in /tmp on the node; nothing was changed",
            )
        return stage

    def _upload(self, stage: str, texts: Mapping[str, str]) -> None:
        try:
            with self.connection.open_sftp() as sftp:
                for name, text in texts.items():
                    with sftp.open(f"{stage}/{name}", "wb") as staged:
                        staged.write(text.encode())
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise DeployError(
                f"{self.host}: SFTP into {stage} failed: {error}",
                "check free space on the node and sshd's Subsystem sftp; nothing was changed",
            ) from None

    def _validate_sections(self, stage: str) -> list[Section]:
        return [
            Section(
                f"validate:{change.file.path}",
                change.file.validate.format(file=shlex.quote(f"{stage}/{change.file.name}")),
                timeout=30,
                stop=True,
            )
            for change in self.plan.changes
        ]

    def _run_steps(self, phase: str, sections: list[Section], consequence: str) -> None:
        outputs = self._exec(build_script(sections), deadline=120)
        _require(self.host, phase, sections, outputs, consequence)

    def _apply(self, stage: str) -> tuple[str, ...]:
        """Runs the steps in a transient unit on the node and returns their names."""
        sections = apply_sections(self.plan.changes, stage)
        inner = build_script(sections)
        self._upload(stage, {"apply.sh": inner.text})
        unit = f"evpn-fleet-apply-{secrets.token_hex(4)}"
        out, err = f"{stage}/apply.out", f"{stage}/apply.err"
        command = (
            f"systemd-run --quiet --wait --collect --unit={unit} "
            f"-p StandardOutput=file:{out} -p StandardError=file:{err} /bin/sh {stage}/apply.sh"
        )
        outer = build_script(
            [
                Section("unit", command, timeout=_APPLY_DEADLINE),
                Section("out", f"cat {out}"),
                Section("err", f"cat {err}"),
            ]
        )
        hint = f"it goes on by itself; look at `journalctl -u {unit}`, then run `plan`"
        try:
            outputs = self._exec(outer, deadline=_APPLY_DEADLINE + 30)
        except CommandError as error:
            raise _NoReportError(error.what, hint) from error
        if "out" not in outputs or "err" not in outputs or outputs["unit"].rc != 0:
            said = outputs["unit"].stderr.strip() if "unit" in outputs else "the session broke"
            raise _NoReportError(
                f"{self.host}: the unit {unit} that applies the files did not report back: {said}",
                hint,
            )
        steps = split_output(inner, outputs["out"].text.encode(), outputs["err"].text.encode())
        _require(self.host, "apply", sections, steps, f"what was replaced lies in {BACKUPS}")
        return tuple(section.slug for section in sections)


def _require(
    host: str,
    phase: str,
    sections: list[Section],
    outputs: dict[str, RawOutput],
    consequence: str,
) -> None:
    """Raises DeployError for the first section that did not end well, with the node's words."""
    for section in sections:
        output = outputs.get(section.slug)
        if output is not None and output.rc == 0:
            continue
        said = "it was never reached" if output is None else _words(output)
        raise DeployError(
            f"{host}: {phase} failed at {section.slug}: {said}",
            f"{consequence}; mend the cause, then run `plan` and `deploy` again",
        )


def _words(output: RawOutput) -> str:
    said = " | ".join(filter(None, (output.text.strip(), output.stderr.strip())))
    if output.rc == 124:  # what timeout(1) exits with
        said = "it took too long and was ended" + (f": {said}" if said else "")
    return said[-1500:] or f"exit status {output.rc}"
