"""Commands on a lab node, by the OpenSSH client over one shared connection per node."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.paths import LabPaths, lab_paths

if TYPE_CHECKING:
    from lab.spec import Node

_SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended on a node: exit code, stdout, stderr."""

    node: str
    command: str
    rc: int
    out: str
    err: str

    def check(self) -> str:
        """stdout; LabError with the command's stderr if it failed."""
        if self.rc:
            detail = self.err.strip() or self.out.strip() or "no message"
            raise LabError(
                f"{self.node}: `{self.command}` failed with exit code {self.rc}: {detail[-2000:]}",
                "fix that on the node, then try again",
            )
        return self.out


def run_on(
    node: Node,
    command: str,
    *,
    timeout: float = 60.0,
    stdin: str = "",
    paths: LabPaths | None = None,
) -> Done:
    """Run a shell command on the node as root.

    A command's own failure is in the record; LabError if the node cannot be reached or the
    command does not end within ``timeout`` seconds.
    """
    paths = paths or lab_paths()
    if not paths.ssh_config.exists():
        raise LabError(f"{node.name} cannot be reached: the lab is down", "start it with `lab up`")
    argv = [*shell_argv(node, paths), "--", command]
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"{node.name}: `{command}` did not end within {timeout:.0f} s",
            f"look at the node with `lab shell {node.name}`",
        ) from error
    if done.returncode == _SSH_FAILED:
        raise LabError(
            f"{node.name} cannot be reached: {done.stderr.strip() or 'ssh failed'}",
            "see `lab status`; `lab up` starts nodes that are off",
        )
    return Done(node.name, command, done.returncode, done.stdout, done.stderr)


def shell_argv(node: Node, paths: LabPaths | None = None) -> list[str]:
    """The ssh command line of that node; alone it opens a shell."""
    return ["ssh", "-F", str((paths or lab_paths()).ssh_config), node.name]


def answers(node: Node, *, timeout: float = 2.0) -> bool:
    """Whether an SSH server greets at the node's address.  Costs far less than a login."""
    try:
        with socket.create_connection((node.address, node.port), timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def drop_connection(name: str, paths: LabPaths) -> None:
    """End the shared connection to a node, if there is one."""
    for control in paths.sockets.glob(f"{name}-*"):
        argv = ["ssh", "-F", str(paths.ssh_config), "-S", str(control), "-O", "exit", name]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                argv, capture_output=True, timeout=5, check=False, stdin=subprocess.DEVNULL
            )
        control.unlink(missing_ok=True)
