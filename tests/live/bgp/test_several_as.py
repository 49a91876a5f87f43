"""Several AS: one for each rack behind a route server, then two sites that peer with each other.

Three releases in one fabric; each shape is broken at its weakest place.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lab import guests
from tests.live.matrix import ROOT
from tests.live.test_topologies import assert_as_intended, assert_imported, shows_routing
from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

EXAMPLE = ROOT / "examples" / "several-as"
SERVER = "192.168.0.201"
PAIRS = (("vm1", "vm2"), ("vm1", "vm3"), ("vm4", "vm3"), ("vm3", "vm2"))


@dataclass(frozen=True)
class Fault:
    """What is typed on a node in `router bgp`, what takes it back, and the one finding of it."""

    at: str
    asn: int
    inject: tuple[str, ...]
    heal: tuple[str, ...]
    finding: tuple[str, str, str]
    lost: tuple[str, str]

    def type_in(self, lab: Lab, lines: tuple[str, ...]) -> None:
        words = " ".join(f"-c '{line}'" for line in (f"router bgp {self.asn}", *lines))
        on(lab, self.at, f"vtysh -c 'configure terminal' {words}")


FAMILY = "address-family l2vpn evpn"
REWRITES = "neighbor 192.168.0.1 next-hop-self force"
BEHIND_A_SERVER = (
    Fault(
        "rrserver2",
        65000,
        (FAMILY, REWRITES),
        (FAMILY, f"no {REWRITES}"),
        ("node1", "next-hop", f"next hop {SERVER}"),
        ("vm1", "vm2"),
    ),
    Fault(
        "node2",
        4200000102,
        (f"neighbor {SERVER} remote-as 65099",),
        (f"neighbor {SERVER} remote-as 65000",),
        ("node2", "session-as", f"neighbor {SERVER}"),
        ("vm4", "vm3"),
    ),
    # Without it node3 has no route of node2, whose AS is its own.
    Fault(
        "node3",
        4200000102,
        (FAMILY, f"no neighbor {SERVER} allowas-in"),
        (FAMILY, f"neighbor {SERVER} allowas-in 1"),
        ("node3", "imet-missing", "VNI 2 VTEP 192.168.0.2"),
        ("vm4", "vm3"),
    ),
)
BETWEEN_SITES = (
    Fault(
        "node1",
        65101,
        (FAMILY, "vni 2", "route-target import 65101:777"),
        (FAMILY, "no vni 2"),
        ("node1", "route-target", "VNI 2"),
        ("vm1", "vm2"),
    ),
)


def test_several_as(lab: Lab, tmp_path: Path) -> None:
    before = lab.inventory
    lab.use(EXAMPLE)
    lab.blank()
    try:
        _prove(lab, BEHIND_A_SERVER)
        lab.use(_two_sites(tmp_path))
        _prove(lab, BETWEEN_SITES)
        lab.use(ROOT / "examples" / "l3-symmetric")
        lab.deploy()
        assert_as_intended(lab)
        lab.audit_clean()
    finally:
        lab.use(before)


def _two_sites(folder: Path) -> Path:
    """The same nodes without the route server: iBGP within rack2, eBGP to node1."""
    inventory = folder / "two-sites"
    shutil.copytree(EXAMPLE, inventory)
    for name in ("fabric", "hosts", "lab"):
        path = inventory / f"{name}.yaml"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "  rrserver2:" not in f"  {line}"))
    return inventory


def _prove(lab: Lab, faults: tuple[Fault, ...]) -> None:
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    shows_routing(lab)
    for one, two in PAIRS:
        lab.ping(one, two)
    lab.audit_clean()
    assert_imported(lab)
    for fault in faults:
        _prove_fault(lab, fault)
    assert "Plan: 0 to change" in lab.deploy().stdout


def _prove_fault(lab: Lab, fault: Fault) -> None:
    fault.type_in(lab, fault.inject)
    try:
        eventually(f"{fault.lost} still reach each other", lambda: _is_lost(lab, *fault.lost))
        audit = lab.audit_until(lambda audit: audit.brief[:1] == [fault.finding])
        assert audit.brief[:1] == [fault.finding], audit.text
        found = {root["check"] for root in audit.roots}
        assert found - {"config-running"} == {fault.finding[1]}, audit.text
    finally:
        fault.type_in(lab, fault.heal)
    lab.ping(*fault.lost)
    lab.audit_clean()


def _is_lost(lab: Lab, source: str, target: str) -> bool:
    address = str(lab.spec.guest(target).addresses[0]).partition("/")[0]
    sent, received = guests.ping(lab.spec, source, address)
    return bool(sent) and not received
