#!/usr/bin/env python3
"""evpn-fleet's command line: arguments in, exit code out. See `python run.py --help`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_VENV = _HERE / ".venv"


def main() -> int:
    """Runs the command line; returns the exit code (0, 1, 2 or 3, as the README says)."""
    try:
        from cli.main import run  # noqa: PLC0415 - its imports may have to be found first
    except ModuleNotFoundError as error:
        return _without_libraries(error)
    return run(sys.argv[1:])


def _without_libraries(error: ModuleNotFoundError) -> int:
    """Starts again in the checkout's own environment, or says how to make it."""
    python = _VENV / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != _VENV.resolve():
        os.execv(python, [str(python), str(_HERE / "run.py"), *sys.argv[1:]])  # noqa: S606
    print(
        f"Error: the library {error.name} is not installed in {sys.prefix}\n"
        f"  next: run {_HERE / 'setup.sh'} once; it makes {_VENV}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
