"""Several AS: one for each rack behind a route server, then two sites that peer with each other.

Then a reflector in the AS of each site, exits in several AS, and an underlay of IPv6. Three releases in
one fabric, but over IPv6, which takes FRR 10.6; each shape is broken at its weakest place.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lab import fabric, guests
from lab.spec import TESTING
from tests.live.matrix import ROOT
from tests.live.test_topologies import (
    OUTSIDE,
    assert_as_intended,
    assert_imported,
    outside,
    reaches,
    shows_routing,
)
from tests.live.tools.leaving import leave_to
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
    """What is typed on a node in `router bgp`, what takes it back, and the one finding of it.

    `lost` are guests that do not reach each other meanwhile, if there are any: other exits carry on.
    """

    at: str
    asn: int
    inject: tuple[str, ...]
    heal: tuple[str, ...]
    finding: tuple[str, str, str]
    lost: tuple[str, str] | None
    vrf: str = ""

    def type_in(self, lab: Lab, lines: tuple[str, ...]) -> None:
        words = " ".join(f"-c '{line}'" for line in (f"router bgp {self.asn}{self.vrf}", *lines))
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
A_REFLECTOR_EACH = (
    # The one session between the two sites.
    Fault(
        "rrserver1",
        65101,
        (f"neighbor {SERVER} remote-as 65099",),
        (f"neighbor {SERVER} remote-as 4200000102",),
        ("rrserver1", "session-as", f"neighbor {SERVER}"),
        ("vm1", "vm2"),
    ),
)
EXITS = (
    Fault(
        "node2",
        65102,
        (FAMILY, "no default-originate ipv4"),
        (FAMILY, "default-originate ipv4"),
        ("node2", "type5-missing", "VRF vrf1 0.0.0.0/0 via 192.168.0.2"),
        None,
        vrf=" vrf vrf1",
    ),
)
OVER_IPV6 = (
    Fault(
        "node3",
        65103,
        ("neighbor fd00:77::4 remote-as 65099",),
        ("neighbor fd00:77::4 remote-as 65104",),
        ("node3", "session-as", "neighbor fd00:77::4"),
        ("vm1", "vm2"),
    ),
)


def test_several_as(lab: Lab, tmp_path: Path) -> None:
    with lab.using(EXAMPLE):
        lab.blank()
        _prove(lab, BEHIND_A_SERVER)
        lab.use(_two_sites(tmp_path))
        _prove(lab, BETWEEN_SITES)
        leave_to(lab)


def test_a_reflector_in_each_as(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "reflectors"
    shutil.copytree(EXAMPLE, inventory)
    _change(
        inventory / "fabric.yaml",
        ("asn: 65000  ", "cluster_id: 1.1.1.1\n  asn: 65101  "),
        ("nodes: [node2, node3]", "nodes: [node2, node3, rrserver2]"),
        ("  rrserver2:", "  rrserver1: {address: 192.168.0.200, role: reflector}\n  rrserver2:"),
    )
    _change(
        inventory / "hosts.yaml", ("rrs", "rrserver1: {hostname: 127.77.0.5, groups: [lab]}\nrrs")
    )
    _change(
        inventory / "lab.yaml",
        ("machines:", "  rrserver1: {release: bookworm, number: 5}\nmachines:"),
    )
    with lab.using(inventory):
        lab.blank()
        _prove(lab, A_REFLECTOR_EACH)


def test_exits_in_several_as(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "exits"
    shutil.copytree(ROOT / "examples" / "exit-multi-gateway", inventory)
    _change(
        inventory / "fabric.yaml",
        ("node1: {", "node1: {asn: 65101, "),
        ("node2: {", "node2: {asn: 65102, "),
        ("node3: {", "node3: {asn: 65103, "),
        ("exits: [node1, node2, node3]", "exits: [node1, node2]"),
        ("192.168.0.3, gateway: 192.168.0.254", "192.168.0.3"),
    )
    with lab.using(inventory):
        lab.blank()
        outside(lab)
        _prove(lab, EXITS, reach=("vm1", "vm2", "vm3"))


@pytest.mark.forky
def test_several_as_over_ipv6(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "ipv6"
    shutil.copytree(ROOT / "tests" / "live" / "ipv6-evpn", inventory)
    _change(
        inventory / "fabric.yaml",
        ("node3: {", "node3: {asn: 65103, "),
        ("router: {", "router: {asn: 65104, "),
    )
    with lab.using(inventory):
        lab.blank()
        running = {node.release for node in fabric.status(lab.spec).nodes}
        if running != {TESTING}:
            pytest.skip(f"its nodes must run Debian {TESTING}, not {', '.join(sorted(running))}")
        _prove(lab, OVER_IPV6, pairs=(("vm1", "vm2"), ("vm3", "vm4"), ("vm1", "vm4")))
        reaches(lab, "vm1", "fd00:2::2")


def _change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    path.write_text(text)


def _two_sites(folder: Path) -> Path:
    """The same nodes without the route server: iBGP within rack2, eBGP to node1."""
    inventory = folder / "two-sites"
    shutil.copytree(EXAMPLE, inventory)
    for name in ("fabric", "hosts", "lab"):
        path = inventory / f"{name}.yaml"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if "  rrserver2:" not in f"  {line}"))
    return inventory


def _prove(
    lab: Lab,
    faults: tuple[Fault, ...],
    *,
    pairs: tuple[tuple[str, str], ...] = PAIRS,
    reach: tuple[str, ...] = (),
) -> None:
    """Deploys, pings between `pairs` and from `reach` to the outside, audits, breaks and heals."""
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    shows_routing(lab)
    for one, two in pairs:
        lab.ping(one, two)
    for guest in reach:
        reaches(lab, guest, OUTSIDE)
    lab.audit_clean()
    assert_imported(lab)
    for fault in faults:
        _prove_fault(lab, fault)
    assert "Plan: 0 to change" in lab.deploy().stdout


def _prove_fault(lab: Lab, fault: Fault) -> None:
    fault.type_in(lab, fault.inject)
    try:
        if fault.lost:
            eventually(f"{fault.lost} still reach each other", lambda: _is_lost(lab, *fault.lost))
        audit = lab.audit_until(lambda audit: audit.brief[:1] == [fault.finding])
        assert audit.brief[:1] == [fault.finding], audit.text
        found = {root["check"] for root in audit.roots}
        assert found - {"config-running"} == {fault.finding[1]}, audit.text
    finally:
        fault.type_in(lab, fault.heal)
    if fault.lost:
        lab.ping(*fault.lost)
    lab.audit_clean()


def _is_lost(lab: Lab, source: str, target: str) -> bool:
    address = str(lab.spec.guest(target).addresses[0]).partition("/")[0]
    sent, received = guests.ping(lab.spec, source, address)
    return bool(sent) and not received
