"""Keyed records against keyed records. What is equal costs one comparison and nothing more."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deepdiff import DeepDiff

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.model import Kind

Key = TypeVar("Key", bound=Hashable)
Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Difference(Generic[Key]):
    """One difference: a whole record (`field` is None) or one field of a record on both sides.

    `expected` and `actual` are the record or the field's value; None on the side that lacks it.
    """

    key: Key
    field: str | None
    kind: Kind
    expected: Any
    actual: Any


def compare(
    expected: Mapping[Key, Mapping[str, object]], observed: Mapping[Key, Mapping[str, object]]
) -> Iterator[Difference[Key]]:
    """Yields every difference: missing and changed in the order of `expected`, then extra ones.

    Values must be normalised by the caller: DeepDiff tells 1 from True and None from absent.
    """
    for key, wanted in expected.items():
        found = observed.get(key)
        if found is None:
            yield Difference(key, None, "missing", wanted, None)
        elif wanted != found:
            yield from _changed(key, wanted, found)
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
    key: Key, wanted: Mapping[str, object], found: Mapping[str, object]
) -> Iterator[Difference[Key]]:
    # The default threshold reports a record of which most fields differ as one change of the whole.
    # Order within a list is meaning here, and `ignore_order` costs seconds.
    diff = DeepDiff(dict(wanted), dict(found), threshold_to_diff_deeper=0, view="tree")
    fields = {level.path(output_format="list")[0] for levels in diff.values() for level in levels}
    for field in (*wanted, *(name for name in found if name not in wanted)):
        if field in fields:
            yield Difference(key, field, "changed", wanted.get(field), found.get(field))
