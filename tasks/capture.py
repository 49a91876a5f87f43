"""What was collected on one host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlay.records import RawOutput


@dataclass(frozen=True, slots=True)
class HostCapture:
    """What was collected on one host: raw outputs by slug, or why there are none."""

    host: str
    outputs: dict[str, RawOutput]
    error: str | None = None
