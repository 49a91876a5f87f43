"""What a report says of its own run: its id and its times."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from reports.model import RunInfo, Source


def utc_text(moment: datetime) -> str:
    """Return an aware time as `2025-03-01T12:00:00Z`; a naive one raises ValueError."""
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no time zone; pass an aware datetime"
        raise ValueError(message)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id(started: datetime) -> str:
    """Return an id that sorts by its start and is unique: `20250301T120000Z-1f2e3d`."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_info(
    *,
    started: datetime,
    tool_version: str,
    inventory: str,
    source: Source,
    finished: datetime | None = None,
    run_id: str | None = None,
    fabric: str | None = None,
) -> RunInfo:
    """Return the RunInfo of a run from `started` to `finished` (default: now)."""
    return RunInfo(
        id=run_id or new_run_id(started),
        started=utc_text(started),
        finished=utc_text(finished or datetime.now(UTC)),
        tool_version=tool_version,
        inventory=inventory,
        source=source,
        fabric=fabric,
    )
