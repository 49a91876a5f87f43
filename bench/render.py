#!/usr/bin/env python3
"""Measures `run.py render` as a whole process against plainly writing the same bytes.

Then `run.py validate`, which loads, cross-checks and derives but renders nothing: what of the time
is not the templates'. Exits 1 when a budget is exceeded, or when two runs differ in a byte.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from make_inventory import write_inventory
from measure import ROOT, Usage, machine, run_measured
from racked_fabric import write_racks

BUDGET_SECONDS = 20.0
BUDGET_MIB = 500.0


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest(tree: dict[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, data in tree.items():
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def write_plainly(folder: Path, tree: dict[str, bytes]) -> float:
    """Seconds to write the files of `tree` and nothing else: the least that rendering can cost."""
    begun = time.perf_counter()
    for name, data in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return time.perf_counter() - begun


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--nodes", type=int, default=1000)
    parser.add_argument("-m", "--vnis", type=int, default=50)
    parser.add_argument("-V", "--vrfs", type=int, default=4)
    parser.add_argument("-R", "--reflectors", type=int, default=0)
    parser.add_argument(
        "-k", "--rack", type=int, default=0, help="nodes a rack, two of them spines"
    )
    parser.add_argument("--several-as", action="store_true", help="an AS for each rack")
    parser.add_argument("-b", "--budget", type=float, default=BUDGET_SECONDS, help="in seconds")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.rack and (given.rack < 3 or given.nodes % given.rack or given.reflectors):
        parser.error("all racks have one size of 3 or more, and reflectors of their own")
    runs: list[Usage] = []
    derived: list[Usage] = []
    plain: list[float] = []
    digests: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as name:
        home = Path(name)
        inventory, output, copy = home / "inventory", home / "output", home / "plain"
        write_fabric(inventory, given)
        argv = [sys.executable, str(ROOT / "run.py"), "--quiet", "--inventory", str(inventory)]
        for _ in range(given.rounds):  # in turns, so that a busy moment hits both
            runs.append(run_measured([*argv, "render", "--output", str(output)]))
            derived.append(run_measured([*argv, "validate"]))
            tree = read_tree(output)
            digests.add(digest(tree))
            plain.append(write_plainly(copy, tree))
            shutil.rmtree(output)
            shutil.rmtree(copy)
        report(given, tree)
    wall, cpu = (statistics.median(getattr(one, it) for one in derived) for it in ("wall", "cpu"))
    print(f"load, cross-check, derive:   {wall:6.2f} s wall, {cpu:.2f} s CPU")
    return verdict(runs, plain, digests, given.budget)


def write_fabric(folder: Path, given: argparse.Namespace) -> None:
    size = {"nodes": given.nodes, "vnis": given.vnis, "vrfs": given.vrfs}
    if given.rack:
        write_racks(folder, rack=given.rack, several_as=given.several_as, **size)
    else:
        write_inventory(folder, reflectors=given.reflectors, **size)


def report(given: argparse.Namespace, tree: dict[str, bytes]) -> None:
    size = sum(map(len, tree.values())) / 1e6
    shape = f"{given.reflectors or 'no'} reflectors"
    if given.rack:
        shape = f"racks of {given.rack}, {'an AS each' if given.several_as else 'one AS'}"
    print(f"{given.nodes} nodes, {given.vnis} VNIs, {given.vrfs} VRFs, {shape}; {machine()}")
    print(f"{len(tree)} files, {size:.0f} MB; {given.rounds} rounds, medians")


def verdict(runs: list[Usage], plain: list[float], digests: set[str], budget: float) -> int:
    wall = statistics.median(run.wall for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    rss = max(run.rss for run in runs)
    base = statistics.median(plain)
    print(
        f"render, whole process:       {wall:6.2f} s wall, {cpu:.2f} s CPU, {rss:.0f} MiB peak RSS"
    )
    print(f"writing the same bytes:      {base:6.2f} s wall")
    print(f"ratio:                       {wall / base:6.1f}")
    within = wall < budget and rss < BUDGET_MIB
    same = len(digests) == 1
    print(f"budget {budget:.0f} s, {BUDGET_MIB:.0f} MiB: {'met' if within else 'EXCEEDED'}")
    print(f"bytes of all rounds: {'the same' if same else 'DIFFERENT'}")
    return 0 if within and same else 1


if __name__ == "__main__":
    sys.exit(main())
