"""The overlay scope: what is not ours is no drift, what the overlay relies on still is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from drift.engine import audit
from overlay.derive import derive
from overlay.intent import Scope
from tests.drift.worlds import json, link, no_link, symmetric, text, unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from drift.result import AuditResult
    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation


@pytest.fixture(scope="module")
def intent() -> FabricIntent:
    fabric = symmetric().fabric
    nodes = dict(fabric.nodes)
    nodes["node1"] = nodes["node1"].model_copy(update={"scope": "overlay"})
    return derive(fabric.model_copy(update={"nodes": nodes}))


def audited(intent: FabricIntent, mutation: Mutation | None = None) -> AuditResult:
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    if mutation is not None:
        mutation(states)
    return audit(intent, states, rendered=rendered)


def _move_address(listing: list[dict[str, object]]) -> None:
    for entry in listing:
        if entry["ifname"] == "vmbr0":
            entry["ifname"] = "vmbr7"


def _other_length(listing: list[dict[str, object]]) -> None:
    for entry in listing:
        for info in entry["addr_info"]:  # type: ignore[attr-defined]
            if info["local"] == "192.168.0.1":
                info["prefixlen"] = 32


def test_as_intended_it_is_in_sync(intent: FabricIntent) -> None:
    result = audited(intent)
    assert result.findings == ()
    assert result.skipped == ()


@pytest.mark.parametrize(
    "mutation",
    [
        no_link("node1", "eno1"),
        link("node1", "eno1", master="bond7", mtu=9000),
        link("node1", "vmbr0", mtu=9000),
        link("node1", "vmbr0", kind="bond"),
        json("node1", "ip_address", _other_length),
    ],
    ids=["no such port", "a port elsewhere", "jumbo frames", "no bridge", "another length"],
)
def test_what_is_not_ours_is_no_drift(intent: FabricIntent, mutation: Mutation) -> None:
    assert unfolded(audited(intent, mutation)) == set()


@pytest.mark.parametrize(
    ("mutation", "check", "name"),
    [
        (link("node1", "vmbr0", mtu=1549), "mtu", "vmbr0"),
        (link("node1", "vmbr0", flags=("BROADCAST",)), "link-down", "vmbr0"),
        (no_link("node1", "vmbr0"), "bridge-missing", "vmbr0"),
        (json("node1", "ip_address", _move_address), "underlay-address", "vmbr0 192.168.0.1/24"),
        (link("node1", "vmbr2", mtu=1400), "mtu", "vmbr2"),
        (
            text("node1", "file_evpn_fleet", lambda said: said + "#\n"),
            "config-file",
            "/etc/network/interfaces.d/evpn-fleet",
        ),
    ],
)
def test_what_the_overlay_relies_on_is_checked(
    intent: FabricIntent, mutation: Mutation, check: str, name: str
) -> None:
    assert unfolded(audited(intent, mutation)) == {(check, "node1", name)}


def test_the_mtu_that_is_asked_for_is_the_least_that_carries_the_overlay(
    intent: FabricIntent,
) -> None:
    (finding,) = audited(intent, link("node1", "vmbr0", mtu=1500)).findings
    assert finding.message == "vmbr0: least MTU - Expected: 1550 Actual: 1500"


def test_the_whole_scope_is_as_strict_as_ever(intent: FabricIntent) -> None:
    assert unfolded(audited(intent, link("node2", "vmbr0", mtu=9000))) == {
        ("mtu", "node2", "vmbr0")
    }


def test_of_an_observed_node_no_file_is_compared_and_all_that_it_holds_is() -> None:
    fabric = symmetric().fabric
    nodes = dict(fabric.nodes)
    nodes["node1"] = nodes["node1"].model_copy(update={"scope": Scope.OBSERVED})
    intent = derive(fabric.model_copy(update={"nodes": nodes}))
    assert audited(intent).findings == ()

    def edit(host: str) -> Mutation:
        def change(states: Any) -> None:
            files = dict.fromkeys(states[host].files, "# somebody else's\n")
            states[host] = replace(states[host], files=files, running_config=frozenset())

        return change

    assert unfolded(audited(intent, edit("node1"))) == set()
    assert {check for check, _, _ in unfolded(audited(intent, edit("node2")))} == {
        "config-file",
        "config-running",
    }
    lost = audited(intent, no_link("node1", "vxlan2"))
    assert ("vxlan-missing", "node1", "vxlan2") in unfolded(lost)
