"""The right-hand columns of a BGP table, and its extended communities: text → values.

FRR prints `%10u%7u%7u %s %s`: metric, local preference, weight, AS path, origin. Metric and local
preference may be blank, so a number's column, not its rank, says what it is; a local preference
of seven digits or more has no blank between it and the metric.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass

from parsers._text import number

HOP_WIDTH = 16
_METRIC_WIDTH = 10
_WIDTH = 7
_ALL_WIDTHS = _METRIC_WIDTH + 2 * _WIDTH
_LATEST_INDENT = 38
_LARGEST_WEIGHT = 65535
_LARGEST_NUMBER = 4294967295
# Less than this before the first number, out of column: blanks were collapsed, columns are lost.
_PLAUSIBLE_BLANKS = 5

_NUMBER = re.compile(r" *([0-9]+)(?= )")
_TAIL = re.compile(r" (?:(\S+(?: \S+)*) )?([ie?])")

_ROUTE_TARGET = re.compile(r"RT:(\S+)")
_ROUTER_MAC = re.compile(r"Rmac:((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", re.IGNORECASE)
_MOBILITY = re.compile(r"MM:([0-9]+)(, sticky MAC)?")
# Communities are printed with blanks between them, and some hold blanks themselves. These are all
# that FRR prints from 3 to its development branch of August 2026 (bgpd/bgp_ecommunity.c).
_COMMUNITY = re.compile(
    r"(?P<known>Default (?:Gateway|GW)|ND:(?:Router Flag|Proxy)|MM:[0-9]+(?:, sticky MAC)?"
    r"|UNK:[0-9]+, [0-9]+|DF: \([^()]*\)|LB:\S+ \([^()]*\)"
    r"|L2: Cflags \S*, MTU [0-9]+|L2: P flag:\w, B Flag \w, C word \w, MTU [0-9]+"
    r"|FS:redirect (?:IP|VRF) \S+|FS:action (?:terminate \(apply\)|eval stops)(?:, sample)?"
    r"|FS:(?:rate|marking) \S+"
    r"|(?:RT|SoO|ET|Color|OVS|NH|NT|Rmac|ES-Import-Rt|ESI-label-Rt|upa):\S+)(?!\S)|\S+"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Metric, local preference, weight, AS path and origin of one path."""

    metric: int | None
    local_pref: int | None
    weight: int
    as_path: str
    origin: str


@dataclass(frozen=True, slots=True)
class Communities:
    """A path's extended communities, sorted into what checks ask for and the rest as printed.

    `unknown` are those of `extended` that no FRR is known to print.
    """

    route_targets: tuple[str, ...] = ()
    extended: tuple[str, ...] = ()
    rmac: str | None = None
    mobility_sequence: int | None = None
    sticky: bool = False
    unknown: tuple[str, ...] = ()


# Whole tables share a few hundred of these lines: those of a peer, of a VNI, of a node.
@functools.lru_cache(maxsize=4096)
def parse_columns(text: str, start: int | None = None) -> Columns:
    """Read the columns; `start` is the position in `text` where the metric's column begins.

    Without `start` (columns on a line of their own, whose indent varies) the distances between the
    numbers decide. Raises ValueError where numbers and columns do not agree.
    """
    numbers = _leading_numbers(text.replace("\t", " "))
    metric, local_pref, weight, used = _assign(numbers, start)
    end = numbers[used - 1][1]
    tail = _TAIL.fullmatch(text, end)
    if tail is None:
        raise ValueError("AS path and origin do not follow the weight's column")
    if start is not None and end != start + _ALL_WIDTHS and _blanks(text) < _PLAUSIBLE_BLANKS:
        raise ValueError("the numbers are not in their columns")
    return Columns(metric, local_pref, weight, tail[1] or "", tail[2])


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _leading_numbers(text: str) -> list[tuple[str, int]]:
    """The first three numbers at most, each with the position behind it."""
    found: list[tuple[str, int]] = []
    position = 0
    while len(found) < 3 and (match := _NUMBER.match(text, position)):
        found.append((match[1], match.end()))
        position = match.end()
    if not found:
        raise ValueError("no weight")
    return found


def _assign(
    numbers: list[tuple[str, int]], start: int | None
) -> tuple[int | None, int | None, int, int]:
    """Metric, local preference, weight, and how many of `numbers` they took.

    A weight is at most five digits, so what stands seven places behind another number and is one
    cannot be an AS number: those are one blank apart.
    """
    first, end = numbers[0]
    cut = _glued_at(first, end, start)
    if cut and len(numbers) > 1 and numbers[1][1] - end == _WIDTH:
        return _value(first[:cut]), _value(first[cut:]), _weight(numbers[1][0]), 2
    gaps = [later[1] - earlier[1] for earlier, later in itertools.pairwise(numbers)]
    weights = [int(word) <= _LARGEST_WEIGHT for word, _ in numbers]
    if gaps == [_WIDTH, _WIDTH] and weights[2]:
        return _value(first), _value(numbers[1][0]), _weight(numbers[2][0]), 3
    if gaps[:1] == [_WIDTH] and weights[1]:
        return None, _value(first), _weight(numbers[1][0]), 2
    if gaps[:1] == [2 * _WIDTH] and weights[1]:
        return _value(first), None, _weight(numbers[1][0]), 2
    return None, None, _weight(first), 1


def _glued_at(word: str, end: int, start: int | None) -> int:
    """Where metric and local preference meet inside `word`; 0 when it is one number.

    On a line of their own FRR indents the columns by 36, newer versions by 38: a long number that
    begins before either local preference column may be one number or two.
    """
    begin = end - len(word)
    if start is not None:
        border = start + _METRIC_WIDTH
        return border - begin if begin < border < end else 0
    if len(word) <= _WIDTH or begin >= _LATEST_INDENT + _METRIC_WIDTH:
        return 0
    if word[0] != "0":
        raise ValueError(f"{word} is ambiguous: metric, local preference, or both")
    return 1


def _weight(word: str) -> int:
    if int(word) > _LARGEST_WEIGHT:
        raise ValueError(f"{word} is not a weight")
    return int(word)


def _value(word: str) -> int:
    value = number(word)
    if value > _LARGEST_NUMBER or (len(word) > 1 and word[0] == "0"):
        raise ValueError(f"{word} is two numbers that cannot be told apart")
    return value


@functools.lru_cache(maxsize=4096)
def parse_communities(text: str) -> Communities:
    """Sort a line of extended communities; `extended` keeps all but the route targets.

    Raises ValueError where the next Route Distinguisher or prefix ran into the line: what follows
    would count for the one before.
    """
    if "Route Distinguisher" in text or "]:[" in text:
        raise ValueError("two lines in one")
    words: list[str] = []
    unknown: list[str] = []
    end = None  # of the unknown word just before: those next to each other are one phrase
    for found in _COMMUNITY.finditer(text):
        if found["known"] is not None:
            words.append(found[0])
        elif end is not None and text[end : found.start()] == " ":
            unknown[-1] += f" {found[0]}"
            words[-1] = unknown[-1]
        else:
            unknown.append(found[0])
            words.append(found[0])
        end = None if found["known"] is not None else found.end()
    targets = tuple(target[1] for word in words if (target := _ROUTE_TARGET.fullmatch(word)))
    rmac = next((mac[1].lower() for word in words if (mac := _ROUTER_MAC.fullmatch(word))), None)
    mobility = next((moved for word in words if (moved := _MOBILITY.fullmatch(word))), None)
    return Communities(
        route_targets=targets,
        extended=tuple(word for word in words if not _ROUTE_TARGET.fullmatch(word)),
        rmac=rmac,
        mobility_sequence=number(mobility[1]) if mobility else None,
        sticky=mobility is not None and mobility[2] is not None,
        unknown=tuple(unknown),
    )
