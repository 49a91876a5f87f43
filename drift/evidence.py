"""The node's own words behind a finding, bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

_VALUE_LIMIT = 120
_EVIDENCE_LIMIT = 4000


def lines(slug: str, texts: Iterable[str], limit: int = 10) -> tuple[Evidence, ...]:
    """Evidence of one command: the first `limit` texts, joined; nothing when there are none."""
    shown: list[str] = []
    for text in texts:
        if len(shown) == limit:
            shown.append("…")
            break
        if text:
            shown.append(text)
    return (Evidence(slug, "\n".join(shown)[:_EVIDENCE_LIMIT]),) if shown else ()


def bounded(value: object) -> str | None:
    """A value that a node printed, as a short text; None stays None."""
    return None if value is None else str(value)[:_VALUE_LIMIT]
