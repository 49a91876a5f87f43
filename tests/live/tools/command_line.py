"""Command lines of the product, each in a process of its own that need not import it first.

To import the product's libraries takes a second of a processor's time, as much as the rest of an
audit of the lab, and the lab's tests run more than a thousand command lines. So one process imports
them, audits once (`warm`), and is forked for each (multiprocessing's forkserver). That `run.py`
itself starts, is shown elsewhere (tests/cli, tests/live/deploys.py, tests/cli/test_installed.py).
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cli.main import MODULES

if TYPE_CHECKING:
    from collections.abc import Sequence

_forks = multiprocessing.get_context("forkserver")
# Each command is loaded when it is asked for, and DeepDiff with the first difference.
_COMMANDS = sorted({f"cli.{module}" for module in MODULES.values()})
_forks.set_forkserver_preload([*_COMMANDS, "deepdiff", "tests.live.tools.warm"])


def run_command_line(
    arguments: Sequence[str | Path], *, timeout: float, together: bool = False
) -> subprocess.CompletedProcess[str]:
    """What `python run.py ARGUMENTS` prints, and its exit code; `timeout` in seconds.

    `together`, what it says on stderr is among its stdout, as on a terminal.
    Raises subprocess.TimeoutExpired if it takes longer; it is killed then.
    """
    argv = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "stdout"), Path(folder, "stderr")
        # Not daemonic: it may start processes of its own.
        process = _forks.Process(
            target=_command_line,
            args=(
                argv,
                str(out),
                None if together else str(err),
                dict(os.environ),
                str(Path.cwd()),
            ),
        )
        err.touch()
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(argv, timeout, out.read_bytes(), err.read_bytes())
        return subprocess.CompletedProcess(argv, process.exitcode, out.read_text(), err.read_text())


def _command_line(
    argv: list[str], out: str, err: str | None, environment: dict[str, str], folder: str
) -> None:
    for name, number in ((os.devnull, 0), (out, 1), (err, 2)):
        opened = os.dup(1) if name is None else os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    # What Python opened before is of the process that was forked.
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["run.py", *argv]
    from cli.main import run  # noqa: PLC0415 - it is there already, but not in the test's process

    sys.exit(run(argv))
