"""report.json on disk: written at once or not at all, read back strictly, its schema published."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from overlay.errors import SnapshotError
from reports.model import SCHEMA_VERSION, Report

SCHEMA_PATH: Final = Path(__file__).with_name("report.schema.json")
SCHEMA_ID: Final = "urn:evpn-fleet:report:1"

_SHOWN_PROBLEMS: Final = 3


def report_text(report: Report) -> str:
    """Return the report as indented JSON that ends in a newline; equal reports, equal bytes."""
    return json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def write_report(report: Report, path: Path) -> None:
    """Write report.json at `path`, replacing what is there in one step. Raises OSError."""
    write_text(path, report_text(report))


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a UTF-8 file so that a reader sees the old one or the whole new one. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_report(path: Path) -> Report:
    """Return the report in `path`; SnapshotError if there is none, no JSON, or another shape."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{path}: this report does not exist",
            "name the report.json of an audit, for example audits/latest/report.json",
        ) from error
    except OSError as error:
        raise SnapshotError(
            f"{path}: cannot be read: {error.strerror}",
            "name the report.json itself, and check its permissions",
        ) from error
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, nested without end
        raise SnapshotError(
            f"{path}: is not JSON: {error}",
            "the file is truncated or not a report; run `audit` again to get a new one",
        ) from error
    return _validated(path, data)


def _validated(path: Path, data: object) -> Report:
    if not isinstance(data, dict) or "schema" not in data:
        raise SnapshotError(
            f'{path}: is JSON, but not a report: it has no "schema"',
            "name the report.json of an audit",
        )
    if data["schema"] != SCHEMA_VERSION:
        raise SnapshotError(
            f"{path}: has schema {data['schema']!r}; this version reads {SCHEMA_VERSION!r}",
            "read it with the version of evpn-fleet that wrote it, or run `audit` again",
        )
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        shown = "; ".join(
            f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
            for problem in problems[:_SHOWN_PROBLEMS]
        )
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" * (len(problems) > _SHOWN_PROBLEMS)
        raise SnapshotError(
            f"{path}: does not follow report schema {SCHEMA_VERSION}: {shown}{more}",
            "the file was edited, or written by another program; run `audit` again",
        ) from error


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of report.json, generated from the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Report.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """Return what `report.schema.json` must hold; a test holds the file to it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
