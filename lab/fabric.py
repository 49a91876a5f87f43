"""The lab as a whole: up, down, status, and the power switch of each node."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab import node as nodes
from lab.errors import LabError
from lab.guests import start_behind_nics
from lab.host import require_supported
from lab.host import supported as host_supported
from lab.identity import write_access
from lab.image import Progress, package_mirror
from lab.kernels.choice import Choice, choose, forced_off
from lab.paths import LabPaths, lab_paths
from lab.process import kill_session, read_pid, spawn
from lab.ssh import answers, drop_connection, run_on
from lab.stand_in import as_started, to_be_had, without_testing
from lab.wires import NAMESPACE_FILE, create_wires, remove_wires

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from lab.kernels.kernel import Kernel
    from lab.spec import LabSpec, Node

__all__ = [
    "LabStatus", "NodeStatus", "blank", "choose_kernel", "down", "power_off", "power_on", "status",
    "supported", "up",
]  # fmt: skip

# Booting is bound by the processor: twenty nodes on two cores take their time.
_BOOT_TIMEOUT = 90.0
_BOOT_TIMEOUT_PER_NODE = 20.0

State = Literal["running", "booting", "off"]


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node: ``running`` answers on SSH, ``booting`` does not yet, ``off`` has no process."""

    name: str
    release: str
    address: str
    port: int
    state: State
    pid: int | None
    memory_bytes: int
    kernel: str | None


@dataclass(frozen=True, slots=True)
class LabStatus:
    """The lab: its nodes in file order, and whether what they hang on is there."""

    nodes: tuple[NodeStatus, ...]
    wires: bool
    forwarder: bool

    @property
    def up(self) -> bool:
        """Whether every node can be used."""
        return self.wires and self.forwarder and all(n.state == "running" for n in self.nodes)


def supported(progress: Progress = lambda _text: None) -> str | None:
    """Why this computer cannot run the lab, or None when it can: a kernel was seen to boot here.

    The first call on a computer takes some seconds: a kernel is fetched and booted.
    """
    if reason := host_supported() or forced_off():
        return reason
    try:
        choose_kernel(progress)
    except LabError as error:
        return str(error)
    return None


def choose_kernel(
    progress: Progress = lambda _text: None, environ: Mapping[str, str] = os.environ
) -> Choice:
    """The kernel that nodes run on here, and why; LabError if none boots."""
    return choose(lab_paths().kernels, package_mirror, progress, environ)


def up(
    spec: LabSpec, progress: Progress = lambda _text: None, *, only: Collection[str] | None = None
) -> LabStatus:
    """Start whatever of the lab does not run, and wait until every node can be used.

    Nodes that run as wanted are left alone, and of those that do not run ``only`` these are
    started; nodes that ``spec`` no longer names are removed. Where Debian testing cannot be had,
    ``progress`` is told why, and its nodes run its stand-in.
    LabError names a node that does not come up in time (90 s for up to four nodes), with the last
    lines it printed.
    """
    require_supported()
    paths = lab_paths()
    chosen = [node for node in spec.nodes.values() if only is None or node.name in only]
    with _changing(paths):
        before = status(spec)
        kernel = choose_kernel(progress).kernel
        extra = [name for name in nodes.known_names(paths) if name not in spec.nodes]
        same = all(nodes.matches_record(paths, node, kernel) for node in spec.nodes.values())
        if before.up and same and not extra:
            progress(f"the lab is already up: {len(before.nodes)} nodes")
            start_behind_nics(spec, [node.name for node in chosen])
            return before
        wanted = to_be_had(paths, chosen, progress)
        _claim(paths)
        create_wires()
        for name in extra:
            progress(f"{name}: removed, it is no longer in the inventory")
            nodes.forget_node(paths, name)
        for node in wanted:
            _stop_if_changed(paths, node, kernel, progress)
        write_access(paths, spec.nodes.values())
        _start(paths, spec, wanted, kernel, progress)
        _restart_forwarder(paths, spec)
        failed = _wait_each(paths, wanted, progress)
        again = without_testing(paths, failed, progress)
        _start(paths, spec, again, kernel, progress)
        _wait_all(paths, again, progress)
        start_behind_nics(spec, [node.name for node in chosen])
        return status(spec)


def down(progress: Progress = lambda _text: None, *, purge: bool = False) -> None:
    """Stop the lab and delete the nodes' disks, so that the next ``up`` starts blank nodes.

    SSH keys and images stay; ``purge`` deletes the whole state folder too.  Nothing happens if
    the lab is down.
    """
    require_supported()
    paths = lab_paths()
    _refuse_foreign(paths)
    if not paths.state.exists() and not NAMESPACE_FILE.exists():
        progress("the lab is already down")
        return
    with _changing(paths):
        names = nodes.known_names(paths)
        for name in names:
            drop_connection(name, paths)
        forwarder = _forwarder_pid(paths)
        if forwarder is not None:
            kill_session(forwarder)
        paths.forward_pid.unlink(missing_ok=True)
        for name in names:
            nodes.forget_node(paths, name)
            progress(f"{name}: off, disk deleted")
        remove_wires()
        shutil.rmtree(paths.runtime, ignore_errors=True)
        paths.ssh_config.unlink(missing_ok=True)
        paths.forward_log.unlink(missing_ok=True)
        if purge:
            shutil.rmtree(paths.state)
    progress("the lab is down" + (", its keys are deleted" if purge else ""))


def status(spec: LabSpec) -> LabStatus:
    """What of the lab runs now.  Needs no root and changes nothing."""
    paths = lab_paths()
    forwarder = _forwarder_pid(paths) is not None
    with ThreadPoolExecutor(16) as pool:
        found = tuple(pool.map(lambda node: _node_status(paths, node), spec.nodes.values()))
    return LabStatus(found, NAMESPACE_FILE.exists(), forwarder)


def power_off(spec: LabSpec, name: str) -> None:
    """A power failure of that node.  Its disk keeps what was written to it."""
    require_supported()
    paths = lab_paths()
    node = spec.node(name)
    nodes.power_off_node(paths, node.name)
    drop_connection(node.name, paths)


def power_on(spec: LabSpec, name: str, progress: Progress = lambda _text: None) -> None:
    """Boot that node on the disk it has, and wait until it can be used; LabError."""
    require_supported()
    paths = lab_paths()
    node = as_started(paths, spec.node(name))
    if not NAMESPACE_FILE.exists() or _forwarder_pid(paths) is None:
        raise LabError(f"{name} is not wired: the lab is down", "start it with `lab up`")
    with _changing(paths):
        [node] = to_be_had(paths, [node], progress)
        progress(f"{name}: booting Debian {node.release}")
        nodes.start_node(paths, spec, node, choose_kernel(progress).kernel)
    _wait_all(paths, [node], progress)
    start_behind_nics(spec, [name])


def blank(spec: LabSpec, name: str, progress: Progress = lambda _text: None) -> None:
    """Give that node a fresh disk and boot it; its name and SSH host key stay."""
    power_off(spec, name)
    nodes.wipe_disk(lab_paths(), name)
    power_on(spec, name, progress)


def _node_status(paths: LabPaths, node: Node) -> NodeStatus:
    node = as_started(paths, node)
    pid = nodes.running_pid(paths, node.name)
    state: State = "off"
    if pid is not None:
        state = "running" if answers(node) else "booting"
    memory = nodes.resident_bytes(pid) if pid is not None else 0
    record = nodes.read_record(paths, node.name) if pid is not None else {}
    kernel = f"{record['kernel']} {record['kernel_version']}" if "kernel" in record else None
    return NodeStatus(node.name, node.release, node.address, node.port, state, pid, memory, kernel)


def _stop_if_changed(paths: LabPaths, node: Node, kernel: Kernel, progress: Progress) -> None:
    """Stop a node that was started as something else; another release means another disk."""
    record = nodes.read_record(paths, node.name)
    if not record or nodes.matches_record(paths, node, kernel):
        return
    changed = "it ran another kernel" if record.get("kernel") != kernel.name else "it was changed"
    progress(f"{node.name}: restarted, {changed}")
    if record.get("release") != node.release:
        nodes.forget_node(paths, node.name)
    else:
        nodes.power_off_node(paths, node.name)


def _start(
    paths: LabPaths, spec: LabSpec, wanted: Iterable[Node], kernel: Kernel, progress: Progress
) -> None:
    for node in [n for n in wanted if nodes.running_pid(paths, n.name) is None]:
        progress(f"{node.name}: booting Debian {node.release}")
        nodes.start_node(paths, spec, node, kernel)


def _wait_all(paths: LabPaths, wanted: Iterable[Node], progress: Progress) -> None:
    for error in _wait_each(paths, wanted, progress).values():
        raise error


def _wait_each(paths: LabPaths, wanted: Iterable[Node], progress: Progress) -> dict[Node, LabError]:
    """Waits until all have booted; those that did not, each with what happened."""
    begun = time.monotonic()
    wanted = list(wanted)
    limit = max(_BOOT_TIMEOUT, _BOOT_TIMEOUT_PER_NODE * len(wanted))
    failed = {}
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        waits = {n: pool.submit(_wait_ready, paths, n, begun, limit, progress) for n in wanted}
        for node, wait in waits.items():
            try:
                wait.result()
            except LabError as error:
                failed[node] = error
    return failed


def _wait_ready(
    paths: LabPaths, node: Node, begun: float, limit: float, progress: Progress
) -> None:
    """Until the node has booted to the end, seen over a real SSH login."""
    deadline = begun + limit
    while not answers(node):
        if nodes.running_pid(paths, node.name) is None:
            raise _not_up(paths, node, "its kernel exited")
        if time.monotonic() > deadline:
            raise _not_up(paths, node, f"no SSH within {limit:.0f} s")
        time.sleep(0.5)
    # `--wait` ends when systemd's job queue is empty: networking and FRR have started, or failed.
    command = "systemctl is-system-running --wait; systemctl --failed --plain --no-legend"
    left = max(10.0, deadline - time.monotonic())
    verdict, _newline, failed = run_on(node, command, timeout=left, paths=paths).out.partition("\n")
    units = ", ".join(line.split()[0] for line in failed.splitlines() if line.split())
    note = f", but these units failed: {units}" if units else ""
    if verdict not in {"running", "degraded"}:
        raise _not_up(paths, node, f"systemd says {verdict or 'nothing'}")
    progress(f"{node.name}: ready after {time.monotonic() - begun:.0f} s{note}")


def _not_up(paths: LabPaths, node: Node, why: str) -> LabError:
    return LabError(
        f"{node.name} did not come up: {why}; the last lines of its console:\n"
        f"{nodes.console_tail(paths, node.name)}\n",
        f"see {paths.node(node.name).console}; `lab down` and `lab up` start it blank",
    )


def _restart_forwarder(paths: LabPaths, spec: LabSpec) -> None:
    """One forwarder for exactly these nodes; one that already does that stays."""
    pairs = [f"{n.address}:{n.port}={n.mgmt_address}:22" for n in spec.nodes.values()]
    running = _forwarder_pid(paths)
    if running is not None:
        if read_pid(paths.forward_pid, *pairs) and _argument_count(running) == len(pairs) + 4:
            return
        kill_session(running)
    spawn(
        [sys.executable, "-m", "lab.forward", str(NAMESPACE_FILE), *pairs],
        log=paths.forward_log,
        pid_file=paths.forward_pid,
        environ={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        cwd=paths.state,
    )
    _wait_until(lambda: b"forwarding" in paths.forward_log.read_bytes(), paths)


def _wait_until(condition: Callable[[], bool], paths: LabPaths) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline or _forwarder_pid(paths) is None:
            detail = paths.forward_log.read_text(errors="replace").strip()[-1000:]
            raise LabError(
                f"the forwarder to the nodes did not start: {detail or 'no message'}",
                "see which program listens on port 2222 of 127.77.0.0/24 (`ss -tlnp`)",
            )
        time.sleep(0.05)


def _forwarder_pid(paths: LabPaths) -> int | None:
    return read_pid(paths.forward_pid, "lab.forward", str(NAMESPACE_FILE))


def _argument_count(pid: int) -> int:
    return Path(f"/proc/{pid}/cmdline").read_bytes().count(b"\0")


def _claim(paths: LabPaths) -> None:
    """Take the one place that a computer has for a lab: names of wires and addresses exist once."""
    _refuse_foreign(paths)
    paths.runtime.mkdir(mode=0o755, parents=True, exist_ok=True)
    paths.owner.write_text(f"{paths.state}\n")


def _refuse_foreign(paths: LabPaths) -> None:
    try:
        owner = paths.owner.read_text().strip()
    except FileNotFoundError:
        return
    # A state folder that was deleted under a running lab leaves it to whoever comes next.
    if owner != str(paths.state) and Path(owner).is_dir():
        raise LabError(
            f"another lab is running on this computer, with its state in {owner}",
            "stop it there first (`lab down` with the same XDG_STATE_HOME)",
        )


@contextmanager
def _changing(paths: LabPaths) -> Iterator[None]:
    """Only one process changes the lab at a time."""
    paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with paths.lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(
                "another `lab` command is changing the lab", "wait until it has finished"
            ) from error
        yield
