"""Keyed records against keyed records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

import drift.compare as module
from drift.compare import Difference, compare, unequal

if TYPE_CHECKING:
    import pytest

VALUES = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3)
)
RECORDS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
PLANES = st.dictionaries(st.integers(0, 9), RECORDS, max_size=6)


def test_equal_records_never_reach_deepdiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DeepDiff", None)
    plane = {n: {"a": [n]} for n in range(1000)}

    assert list(compare(plane, {n: {"a": [n]} for n in range(1000)})) == []


def test_each_kind() -> None:
    expected = {1: {"a": 1}, 2: {"a": [1, 2], "b": "x"}, 3: {"a": 1}}
    observed = {2: {"a": [2, 1], "b": "y"}, 3: {"a": 1}, 4: {"a": None}}

    assert list(compare(expected, observed)) == [
        Difference(1, None, "missing", {"a": 1}, None),
        Difference(2, "a", "changed", [1, 2], [2, 1]),
        Difference(2, "b", "changed", "x", "y"),
        Difference(4, None, "extra", None, {"a": None}),
    ]


def test_a_record_that_differs_in_most_fields_is_told_field_by_field() -> None:
    expected = {"r": {str(n): n for n in range(10)}}
    observed = {"r": {"0": 0}}

    assert [d.field for d in compare(expected, observed)] == [str(n) for n in range(1, 10)]


@settings(deadline=None)
@given(PLANES, PLANES)
def test_what_it_says_is_all_that_differs(expected, observed) -> None:
    differences = list(compare(expected, observed))

    repaired = {key: dict(record) for key, record in observed.items()}
    for difference in differences:
        if difference.kind == "missing":
            repaired[difference.key] = dict(difference.expected)
        elif difference.kind == "extra":
            del repaired[difference.key]
        elif difference.field in expected[difference.key]:
            repaired[difference.key][difference.field] = difference.expected
        else:
            del repaired[difference.key][difference.field]
    assert repaired == expected
    assert len({(d.key, d.field) for d in differences}) == len(differences)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 5), st.integers(0, 2)),
    st.dictionaries(st.integers(0, 5), st.integers(0, 2)),
)
def test_unequal_is_where_they_differ(expected, observed) -> None:
    keys = expected.keys() | observed.keys()
    assert unequal(expected, observed) == {k for k in keys if expected.get(k) != observed.get(k)}
