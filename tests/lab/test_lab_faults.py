"""The catalogue of faults without a lab: each check has one, whose scripts are shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from drift.catalogue import CHECKS
from drift.model import CRITICAL
from lab import faults
from lab.errors import LabError
from lab.spec import load_lab, parse_lab
from tests.live.matrix import NO_PING

# They take two nodes, so a test of its own injects them: tests/live/test_two_claims.py.
_OF_TWO_NODES = {"mac-mobility", "mac-frozen"}
# tests/live/beyond/test_type5_routes.py takes static routes away, of each release another kind. Next
# hops are rewritten by a route server: tests/live/bgp/test_several_as.py.
_IN_A_TEST_OF_THEIR_OWN = {"vrf-static-route", "next-hop"}
# FRR takes one of two routes of an address back by itself: tests/drift/cases/mac_routes.py.
_NOT_FOR_LONG = {"ip-duplicate"}
# tests/tasks/test_snat_packets.py breaks it in this computer's kernel.
_NOT_IN_ITS_KERNEL = {"snat"}


def test_the_catalogue_has_one_fault_for_each_check() -> None:
    assert {fault.check for fault in faults.CATALOGUE.values()} == set(
        CHECKS
    ) - _OF_TWO_NODES - _IN_A_TEST_OF_THEIR_OWN - _NOT_FOR_LONG - _NOT_IN_ITS_KERNEL
    for name, fault in faults.CATALOGUE.items():
        assert fault.name == name
        assert fault.breaks.endswith(".")
        assert fault.inject
        assert fault.heal
        example = Path(__file__).parents[2] / "examples" / fault.topology
        assert load_lab(example).node(fault.node)


def test_a_fault_has_a_ping_or_a_reason_why_it_has_none() -> None:
    silent = {name for name, fault in faults.CATALOGUE.items() if fault.stops is None}
    assert set(NO_PING) <= silent
    # Of these the check can be critical; what its finding says of the fault, the lab's tests ask.
    harmless = {"router-id", "vrrp", "vrrp-backup", "underlay-adjacency", "exit-route"}
    harmless |= {"type5-missing-of-several", "sysctl-path-filter"}
    harmless |= {"vni-filter-extra", "fdb-missing-of-vni"}
    critical = {it for it in silent if CHECKS[faults.CATALOGUE[it].check].severity is CRITICAL}
    assert critical - harmless == set(NO_PING)


@pytest.mark.parametrize("fault", faults.CATALOGUE.values(), ids=faults.CATALOGUE.keys())
def test_fault_scripts_are_valid_shell(fault: faults.Fault) -> None:
    target = faults.Target(bridge="vmbr7; reboot", vni=7)
    for body in (fault.inject, fault.heal):
        text = faults.script(fault, body, target)
        assert "bridge='vmbr7; reboot'\n" in text
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_an_unknown_fault_names_those_that_exist() -> None:
    with pytest.raises(LabError, match="choose one of: vxlan-missing, "):
        faults.inject(
            parse_lab({"nodes": {"node1": {"release": "bookworm"}}}, Path("lab.yaml")),
            "vxlan-mising",
        )
