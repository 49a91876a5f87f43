"""Has been through an audit once it is imported: for the process that command lines are forked from.

Templates are compiled then, and patterns, which takes as long as all else that an audit of the lab
computes.
"""

from __future__ import annotations

import contextlib
import gc
import io
import tempfile
import threading
from pathlib import Path

from cli.main import run

_ROOT = Path(__file__).parents[3]
_INVENTORY = _ROOT / "examples" / "l3-symmetric"
_SNAPSHOT = _ROOT / "replay" / "recordings" / "deployed"


def _audit() -> None:
    said = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        contextlib.suppress(SystemExit),
    ):
        asked = ["audit", "--from", str(_SNAPSHOT), "--output", folder]
        run(["--inventory", str(_INVENTORY), *asked])


_audit()
# A fork has no threads but the one that forks.
assert threading.active_count() == 1, threading.enumerate()
# What is there stays: no fork looks through it, and copies its pages, to find out.
gc.collect()
gc.freeze()
