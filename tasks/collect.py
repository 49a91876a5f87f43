"""Collecting the live state: one connection and one joined exec per host, parsed in processes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from nornir.core.task import Result, Task

from overlay.errors import CommandError, FleetError
from tasks.capture import HostCapture
from tasks.commands import as_section
from tasks.script import build_script, split_output
from tasks.session import CONNECTION, connect, needs_sudo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nornir.core.inventory import Host

    from tasks.commands import CollectCommand
    from tasks.connection import FleetSSH
    from tasks.session import Session

    # By host, what it is asked.
    Asked = Mapping[str, Sequence[CollectCommand]]

# Of one host, its connection included: within 30 s an audit must say that a node is gone.
COLLECT_DEADLINE = 26.0
_SHORTEST_RUN = 5.0


def collect_state(
    task: Task,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None = None,
) -> Result:
    """Nornir task: runs the host's commands and hands its HostCapture to `done` at once.

    `done` is called in the worker's thread, so that parsing starts while others still connect.
    It is not a processor of Nornir: those get their results from Nornir, which keeps every one, of
    all hosts, until the last host is done, and an exception in one of them ends the whole run.
    An unreachable host is a result like any other here: it never ends the run.
    """
    name = task.host.name
    limit = time.monotonic() + COLLECT_DEADLINE
    limit = limit if until is None else min(limit, until)
    try:
        connection = connect(task.host, task.nornir)
        capture = capture_over(connection, task.host, asked[name], limit)
    except FleetError as error:
        capture = HostCapture(name, {}, str(error))
    finally:
        task.host.close_connections()
    done(capture)
    return Result(host=task.host, result=capture.error is None)


def capture_over(
    connection: FleetSSH, host: Host, commands: Sequence[CollectCommand], until: float
) -> HostCapture:
    """What a host prints over a connection that is open, until `until` (a `time.monotonic()`).

    Raises CommandError when it does not answer at all.
    """
    sudo = needs_sudo(host)
    script = build_script([as_section(command, sudo=sudo) for command in commands])
    left = until - time.monotonic()
    stdout, stderr = connection.run(script, deadline=max(left, _SHORTEST_RUN))
    outputs = split_output(script, stdout, stderr)
    if not outputs:
        said = stderr.decode("utf-8", "replace").strip()[:300]
        raise CommandError(
            f"{host.name}: its shell ran no command" + (f": {said}" if said else ""),
            "log in by hand: the account needs a POSIX /bin/sh and no forced command",
        )
    return HostCapture(host.name, outputs)


def collect_all(
    session: Session,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None = None,
) -> None:
    """Collects from every host of the session; `done` is called once per host, from its thread.

    Returns at `until` (a `time.monotonic()`) at the latest: a host that has not answered by then
    is given to `done` with that as its error, whatever still comes from it.
    """
    if until is None:
        _collect(session, asked, done, None)
        return
    for host in session.nornir.inventory.hosts.values():
        options = host.connection_options[CONNECTION]
        options.extras = {**(options.extras or {}), "give_up_at": until}
    first = _FirstOnly(done)
    worker = threading.Thread(target=_collect, args=(session, asked, first, until), daemon=True)
    worker.start()
    worker.join(max(0.0, until - time.monotonic()))
    for name in session.hosts:
        first(HostCapture(name, {}, f"{name}: not collected before the audit's --deadline"))


class _FirstOnly:
    """Hands on the first capture of each host, one at a time, and drops the others."""

    def __init__(self, done: Callable[[HostCapture], None]) -> None:
        self._done = done
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, capture: HostCapture) -> None:
        with self._lock:
            if capture.host in self._seen:
                return
            self._seen.add(capture.host)
            self._done(capture)


def _collect(
    session: Session,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None,
) -> None:
    results = session.nornir.run(task=collect_state, asked=asked, done=done, until=until)
    for name, result in results.items():
        if result.failed:
            error = result[0].exception
            done(HostCapture(name, {}, f"{name}: internal error: {error!r}"))
