"""The tool on a node: the checkout, and the libraries that it runs with, in a venv of the node's."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
import tomllib
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from lab.ssh import run_on, shell_argv
from tests.live.matrix import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.spec import Node

_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_LIBRARIES = f".venv/lib/python{_VERSION}/site-packages"
# 30 MB, taken in by an emulated machine.
_UNPACK_SECONDS = 300
# A connection of its own: where the shared one's keep-alives wait behind 30 MB for longer than it
# bears, it ends, and everything else on it with it, without a word.
_PATIENT = ("-S", "none", "-o", "ServerAliveInterval=0")


def install(node: Node, target: str, scratch: Path) -> None:
    """Puts the tool below `target`, where `.venv/bin/python run.py` then works; needs no network.

    The node's own Python has to be of the version that runs here, as compiled libraries are.
    """
    theirs = run_on(node, "python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'")
    assert theirs.check().strip() == _VERSION, (
        f"{node.name} has Python {theirs.out.strip()}, and the libraries here are those of Python "
        f"{_VERSION}: run this test with the node's version"
    )
    archive = scratch / "installation.tar.gz"
    _pack(archive)
    run_on(node, f"mkdir -p {target} && python3 -m venv --without-pip {target}/.venv").check()
    ssh, *options = shell_argv(node)
    with archive.open("rb") as file:
        done = subprocess.run(
            [ssh, *_PATIENT, *options, "--", f"tar -xz --no-same-owner -C {target}"],
            stdin=file, capture_output=True, text=True, timeout=_UNPACK_SECONDS, check=False,
        )  # fmt: skip
    failed = f"unpacking on {node.name} failed with exit code {done.returncode}"
    assert done.returncode == 0, f"{failed}: {done.stderr[-2000:]}"
    # The audit's user may not write there, and would compile it all again at each audit.
    compile_all = f"{target}/.venv/bin/python -m compileall -q {target}"
    run_on(node, f"chmod -R a+rX {target} && {compile_all}", timeout=300).check()


def _pack(archive: Path) -> None:
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path, name in (*_checkout(), *_libraries()):
            tar.add(path, name)


def _checkout() -> Iterator[tuple[Path, str]]:
    """Yields what git tracks, as it is in the work tree, without the tests."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    for name in listed.stdout.rstrip("\0").split("\0"):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            yield ROOT / name, name


def _libraries() -> Iterator[tuple[Path, str]]:
    """Yields the files of what the project depends on, with their bytecode where there is some."""
    for distribution in _dependencies():
        files = distribution.files
        assert files is not None, f"{distribution.name}: the environment has no list of its files"
        for file in files:
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            path = Path(str(distribution.locate_file(file)))
            yield path, f"{_LIBRARIES}/{file}"
            compiled = Path(cache_from_source(str(path)))
            if file.suffix == ".py" and compiled.exists():
                yield compiled, f"{_LIBRARIES}/{cache_from_source(str(file))}"


def _dependencies() -> Iterator[importlib.metadata.Distribution]:
    """Yields each distribution that a user's installation has; none that only tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    open_ones = [Requirement(text) for text in project["dependencies"]]
    done: set[str] = set()
    while open_ones:
        wanted = open_ones.pop()
        distribution = importlib.metadata.distribution(wanted.name)
        if distribution.name in done:
            continue
        done.add(distribution.name)
        yield distribution
        for further in map(Requirement, distribution.requires or []):
            extras = ("", *wanted.extras)
            if not further.marker or any(further.marker.evaluate({"extra": e}) for e in extras):
                open_ones.append(further)
