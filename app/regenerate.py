"""Writes the files of the checkout that are made from the code, by the tests that hold them to it.

One place knows how each of them is made: its test. `REGENERATE` tells that test to write the file
before it compares.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from app.places import INSTALLED, ROOT
from overlay.errors import FleetError

if TYPE_CHECKING:
    from app.context import Context

REGENERATE: Final = "EVPN_FLEET_REGENERATE"
"""The environment variable under which a test with the marker `generated` writes its file."""


def regenerate(context: Context) -> None:
    """Writes the schemas, the generated pages and tables in docs/ and the golden files.

    Raises FleetError outside a checkout, without pytest, and where a test fails all the same.
    """
    if INSTALLED or not (ROOT / "tests").is_dir():
        raise FleetError(
            f"{ROOT} is not a checkout: there are no generated files to write",
            "run this command from a checkout of evpn-fleet",
        )
    before = _state()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "generated", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, REGENERATE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = _state()
    for name in sorted(name for name in before | after if before.get(name) != after.get(name)):
        context.out.print(f"wrote {name}", markup=False, soft_wrap=True)
    if done.returncode:
        raise FleetError(
            f"some files could not be generated:\n{done.stdout}{done.stderr}".rstrip(),
            "fix what the output above names, then run `dev regenerate` again",
        )
    context.out.print("generated files are current: read `git diff`, then commit")


def _state() -> dict[str, int]:
    """When each file that may be a generated one was last written."""
    return {
        str(path.relative_to(ROOT)): path.stat().st_mtime_ns
        for place in ("docs", "overlay", "reports", "tests")
        for path in (ROOT / place).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
