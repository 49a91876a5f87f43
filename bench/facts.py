#!/usr/bin/env python3
"""Measures reduce and report of fleets that are too large to have: `facts.py -n 100000`.

One group of 32 nodes is really examined; what was kept of its nodes is then told again for each
group, with other names, addresses and VNIs, and comes in pickled, as from a worker. Each size
runs in a process of its own, one node in a thousand has drift, and each step's CPU time and the
peak of the memory are printed. Exits 1 where a count is wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audit import with_a_fault
from make_inventory import UNDERLAY, node_name, write_inventory
from measure import ROOT, machine
from printed_fleet import Groups

from app.audit.mapping import Orders, rare_collections
from app.audit.pipeline import judge
from drift.engine import chosen_ids, examine
from drift.facts.examined import Examined, Gathered
from drift.facts.shared import Shared
from overlay.loading import load_inventory
from reports.build import run_info
from reports.formats import render_report
from reports.jsonfile import write_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import FabricIntent

GROUP = 32
VNIS = 10
_FAULT_EVERY = 1000
_NAME = re.compile(r"pve(\d{4})")
_ADDRESS = re.compile(r"10\.240\.0\.(\d+)")
_SEQUENCES = (tuple, frozenset, set, list)
_FIRST_VNI, _FIRST_L3VNI = 1000, 900_000


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init) if is_dataclass(kind) else ()


class Teller:
    """Tells facts of the first group again, as those of another one."""

    def __init__(self, group: int) -> None:
        self._first = group * GROUP
        self._group = group
        self._told: dict[str | bytes, Any] = {}

    def tell_of(self, node: Examined) -> Examined:
        """What is kept of a node, told of that of its group; what names no node is as it is."""
        compared = node.compared
        assert compared is not None
        mine = {
            name: self.tell(getattr(compared, name))
            for name in ("skipped", "found", "facts", "reached", "heard")
        }
        outline = replace(node.outline, host=self.tell(node.host))
        return Examined(outline, replace(compared, **mine), self.tell(node.news))

    def tell(self, it: Any) -> Any:
        """The same with the names, addresses, VNIs and shared names of its group."""
        kind = type(it)
        if kind is str or kind is bytes:
            if it not in self._told:
                self._told[it] = self._text(it) if kind is str else self._names(it)
            return self._told[it]
        if kind is int:
            return self._number(it)
        if kind in _SEQUENCES:
            return kind(map(self.tell, it))
        if kind is dict:
            return {self.tell(key): self.tell(value) for key, value in it.items()}
        names = _fields_of(kind)
        return kind(*[self.tell(getattr(it, name)) for name in names]) if names else it

    def _text(self, text: str) -> str:
        if "10.240.0." in text:
            text = _ADDRESS.sub(lambda m: str(UNDERLAY[self._first + int(m[1])]), text)
        if "pve" in text:
            text = _NAME.sub(lambda m: node_name(self._first + int(m[1]) - 1), text)
        return text

    def _names(self, names: bytes) -> bytes:
        """Names of 16 bytes each, one after the other."""
        mark = self._group.to_bytes(16, "big") * (len(names) // 16)
        return (int.from_bytes(names, "big") ^ int.from_bytes(mark, "big")).to_bytes(
            len(names), "big"
        )

    def _number(self, number: int) -> int:
        if _FIRST_VNI <= number < _FIRST_VNI + VNIS:
            return number + self._group * VNIS
        return number + self._group if number == _FIRST_L3VNI else number


def kept_of_a_group(intent: FabricIntent) -> tuple[list[list[Examined]], list[Examined]]:
    """What is kept of each node of the first group, in sync and with a fault; of the reflectors."""
    fleet, shared, chosen = Groups(intent, guests=1), Shared(), chosen_ids(None, ())
    nodes: list[list[Examined]] = []
    reflectors = []
    for name, node in intent.nodes.items():
        if name == node_name(GROUP):
            break
        state = fleet._state(node)  # noqa: SLF001 - one at a time
        kept = examine(intent, state, None, chosen, shared)
        # Only the first says what names stand for.
        broken = examine(intent, with_a_fault(state), None, chosen, shared)
        nodes.append([kept, replace(broken, news=kept.news)])
    for name in ("rr1", "rr2"):
        state = fleet._state(intent.nodes[name])  # noqa: SLF001
        reflectors.append(examine(intent, state, None, chosen, shared))
    return nodes, reflectors


def as_from_workers(nodes: int) -> Iterator[bytes]:
    """What is kept of each node of a fleet of that size, pickled."""
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as name:
        small = Path(name)
        write_inventory(small, nodes=2 * GROUP, vnis=VNIS, vrfs=1, reflectors=2, group=GROUP)
        group, reflectors = kept_of_a_group(load_inventory(small).intent)
    yield from map(pickle.dumps, reflectors)
    for number in range(nodes):
        if number % GROUP == 0:
            teller = Teller(number // GROUP)
        broken = number % _FAULT_EVERY == _FAULT_EVERY // 2
        yield pickle.dumps(teller.tell_of(group[number % GROUP][broken]))


class Clock:
    """The CPU time and the memory of each step."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}
        self._begun = time.process_time()

    def lap(self, step: str) -> None:
        """The step that ends here."""
        now = time.process_time()
        self.said[step] = self.said.get(step, 0.0) + now - self._begun
        self._begun = time.process_time()

    def skip(self) -> None:
        """What was done since is not measured."""
        self._begun = time.process_time()


def one(nodes: int, output: Path) -> dict[str, float]:
    """The figures of one size; writes both reports into `output`."""
    inventory = output / "inventory"
    write_inventory(inventory, nodes=nodes, vnis=VNIS, vrfs=1, reflectors=2, group=GROUP)
    clock = Clock()
    intent = load_inventory(inventory).intent
    clock.lap("load")
    clock.said["memory of the intent"] = _peak()
    gathered, size = Gathered(), 0
    with rare_collections():
        for sent in as_from_workers(nodes):
            clock.skip()
            gathered.add(pickle.loads(sent))
            clock.lap("receive")
            size += len(sent)
    clock.said["memory with facts"] = _peak()
    clock.skip()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    run = run_info(started=moment, tool_version="0", inventory="-", source="live", run_id="r")
    report = judge(run, Orders(intent, chosen_ids(None, ())), gathered)
    clock.lap("reduce")
    del gathered
    write_report(report, output / "report.json")
    clock.lap("report.json")
    html = render_report(report, "html")
    (output / "report.html").write_text(html, encoding="utf-8")
    clock.lap("report.html")
    drifted = len(range(_FAULT_EVERY // 2, nodes, _FAULT_EVERY))
    hosts = report.summary.hosts
    if (hosts.drifted, hosts.in_sync) != (drifted, nodes + 2 - drifted):
        raise SystemExit(f"{nodes} nodes: not {drifted} drifted: {hosts}")
    megabyte = 1e6
    return clock.said | {
        "memory": _peak(),
        "kB sent of a node": size / nodes / 1000,
        "MB of report.json": (output / "report.json").stat().st_size / megabyte,
        "MB of report.html": len(html.encode()) / megabyte,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--nodes", type=int, default=100_000, help="the largest size")
    parser.add_argument(
        "-o", "--output", type=Path, help="keeps the reports and figures.json there"
    )
    parser.add_argument("--one", action="store_true", help="this size only, as JSON")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.nodes, given.output)))
        return 0
    print(machine())
    figures: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as name:
        for nodes in (given.nodes // 100, given.nodes // 10, given.nodes // 3, given.nodes):
            folder = (given.output or Path(name)) / str(nodes)
            folder.mkdir(parents=True, exist_ok=True)
            argv = [sys.executable, __file__, "--one", "-n", str(nodes), "-o", str(folder)]
            done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            figures[nodes] = json.loads(done.stdout)
            print(f"{nodes} nodes: " + ", ".join(f"{k} {v:.1f}" for k, v in figures[nodes].items()))
    if given.output:
        (given.output / "figures.json").write_text(json.dumps(figures, indent=1))
    least, most = min(figures), max(figures)
    for step, value in figures[least].items():
        power = math.log(figures[most][step] / value) / math.log(most / least)
        print(f"{step}: exponent {power:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
