"""Keyed records against keyed records. What is equal costs one comparison and nothing more."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed import DataclassInstance

    from drift.model import Kind

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Difference(Generic[Key]):
    """One difference: a whole record or value (`field` is None), or one field of two records.

    `expected` and `actual` are the record, the value or the field's value; None on the side that
    lacks it.
    """

    key: Key
    field: str | None
    kind: Kind
    expected: Any
    actual: Any


def compare(
    expected: Mapping[Key, DataclassInstance], observed: Mapping[Key, DataclassInstance]
) -> Iterator[Difference[Key]]:
    """Yields every difference, field by field: missing and changed as in `expected`, then extra.

    The records are dataclasses, those of one key of one class. Values must be normalised by the
    caller: DeepDiff tells 1 from True and None from absent.
    """
    for difference in compare_values(expected, observed):
        if difference.kind == "changed":
            yield from _changed(difference.key, difference.expected, difference.actual)
        else:
            yield difference


def compare_values(
    expected: Mapping[Key, object], observed: Mapping[Key, object]
) -> Iterator[Difference[Key]]:
    """Yields every difference between single values: as `compare`, with nothing to look into."""
    for key, wanted in expected.items():
        if key not in observed:
            yield Difference(key, None, "missing", wanted, None)
        elif wanted != observed[key]:
            yield Difference(key, None, "changed", wanted, observed[key])
    if len(observed) > len(expected) or observed.keys() - expected.keys():
        for key, found in observed.items():
            if key not in expected:
                yield Difference(key, None, "extra", None, found)


def unequal(expected: Mapping[Key, object], observed: Mapping[Key, object]) -> set[Key]:
    """The keys whose values differ, or that one side lacks; one C-speed comparison when none do."""
    if expected == observed:
        return set()
    return {key for key, _ in expected.items() ^ observed.items()}


def _changed(
    key: Key, wanted: DataclassInstance, found: DataclassInstance
) -> Iterator[Difference[Key]]:
    # The default threshold reports a record of which most fields differ as one change of the whole.
    # Order within a list is meaning here, and `ignore_order` costs seconds.
    # It takes as long to load as 300 nodes, and a fleet in sync does without.
    from deepdiff import DeepDiff  # noqa: PLC0415

    diff = DeepDiff(wanted, found, threshold_to_diff_deeper=0, view="tree")
    names = {level.path(output_format="list")[0] for levels in diff.values() for level in levels}
    for field in fields(wanted):
        if field.name in names:
            mine, theirs = getattr(wanted, field.name), getattr(found, field.name)
            yield Difference(key, field.name, "changed", mine, theirs)
