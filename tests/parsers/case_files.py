"""Test cases as data: `cases/<slug>/<version>-<what>.txt` with the expected `.json` beside it.

Expected is either `{"records": […]}`, each record with the fields that are not at their default, or
`{"error": {"what": …, "lines": […]}}`. EVPN tables may add `router_id` and `said`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import parsers
from overlay.errors import ParseError
from overlay.records import EvpnTable

FOLDER = Path(__file__).parent / "cases"
ALL = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.txt"))


def read(case: str) -> str:
    """The case's text, byte for byte (carriage returns are part of some)."""
    return (FOLDER / case).read_bytes().decode("utf-8")


def outcome(case: str) -> dict[str, Any]:
    """What the parser makes of the case, in the form of the expected files."""
    try:
        parsed = parsers.parse(case.partition("/")[0], read(case))
    except ParseError as error:
        return {"error": {"what": error.what, "lines": list(error.lines)}}
    if isinstance(parsed, EvpnTable):
        table = {"router_id": parsed.router_id, "said": parsed.said}
        assert parsed.empty == (not parsed.paths)
        return {key: value for key, value in table.items() if value is not None} | {
            "records": [terse(path) for path in parsed.paths]
        }
    return {"records": [terse(record) for record in parsed]}


def terse(record: Any) -> Any:
    """A record as JSON data, without its text and without the fields that are at their default."""
    if not dataclasses.is_dataclass(record):
        return list(record) if isinstance(record, tuple) else record
    return {
        part.name: terse(value)
        for part in dataclasses.fields(record)
        if part.name != "text" and (value := getattr(record, part.name)) != part.default
    }
