#!/usr/bin/env python3
"""Measures the comparison of a healthy fleet with its intent, and of one with a fault per node.

No SSH and no parsing: records of `tests.simulated` go straight through `drift.engine`. The baseline
compares every record once, field by field, and knows nothing of an intent. Exits 1 when the
healthy fleet has findings, or when the cost of a fault per node is not small.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from make_inventory import write_inventory
from measure import machine

from drift.engine import audit
from overlay.loading import load_inventory
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from overlay.expected import FabricIntent
    from overlay.records import HostState


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--nodes", type=int, default=200)
    parser.add_argument("-m", "--vnis", type=int, default=40)
    parser.add_argument("-g", "--guests", type=int, default=5, help="MACs per node and VNI")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    given = parser.parse_args()
    intent = make_intent(given.nodes, given.vnis)
    states = healthy_states(intent, guests=given.guests)
    broken = {name: with_a_fault(state) for name, state in states.items()}
    base = median(given.rounds, lambda: touch_all(states))
    whole = median(given.rounds, lambda: audit(intent, states))
    faulty = median(given.rounds, lambda: audit(intent, broken))
    findings = len(audit(intent, states).findings), len(audit(intent, broken).findings)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{given.nodes} nodes, {given.vnis} VNIs, {given.guests} MACs each; {machine()}")
    print(f"{count(states)} records; {given.rounds} rounds, medians; {rss:.0f} MiB peak RSS in all")
    print(f"comparing each record once:  {base:6.2f} s")
    print(f"audit of a healthy fleet:    {whole:6.2f} s, ratio {whole / base:.1f}, ", end="")
    print(f"{findings[0]} findings")
    print(f"audit, one fault per node:   {faulty:6.2f} s, ratio {faulty / base:.1f}, ", end="")
    print(f"{findings[1]} findings")
    return 0 if findings[0] == 0 and findings[1] >= given.nodes and faulty < 2 * whole else 1


def make_intent(nodes: int, vnis: int) -> FabricIntent:
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as folder:
        write_inventory(Path(folder), nodes=nodes, vnis=vnis, vrfs=min(4, vnis))
        return load_inventory(Path(folder)).intent


def with_a_fault(state: HostState) -> HostState:
    """The same node with another MTU on one VXLAN device."""
    links = dict(state.links or {})
    name = next(name for name in links if name.startswith("vxlan"))
    links[name] = replace(links[name], mtu=1400)
    return replace(state, links=links)


def count(states: Mapping[str, HostState]) -> int:
    return sum(
        len(s.links or ()) + len(s.fdb or ()) + len(s.evpn.paths if s.evpn else ())
        for s in states.values()
    )


def touch_all(states: Mapping[str, HostState]) -> int:
    """Every record compared once, field by field, with itself."""
    same = 0
    for state in states.values():
        paths = state.evpn.paths if state.evpn else ()
        for records in ((state.links or {}).values(), state.fdb or (), paths):
            same += sum(record == record for record in records)  # noqa: PLR0124 - the cost of it
    return same


def median(rounds: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
