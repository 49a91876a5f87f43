"""What nodes ask each other with `--probe`: silent where it proves nothing, one root where it does."""

from __future__ import annotations

from collections import Counter

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from tests.drift import worlds
from tests.drift.cases.probes import GUEST_OF_1, RMAC_OF_1
from tests.drift.worlds import both, fdb, link, probed, unfolded, unreachable
from tests.simulated.fleet import Fleet, healthy_states

INTENT = worlds.symmetric()
ADDRESSES = {name: node.address for name, node in INTENT.nodes.items()}


def found(*mutations: worlds.Mutation):
    states = healthy_states(INTENT)
    both(*mutations)(states)
    return audit(INTENT, states, skip=worlds.BY_RENDER)


def asked_all(answer: str, between: str = "node2") -> list[worlds.Mutation]:
    """Every node asks every other; what has to do with `between` gets that answer."""
    return [
        probed(
            name,
            *(
                f"path {address} 1550 {answer if between in (name, other) else 'ok'}"
                for other, address in ADDRESSES.items()
                if other != name
            ),
        )
        for name in INTENT.nodes
    ]


def test_without_probe_the_checks_are_neither_made_nor_skipped() -> None:
    result = found()
    ids = {check.id for check in CHECKS.values() if check.by_probe}
    assert ids == {"vtep-unreachable", "path-mtu"}
    assert ids.isdisjoint(result.checks_run)
    assert ids.isdisjoint(skip.check for skip in result.skipped)


@pytest.mark.parametrize(
    "answers",
    [
        ["path 192.168.0.2 1550 ok", "vxlan 192.168.0.2 4000 ok"],
        ["path 192.168.0.2 1550 lost", "vxlan 192.168.0.2 4000 ok"],  # it answers no pings
        ["path 192.168.0.2 1550 ok", "vxlan 192.168.0.2 4000 untried it needs root"],
        ["path 192.168.0.2 1550 ok", "vxlan 192.168.0.2 4000 lost 02:00:00:00:00:99"],
    ],
)
def test_what_proves_nothing_is_no_finding(answers: list[str]) -> None:
    result = found(probed("node1", *answers))
    assert result.findings == ()
    assert {"vtep-unreachable", "path-mtu"} <= set(result.checks_run)


def test_no_answer_is_expected_of_a_node_that_has_no_tunnel_back() -> None:
    """No route of node1's, so node2 has nowhere to send it: that is another check's to say."""
    lost = both(
        probed("node1", "path 192.168.0.2 1550 ok", f"vxlan 192.168.0.2 2 lost {GUEST_OF_1}"),
        probed("node2", "path 192.168.0.1 1550 ok"),
    )
    gone = fdb("node2", lambda entry: None if entry.mac == GUEST_OF_1 else entry)

    assert {check for check, _, _ in unfolded(found(lost))} == {"vtep-unreachable"}
    assert {check for check, _, _ in unfolded(found(lost, gone))} == {"fdb-missing"}


def test_a_switch_port_with_a_small_mtu_is_one_root_at_the_node_behind_it() -> None:
    result = found(*asked_all("short 1500"))
    assert unfolded(result) == {("path-mtu", "node2", "VTEP 192.168.0.1")}
    assert len(result.findings) == 4


def test_the_mtu_of_a_nodes_own_port_explains_its_paths() -> None:
    result = found(*asked_all("short 1500"), link("node2", "eno1", mtu=1500))
    assert unfolded(result) == {("mtu", "node2", "eno1")}
    assert Counter(finding.check for finding in result.findings) == {"mtu": 1, "path-mtu": 4}


def test_a_lost_path_explains_the_session_and_all_that_is_missing() -> None:
    states = Fleet(INTENT, cut_off=frozenset({"node2"})).states()
    both(*asked_all("lost"))(states)

    result = audit(INTENT, states, skip=worlds.BY_RENDER)

    assert unfolded(result) == {("vtep-unreachable", "node2", "VTEP 192.168.0.1")}
    assert {"session-down", "imet-missing"} <= {finding.check for finding in result.findings}


def test_a_dead_node_is_one_root_with_probes_too() -> None:
    states = Fleet(INTENT, cut_off=frozenset({"node2"})).states()
    both(*asked_all("lost"), unreachable("node2"))(states)

    result = audit(INTENT, states, skip=worlds.BY_RENDER)

    assert unfolded(result) == {("vtep-unreachable", "node1", "VTEP 192.168.0.2")}


def test_a_dropped_port_is_one_root_at_the_node_behind_it() -> None:
    result = found(
        probed("node1", "path 192.168.0.2 1550 ok", f"vxlan 192.168.0.2 4000 lost {RMAC_OF_1}"),
        probed("node2", "path 192.168.0.1 1550 ok", "vxlan 192.168.0.1 4000 ok"),
    )
    assert unfolded(result) == {("vtep-unreachable", "node1", "VTEP 192.168.0.2")}
    (finding,) = result.findings
    assert finding.evidence[0].text.startswith("vxlan 192.168.0.2 4000 lost")


def test_a_line_that_is_no_answer_leaves_the_checks_unmade() -> None:
    result = found(probed("node1", "path 192.168.0.2 1550 maybe"))
    assert {skip.check for skip in result.skipped if skip.host == "node1"} >= {
        "vtep-unreachable",
        "path-mtu",
    }
