"""One kernel for nodes, and the boot of a second or two that proves it on this computer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROOF = Path(__file__).with_name("prove.sh")
_PROOF_SAYS = "runs programs"
_PROOF_TIMEOUT = 30.0

# Without these a kernel boots, but no overlay can be made on it.
_MODULES_NEEDED = ("vxlan", "vrf", "bridge", "8021q", "veth", "macvlan", "dummy")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A User Mode Linux kernel with its modules, and how it is started.

    ``modules`` is the folder whose name is the kernel's version, as ``/lib/modules/VERSION`` is.
    """

    name: str
    program: Path
    modules: Path
    options: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """As ``uname -r`` prints it on a node."""
        return self.modules.name

    @property
    def identity(self) -> str:
        """The same text for the same files started in the same way."""
        file = self.program.stat()
        parts = (self.name, self.version, file.st_size, file.st_mtime_ns, *self.options)
        return " ".join(str(part) for part in parts)


def prove(kernel: Kernel) -> str | None:
    """Boot that kernel on this computer's own files, read only: None, or what it said instead.

    Takes a second or two; no image is needed, for UML can mount the host's file system.
    """
    lacking = [name for name in _MODULES_NEEDED if not _has_module(kernel, name)]
    if lacking:
        return f"it lacks modules: {', '.join(lacking)}"
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-kernel-") as folder:
        # A copy: the way to this checkout may have spaces, which end an argument of a kernel.
        script = Path(shutil.copy(_PROOF, folder))
        argv = [
            str(kernel.program), *kernel.options, "mem=64M", f"uml_dir={folder}/uml", "umid=proof",
            "root=/dev/root", "rootfstype=hostfs", "ro", "con=null", "con0=null,fd:1",
            f"init={script}",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_PROOF_TIMEOUT,
                check=False,
                start_new_session=True,
                cwd=folder,
                env=guest_environ(kernel, folder),
            )
        except subprocess.TimeoutExpired:
            return f"it did not boot within {_PROOF_TIMEOUT:.0f} s"
        except OSError as error:
            return f"it cannot be started: {error.strerror}"
    lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines()]
    if any(line.endswith(_PROOF_SAYS) for line in lines):
        return None
    return f"it did not boot (exit status {done.returncode}): {_telling(lines)}"


def guest_environ(kernel: Kernel, memory_folder: str) -> dict[str, str]:
    """The environment that a kernel is started in: nothing of the caller's own."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        # UML keeps the guest's memory in a file of this folder.
        "TMPDIR": memory_folder,
        **kernel.environ,
    }


def newest_modules(folder: Path) -> Path:
    """The modules of the newest kernel in that folder; LabError if there are none."""
    found = [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    if not found:
        raise LabError(
            f"{folder} holds no kernel modules", "apt-get install --reinstall user-mode-linux"
        )
    return max(found, key=lambda entry: [int(n) for n in entry.name.split(".") if n.isdigit()])


def _has_module(kernel: Kernel, name: str) -> bool:
    lists = (kernel.modules / "modules.dep", kernel.modules / "modules.builtin")
    return any(
        f"/{name}.ko" in path.read_text(errors="replace") for path in lists if path.is_file()
    )


def _telling(lines: list[str]) -> str:
    """Of what a kernel printed, the line that says why it ended; else the last ones."""
    words = ("errno", "panic", "not syncing", "failed", "error", "not found", "Unable")
    said = [line for line in lines if not line.startswith("[<")]  # a panic's stack: addresses
    telling = [line for line in said if any(word in line for word in words)]
    return (
        " / ".join((telling or [line for line in said if line])[-2:])[:400] or "it printed nothing"
    )


def memory_folder() -> str:
    """Where guests' memory lies: in memory, for on a disk it would be written out."""
    return "/dev/shm" if os.path.ismount("/dev/shm") else "/tmp"  # noqa: S108 (UML unlinks it)
