"""States whose outputs of one reader each are read by the real parsers, and can be changed again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from overlay.errors import ParseError
from overlay.records import CommandResult, HostState
from parsers import READERS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PrintedState(HostState):
    """A HostState with the outputs behind its planes: a text, or a document to be JSON, by slug."""

    printed: Mapping[str, Any] = field(default_factory=dict)


def planes_of(printed: Mapping[str, Any]) -> dict[str, Any]:
    """What the outputs are read as, by the name of the plane."""
    return {READERS[slug].plane: READERS[slug].read(_text(said)) for slug, said in printed.items()}


def reprint(state: HostState, slug: str, said: object) -> HostState:
    """The state with another output; one that is refused is `unparsed`, as a worker says it."""
    assert isinstance(state, PrintedState)
    reader = READERS[slug]
    try:
        records, result = reader.read(_text(said)), CommandResult(slug, "ok", 1)
    except ParseError as error:
        records, result = None, CommandResult(slug, "unparsed", error=error.what)
    return replace(
        state,
        printed={**state.printed, slug: said},
        commands={**state.commands, slug: result},
        **{reader.plane: records},
    )


def _text(said: object) -> str:
    return said if isinstance(said, str) else json.dumps(said)
