#!/usr/bin/env python3
"""Measures a whole audit over SSH against a floor, one of a full mesh offline, and how both grow.

The nodes are served by another process on this computer (`nodes.py`), so their cost is in all
figures. The floor (`floor.py`) runs the bare commands over asyncssh and drops the output. The two
take turns, so that a busy moment hits both, and only their ratio is judged, that of their CPU time:
it is the same on a busy computer. Exits 1 when a node is
lost, when a healthy fleet has a finding, or when a ratio is twice as bad as stated here.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from measure import ROOT, Usage, machine, run_measured
from printed_fleet import write_fleet

from overlay.loading import load_inventory
from tasks.commands import COMMANDS, TEXT_SLUGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATED: Final = {
    "audit": 6.5,
    "small audit": 9.0,
    "small offline": 100.0,
    "offline": 8.0,
    "load": 1.1,
}
"""What docs/performance.md states: CPU time of an audit by the floor's, CPU time of an offline
audit by that of reading and splitting the same bytes, and the exponent of loading an intent."""
_HERE = Path(__file__).resolve().parent
_PYTHON = sys.executable


@dataclass(slots=True)
class Verdict:
    """What is printed at the end, and whether it is as stated."""

    stated: Mapping[str, float]
    wrong: list[str] = field(default_factory=list)

    def ratio(self, name: str, value: float) -> None:
        stated = self.stated[name]
        if value > 2 * stated:
            self.wrong.append(f"{name}: {value:.2f} is over twice the stated {stated:.2f}")

    def report(self, file: Path, nodes: int) -> None:
        """Every node in sync, and no finding."""
        summary = json.loads(file.read_text(encoding="utf-8"))["summary"]
        if summary["hosts"]["in_sync"] != nodes or any(summary["findings"].values()):
            self.wrong.append(f"{file.parent.name}: not all of {nodes} in sync: {summary}")

    def end(self) -> int:
        """Says what is wrong; the exit code."""
        for line in self.wrong:
            print(f"FAILED: {line}")
        return 1 if self.wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", "--nodes", type=int, default=200)
    parser.add_argument("-G", "--group", type=int, default=32, help="nodes that share 10 VNIs")
    parser.add_argument("-g", "--guests", type=int, default=3, help="MACs per node and VNI")
    parser.add_argument("-m", "--mesh", type=int, default=200, help="nodes of the mesh; 0: none")
    parser.add_argument("-r", "--rounds", type=int, default=3)
    parser.add_argument("--netmiko", action="store_true", help="also the job by Netmiko, once")
    parser.add_argument("--ansible", help="also Ansible, once: its executable, else that in PATH")
    parser.add_argument("--growth", action="store_true", help="also in nodes: a quarter, a half")
    parser.add_argument("--small", action="store_true", help="what CI runs: 24 nodes, once")
    given = parser.parse_args()
    if given.small:
        given.nodes, given.group, given.mesh, given.rounds = 24, 12, 16, 1
    verdict = Verdict(STATED)
    print(f"{machine()}; load {Path('/proc/loadavg').read_text().split()[0]}")
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-bench-") as name:
        home = Path(name)
        over_ssh(home, given, verdict)
        if given.mesh:
            offline(home, given, verdict)
        growth(home, given, verdict)
    return verdict.end()


def over_ssh(home: Path, given: argparse.Namespace, verdict: Verdict) -> None:
    """The floor and the whole audit of the same served nodes, in turns."""
    folder, small = home / "fleet", "small " if given.small else ""
    inventory, snapshot = write_fleet(
        folder, nodes=given.nodes, vnis=10, guests=given.guests, reflectors=2, group=given.group
    )
    nodes = given.nodes + 2
    floors: list[Usage] = []
    audits: list[Usage] = []
    with served(inventory, snapshot, folder) as (port, key, known):
        hosts = str(inventory / "hosts.yaml")
        floor = [_PYTHON, str(_HERE / "floor.py"), hosts, str(port), str(key), str(known), "50"]
        output = home / "over-ssh"
        audit = [
            *(_PYTHON, str(ROOT / "run.py"), "--quiet", "--inventory", str(inventory), "audit"),
            *("--no-history", "--skip", "config-file", "--output", str(output)),
        ]
        for _ in range(given.rounds):
            floors.append(run_measured(floor))
            try:
                audits.append(run_measured(audit))
            except SystemExit as error:
                raise SystemExit(f"{error}{_errors(output / 'report.json')}") from None
            verdict.report(output / "report.json", nodes)
        base, ours = (statistics.median(u.wall for u in used) for used in (floors, audits))
        base_cpu, our_cpu = (statistics.median(u.cpu for u in used) for used in (floors, audits))
        lines = len((snapshot / "pve0001" / "bridge_fdb.txt").read_text().splitlines())
        ratio = our_cpu / base_cpu
        print(f"over SSH: {nodes} nodes, {lines} FDB lines each; {given.rounds} rounds, medians")
        print(f"  floor, bare commands:  {base:7.2f} s, {resources(floors)}")
        print(f"  audit:                 {ours:7.2f} s, {resources(audits)}")
        print(f"  ratio:                 {ours / base:7.2f} of the time, {ratio:.2f} of the CPU")
        verdict.ratio(small + "audit", ratio)
        # One that fails ends the run; what was measured before it is on the screen by then.
        sys.stdout.flush()
        for name, used in _others(given, floor[2:], folder):
            print(f"  {name + ':':<22} {used.wall:7.2f} s, {resources([used])}")
            shares = f"{ours / used.wall:.2f} of the time, {our_cpu / used.cpu:.2f} of the CPU"
            print(f"  audit by {name}: {shares}", flush=True)


def _others(
    given: argparse.Namespace, nodes: list[str], folder: Path
) -> Iterator[tuple[str, Usage]]:
    """What people would have used instead, once each: Netmiko's whole job, Ansible's collecting."""
    if given.netmiko:
        yield "Netmiko", run_measured([_PYTHON, str(_HERE / "netmiko_whole.py"), *nodes])
    ansible = shutil.which(given.ansible or "ansible")
    if ansible and (given.ansible or given.netmiko):
        hosts, port, key, known, _ = nodes
        inventory = folder / "ansible.ini"
        addresses = re.findall(r"hostname: ([^,}\s]+)", Path(hosts).read_text())
        options = (
            f"ansible_port={port} ansible_user=root ansible_ssh_private_key_file={key} "
            f"ansible_ssh_common_args='-o UserKnownHostsFile={known} -o ConnectTimeout=120'"
        )
        inventory.write_text("".join(f"{address} {options}\n" for address in addresses))
        asked = [command.command for command in COMMANDS if command.slug in TEXT_SLUGS]
        walls = [
            run_measured(
                [ansible, "all", "-i", str(inventory), "-f", "50", "-m", "raw", "-a", command]
            )
            for command in asked
        ]
        total = Usage(
            sum(u.wall for u in walls), sum(u.cpu for u in walls), max(u.rss for u in walls)
        )
        yield "Ansible, raw x 3", total


def _errors(report: Path) -> str:
    """Why hosts are incomplete, and what was found."""
    if not report.exists():
        return ""
    said = json.loads(report.read_text(encoding="utf-8"))
    errors = [host["error"] for host in said["hosts"].values() if host["error"]]
    found = [finding["message"] for finding in said["findings"]]
    return "\n".join(["", *errors[:5], *found[:5]])


def offline(home: Path, given: argparse.Namespace, verdict: Verdict) -> None:
    """An audit of a full mesh from a snapshot, against reading and splitting the same bytes."""
    small = "small " if given.small else ""
    inventory, snapshot = write_fleet(home / "mesh", nodes=given.mesh, vnis=10, guests=5)
    runs: list[Usage] = []
    plain: list[float] = []
    output = home / "offline"
    for _ in range(given.rounds):
        begun = time.process_time()
        size = sum(len(path.read_text().split()) for path in snapshot.glob("*/*"))
        plain.append(time.process_time() - begun)
        runs.append(run_measured(_offline(inventory, snapshot, output)))
        verdict.report(output / "report.json", given.mesh)
    base, ours = statistics.median(plain), statistics.median(used.cpu for used in runs)
    what = f"{given.mesh} nodes x 10 VNIs x 5 MACs, {size / 1e6:.1f} million words"
    print(f"full mesh offline: {what}")
    print(f"  reading, splitting:    {base:7.2f} s of CPU")
    print(f"  audit --from:          {ours:7.2f} s of CPU, ratio {ours / base:.2f}, ", end="")
    print(resources(runs))
    verdict.ratio(small + "offline", ours / base)


def _offline(inventory: Path, snapshot: Path, output: Path) -> list[str]:
    return [
        *(_PYTHON, str(ROOT / "run.py"), "--quiet", "--inventory", str(inventory), "audit"),
        *("--no-history", "--skip", "config-file", "--from", str(snapshot), "-o", str(output)),
    ]


def growth(home: Path, given: argparse.Namespace, verdict: Verdict) -> None:
    """Loading an intent, and with --growth whole offline audits, at three sizes each."""
    sizes = [250, 500, 1000]
    loads = []
    for nodes in sizes:
        inventory, _ = write_inventory_only(home / f"load{nodes}", nodes)
        begun = time.process_time()
        load_inventory(inventory)
        loads.append(time.process_time() - begun)
    power = exponent(sizes, loads)
    print(f"loading the intent of {sizes} nodes: {', '.join(f'{s:.2f}' for s in loads)} s of CPU, ")
    print(f"  exponent {power:.2f}")
    verdict.ratio("load", power)
    if not given.growth:
        return
    sizes = [given.nodes // 4, given.nodes // 2, given.nodes]
    used = []
    for nodes in sizes:
        folder = home / f"grow{nodes}"
        inventory, snapshot = write_fleet(
            folder, nodes=nodes, vnis=10, guests=given.guests, reflectors=2, group=given.group
        )
        used.append(run_measured(_offline(inventory, snapshot, folder / "out")))
        verdict.report(folder / "out" / "report.json", nodes + 2)
    for what, values in (("CPU, s", [u.cpu for u in used]), ("memory, MiB", [u.rss for u in used])):
        shown = ", ".join(f"{value:.1f}" for value in values)
        print(f"offline audits of {sizes} nodes in groups: {what}: {shown}, ", end="")
        print(f"exponent {exponent(sizes, values):.2f}")


def write_inventory_only(folder: Path, nodes: int) -> tuple[Path, None]:
    from make_inventory import write_inventory  # noqa: PLC0415 - beside its only use

    write_inventory(folder, nodes=nodes, vnis=10, vrfs=1, reflectors=2, group=32)
    return folder, None


def exponent(sizes: list[int], values: list[float]) -> float:
    """How values grow with sizes: 1 is linear."""
    return math.log(values[-1] / values[0]) / math.log(sizes[-1] / sizes[0])


def resources(used: list[Usage]) -> str:
    """What a program used besides time: medians of its rounds."""
    cpu, rss = statistics.median(u.cpu for u in used), statistics.median(u.rss for u in used)
    return f"{cpu:.1f} s of CPU, {rss:.0f} MiB at the peak of all its processes"


@contextlib.contextmanager
def served(inventory: Path, snapshot: Path, home: Path) -> Iterator[tuple[int, Path, Path]]:
    """The nodes of the inventory over SSH while the block runs: port, login key, known_hosts."""
    key, host_key, known = home / "id", home / "host", home / "known_hosts"
    for file in (key, host_key):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    public = host_key.with_suffix(".pub").read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    hosts = (inventory / "hosts.yaml").read_text(encoding="utf-8").splitlines()
    addresses = [line.partition("hostname: ")[2].partition(",")[0] for line in hosts]
    known.write_text("".join(f"[{address}]:{port} {public}" for address in addresses))
    (inventory / "groups.yaml").write_text(
        f"bench:\n  username: root\n  port: {port}\n"
        f"  data: {{key_file: {key}, known_hosts: {known}, timeout: 120}}\n"
    )
    argv = [
        *(_PYTHON, str(_HERE / "nodes.py"), str(snapshot), str(inventory / "hosts.yaml")),
        *(str(host_key), str(key.with_suffix(".pub")), str(port)),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as servers:
        try:
            assert servers.stdout is not None
            if servers.stdout.readline().strip() != "ready":
                raise SystemExit("the nodes did not start: see above")
            yield port, key, known
        finally:
            servers.terminate()


if __name__ == "__main__":
    sys.exit(main())
