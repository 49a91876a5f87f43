"""Collecting the live state: one connection and one joined exec per host, parsed in processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nornir.core.task import Result, Task

from overlay.errors import CommandError, FleetError
from tasks.commands import as_section, commands_for
from tasks.script import build_script, split_output
from tasks.session import connect, needs_sudo

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from overlay.records import RawOutput
    from tasks.session import Session

# Of one host, its connection included: within 30 s an audit must say that a node is gone.
COLLECT_DEADLINE = 26.0
_SHORTEST_RUN = 5.0


@dataclass(frozen=True, slots=True)
class HostCapture:
    """What was collected on one host: raw outputs by slug, or why there are none."""

    host: str
    outputs: dict[str, RawOutput]
    error: str | None = None


def collect_state(task: Task, intent: FabricIntent, done: Callable[[HostCapture], None]) -> Result:
    """Nornir task: runs the host's commands and hands its HostCapture to `done` at once.

    `done` is called in the worker's thread, so that parsing starts while others still connect.
    An unreachable host is a result like any other here: it never ends the run.
    """
    name = task.host.name
    sudo = needs_sudo(task.host)
    commands = commands_for(intent, intent.nodes[name])
    script = build_script([as_section(command, sudo=sudo) for command in commands])
    begun = time.monotonic()
    try:
        connection = connect(task.host, task.nornir)
        left = COLLECT_DEADLINE - (time.monotonic() - begun)
        stdout, stderr = connection.run(script, deadline=max(left, _SHORTEST_RUN))
        capture = HostCapture(name, split_output(script, stdout, stderr))
        if not capture.outputs:
            said = stderr.decode("utf-8", "replace").strip()[:300]
            raise CommandError(
                f"{name}: its shell ran no command" + (f": {said}" if said else ""),
                "log in by hand: the account needs a POSIX /bin/sh and no forced command",
            )
    except FleetError as error:
        capture = HostCapture(name, {}, str(error))
    finally:
        task.host.close_connections()
    done(capture)
    return Result(host=task.host, result=capture.error is None)


def collect_all(
    session: Session, intent: FabricIntent, done: Callable[[HostCapture], None]
) -> None:
    """Collects from every host of the session; `done` is called once per host, from its thread."""
    results = session.nornir.run(task=collect_state, intent=intent, done=done)
    for name, result in results.items():
        if result.failed:
            error = result[0].exception
            done(HostCapture(name, {}, f"{name}: internal error: {error!r}"))
