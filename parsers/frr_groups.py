"""FRR's peer-groups dissolved: what a group says is said of each of its members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.host_records import FrrLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# What stands once in a block for a neighbour, whatever value it has, by the words before the value.
_ONCE = (
    ("remote-as",),
    ("update-source",),
    ("description",),
    ("password",),
    ("ebgp-multihop",),
    ("timers", "connect"),
    ("timers",),
    ("bfd", "profile"),
    ("maximum-prefix",),
    ("allowas-in",),
    ("default-originate",),
    ("local-as",),
)
# Filters: one of each kind in each direction, which is the last word.
_FILTERS = ("route-map", "prefix-list", "filter-list", "distribute-list")


def option_of(words: Sequence[str]) -> tuple[str, ...]:
    """What of a neighbour the words behind its name set, so that another value would replace it."""
    for once in _ONCE:
        if tuple(words[: len(once)]) == once:
            return once
    if words[:1] and words[0] in _FILTERS:
        return words[0], words[-1]
    return tuple(words)


def ungrouped(lines: Iterable[FrrLine]) -> tuple[FrrLine, ...]:
    """The statements with those of each peer-group written out for its members, in their order.

    A member's own word wins over its group's. A group stays as it is where `bgp listen range` fills
    it while FRR runs, or where it has no members.
    """
    told = tuple(lines)
    members: dict[tuple[str, str], list[str]] = {}
    own: set[tuple[tuple[str, ...], str, tuple[str, ...]]] = set()
    for line in told:
        name, option = _neighbor(line)
        if option[:1] == ["peer-group"] and len(option) > 1:
            members.setdefault((line.blocks[0], option[1]), []).append(name)
        elif name:
            own.add((line.blocks, name, option_of(option)))
    for line in told:
        if line.words[:3] == ["bgp", "listen", "range"] and line.blocks:
            members.pop((line.blocks[0], line.words[-1]), None)
    return tuple(one for line in told for one in _dissolved(line, members, own))


def _dissolved(
    line: FrrLine,
    members: dict[tuple[str, str], list[str]],
    own: set[tuple[tuple[str, ...], str, tuple[str, ...]]],
) -> Iterator[FrrLine]:
    name, option = _neighbor(line)
    group = (line.blocks[0], name) if name else ("", "")
    if option == ["peer-group"] and group in members:
        if line.words[0] == "no":  # the group, which is one with its members here
            yield line
        return
    if option[:1] == ["peer-group"] and (line.blocks[0], option[-1]) in members:
        return
    if group not in members:
        yield line
        return
    before = "no neighbor" if line.words[0] == "no" else "neighbor"
    for member in members[group]:
        if (line.blocks, member, option_of(option)) not in own:
            said = " ".join((before, member, *option))
            yield FrrLine((*line.blocks, said), line.line)


def _neighbor(line: FrrLine) -> tuple[str, list[str]]:
    """The neighbour or group that a line is about, and the words behind its name; none: empty."""
    words = line.words[1:] if line.words[0] == "no" else line.words
    if words[0] != "neighbor" or len(words) < 3 or not line.blocks:
        return "", []
    return words[1], words[2:]
