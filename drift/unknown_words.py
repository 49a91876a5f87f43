"""What nodes printed and no parser knows: one note for the fleet, from which nothing follows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.model import Severity
from drift.result import Note
from overlay.problems import few

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.records import HostState

_SHOWN = 5


def notes(states: Mapping[str, HostState]) -> Iterator[Note]:
    """A note for each output in which words or lines were kept that the parsers do not know."""
    words: dict[str, dict[str, None]] = defaultdict(dict)
    hosts: dict[str, list[str]] = defaultdict(list)
    for name in sorted(states):
        for slug, result in states[name].commands.items():
            if result.unknown:
                words[slug] |= dict.fromkeys(result.unknown)
                hosts[slug].append(name)
    for slug in sorted(words):
        shown = list(words[slug])
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        yield Note(
            Severity.INFO,
            f"{slug} of {few(hosts[slug])}: not understood, so kept as printed and nothing "
            f"concluded from it: {'; '.join(shown[:_SHOWN])}{more}. Every entry was counted, and "
            "the rest was audited. Please report it with the versions of FRR and iproute2",
        )
