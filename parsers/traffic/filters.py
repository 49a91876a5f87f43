"""What `tc filter show` prints of each device with a place for filters: one record a filter.

Text, since iproute2's JSON of filters is broken for several kinds (u32, police) in versions that
nodes run. A node prints each line behind the device and the place that it was asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from overlay.records import TrafficFilter
from parsers._text import split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAFFIC_FILTERS = "tc filter show"

_LINE = re.compile(r"(?P<device>[^\s/]+) (?P<place>ingress|egress|root) (?P<words>.*)")
_HEAD = re.compile(r"filter (?:parent \S+ )?protocol (?P<protocol>\S+) pref \d+ (?P<kind>\S+)\b.*")
_ACTION = re.compile(r"\s+action order \d+:\s*(?P<action>.*)")
_POLICE = re.compile(r"\s*(?P<action>police \S+ .*)")
# Below a filter, and none of what it looks for in a packet.
_NO_CRITERION = re.compile(
    r"(?:not_in_hw|in_hw|skip_hw|skip_sw|eth_type \S+|match 00000000/00000000 at .*)\b.*"
)
# Those that take each packet but for what stands in lines of their own.
_TAKE_ALL = frozenset({"basic", "flower", "matchall", "u32"})


def parse_traffic_filters(text: str) -> tuple[TrafficFilter, ...]:
    """One record for each `filter` line with the lines below it; words are kept as printed.

    Raises ParseError for a line that stands below no filter.
    """
    blocks: list[tuple[re.Match[str], list[str]]] = []
    strange: list[str] = []
    for line in split_lines(text):
        place = _LINE.fullmatch(line)
        words = place["words"] if place else ""
        if place and words.startswith("filter "):
            blocks.append((place, [words]))
        elif place and blocks and _same(blocks[-1][0], place):
            blocks[-1][1].extend([words] if words.strip() else [])  # a blank line ends each
        else:
            strange.append(line)
    found = []
    for place, words in blocks:
        head = _HEAD.fullmatch(words[0].rstrip())
        if head is None:
            strange.append(f"{place['device']} {place['place']} {words[0]}")
            continue
        found.append(_read(place, head, words))
    if strange:
        whole = len(found) + len(strange)
        raise unaccounted(TRAFFIC_FILTERS, f"{len(found)} of {whole} read", strange, found)
    return tuple(found)


def _same(one: re.Match[str], other: re.Match[str]) -> bool:
    return one.group("device", "place") == other.group("device", "place")


def _read(place: re.Match[str], head: re.Match[str], words: Sequence[str]) -> TrafficFilter:
    """What is below an action is its own; what is above the first one narrows the filter."""
    actions: list[str] = []
    narrowed = head["kind"] not in _TAKE_ALL
    for line in words[1:]:
        if match := _ACTION.fullmatch(line) or _POLICE.fullmatch(line):
            actions.append(match["action"].strip())
        elif actions:
            actions[-1] += f" {line.strip()}"
        elif not _NO_CRITERION.fullmatch(line.strip()):
            narrowed = True
    return TrafficFilter(
        device=place["device"],
        place=place["place"],
        kind=head["kind"],
        narrowed=narrowed,
        actions=tuple(actions),
        text="\n".join(words),
    )
