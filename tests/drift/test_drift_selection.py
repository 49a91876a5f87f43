"""The choice of checks: what is left out is said so, and nothing points at it."""

from __future__ import annotations

import pytest

from drift.catalogue import CHECKS, UnknownCheckError, select
from drift.engine import audit
from drift.result import NOT_CHOSEN
from tests.drift import applicable, worlds
from tests.drift.worlds import link, unfolded
from tests.simulated.fleet import Fleet, healthy_states

INTENT = worlds.symmetric()


def test_globs_and_ids_in_the_catalogues_order() -> None:
    chosen = select(["mtu", "flood-*", "vxlan-missing"], ["*-unexpected"])
    assert [check.id for check in chosen] == ["vxlan-missing", "mtu", "flood-missing"]


@pytest.mark.parametrize(
    ("only", "skip", "said", "hint"),
    [
        (["vxlan-mising"], [], "`vxlan-mising`", "did you mean `vxlan-missing`?"),
        (None, ["flod-*"], "`flod-*`", "`evpn-fleet checks` lists them all"),
        (["MTU"], [], "`MTU`", "lists them all"),
        (["mtu"], ["m*"], "leaves none", "skip fewer"),
        ([], [], "leaves none", "skip fewer"),
    ],
)
def test_a_choice_that_cannot_be_made_says_why(only, skip, said: str, hint: str) -> None:
    with pytest.raises(UnknownCheckError) as error:
        select(only, skip)
    assert said in error.value.what
    assert hint in error.value.hint


def test_a_check_that_is_left_out_is_skipped_on_every_node_it_concerns() -> None:
    result = audit(INTENT, healthy_states(INTENT), only=["mtu"])

    assert result.checks_run == ("mtu",)
    left_out = {(skip.host, skip.check) for skip in result.skipped}
    assert {skip.reason for skip in result.skipped} == {NOT_CHOSEN}
    checks = applicable.RENDERED.union(*applicable.SYMMETRIC.values()) - {"mtu"}
    assert left_out == {(node, check) for node in ("node1", "node2", "node3") for check in checks}


def test_what_follows_from_a_check_that_is_left_out_is_in_the_open_and_folded_again() -> None:
    states = Fleet(INTENT, stopped=frozenset({"node1"})).states()
    assert unfolded(audit(INTENT, states)) == {("evpn-empty", "node1", "bgp")}

    # `unfolded` wants every cause among the findings.
    without_root = audit(INTENT, states, skip=["evpn-empty"])
    assert "evpn-empty" not in {finding.check for finding in without_root.findings}
    assert len(unfolded(without_root)) == 1
    without_sessions = audit(INTENT, states, skip=["evpn-empty", "session-*", "config-*"])
    assert {check for check, _, _ in unfolded(without_sessions)} == {"imet-missing"}


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_any_check_can_be_left_out_of_any_audit(check: str) -> None:
    states = Fleet(INTENT, stopped=frozenset({"node2"})).states()
    link("node1", "vxlan2", vxlan={"local": "10.66.66.66"}, mtu=1300)(states)

    result = audit(INTENT, states, skip=[check])

    assert unfolded(result)
    assert check not in {finding.check for finding in result.findings}
    assert check not in result.checks_run
