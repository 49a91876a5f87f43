"""The record of a deployment: one JSON file per run, beside the audits. No secret is in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app import __version__
from overlay.errors import FleetError
from overlay.redaction import redact
from tasks.options import who_we_are

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.context import Context
    from tasks.outcome import NodeOutcome

SCHEMA = "1"


def open_record(context: Context) -> Path:
    """The file of a run that begins now, made empty: a run that cannot be recorded must not start.

    Raises FleetError.
    """
    folder = context.deploys
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for count in range(1, 100):
            path = folder / (f"{name}.json" if count == 1 else f"{name}-{count}.json")
            if not path.exists():
                path.touch(0o640)
                return path
    except OSError as error:
        raise FleetError(
            f"{folder}: the deployment cannot be recorded there: {error}",
            "nothing was changed; make the folder writable",
        ) from None
    raise FleetError(f"{folder}: too many deployments in one second", "run it again")


def write_record(
    path: Path,
    *,
    kind: str,
    started: datetime,
    context: Context,
    intent: str,
    outcomes: Sequence[NodeOutcome],
) -> None:
    """Writes what was done, in one rename."""
    document = {
        "schema": SCHEMA,
        "kind": kind,
        "who": who_we_are(),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "inventory": str(context.inventory),
        "intent": intent,
        "hosts": {outcome.host: _host(outcome) for outcome in outcomes},
    }
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise FleetError(f"{path}: cannot be written: {error}", "free space there") from None


def _host(outcome: NodeOutcome) -> dict[str, Any]:
    return {
        "outcome": outcome.outcome,
        "error": redact(outcome.error) if outcome.error else None,
        "backup": outcome.backup,
        "changes": [
            {"path": change.file.path, "diff": change.diff()} for change in outcome.plan.changes
        ],
        "applied": list(outcome.steps),
        "phases": [{"name": step.name, "seconds": step.seconds} for step in outcome.timing],
    }
