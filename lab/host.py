"""Commands on this computer, and whether this computer can hold a lab at all."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

UML = "linux.uml"
UML_MODULES = Path("/usr/lib/uml/modules")

# What each program is for is said by its package; the names are Debian's.
_PACKAGES = {
    UML: "user-mode-linux",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "apt-get": "apt",
    "apt-config": "apt",
    "dpkg-deb": "dpkg",
}

# Debian keeps half of these in folders that an unprivileged user's PATH lacks.
_SEARCH_PATH = os.pathsep.join(
    (os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")
)


def supported() -> str | None:
    """Why this computer cannot run the lab, or None when it can."""
    reason = _obstacle()
    return None if reason is None else f"{reason[0]}; {reason[1]}"


def require_supported() -> None:
    """LabError, saying what to do, when this computer cannot run the lab."""
    reason = _obstacle()
    if reason is not None:
        raise LabError(*reason)


def find_program(name: str) -> str | None:
    """The absolute path of a program, also outside an unprivileged PATH."""
    return shutil.which(name, path=_SEARCH_PATH)


def run_host(
    argv: Sequence[str], *, timeout: float = 60.0, check: bool = True, cwd: Path | None = None
) -> str:
    """Run a command here and return its stdout; LabError carries its stderr."""
    program = find_program(argv[0])
    if program is None:
        package = _PACKAGES.get(argv[0], argv[0])
        raise LabError(f"{argv[0]} is not installed", f"apt-get install {package}")
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"`{' '.join(argv)}` did not end within {timeout:.0f} s",
            "check the load of this computer, then try again",
        ) from error
    if check and done.returncode:
        detail = done.stderr.strip() or done.stdout.strip() or "no message"
        raise LabError(
            f"`{' '.join(argv)}` failed with exit code {done.returncode}: {detail[-2000:]}",
            "fix that, then try again",
        )
    return done.stdout


def _obstacle() -> tuple[str, str] | None:
    if sys.platform != "linux":
        return f"the lab needs Linux, this is {sys.platform}", "run it on a Debian computer"
    if platform.machine() != "x86_64":
        return (
            f"the lab's kernel is built for x86_64, this is {platform.machine()}",
            "run it on an x86_64 computer",
        )
    missing = sorted({pkg for name, pkg in _PACKAGES.items() if find_program(name) is None})
    if missing:
        return "the lab's packages are missing", f"apt-get install {' '.join(missing)}"
    if os.geteuid() != 0:
        return "the lab makes network namespaces and disks, which needs root", "run it with sudo"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is missing, so nodes cannot be wired", "modprobe tun"
    return None


def packages() -> tuple[str, ...]:
    """The Debian packages that the lab needs on this computer."""
    # The keyring lets mmdebstrap trust the archive of another release than this machine's own;
    # patchelf makes a kernel of that release run here.
    wanted = {*_PACKAGES.values(), "debian-archive-keyring", "patchelf"}
    if _has_amx():  # such a processor's XSAVE area is larger than this Debian's kernel knows
        wanted |= {"gcc", "libc6-dev"}
    return tuple(sorted(wanted))


def _has_amx() -> bool:
    try:
        return " amx_tile " in Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return False
