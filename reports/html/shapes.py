"""What a drawing of the topology consists of: boxes, the wires between them, and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LEFT: Final = 108
"""What the names of the tiers take, left of the boxes."""
TOP: Final = 14
WIDTH, HEIGHT, GAP, PITCH = 136, 42, 22, 104

WireState = Literal["up", "down", "unknown", "static"]
MARKS: Final = {"down": "×", "unknown": "?"}


@dataclass(frozen=True, slots=True)
class Box:
    """One node, or all nodes of one part; `node` is whose details it leads to, if it is one.

    `detail` is a second line in it, `note` one below it.
    """

    x: int
    y: int
    width: int
    label: str
    title: str
    status: str
    mark: str
    node: str | None = None
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """A session or a link, or many; `mark` is drawn in its middle, or `label`."""

    path: str
    state: WireState
    title: str
    x: int
    y: int
    mark: str = ""
    label: str = ""
    is_link: bool = False
