#!/usr/bin/env python3
"""Measures `run.py plan` of nodes in sync against reading the same files and nothing else.

The nodes are served as in `fleet.py`. The floor is asyncssh with the bare commands: `cat`, `stat`
and `sha256sum` of each managed file, and FRR's running configuration, the output dropped. Both take
turns. Then `run.py validate` of a larger fleet. Exits 1 when a node is lost, when a plan has a
change, or when a ratio is twice as bad as stated here.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fleet import Verdict, resources, served
from make_inventory import write_inventory
from measure import ROOT, Usage, machine, run_measured
from printed_fleet import write_fleet

from overlay.loading import load_inventory
from tests.rendering import render

STATED: Final = {"plan": 4.9}
"""CPU time of a plan by that of its floor, as docs/performance.md says."""
_FLOOR = Path(__file__).resolve().with_name("floor.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--nodes", type=int, default=200)
    parser.add_argument("-v", "--validated", type=int, default=1000, help="nodes to validate")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="24 nodes, once; no ratio is judged")
    given = parser.parse_args()
    if given.small:
        given.nodes, given.validated, given.rounds = 24, 100, 1
    verdict = Verdict(STATED)
    print(machine())
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as name:
        ratio = plan(Path(name) / "fleet", given.nodes, given.rounds)
        if not given.small:  # of so few nodes the start of Python is most
            verdict.ratio("plan", ratio)
        validate(Path(name) / "validated", given.validated, given.rounds)
    return verdict.end()


def plan(folder: Path, nodes: int, rounds: int) -> float:
    """A plan that finds nothing to change, and its floor, in turns: the ratio of their CPU time."""
    inventory, snapshot = write_fleet(
        folder, nodes=nodes, vnis=10, guests=1, reflectors=2, group=32
    )
    for host, files in render(load_inventory(inventory).intent).items():
        for path, text in files.items():
            file = snapshot / host / "files" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    floors: list[Usage] = []
    plans: list[Usage] = []
    with served(inventory, snapshot, folder) as (port, key, known):
        served_at = (str(inventory / "hosts.yaml"), str(port), str(key), str(known), "50")
        for _ in range(rounds):
            floors.append(run_measured([sys.executable, str(_FLOOR), *served_at, "plan"]))
            plans.append(run_measured(_command(inventory, "plan")))  # exit code 2 with a change
    base, ours = (statistics.median(u.cpu for u in used) for used in (floors, plans))
    print(f"plan: {nodes + 2} nodes in sync; {rounds} rounds, medians")
    walls = [statistics.median(u.wall for u in used) for used in (floors, plans)]
    print(f"  floor, bare commands:  {walls[0]:7.2f} s, {resources(floors)}")
    print(f"  plan:                  {walls[1]:7.2f} s, {resources(plans)}")
    print(f"  ratio:                 {walls[1] / walls[0]:7.2f} of the time, ", end="")
    print(f"{ours / base:.2f} of the CPU", flush=True)
    return ours / base


def validate(inventory: Path, nodes: int, rounds: int) -> None:
    write_inventory(inventory, nodes=nodes, vnis=10, vrfs=1, reflectors=2, group=32)
    used = [run_measured(_command(inventory, "validate")) for _ in range(rounds)]
    wall, cpu = (statistics.median(getattr(u, kind) for u in used) for kind in ("wall", "cpu"))
    print(f"validate: {nodes + 2} nodes in groups of 32: {wall:.2f} s, {cpu:.2f} s of CPU")


def _command(inventory: Path, name: str) -> list[str]:
    return [sys.executable, str(ROOT / "run.py"), "--quiet", "--inventory", str(inventory), name]


if __name__ == "__main__":
    sys.exit(main())
