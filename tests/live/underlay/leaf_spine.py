"""What the tests of two spines and three leaves share, whichever protocol routes them."""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import fabric, faults, guests
from lab.spec import load_lab
from tests.live.matrix import ROOT, severity
from tests.live.test_topologies import assert_as_intended
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.live.conftest import Audit, Lab

# The machines of the lab that all tests share, each of the release that the example names.
MACHINES = {
    "leaf1": "node1", "leaf2": "node2", "leaf3": "node3", "spine1": "router", "spine2": "rrserver1",
}  # fmt: skip
INTERVAL = 0.05


@contextmanager
def on_blank_nodes(
    lab: Lab, folder: Path, protocol: str, machines: Mapping[str, str] = MACHINES
) -> Iterator[Lab]:
    """The example on blank nodes, guests started; afterwards another topology is in its place."""
    inventory = as_machines(ROOT / "examples" / "leaf-spine", folder, machines)
    route_by(inventory, protocol)
    lab.use(inventory)
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    yield lab
    lab.use(ROOT / "examples" / "l3-symmetric")
    lab.deploy()
    assert_as_intended(lab)
    left = on(lab, "node1", "ip -br address; pgrep -l 'ospfd|isisd|fabricd' || :")
    assert "10.255.1." not in left
    assert not re.findall("ospfd|isisd|fabricd", left)
    assert "eno1." not in on(lab, "node1", "vtysh -c 'show bgp summary'")


def route_by(inventory: Path, protocol: str) -> None:
    """Names another protocol in an inventory's fabric.yaml."""
    _replace(inventory / "fabric.yaml", r"protocol: [\w-]+", f"protocol: {protocol}")


def as_machines(example: Path, folder: Path, machines: Mapping[str, str] = MACHINES) -> Path:
    """A copy of an example whose nodes are machines of the lab: their names, addresses, releases."""
    shutil.copytree(example, folder, dirs_exist_ok=True)
    for name in ("fabric.yaml", "hosts.yaml", "lab.yaml"):
        # All at once: a name may be both an example's and a machine's.
        _replace(folder / name, rf"\b({'|'.join(machines)})\b", lambda it: machines[it[0]])
    for node in load_lab(ROOT / "tests" / "live").nodes.values():
        machine = f"release: {node.release}, number: {node.number}"
        _replace(folder / "lab.yaml", rf"({node.name}: {{)release: \w+", rf"\g<1>{machine}")
        _replace(
            folder / "hosts.yaml", rf"({node.name}: {{hostname: )[\d.]+", rf"\g<1>{node.address}"
        )
    return folder


def _replace(path: Path, pattern: str, by: str | Callable[[re.Match[str]], str]) -> None:
    path.write_text(re.sub(pattern, by, path.read_text()))


def lost_seconds(lab: Lab, source: str, target: str, seconds: float) -> float:
    """For how long the pings of a guest were not answered."""
    address = str(lab.spec.guest(target).addresses[0]).partition("/")[0]
    sent, received = guests.ping(lab.spec, source, address, round(seconds / INTERVAL), INTERVAL)
    assert sent
    return (sent - received) * INTERVAL


def of_the_underlay(audit: Audit) -> list[str]:
    return [finding["check"] for finding in audit.roots]


def reach_by_both_spines(leaves: Lab) -> None:
    leaves.ping("vm1", "vm2")  # within VNI 2
    leaves.ping("vm1", "vm3")  # routed, through the L3VNI
    leaves.audit_clean()
    assert_as_intended(leaves)

    # Of a next hop by its number `ip route` of Debian 12 does not always show the ways.
    def both_ways() -> bool:
        ways = on(leaves, "node1", "vtysh -c 'show ip route 10.255.1.3/32'")
        return set(re.findall(r"via (eno1\.\d+)", ways)) == {"eno1.11", "eno1.12"}

    # The protocol may be at its last calculation when everything is there already.
    eventually("node1 has one way to node3", both_ways)
    # Full frames: 1500 bytes of a virtual machine and 50 of the tunnel.
    full = guests.run(leaves.spec, "vm1", "ping -c 2 -W 1 -M do -s 1472 10.0.2.2")
    assert " 2 received" in full.out, full.out
    assert "Plan: 0 to change" in leaves.deploy().stdout


def lose_power(leaves: Lab, spine: str, at_most: float = 1) -> None:
    """Guests lose less than a second, and the audit has one finding for it."""
    pairs = [("vm1", "vm2"), ("vm2", "vm3"), ("vm3", "vm1")]
    for pair in pairs:
        leaves.ping(*pair)
    with ThreadPoolExecutor() as pool:
        pings = [pool.submit(lost_seconds, leaves, *pair, 8.0) for pair in pairs]
        time.sleep(2)
        fabric.power_off(leaves.spec, spine)
        lost = [ping.result() for ping in pings]
    try:
        print(f"{spine}: {lost}")
        assert max(lost) < at_most, lost
        audit = leaves.audit_until(lambda audit: of_the_underlay(audit) == ["underlay-adjacency"])
        assert of_the_underlay(audit) == ["underlay-adjacency"], audit.text
        assert spine in audit.roots[0]["expected"], audit.text
        assert audit.report["hosts"][spine]["status"] == "incomplete"
        assert audit.code == 3
    finally:
        fabric.power_on(leaves.spec, spine)
    leaves.audit_clean()


def break_one(leaves: Lab, name: str, node: str) -> None:
    # One end may notice it a second before the other.
    seen = 1 if name == "underlay-route" else 2

    def hosts_of(audit: Audit) -> list[str]:
        return [f["host"] for f in audit.report["findings"] if f["check"] == name]

    faults.inject(leaves.spec, name, node)
    try:
        audit = leaves.audit_until(
            lambda audit: of_the_underlay(audit) == [name] and len(hosts_of(audit)) == seen
        )
        assert of_the_underlay(audit) == [name], audit.text
        assert {f["severity"] for f in audit.roots} == {severity(faults.find_fault(name))}
        assert node in hosts_of(audit), audit.text
        assert len(hosts_of(audit)) == seen, audit.text
    finally:
        faults.heal(leaves.spec, name, node)
