"""`ip -d link show` → Link records, one per header line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.records import Link
from parsers._engine import Match, match_lines
from parsers._link_details import (
    read_bridge,
    read_bridge_port,
    read_macvlan,
    read_vlan,
    read_vrf_table,
    read_vxlan,
)
from parsers._text import count, is_mac, number, split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEMPLATE = "ip_link.ttp"
COMMAND = "ip -d link show"

_HEADER = re.compile(r"(?<![0-9])[0-9]{1,10}: \S+: <[^>\s]*>")
_ONE_LINE_BREAK = re.compile(r"\\(?=[ \t])")
# What may follow a `link/` line without being the device's kind. A kind is a lower-case word.
_KIND = re.compile(r"[a-z][a-z0-9_-]*")
_ABOVE_OTHERS = frozenset({"macvlan", "macvtap"})
_NOT_A_KIND = frozenset({"alias", "altname", "inet", "inet6", "vf", "valid_lft"})


@dataclass(slots=True)
class _Block:
    """A header line and what stands indented below it, as printed and as TTP caught it."""

    header: Match
    lines: list[str]
    details: list[Match] = field(default_factory=list)


def parse_links(text: str) -> tuple[Link, ...]:
    """Read `ip -d link show` (or `-d address`, with `-s` or `-o`) of any iproute2, in its order.

    Raises ParseError, with the lines to blame, unless every header line gave one link, every
    link has its one `link/` line, and no other text stands outside a link. No link at all is an
    error too: there always is `lo`.
    """
    printed = split_lines(text)
    lines = [part for line in printed for part in _unfold(line)]
    blocks, strange = _frame(lines)
    links: list[Link] = []
    for block in blocks:
        try:
            links.append(_link(block))
        except ValueError:
            strange.extend(block.lines)
    if strange or not links:
        headers = sum(1 for line in lines if _HEADER.match(line))
        found = f"{len(links)} of {count(headers, 'link')} read"
        raise unaccounted(COMMAND, found if printed else "no output", strange, links)
    return tuple(links)


def _unfold(line: str) -> Iterator[str]:
    r"""Undo `ip -o`, which prints a link on one line with `\` in the place of newlines."""
    if _HEADER.match(line) and "\\" in line:
        yield from (part for part in _ONE_LINE_BREAK.split(line) if part.strip())
    else:
        yield line


def _frame(lines: Sequence[str]) -> tuple[list[_Block], list[str]]:
    """Gather each header with its details; second, the lines that belong to no link."""
    blocks: list[_Block] = []
    strange: list[str] = []
    for line, match in zip(lines, match_lines(TEMPLATE, lines), strict=True):
        if "index" in match:
            blocks.append(_Block(match, [line]))
        elif "unknown" in match or not blocks:
            strange.append(line)
        else:
            blocks[-1].details.append(match)
            blocks[-1].lines.append(line)
        if "unknown" not in match and _hides_a_header(line, match):
            strange.append(line)
    return blocks, strange


def _hides_a_header(line: str, match: Match) -> bool:
    """Whether a second link starts inside a line: indented by a paste, or glued to its end.

    An alias is the one text that a user chooses freely, so it may look like anything.
    """
    own = _HEADER.match(line)
    rest = own.end() if own else 0
    return match.get("detail") != "alias" and _HEADER.search(line, rest) is not None


def _link(block: _Block) -> Link:
    """The link of one block. Raises ValueError where it is not whole, or a value is impossible."""
    link_line = _the_link_line(block.details)
    name, _, parent = block.header["name"].rpartition("@")
    words = block.header["words"].split()
    address = link_line["words"].split()[:1]
    kind = _kind(block.details)
    details = {detail["detail"]: detail["words"] for detail in reversed(block.details[1:])}
    ports = [word.removesuffix("_slave") for word in details if word.endswith("_slave")]
    mtu = _after("mtu", words)
    return Link(
        index=number(block.header["index"]),
        name=name or parent,
        parent=parent if name else None,
        flags=tuple(flag for flag in block.header["flags"].split(",") if flag),
        mtu=None if mtu is None else number(mtu),
        state=_after("state", words),
        master=_after("master", words),
        link_type=link_line["link_type"],
        mac=address[0].lower() if address and is_mac(address[0]) else None,
        kind=kind,
        port_kind=ports[-1] if ports else None,
        altnames=tuple(
            detail["words"].strip() for detail in block.details[1:] if detail["detail"] == "altname"
        ),
        vxlan=read_vxlan(details["vxlan"]) if kind == "vxlan" else None,
        bridge=read_bridge(details["bridge"]) if kind == "bridge" else None,
        bridge_port=(
            read_bridge_port(details["bridge_slave"]) if "bridge_slave" in details else None
        ),
        vrf_table=read_vrf_table(details["vrf"]) if kind == "vrf" else None,
        vlan=read_vlan(details["vlan"]) if kind == "vlan" else None,
        macvlan=read_macvlan(details[kind]) if kind in _ABOVE_OTHERS else None,
        text="\n".join(block.lines),
    )


def _the_link_line(details: Sequence[Match]) -> Match:
    """The `link/` line: the first below its header, and the only one.

    Without it the header was cut off from its details; with a second one, a header is missing.
    """
    if not details or "link_type" not in details[0]:
        raise ValueError("a header without its link/ line")
    if any("link_type" in detail for detail in details[1:]):
        raise ValueError("two link/ lines under one header")
    return details[0]


def _kind(details: Sequence[Match]) -> str | None:
    """The device's kind: the first word below the `link/` line, unless it is something else."""
    word = details[1]["detail"] if len(details) > 1 else ""
    if word in _NOT_A_KIND or word.endswith("_slave") or not _KIND.fullmatch(word):
        return None
    return word


def _after(keyword: str, words: Sequence[str]) -> str | None:
    """The word behind the first `keyword`. Raises ValueError when the line ends there."""
    if keyword not in words:
        return None
    position = words.index(keyword) + 1
    if position == len(words):
        raise ValueError(f"{keyword} without a value")
    return words[position]
