"""The order of a rollout, and what may never be down together."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overlay.errors import FleetError
from overlay.loading import load_inventory
from tasks.rollout import Member, batch_size, members_of, schedule

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = ("vtep", "exit", "reflector", "router")


def vteps(count: int) -> list[Member]:
    return [Member(f"n{number}", "vtep") for number in range(count)]


def test_the_canary_goes_first_then_those_that_others_need_then_batches() -> None:
    members = [Member("exit1", "exit"), *vteps(5), Member("rr1", "reflector")]
    members += [Member("rr2", "reflector"), Member("exit2", "exit"), Member("router", "router")]
    assert schedule(members, batch="3") == [
        ("n0",), ("rr1",), ("rr2",), ("exit1",), ("exit2",), ("router",), ("n1", "n2", "n3"), ("n4",),
    ]  # fmt: skip


def test_a_canary_can_be_named() -> None:
    assert schedule(vteps(3), canary="n2", batch="9") == [("n2",), ("n0", "n1")]


def test_without_a_canary_all_may_go_at_once() -> None:
    assert schedule(vteps(3), canary="none", batch="100%") == [("n0", "n1", "n2")]


def test_a_canary_that_is_not_to_be_changed_is_refused() -> None:
    with pytest.raises(
        FleetError, match="--canary n7: the plan does not change a node of that name"
    ):
        schedule(vteps(3), canary="n7")


def test_no_batch_takes_down_a_whole_redundancy_group() -> None:
    pair = frozenset({"pair"})
    members = [*vteps(2), Member("a", "vtep", pair), Member("b", "vtep", pair)]
    groups = {"pair": frozenset({"a", "b"})}
    assert schedule(members, batch="100%", redundancy=groups) == [("n0",), ("n1", "a"), ("b",)]


def test_a_group_of_one_holds_nothing_up() -> None:
    members = [Member(f"n{n}", "vtep", frozenset({f"g{n}"})) for n in range(3)]
    groups = {f"g{n}": frozenset({f"n{n}"}) for n in range(3)}
    assert schedule(members, batch="100%", redundancy=groups) == [("n0",), ("n1", "n2")]


@pytest.mark.parametrize(
    ("batch", "total", "size"),
    [("", 3, 2), ("", 6, 2), ("", 21, 3), ("", 1000, 100), ("7", 3, 7), ("10%", 3, 1),
     ("50%", 7, 3), ("100%", 7, 7)],
)  # fmt: skip
def test_the_size_of_a_batch(batch: str, total: int, size: int) -> None:
    assert batch_size(batch, total) == size


@pytest.mark.parametrize("batch", ["0", "-1", "x", "101%", "5.5", "%", "0%"])
def test_a_size_that_is_none_is_refused(batch: str) -> None:
    with pytest.raises(FleetError, match="--batch"):
        batch_size(batch, 10)


def test_roles_and_groups_come_from_the_intent() -> None:
    intent = load_inventory(EXAMPLES / "exit-upstream-bgp").intent
    kinds = {member.name: member.kind for member in members_of(intent, intent.nodes, {})}
    assert kinds["router"] == "router"
    assert "exit" in kinds.values()
    floating = load_inventory(EXAMPLES / "exit-vrrp").intent
    groups = {member.name: member.groups for member in members_of(floating, floating.nodes, {})}
    assert groups["node1"] & groups["node2"], "both can hold the floating address"
    reflected = load_inventory(EXAMPLES / "route-reflectors").intent
    assert "reflector" in {member.kind for member in members_of(reflected, reflected.nodes, {})}


names = st.lists(st.integers(0, 40), unique=True, max_size=25)
groups_of_names = st.dictionaries(
    st.sampled_from("pqr"), st.frozensets(st.integers(0, 40), min_size=1), max_size=3
)


@given(
    numbers=names,
    kinds=st.lists(st.sampled_from(KINDS), min_size=41, max_size=41),
    held=groups_of_names,
    batch=st.sampled_from(["", "1", "3", "50", "20%", "100%"]),
)
def test_each_node_is_deployed_once_and_no_group_is_down_as_a_whole(
    numbers: list[int], kinds: list[str], held: dict[str, frozenset[int]], batch: str
) -> None:
    groups = {name: frozenset(f"n{n}" for n in who) for name, who in held.items()}
    members = [
        Member(f"n{n}", kinds[n], frozenset(g for g, who in groups.items() if f"n{n}" in who))
        for n in numbers
    ]
    batches = schedule(members, batch=batch, redundancy=groups)
    assert sorted(name for b in batches for name in b) == sorted(m.name for m in members)
    assert all(batches), "no empty batch"
    kind = {member.name: member.kind for member in members}
    for at, found in enumerate(batches):
        assert len(found) <= max(1, batch_size(batch, len(members)))
        assert at > 0 or len(found) == 1
        assert len(found) == 1 or {kind[name] for name in found} == {"vtep"}
        assert not any(len(who) > 1 and who <= set(found) for who in groups.values())
    if batch == "1":
        assert len(batches) == len(members)
    assert len(batches) <= max(1, math.ceil(len(members)))


def test_nodes_that_lose_each_other_are_one_batch_before_all_others() -> None:
    members = [Member("spine1", "spine"), *vteps(4)]
    together = frozenset({"spine1", "n1", "n3"})
    assert schedule(members, batch="1", together=together) == [
        ("spine1", "n1", "n3"), ("n0",), ("n2",),
    ]  # fmt: skip
    assert schedule(members, canary="n0", batch="9", together=frozenset({"n1"}))[0] == ("n0",)
    with pytest.raises(
        FleetError, match="--canary n1: the plan changes what routes the underlay on it and 2 more"
    ):
        schedule(members, canary="n1", together=together)
