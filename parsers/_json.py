"""The one seam to JSON: a text of a declared shape, or a ParseError that says what and where.

A shape is a TypedDict of the keys that we read; others may stand beside them, since each version
of FRR and iproute2 adds some. A necessary key that is missing, or a value of another type, is an
error: nothing is skipped. pydantic checks while it decodes: 50,000 neighbours take 0.1 s, about as
long as `json.loads` alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from overlay.errors import ParseError
from overlay.problems import dotted
from parsers._text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

Shape = TypeVar("Shape")
Place = tuple[str | int, ...]

# What is not declared is dropped (`READ`), or kept for evidence (`KEEP`), which costs twice the
# time: not for tables. `"5"` is not a number, nor is 1 a truth value.
READ = ConfigDict(extra="ignore", strict=True)
KEEP = ConfigDict(extra="allow", strict=True)

OBJECT = TypeAdapter(dict[str, Any], config=READ)

_SHOWN = 3
_AS_JSON_SAYS = {
    "dict_type": "an object",
    "list_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
    "bool_type": "true or false",
}
_HINT = (
    "run the command on the host; if it prints the same there, report it with the versions of "
    "iproute2 and FRR"
)


def read_json(command: str, text: str, shape: TypeAdapter[Shape]) -> Shape:
    """The text of `command` as `shape`. Raises ParseError that names each wrong place."""
    try:
        return shape.validate_json(text)
    except ValidationError as error:
        details = error.errors(include_url=False)
    if details[0]["type"] not in {"json_invalid", "string_unicode"}:
        _refuse(command, (), details)
    first = text.strip().partition("\n")[0]
    reason = details[0].get("ctx", {}).get("error", "not UTF-8")
    raise ParseError(
        f"{command}: not JSON ({reason}): {quoted(first) if first else 'no output'}",
        "run the command on the host: an old version may not know its json form",
        (first,),
    )


def check(command: str, place: Place, value: object, shape: TypeAdapter[Shape]) -> Shape:
    """A decoded value at `place` of the output as `shape`. Raises ParseError as `read_json`."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        _refuse(command, place, error.errors(include_url=False))


def wrong(command: str, place: Place, reason: str, given: object) -> ParseError:
    """The error for what a shape cannot say: why `given`, at `place` of the output, is wrong."""
    shown = printed(given)
    return ParseError(
        f"{command}: {_where(place)}{reason} (found {quoted(shown)})", _HINT, (shown,)
    )


def printed(value: object) -> str:
    """A decoded value as JSON text again: one line, keys in order. For evidence."""
    return json.dumps(value, sort_keys=True, default=str)


def entry(key: str, value: object) -> str:
    """One entry of an object as JSON text, for evidence: `"10.0.0.1": {…}`."""
    return f"{json.dumps(key)}: {printed(value)}"


def _refuse(command: str, place: Place, details: Sequence[ErrorDetails]) -> NoReturn:
    shown = "; ".join(_complaint(place, detail) for detail in details[:_SHOWN])
    more = len(details) - _SHOWN
    raise ParseError(
        f"{command}: {shown}" + (f" and {more} more" if more > 0 else ""),
        _HINT,
        tuple(printed(detail["input"]) for detail in details[:_SHOWN]),
    )


def _complaint(place: Place, detail: ErrorDetails) -> str:
    where = _where((*place, *detail["loc"]))
    found = f"(found {quoted(printed(detail['input']))})"
    if detail["type"] == "missing":
        return f"{where}this key is missing {found}"
    reason = _AS_JSON_SAYS.get(detail["type"]) or detail["msg"].removeprefix("Input should be ")
    return f"{where}not {reason} {found}"


def _where(place: Place) -> str:
    return f"{quoted(dotted(place))[1:-1]}: " if place else ""
