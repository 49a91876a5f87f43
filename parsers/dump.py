"""Parsed outputs as plain JSON data, for the `parse` command."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from overlay.records import EvpnTable

if TYPE_CHECKING:
    from collections.abc import Sequence


def records_as_json(parsed: object) -> list[object]:
    """What `parse` gave, as a list of plain values: one per FDB line, link, EVPN path, route, ….

    The evidence (`text`) is left out: the caller has the output. A setting is a key with its
    value, an FRR statement the list of its blocks and itself.
    """
    if isinstance(parsed, EvpnTable):
        return [_plain(path) for path in parsed.paths]
    if isinstance(parsed, frozenset):
        return [_plain(statement) for statement in sorted(parsed)]
    if isinstance(parsed, dict):
        return [record for key, value in parsed.items() for record in _records(key, value)]
    if isinstance(parsed, tuple):
        return [_plain(record) for record in parsed]
    raise TypeError(f"no parser returns {type(parsed)}")


def _records(key: object, value: object) -> list[object]:
    """What stands below one key: a record holds its key, a setting does not."""
    if isinstance(value, dict):  # the neighbours of one address family
        return [_plain(record) for record in value.values()]
    return [{"key": key, "value": value}] if isinstance(value, str) else [_plain(value)]


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _fields(type(value))}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@functools.cache
def _fields(record: type[Any]) -> Sequence[str]:
    """`dataclasses.asdict` copies deeply and asks for the fields every time: ten times slower."""
    return tuple(part.name for part in dataclasses.fields(record) if part.name != "text")
