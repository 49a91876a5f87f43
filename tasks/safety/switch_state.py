"""How a deployment ended, as the node itself wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.records import RawOutput


@dataclass(frozen=True, slots=True)
class SwitchState:
    """What a node says of a deployment.

    `decided` is `confirmed`, `restored`, `restore-failed`, or None while it is open; `notes` are
    the restore's own words. `pending` names the backup that the switch stands for, if any.
    """

    decided: str | None
    notes: tuple[str, ...]
    pending: str
    applying: bool

    @classmethod
    def read(cls, outputs: Mapping[str, RawOutput]) -> SwitchState | None:
        """From the outputs of `state_sections`; None when they are not whole."""
        if any(s not in outputs or outputs[s].rc != 0 for s in ("outcome", "pending", "applying")):
            return None
        lines = outputs["outcome"].text.splitlines()
        notes = tuple(line[5:][:500] for line in lines if line.startswith("note="))
        known = {"confirmed", "restored", "restore-failed"}
        decided = lines[0] if lines and lines[0] in known else None
        active = outputs["applying"].text.strip() in ("active", "activating", "deactivating")
        return cls(decided, notes[:20], outputs["pending"].text.strip(), active)
