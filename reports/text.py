"""Text from a node is hostile: bound it, make it printable, show values the same way everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_TEXT: Final = 16_000
"""Characters that a report keeps of one text (an evidence, an error, a value)."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# Everything that moves a cursor, starts an escape sequence, reorders or hides what a reader sees:
# C0 (without tab and newline), DEL, C1, soft hyphen, zero-width and bidi controls, line separators,
# invisible operators, interlinear marks, and the invisible "tag" letters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]",
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z")
_INT64: Final = 2**63
_BYTE: Final = 0xFF
_PLANE: Final = 0xFFFF


def bounded(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` as valid Unicode of at most `limit` characters plus a note of what was cut."""
    whole = _SURROGATE.sub("\ufffd", text)
    if len(whole) <= limit:
        return whole
    return f"{whole[:limit]}\n… ({len(whole) - limit} more characters)"


def clip(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, the cut marked by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def visible(text: str) -> str:
    r"""Return `text` with every control, bidi or invisible character spelled out (`\x1b`).

    Tab and newline stay, CR LF becomes a newline. The result cannot move a cursor nor reorder a
    line.
    """
    return _UNSEEN.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 400) -> str:
    """Return `text` made visible, on one line, in at most `limit` characters."""
    return clip(" ".join(visible(text).split()), limit)


def utc_text(moment: datetime) -> str:
    """Return an aware time as `2025-03-01T12:00:00Z`; a naive one raises ValueError."""
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no time zone; pass an aware datetime"
        raise ValueError(message)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def readable_times(text: str) -> str:
    """Return `text` with times like `2025-03-01T12:00:41Z` as `2025-03-01 12:00 UTC`."""
    return _TIME.sub(r"\1 \2 UTC", text)


def short_name(text: str) -> str:
    """Return a node's or object's name as reports print it: visible, one line, bounded."""
    return one_line(text, 120)


def natural_key(text: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `leaf2` before `leaf10`."""
    # Splitting on a group puts text at even places and digits at odd ones, so that keys compare.
    return [
        (int(part), "") if place % 2 else (0, part)
        for place, part in enumerate(re.split(r"([0-9]{1,18})", text))
    ]


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _PLANE else f"\\U{code:08x}"


def json_value(value: object) -> JsonValue:
    """Return `value` as plain JSON: sets sorted, keys sorted strings, the rest as its `str`."""
    match value:
        case None | bool():
            return value
        case int():
            # Longer numbers are not exact in most readers of JSON.
            return value if -_INT64 <= value < _INT64 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return bounded(str(value))
        case Mapping():
            pairs = sorted((bounded(str(key)), item) for key, item in _items(value))
            return {key: json_value(item) for key, item in pairs}
        case set() | frozenset():
            return [json_value(item) for item in sorted(value, key=str)]
        case list() | tuple():
            return [json_value(item) for item in value]
        case _:
            return bounded(str(value))


def _items(mapping: Mapping[object, object]) -> Iterable[tuple[str, object]]:
    """Return the items by the text of their key, the last of equal ones, so that they sort."""
    return {str(key): item for key, item in mapping.items()}.items()


def show_value(value: JsonValue) -> str:
    """Return an expected or actual value for a reader: one item a line, `absent` for nothing."""
    match value:
        case None:
            return "absent"
        case bool():
            return "true" if value else "false"
        case str():
            return visible(value) if value else '""'
        case list():
            return "\n".join(_nested(item) for item in value) or "none"
        case dict():
            return "\n".join(f"{visible(k)}: {_nested(v)}" for k, v in value.items()) or "none"
        case _:
            return str(value)


def _nested(value: JsonValue) -> str:
    """Return a value inside of another, on one line."""
    match value:
        case list():
            return "[" + ", ".join(_nested(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{visible(k)}: {_nested(v)}" for k, v in value.items()) + "}"
        case _:
            return show_value(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 node`, `2 nodes`, `1,200 nodes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
