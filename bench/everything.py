#!/usr/bin/env python3
"""Prints all figures of docs/performance.md and docs/scaling.md: one benchmark after the other.

With --small each benchmark takes a size that shows only that it runs. With --output the reports of
the simulated fleets stay there, and the figures that `plot.py` draws. Exits 1 when one of them
fails; the others still run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from measure import machine

_HERE = Path(__file__).resolve().parent
FULL: Final = (
    ("fleet.py", "-n", "1000", "-r", "1", "--netmiko", "--growth"),
    ("fleet.py", "-n", "200", "-m", "0"),
    ("planning.py",),
    ("render.py",),
    ("render.py", "-n", "500", "-k", "20", "-b", "15"),
    ("render.py", "-n", "500", "-k", "20", "-b", "15", "--several-as"),
    ("audit.py",),
    ("facts.py", "-o", "{folder}"),
    ("page.py", "{folder}/100000/report.html"),
    ("page.py",),
)
SMALL: Final = (
    ("fleet.py", "--small"),
    ("planning.py", "--small"),
    ("render.py", "-n", "20", "-m", "5", "-r", "1"),
    ("audit.py", "-n", "20", "-m", "5"),
    ("facts.py", "-n", "3200", "-o", "{folder}"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="every program, at a small size")
    parser.add_argument("-o", "--output", type=Path, help="keeps what facts.py writes there")
    given = parser.parse_args()
    print(f"{machine()}; load {Path('/proc/loadavg').read_text().split()[0]}")
    failed = []
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as passing:
        folder = given.output.resolve() if given.output else passing
        for program, *asked in SMALL if given.small else FULL:
            options = [option.format(folder=folder) for option in asked]
            said = " ".join((program, *options))
            print(f"\n== {said}", flush=True)
            begun = time.monotonic()
            done = subprocess.run([sys.executable, str(_HERE / program), *options], check=False)
            print(f"   ({time.monotonic() - begun:.0f} s)")
            if done.returncode:
                failed.append(said)
    for said in failed:
        print(f"FAILED: {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
