"""Two spines and three leaves whose links are sessions of eBGP without addresses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from overlay.intent import Fabric
from tests.live.tools.probes import eventually, on
from tests.live.underlay.leaf_spine import (
    break_one,
    lose_power,
    of_the_underlay,
    on_blank_nodes,
    reach_by_both_spines,
    route_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

# No link joins FRR 8.4 and 10.3: docs/inventory.md says what BFD does there.
MACHINES = {
    "leaf1": "node1", "leaf2": "node2", "leaf3": "rrserver2", "spine1": "router", "spine2": "node3",
}  # fmt: skip


@pytest.fixture(scope="module")
def leaves(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("ebgp")
    with on_blank_nodes(lab, folder, "ebgp-unnumbered", MACHINES) as leaves:
        yield leaves


def test_guests_reach_each_other_by_both_spines(leaves: Lab) -> None:
    reach_by_both_spines(leaves)


def test_evpn_stays_between_loopbacks(leaves: Lab) -> None:
    shown = json.loads(on(leaves, "node1", "vtysh -c 'show bgp summary json'"))
    assert set(shown["ipv4Unicast"]["peers"]) == {"eno1.11", "eno1.12"}
    assert set(shown["l2VpnEvpn"]["peers"]) == {"10.255.1.2", "10.255.1.3"}
    assert "ipv6Unicast" not in shown


@pytest.mark.parametrize("spine", ["router", "node3"])
def test_a_spine_loses_power(leaves: Lab, spine: str) -> None:
    lose_power(leaves, spine)


def test_a_dead_link_is_its_one_finding(leaves: Lab) -> None:
    """On a leaf of each release that the leaves have, seen from both ends."""
    for node in (MACHINES["leaf1"], MACHINES["leaf2"]):
        break_one(leaves, "underlay-adjacency", node)
    leaves.audit_clean()
    leaves.ping("vm2", "vm1")


def test_a_session_that_was_shut_is_named(leaves: Lab) -> None:
    session = "vtysh -c 'configure terminal' -c 'router bgp 65000' -c '{}neighbor eno1.21 shutdown'"
    on(leaves, "node2", session.format(""))
    try:
        audit = leaves.audit_until(lambda audit: of_the_underlay(audit) == ["underlay-adjacency"])
        assert of_the_underlay(audit) == ["underlay-adjacency"], audit.text
    finally:
        on(leaves, "node2", session.format("no "))
    leaves.audit_clean()


def test_import_says_what_runs(leaves: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    done = leaves.run("import", "hosts", "--output", str(folder))
    assert done.returncode in {0, 2}, done.stdout + done.stderr
    found, wanted = (
        Fabric.model_validate(yaml.safe_load((place / "fabric.yaml").read_text()))
        for place in (folder, leaves.inventory)
    )
    for key in ("protocol", "hello", "bfd", "mtu"):
        assert getattr(found.underlay, key) == getattr(wanted.underlay, key), key
    assert {name: node.interfaces for name, node in found.nodes.items()} == {
        name: node.interfaces for name, node in wanted.nodes.items()
    }


def test_ospf_takes_over_and_back(leaves: Lab) -> None:
    """It is deployed to all nodes at once, onto the one that runs; then all is as before."""
    for protocol, daemons in (("ospf", ["ospfd"]), ("ebgp-unnumbered", [])):
        route_by(leaves.inventory, protocol)
        done = leaves.run("deploy", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "they are deployed together" in done.stdout
        reach_by_both_spines(leaves)
        assert on(leaves, "node1", "pgrep -l ospfd || :").split()[1::2] == daemons
    eventually(
        "both ways are back",
        lambda: on(leaves, "rrserver2", "ip route show 10.255.1.1").count("dev eno1.3") == 2,
    )
