"""FRR's configuration line by line, each in the context that FRR's own parser reads it in.

FRR does not look at indentation. A line that the current block does not know is tried in the block
around it, up to the top, and FRR stays where it was accepted (`command_config_read_one_line`);
`exit` leaves one block. Libraries for configurations in the manner of IOS (ciscoconfparse2,
hier_config) make their tree from indentation and pass over `exit`, so they would show blocks that
FRR never enters; hence this reader. It knows which statement opens, leaves and belongs to which
block, and nothing of what the others mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from overlay.host_records import FrrLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_VERSION = re.compile(r"^frr version (\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)(?!\d)", re.MULTILINE)
# What opens a block, by the kind of the block that it may stand in ("" is the top).
_OPENS: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "": (
        ("router", re.compile(r"router \S+.*")),
        ("vrf", re.compile(r"vrf \S+")),
        ("interface", re.compile(r"interface \S+.*")),
        ("route-map", re.compile(r"route-map \S+ (permit|deny) \d+")),
        ("bfd", re.compile(r"bfd")),
        ("key", re.compile(r"key chain \S+")),
        (
            "other",
            re.compile(r"(line vty|nexthop-group \S+|pbr-map \S+ seq \d+|rpki.*|l2vpn \S+.*)"),
        ),
        ("segment-routing", re.compile(r"segment-routing")),
    ),
    "router": (("family", re.compile(r"address-family \S+( \S+)?")),),
    "family": (("vni", re.compile(r"vni \d+")),),
    "bfd": (("session", re.compile(r"(peer|profile) \S+.*")),),
    "key": (("session", re.compile(r"key \d+")),),
}
_LEAVES = {
    "exit-address-family": "family",
    "exit-vrf": "vrf",
    "exit-vni": "vni",
    "exit-route-map": "route-map",
}
# What stands at the top only, so that it ends the block that it is written in.
_TOP = re.compile(
    r"(no )?(ip|ipv6) (prefix-list|forwarding|access-list|nht|protocol|import-table)\b.*"
    r"|(no )?bgp (as-path|community-list|extcommunity-list|large-community-list)\b.*"
    r"|(no )?(hostname|domainname|log|service|password|enable|debug|access-list|username|agentx"
    r"|frr|banner|zebra|fpm|mpls ldp)( .*)?"
    r"|Building configuration\.\.\.|Current configuration:"
)
_ROUTE = re.compile(r"(no )?(ip|ipv6) route\b.*")
# Within an address family FRR takes these for the instance around it.
_OF_INSTANCE = re.compile(
    r"neighbor \S+ (remote-as|peer-group$|interface|update-source|password|description"
    r"|ebgp-multihop|timers|bfd|capability extended-nexthop|passive|shutdown).*"
    r"|(no )?bgp (router-id|cluster-id|default|log-neighbor-changes|listen|bestpath"
    r"|ebgp-requires-policy)\b.*|(no )?coalesce-time\b.*|timers bgp .*"
)


def frr_version(text: str) -> str | None:
    """The version of the FRR that a configuration was written by, where it says one."""
    said = _VERSION.search(text)
    return said[1] if said else None


def read_frr_config(text: str) -> tuple[FrrLine, ...]:
    """Every statement of a frr.conf or `show running-config`, in order, in its blocks.

    Never raises. Comments (`!` and `#` at the beginning of a line) and the lines that leave a block
    are no statements. A `#` behind a statement is part of it, as it is for FRR.
    """
    return _read(text)[0]


def leave_blocks(text: str) -> tuple[str, ...]:
    """The statements that leave the blocks that a text leaves open, innermost first."""
    words = {kind: word for word, kind in _LEAVES.items() if kind != "route-map"}
    return tuple(words.get(kind, "exit") for kind, _ in reversed(_read(text)[1]))


def _read(text: str) -> tuple[tuple[FrrLine, ...], list[tuple[str, str]]]:
    """The statements, and the blocks that are open in the end: kind and text, outermost first."""
    found = []
    blocks: list[tuple[str, str]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        word = " ".join(line.split())
        if not word or word[0] in "!#":
            continue
        if word in {"exit", "quit"}:
            blocks = blocks[:-1]
        elif word == "end":
            blocks = []
        elif word in _LEAVES:
            blocks = _left(blocks, _LEAVES[word])
        else:
            blocks = _around(word, blocks)
            found.append(FrrLine((*(text for _, text in blocks), word), number))
            if kind := _opened(word, blocks[-1][0] if blocks else ""):
                blocks = [*blocks, (kind, word)]
    return tuple(found), blocks


def _left(blocks: list[tuple[str, str]], kind: str) -> list[tuple[str, str]]:
    """The blocks without the innermost of this kind; unchanged where there is none."""
    for index in range(len(blocks) - 1, -1, -1):
        if blocks[index][0] == kind:
            return blocks[:index]
    return blocks


def _around(word: str, blocks: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The blocks that a statement stands in, given those that are open."""
    if _TOP.fullmatch(word) or _opened(word, ""):
        # `vrf X` of an interface's or an address family's own statements does not open a VRF.
        return []
    kinds = [kind for kind, _ in blocks]
    if _ROUTE.fullmatch(word):
        return blocks[: kinds.index("vrf") + 1] if "vrf" in kinds else []
    for depth in range(len(blocks), 0, -1):
        if _opened(word, kinds[depth - 1]):
            return blocks[:depth]
    if "family" in kinds and _OF_INSTANCE.fullmatch(word):
        return blocks[: kinds.index("family")]
    return blocks


def _opened(word: str, kind: str) -> str | None:
    """The kind of block that a statement opens within one of `kind`; None for any other."""
    return next((name for name, p in _OPENS.get(kind, ()) if p.fullmatch(word)), None)


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
    if words[:1] != ["neighbor"] or len(words) < 3 or not line.blocks:
        return "", []
    return words[1], words[2:]
