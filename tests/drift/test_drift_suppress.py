"""What was accepted counts no more, is not lost, and is looked after."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from drift.model import Severity
from drift.suppress import suppress
from overlay.suppressions import Suppression
from tests.drift import worlds
from tests.drift.worlds import both, link, unfolded, unreachable
from tests.simulated.fleet import Fleet, healthy_states

if TYPE_CHECKING:
    from drift.result import AuditResult

INTENT = worlds.symmetric()
TODAY = date(2026, 3, 1)


def accept(check: str, host: str = "*", subject: str = "*", *, days: int = 0) -> Suppression:
    expires = TODAY + timedelta(days=days)
    return Suppression(
        check=check, host=host, object=subject, reason="CHG-1", owner="noc", expires=expires
    )


def judged(states, *accepted: Suppression) -> AuditResult:
    return suppress(
        audit(INTENT, states, skip=worlds.BY_RENDER),
        accepted,
        today=TODAY,
        audited=states,
        nodes=INTENT.nodes,
    )


def faulty(host: str = "node1"):
    states = healthy_states(INTENT)
    both(
        link(host, "vxlan2", bridge_port={"learning": True}),
        link(host, "vxlan3", bridge_port={"learning": True}),
    )(states)
    return states


def test_the_globs_say_which_finding_is_accepted_and_by_whom() -> None:
    by = accept("bridge-port-*", "node[12]", "vxlan2")
    result = judged(faulty(), by)

    assert unfolded(result) == {("bridge-port-learning", "node1", "vxlan3")}
    (taken,) = result.suppressed
    assert (taken.finding.object, taken.by) == ("vxlan2", by)
    assert result.notes == ()


@pytest.mark.parametrize(
    "other",
    [
        accept("vxlan-learning"),
        accept("bridge-port-learning", "node2"),
        accept("bridge-port-learning", "node1", "vxlan"),
    ],
)
def test_a_glob_that_differs_accepts_nothing(other: Suppression) -> None:
    assert judged(faulty(), other).suppressed == ()


def test_what_follows_from_an_accepted_root_is_accepted_with_it() -> None:
    states = Fleet(INTENT, stopped=frozenset({"node1"})).states()
    everything = {finding.id for finding in audit(INTENT, states).findings}

    result = judged(states, accept("evpn-empty", "node1"))

    assert result.findings == ()
    assert {item.finding.id for item in result.suppressed} == everything
    assert {item.finding.host for item in result.suppressed} == {"node1", "node2", "node3"}


def test_an_accepted_consequence_leaves_its_root() -> None:
    states = Fleet(INTENT, stopped=frozenset({"node1"})).states()

    result = judged(states, accept("session-down"))

    assert unfolded(result) == {("evpn-empty", "node1", "bgp")}
    assert {item.finding.check for item in result.suppressed} == {"session-down"}
    known = {f.id for f in (*result.findings, *(item.finding for item in result.suppressed))}
    assert all(item.finding.caused_by in known for item in result.suppressed)


def test_of_one_fault_on_many_nodes_each_is_accepted_for_itself() -> None:
    intent = worlds.bridged(6)
    states = healthy_states(intent)
    for host in states:
        link(host, "eno1", mtu=1500)(states)
    found = audit(intent, states)
    assert unfolded(found) == {("mtu", "node1", "eno1")}

    result = suppress(
        found, (accept("mtu", "node1"),), today=TODAY, audited=states, nodes=intent.nodes
    )

    assert [item.finding.host for item in result.suppressed] == ["node1"]
    assert unfolded(result) == {("mtu", "node2", "eno1")}
    assert len(result.findings) == 5


@pytest.mark.parametrize(("days", "holds"), [(0, True), (-1, False)])
def test_the_last_day_counts_and_the_next_does_not(days: int, *, holds: bool) -> None:
    result = judged(faulty(), accept("bridge-port-learning", "node1", days=days))

    assert len(result.suppressed) == (2 if holds else 0)
    assert len(result.findings) == (0 if holds else 2)
    if not holds:
        (note,) = result.notes
        assert note.severity is Severity.WARNING
        assert "expired on 2026-02-28: 2 of its findings count again; noc answers" in note.message


def test_one_that_expired_gives_way_to_one_that_holds() -> None:
    result = judged(faulty(), accept("*", days=-1), accept("bridge-*", days=1))

    assert result.findings == ()
    assert {item.by.check for item in result.suppressed} == {"bridge-*"}


def test_one_that_matches_nothing_is_said_where_all_was_audited() -> None:
    (note,) = judged(healthy_states(INTENT), accept("vxlan-*", "node1")).notes
    assert note.severity is Severity.INFO
    assert "suppression of vxlan-* on node1 (*) matches no finding" in note.message


def test_one_that_could_not_have_matched_is_not_blamed() -> None:
    states = healthy_states(INTENT)
    unreachable("node1")(states)
    assert judged(states, accept("vxlan-*", "node1")).notes == ()
    assert judged(states, accept("vxlan-*", "*")).notes == ()
    assert len(judged(states, accept("vxlan-*", "node2")).notes) == 1

    limited = {name: state for name, state in healthy_states(INTENT).items() if name != "node1"}
    assert judged(limited, accept("mtu", "*")).notes == ()
    assert judged(limited, accept("mtu", "node1", days=-1)).notes == ()
    # config-file is left out of every audit here.
    assert judged(healthy_states(INTENT), accept("config-*")).notes == ()
