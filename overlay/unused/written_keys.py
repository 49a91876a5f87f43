"""The keys that somebody wrote into the intent, and the same intent with other values at them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from overlay.values import FOR_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.intent import Fabric
    from overlay.problems import KeyPath

Model = TypeVar("Model", bound=BaseModel)
GONE = object()
"""As a value: the entry is taken out of its list or mapping."""


@dataclass(frozen=True, slots=True)
class Written:
    """A key with what could stand there instead: its default, then other values of its kind.

    An entry of a list or mapping can only be there or not (`GONE`).
    """

    key: KeyPath
    others: tuple[Any, ...]


def written_keys(fabric: Fabric) -> Iterator[Written]:
    """Every key that can be left out and says something else than its default.

    A required key is not among them: what it belongs to is asked for as a whole. Nor are keys for
    people (names), for which nothing has to be derived.
    """
    yield from _of_model(fabric, ())


def said_twice(fabric: Fabric) -> Iterator[KeyPath]:
    """Entries of a list of names that stand in it already."""
    lists: list[tuple[KeyPath, tuple[str, ...]]] = [
        *((("networks", index, "nodes"), net.nodes) for index, net in enumerate(fabric.networks)),
        *((("vrfs", name, "exits"), vrf.exits) for name, vrf in fabric.vrfs.items()),
    ]
    for key, names in lists:
        for position, name in enumerate(names):
            if name in names[:position]:
                yield (*key, position)


def _of_model(model: BaseModel, at: KeyPath) -> Iterator[Written]:
    for name in sorted(model.model_fields_set):
        field = type(model).model_fields[name]
        value = getattr(model, name)
        key = (*at, field.alias or name)
        if FOR_PEOPLE in field.metadata:
            continue
        entries = _entries(value)
        if isinstance(value, BaseModel):
            yield from _of_model(value, key)
        elif entries:
            for part, entry in entries:
                if not field.is_required():
                    yield Written((*key, part), (GONE,))
                yield from _of_model(entry, (*key, part))
        elif not field.is_required():
            default = field.get_default(call_default_factory=True)
            if value != default:
                others = (default, *(other for other in _others(value) if other != default))
                yield Written(key, others)


def _entries(value: Any) -> list[tuple[str | int, BaseModel]]:
    """The models that a list or mapping of them holds; empty for any other value."""
    pairs: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, tuple):
        pairs = list(enumerate(value))
    return pairs if pairs and isinstance(pairs[0][1], BaseModel) else []


def _others(value: Any) -> tuple[Any, ...]:
    """Values of the same kind that are not `value`; whether they are allowed is not asked."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, Enum):
        return tuple(other for other in type(value) if other is not value)
    if isinstance(value, int):
        return (value + 1, 1)
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return (value + 1 if int(value) < 2**31 else value - 1,)
    if isinstance(value, str):
        return (f"{value}x",)
    return ()


def with_values(model: Model, changes: Mapping[KeyPath, Any]) -> Model:
    """A copy of the intent, or a part, with those values at those keys; none within another."""
    tree: dict[Any, Any] = {}
    for key, value in changes.items():
        branch = tree
        for part in key[:-1]:
            branch = branch.setdefault(part, {})
        branch[key[-1]] = _Leaf(value)
    grafted: Model = _graft(model, tree)
    return grafted


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: Any


def _graft(old: Any, change: Any) -> Any:
    if isinstance(change, _Leaf):
        return change.value
    if isinstance(old, BaseModel):
        fields = type(old).model_fields.items()
        names = {field.alias: name for name, field in fields if field.alias}
        own = {names.get(key, key): inner for key, inner in change.items()}
        return old.model_copy(
            update={name: _graft(getattr(old, name), inner) for name, inner in own.items()}
        )
    if isinstance(old, Mapping):
        new = {**old, **{name: _graft(old[name], inner) for name, inner in change.items()}}
        return {name: value for name, value in new.items() if value is not GONE}
    kept = list(old)
    for index, inner in change.items():
        kept[index] = _graft(old[index], inner)
    return tuple(value for value in kept if value is not GONE)
