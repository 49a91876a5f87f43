"""Two spines and three leaves: onto blank nodes, with a spine that loses power and a dead link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lab import faults
from lab.spec import load_lab
from tests.live.matrix import ROOT, rounds
from tests.live.test_topologies import assert_imported
from tests.live.tools.probes import eventually, on
from tests.live.underlay.leaf_spine import (
    MACHINES,
    break_one,
    lose_power,
    of_the_underlay,
    on_blank_nodes,
    reach_by_both_spines,
    route_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def leaves(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with on_blank_nodes(lab, tmp_path_factory.mktemp("leaf-spine"), "ospf") as leaves:
        yield leaves


def test_guests_reach_each_other_by_both_spines(leaves: Lab) -> None:
    reach_by_both_spines(leaves)
    assert_imported(leaves)


@pytest.mark.parametrize("spine", ["router", "rrserver1"])
def test_a_spine_loses_power(leaves: Lab, spine: str) -> None:
    lose_power(leaves, spine)


@pytest.mark.parametrize("name", ["bfd-down", "underlay-adjacency", "underlay-route"])
def test_a_fault_is_its_one_finding(leaves: Lab, name: str) -> None:
    """On a leaf of each release; a dead link is seen from both ends, and is one finding."""
    fault = faults.find_fault(name)
    example = load_lab(ROOT / "examples" / "leaf-spine")
    for node in (MACHINES[leaf] for broken in rounds(fault, example) for leaf in broken):
        break_one(leaves, name, node)
    leaves.audit_clean()
    leaves.ping("vm2", "vm1")


def test_a_link_that_is_down_is_named(leaves: Lab) -> None:
    on(leaves, "node3", "ip link set eno1.32 down")
    try:
        audit = leaves.audit_until(lambda audit: of_the_underlay(audit) == ["link-down"])
        assert audit.brief == [("node3", "link-down", "eno1.32")], audit.text
    finally:
        on(leaves, "node3", "ifup eno1.32 || ifreload -a")
    leaves.audit_clean()
    eventually(
        "both ways are back",
        lambda: on(leaves, "node3", "ip route show 10.255.1.1").count("dev eno1.3") == 2,
    )


@pytest.mark.parametrize(
    ("protocol", "daemon", "spine", "leaf", "at_most"),
    [
        ("isis", "isisd", "router", "node1", 1.0),
        # fabricd's BFD sessions notice within 900 ms, and no sooner.
        ("openfabric", "fabricd", "rrserver1", "node2", 1.3),
    ],
)
def test_another_protocol_takes_over(
    leaves: Lab, protocol: str, daemon: str, spine: str, leaf: str, at_most: float
) -> None:
    """It is deployed to all nodes at once, onto the one that runs; then all is as before."""
    before = on(leaves, leaf, "pgrep -l 'ospfd|isisd|fabricd'").split()[1]
    route_by(leaves.inventory, protocol)
    if daemon == "fabricd":
        path = leaves.inventory / "fabric.yaml"
        path.write_text(re.sub(r"bfd: {.*}", "bfd: true", path.read_text()))
    done = leaves.run("deploy", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "they are deployed together" in done.stdout
    reach_by_both_spines(leaves)
    assert_imported(leaves)
    running = on(leaves, leaf, "pgrep -l 'ospfd|isisd|fabricd'").split()[1::2]
    assert running == [daemon] != [before]
    lose_power(leaves, spine, at_most)
    break_one(leaves, "underlay-adjacency", leaf)
    leaves.audit_clean()
    leaves.ping("vm2", "vm1")
