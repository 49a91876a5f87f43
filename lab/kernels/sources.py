"""Where kernels come from: this computer's own package, or Debian testing's, fetched by its apt."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.host import UML, UML_MODULES, find_program, run_host
from lab.kernels.kernel import Kernel, newest_modules

if TYPE_CHECKING:
    from collections.abc import Callable

TESTING = "forky"

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_XSAVE = Path(__file__).with_name("xsave.c")
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_FETCH_TIMEOUT = 180.0


def installed(name: str) -> Kernel:
    """The kernel of this computer's own package user-mode-linux; LabError if it is not there."""
    program = find_program(UML)
    if program is None:
        raise LabError(f"{UML} is not installed", "apt-get install user-mode-linux")
    return Kernel(name, Path(program), newest_modules(UML_MODULES))


def installed_with_xsave(name: str, folder: Path) -> Kernel:
    """The same, with the remedy for processors whose XSAVE area is larger than it knows.

    Compiled into ``folder`` at first use; LabError if there is no C compiler.
    """
    kernel = installed(name)
    digest = hashlib.sha256(_XSAVE.read_bytes()).hexdigest()[:12]
    library = folder / f"xsave-{digest}.so"
    if not library.exists():
        if find_program("gcc") is None:
            raise LabError("there is no C compiler", "apt-get install gcc libc6-dev")
        folder.mkdir(parents=True, exist_ok=True)
        made = library.with_suffix(f".{os.getpid()}")
        run_host(["gcc", "-shared", "-fPIC", "-O2", "-o", str(made), str(_XSAVE), "-ldl"])
        made.rename(library)
    return Kernel(name, kernel.program, kernel.modules, (), {"LD_PRELOAD": str(library)})


def testing(name: str, folder: Path, mirror: Callable[[], str], *, seccomp: bool) -> Kernel:
    """Debian testing's kernel, fetched into ``folder`` at first use; LabError if it cannot be had.

    It is told there to use testing's C library, which lies beside it: this computer's may be older
    than it needs.
    """
    program = _program_in(folder / "testing")
    if not program.exists():
        _fetch(folder / "testing", mirror())
    modules = newest_modules(folder / "testing" / "usr" / "lib" / "uml" / "modules")
    # Without ptrace's stop at each system call of a guest's process.
    return Kernel(name, program, modules, ("seccomp=on",) if seccomp else ())


def _fetch(target: Path, mirror: str) -> None:
    if find_program("patchelf") is None:
        raise LabError("patchelf is not installed", "apt-get install patchelf")
    if not _KEYRING.exists():
        raise LabError(f"{_KEYRING} is missing", "apt-get install debian-archive-keyring")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last rename stays inside one file system.
    with tempfile.TemporaryDirectory(prefix=".testing-", dir=target.parent) as name:
        work = Path(name)
        try:
            packages = _download(work, mirror)
        except LabError as error:
            raise LabError(
                f"it could not be fetched from this computer's mirror: {error.what[-300:]}",
                f"see whether apt reaches {TESTING} there; without it another kernel is tried",
            ) from error
        tree = work / "tree"
        for package in packages:
            run_host(["dpkg-deb", "--extract", str(package), str(tree)])
        libraries = target / _LIBRARIES
        run_host(
            [
                "patchelf", "--set-interpreter", str(libraries / "ld-linux-x86-64.so.2"),
                "--set-rpath", str(libraries), str(_program_in(tree)),
            ]
        )  # fmt: skip
        tree.chmod(0o755)
        try:
            tree.rename(target)
        except OSError:
            if not _program_in(target).exists():
                raise
            # Another process has fetched it at the same time: that is as good.


def _program_in(tree: Path) -> Path:
    """Where the package user-mode-linux keeps the kernel."""
    return tree / "usr" / "bin" / UML


def _download(work: Path, mirror: str) -> list[Path]:
    """The two packages, by this computer's apt with lists of their own: its own stay as they are.

    apt checks them by the signature of the release, with the key that this Debian has.
    """
    sources = work / "sources.list"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror} {TESTING} main\n")
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": 1,
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
    }
    given = [f"-o{key}={value}" for key, value in options.items()]
    run_host(["apt-get", *given, "-q", "update"], timeout=_FETCH_TIMEOUT)
    names = ["user-mode-linux", "libc6"]
    run_host(["apt-get", *given, "-q", "download", *names], timeout=_FETCH_TIMEOUT, cwd=work)
    found = [next(work.glob(f"{name}_*.deb"), None) for name in names]
    if None in found:
        raise LabError(f"apt did not download {' and '.join(names)}", "try again later")
    return [path for path in found if path is not None]
