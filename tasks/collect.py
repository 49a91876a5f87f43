"""Collecting the live state: one connection and one joined exec per host, parsed in processes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nornir.core.task import Result, Task

from overlay.errors import CommandError, FleetError
from tasks.commands import HostCapture, as_section, without_secrets
from tasks.ssh.connection import MOST_OF_A_SESSION
from tasks.ssh.fleet import connect, needs_sudo, run_on_one
from tasks.ssh.hosts import time_limit
from tasks.ssh.plugin import CONNECTION
from tasks.ssh.script import TIMED_OUT, build_script, split_output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nornir.core.inventory import Host
    from nornir.core.task import MultiResult

    from overlay.records import RawOutput
    from tasks.commands import CollectCommand
    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.fleet import Fleet

    # By host, what it is asked.
    Asked = Mapping[str, Sequence[CollectCommand]]

_SHORTEST_RUN = 5.0
# What is left of a node's time for all else, when one command takes as long as it may.
_BESIDE_A_COMMAND = 6.0
_SHORTEST_COMMAND = 1
_RAISE = "raise it with --timeout, or with `timeout` in the data of the host or of its group"


def collect_state(
    task: Task,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None = None,
) -> Result:
    """Nornir task: runs the host's commands and hands its HostCapture to `done` at once.

    `done` is called in the worker's thread, so that parsing starts while others still connect.
    Why not a processor of Nornir: it would get the host's Result, which Nornir keeps until the last
    host is done, so the raw outputs of the whole fleet would stay in memory; and an exception in a
    processor ends the whole run.
    An unreachable host is a result like any other here: it never ends the run.
    """
    name = task.host.name
    limit = time.monotonic() + time_limit(task.host)
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
    each = max(_SHORTEST_COMMAND, int(time_limit(host) - _BESIDE_A_COMMAND))
    script = build_script([as_section(it, sudo=sudo, timeout=each) for it in commands])
    left = until - time.monotonic()
    shortest = min(_SHORTEST_RUN, time_limit(host))
    stdout, stderr = connection.run(script, deadline=max(left, shortest))
    outputs = split_output(script, stdout, stderr)
    if not outputs and connection.cut_by == "time":
        raise CommandError(
            f"{host.name}: it was logged in to, and then nothing came within the node's time limit "
            f"of {time_limit(host):g} s",
            "log in by hand and see how long the prompt takes (the login shell's start-up files, a "
            f"slow disk, a node out of memory); if that is how it is, {_RAISE}",
        )
    if not outputs:
        said = stderr.decode("utf-8", "replace").strip()[:300]
        raise CommandError(
            f"{host.name}: its shell ran no command" + (f": {said}" if said else ""),
            "log in by hand: the account needs a POSIX /bin/sh and no forced command",
        )
    limits = _Limits(each, time_limit(host), script.cap, connection.cut_by)
    return HostCapture(
        host.name,
        {slug: without_secrets(slug, limits.explain(it)) for slug, it in outputs.items()},
    )


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a command could run into: seconds of its own, seconds of its node, bytes of output."""

    command: int
    node: float
    size: int
    cut_by: str

    def explain(self, output: RawOutput) -> RawOutput:
        """The output, saying which limit ended its command, if one did."""
        if output.rc == TIMED_OUT:
            why = f"the time limit of a command, {self.command} s, ended it: {_RAISE}"
        elif not output.truncated:
            return output
        elif len(output.text.encode()) >= self.size:
            why = f"cut off: over the size limit of an output, {self.size >> 20} MiB"
        elif self.cut_by == "time":
            why = f"cut off: the node's time limit of {self.node:g} s ended it: {_RAISE}"
        elif self.cut_by == "size":
            most = MOST_OF_A_SESSION >> 20
            why = f"cut off: over the size limit of all outputs of a node, {most} MiB"
        else:
            why = "cut off: the connection broke before it ended"
        return replace(output, ended=why)


def collect_all(
    fleet: Fleet,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None = None,
) -> None:
    """Collects from every host of the fleet; `done` is called once per host, from its thread.

    Returns at `until` (a `time.monotonic()`) at the latest: a host that has not answered by then
    is given to `done` with that as its error, whatever still comes from it.
    """
    if until is None:
        _collect(fleet, asked, done, None)
        return
    for host in fleet.nornir.inventory.hosts.values():
        options = host.connection_options[CONNECTION]
        options.extras = {**(options.extras or {}), "give_up_at": until}
    first = _FirstOnly(done)
    worker = threading.Thread(target=_collect, args=(fleet, asked, first, until), daemon=True)
    worker.start()
    worker.join(max(0.0, until - time.monotonic()))
    for name in fleet.hosts:
        first(not_in_time(name))


def collect_one(fleet: Fleet, name: str, commands: Sequence[CollectCommand]) -> HostCapture:
    """Collects from one host in the caller's thread; any host of the fleet, several at a time."""
    found: list[HostCapture] = []
    result = run_on_one(fleet, name, collect_state, asked={name: commands}, done=found.append)
    return found[0] if found else _internal_error(name, result)


def not_in_time(name: str) -> HostCapture:
    """What stands for a host that had not answered when the audit's time was over."""
    return HostCapture(name, {}, f"{name}: not collected before the audit's --deadline")


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
    fleet: Fleet,
    asked: Asked,
    done: Callable[[HostCapture], None],
    until: float | None,
) -> None:
    results = fleet.nornir.run(task=collect_state, asked=asked, done=done, until=until)
    for name, result in results.items():
        if result.failed:
            done(_internal_error(name, result))


def _internal_error(name: str, result: MultiResult) -> HostCapture:
    return HostCapture(name, {}, f"{name}: internal error: {result[0].exception!r}")
