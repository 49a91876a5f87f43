"""Audits of the recordings, for tests of what an audit leaves behind: no node is asked."""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from cli.main import run
from replay.fleet import RECORDINGS

ROOT = Path(__file__).resolve().parent.parent.parent
CLEAN, FAULT = RECORDINGS / "deployed", RECORDINGS / "fault"


@dataclass
class Ended:
    code: int
    out: str
    err: str


def call(*arguments: object) -> Ended:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    assert "Traceback" not in err.getvalue()
    return Ended(int(code), out.getvalue(), err.getvalue())


@dataclass
class Desk:
    """A folder with the shipped inventory, in which audits of recordings are made."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Desk:
        shutil.copytree(ROOT / "inventory", folder / "inventory")
        return cls(folder)

    @property
    def history(self) -> Path:
        return self.folder / "audits" / "history.sqlite"

    def call(self, *arguments: object) -> Ended:
        return call("--inventory", self.folder / "inventory", *arguments)

    def audit(self, recording: Path, *more: object) -> Ended:
        """Audit a recording into `out`, remembered in the default place unless told otherwise."""
        named = () if {"--history", "--no-history"} & set(more) else ("--history", self.history)
        return self.call("audit", "--from", recording, "-o", self.folder / "out", *named, *more)
