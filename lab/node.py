"""One node: start its kernel, see whether it lives, cut its power."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.host import find_program
from lab.identity import machine_id, write_seed
from lab.image import ensure_modules, image_path
from lab.kernels.kernel import Kernel, guest_environ, memory_folder
from lab.paths import LabPaths, NodePaths
from lab.process import kill_session, read_pid, recorded_pid, session_members, spawn
from lab.spec import LabSpec, Node, stable_mac
from lab.wires import in_namespace, mgmt_tap, plug_in, underlay_tap, unplug


def running_pid(paths: LabPaths, name: str) -> int | None:
    """The pid of that node's kernel, None when the node is off."""
    return read_pid(paths.node(name).pid, _mark(name))


def known_names(paths: LabPaths) -> list[str]:
    """The nodes that have a disk or run, in the order of their names."""
    folders = paths.nodes.iterdir() if paths.nodes.is_dir() else iter(())
    return sorted(f.name for f in folders if NodePaths(f).record.exists())


def start_node(paths: LabPaths, spec: LabSpec, node: Node, kernel: Kernel) -> int:
    """Boot the node on its own disk, or on a blank one if it has none; returns the pid."""
    running = running_pid(paths, node.name)
    if running is not None:
        return running
    power_off_node(paths, node.name)
    files = paths.node(node.name)
    files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    image = image_path(paths, node.release)
    base = read_record(paths, node.name).get("image")
    if base != str(image):
        # A copy-on-write file is worth nothing without the very image it was made on.
        files.cow.unlink(missing_ok=True)
    write_seed(paths, node, spec.nodes.values())
    record = {**asdict(node), "image": str(image), "kernel": kernel.name}
    files.record.write_text(json.dumps({**record, "kernel_version": kernel.version}, indent=1))
    plug_in(node)
    return spawn(
        _host_argv(kernel_arguments(node, kernel, image, ensure_modules(paths, kernel), files)),
        log=files.console,
        pid_file=files.pid,
        environ=guest_environ(kernel, memory_folder()),
        cwd=files.folder,
    )


def kernel_arguments(
    node: Node, kernel: Kernel, image: Path, modules: Path, files: NodePaths
) -> list[str]:
    """The command line of the node's kernel."""
    wire = "transport=tap,depth=128"
    return [
        str(kernel.program),
        *kernel.options,
        f"mem={node.memory}",
        f"umid={node.name}",
        f"uml_dir={files.folder}/uml",
        f"ubd0={files.cow},{image}",
        f"ubd1r={files.seed}",
        f"ubd2r={modules}",
        "root=/dev/ubda",
        "rw",
        "con=null",
        "con0=null,fd:1",
        "quiet",
        # 256 terminals of the BSD kind would be 512 events of udev and 256 units of systemd: a
        # third of a boot's CPU time, and half of every daemon-reload's.
        "pty.legacy_count=0",
        _mark(node.name),
        f"systemd.hostname={node.name}",
        f"systemd.machine_id={machine_id(node)}",
        f"vec0:{wire},ifname={mgmt_tap(node)},mac={stable_mac('mgmt', node.name)}",
        f"vec1:{wire},ifname={underlay_tap(node)},mtu=9000,mac={stable_mac('wire', node.name)}",
    ]


def power_off_node(paths: LabPaths, name: str) -> bool:
    """Cut the node's power: SIGKILL, no goodbye.  The disk stays.  False if it was off."""
    pid = recorded_pid(paths.node(name).pid)
    # Also when its first process is gone: the helpers of a kernel that was killed may outlive it.
    on = pid is not None and any(_works_in(m, paths.node(name)) for m in session_members(pid))
    if pid is not None and on:
        kill_session(pid)
    paths.node(name).pid.unlink(missing_ok=True)
    return on


def forget_node(paths: LabPaths, name: str) -> None:
    """Cut the power, unplug the node and delete its disk; its SSH host key stays."""
    power_off_node(paths, name)
    number = read_record(paths, name).get("number")
    if isinstance(number, int):
        unplug(number)
    wipe_disk(paths, name)
    files = paths.node(name)
    for path in (files.record, files.seed, files.console):
        path.unlink(missing_ok=True)
    for path in sorted(files.folder.glob("uml/**/*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    if (files.folder / "uml").is_dir():
        (files.folder / "uml").rmdir()


def wipe_disk(paths: LabPaths, name: str) -> None:
    """Make the node blank; it must be off."""
    if running_pid(paths, name) is not None:
        raise LabError(f"{name} is running, so its disk cannot be wiped", "power it off first")
    paths.node(name).cow.unlink(missing_ok=True)


def read_record(paths: LabPaths, name: str) -> dict[str, Any]:
    """What the node was last started as; empty if it never was."""
    try:
        record = json.loads(paths.node(name).record.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return record if isinstance(record, dict) else {}


def matches_record(paths: LabPaths, node: Node, kernel: Kernel) -> bool:
    """Whether the node was started as the inventory now wants it, on that kernel."""
    record = read_record(paths, node.name)
    wanted = {**asdict(node), "kernel": kernel.name, "kernel_version": kernel.version}
    return bool(record) and all(record.get(key) == value for key, value in wanted.items())


def console_tail(paths: LabPaths, name: str, lines: int = 8) -> str:
    """The last lines that the node printed, for an error message."""
    try:
        text = paths.node(name).console.read_text(errors="replace")
    except FileNotFoundError:
        return "(no console output)"
    kept = [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(kept) or "(no console output)"


def resident_bytes(pid: int) -> int:
    """The memory that a node really takes on this computer."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    sizes = dict(line.split(":", 1) for line in text.splitlines() if line.startswith("VmRSS"))
    return int(sizes.get("VmRSS", "0 kB").split()[0]) * 1024


def _works_in(pid: int, files: NodePaths) -> bool:
    """Whether a process is a node's by its folder: those of the guest have no arguments."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(files.folder)
    except OSError:
        return False


def _mark(name: str) -> str:
    return f"lab.name={name}"


def _host_argv(arguments: list[str]) -> list[str]:
    enter, *rest = in_namespace(*arguments)
    return [find_program(enter) or enter, *rest]
