"""Keyed records against keyed records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from drift.compare import Difference, compare, compare_values, unequal

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True)
class Record:
    a: object = None
    b: object = None
    c: object = None
    d: object = None


VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3)
)
RECORDS = st.builds(Record, VALUES, VALUES, VALUES, VALUES)
PLANES = st.dictionaries(st.integers(0, 9), RECORDS, max_size=6)
MAPS = st.dictionaries(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 2)))


def test_equal_records_never_reach_deepdiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepdiff.DeepDiff", None)  # loaded with the first difference
    plane = {n: Record([n]) for n in range(1000)}

    assert list(compare(plane, {n: Record([n]) for n in range(1000)})) == []


def test_each_kind() -> None:
    expected = {1: Record(1), 2: Record([1, 2], "x"), 3: Record(1)}
    observed = {2: Record([2, 1], "y"), 3: Record(1), 4: Record()}

    assert list(compare(expected, observed)) == [
        Difference(1, None, "missing", Record(1), None),
        Difference(2, "a", "changed", [1, 2], [2, 1]),
        Difference(2, "b", "changed", "x", "y"),
        Difference(4, None, "extra", None, Record()),
    ]


def test_single_values_have_no_fields() -> None:
    assert list(compare_values({1: "x", 2: "x", 3: None}, {2: None, 3: None, 4: "x"})) == [
        Difference(1, None, "missing", "x", None),
        Difference(2, None, "changed", "x", None),
        Difference(4, None, "extra", None, "x"),
    ]


def test_a_record_that_differs_in_most_fields_is_told_field_by_field() -> None:
    differences = compare({"r": Record(0, 1, 2, 3)}, {"r": Record(0)})

    assert [d.field for d in differences] == ["b", "c", "d"]


@settings(deadline=None)
@given(PLANES, PLANES)
def test_what_it_says_is_all_that_differs(expected, observed) -> None:
    differences = list(compare(expected, observed))

    repaired = dict(observed)
    for difference in differences:
        if difference.kind == "missing":
            repaired[difference.key] = difference.expected
        elif difference.kind == "extra":
            del repaired[difference.key]
        else:
            one = {difference.field: difference.expected}
            repaired[difference.key] = replace(repaired[difference.key], **one)
    assert repaired == expected
    assert len({(d.key, d.field) for d in differences}) == len(differences)


@settings(deadline=None)
@given(MAPS, MAPS)
def test_values_are_told_apart_key_by_key(expected, observed) -> None:
    told = {d.key: (d.kind, d.expected, d.actual) for d in compare_values(expected, observed)}

    assert told.keys() == unequal(expected, observed)
    for key, (kind, wanted, found) in told.items():
        assert (wanted, found) == (expected.get(key), observed.get(key))
        assert kind == (
            "missing" if key not in observed else "extra" if key not in expected else "changed"
        )


@settings(deadline=None)
@given(MAPS, MAPS)
def test_unequal_is_where_they_differ(expected, observed) -> None:
    lacking = object()
    keys = expected.keys() | observed.keys()
    assert unequal(expected, observed) == {
        k for k in keys if expected.get(k, lacking) != observed.get(k, lacking)
    }
