"""What becomes of a kind of packets in a chain of a packet filter, as far as its rules tell."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from overlay.records import PacketChain, PacketRule, PacketTest

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DROPS = frozenset({"drop", "reject"})
_CALLS = frozenset({"jump", "goto"})
# nftables does not print that a packet must be of the protocol whose field is asked for.
_ABOVE = {
    **dict.fromkeys(("tcp", "udp", "icmp", "sctp", "dccp", "udplite", "esp", "ah"), "meta l4proto"),
    "icmpv6": "meta l4proto",
    **dict.fromkeys(("ip", "ip6", "arp"), "meta protocol"),
}
_CALLED = {"icmpv6": "ipv6-icmp"}


class Takes(IntEnum):
    """How many of the packets a rule takes; of several tests the least counts."""

    NONE = 0
    UNKNOWN = 1
    SOME = 2
    ALL = 3


class Fate(IntEnum):
    """What becomes of the packets; the gravest is the lowest.

    `UNSURE` ones are dropped at the end of the chain, if no rule before it lets them pass that
    was not understood.
    """

    DROPPED = 0
    SOME_DROPPED = 1
    UNSURE = 2
    PASSED = 3


@dataclass(frozen=True)
class Packets:
    """Packets that an overlay lives on: what is said of them, and what is known of their fields.

    A field's values are those that occur among them, of an address the networks that it is in. A
    field that nothing is known of is not in it, and one of another protocol has no values. `vital`
    says that to lose a part of them is as bad as to lose all.
    """

    what: str
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    networks: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    vital: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A fate, and the rule that decides it, if it is one and not the chain's policy."""

    fate: Fate
    rule: PacketRule | None = None


@dataclass(slots=True)
class _Way:
    """What is known so far of packets on their way: whether some may have left it, or were lost."""

    sure: bool = True
    lost_some: PacketRule | None = None


class _End(IntEnum):
    DROPPED = 0
    ACCEPTED = 1
    FELL_THROUGH = 2


def walk(chain: PacketChain, chains: Mapping[str, PacketChain], packets: Packets) -> Verdict:
    """The fate of packets in a base chain; `chains` are those of its table by name."""
    way = _Way()
    end, rule = _go(chain.rules, chains, packets, way, depth=0)
    if end is _End.FELL_THROUGH and chain.policy in _DROPS:
        end = _End.DROPPED
    if end is _End.DROPPED:
        return Verdict(Fate.DROPPED if way.sure else Fate.UNSURE, rule)
    if way.lost_some is not None:
        return Verdict(Fate.SOME_DROPPED, way.lost_some)
    return Verdict(Fate.PASSED)


def _go(
    rules: Iterable[PacketRule],
    chains: Mapping[str, PacketChain],
    packets: Packets,
    way: _Way,
    depth: int,
) -> tuple[_End, PacketRule | None]:
    """How the packets leave a chain, and by which rule."""
    for rule in rules:
        if rule.verdict == "continue":
            continue
        takes = min((_takes(test, packets) for test in rule.tests), default=Takes.ALL)
        if takes is Takes.NONE:
            continue
        end, by = _decide(rule, chains, packets, way, depth)
        if takes is Takes.ALL:
            if end is not _End.FELL_THROUGH:
                return end, by
            if rule.verdict in {"goto", "return"}:
                return _End.FELL_THROUGH, None
        elif end is _End.DROPPED:
            if takes is Takes.SOME and way.lost_some is None:
                way.lost_some = by
        elif end is _End.ACCEPTED or rule.verdict in {"goto", "return"}:
            way.sure = False
    return _End.FELL_THROUGH, None


def _decide(
    rule: PacketRule,
    chains: Mapping[str, PacketChain],
    packets: Packets,
    way: _Way,
    depth: int,
) -> tuple[_End, PacketRule | None]:
    """What a rule does with the packets that it takes. A program's own verdict is unknown."""
    if rule.verdict in _DROPS:
        return _End.DROPPED, rule
    if rule.verdict == "accept":
        return _End.ACCEPTED, rule
    if rule.verdict == "queue":
        way.sure = False
        return _End.ACCEPTED, rule
    called = chains.get(rule.target)
    # nftables itself refuses more than 16.
    if rule.verdict not in _CALLS or called is None or depth > 16:
        return _End.FELL_THROUGH, None
    return _go(called.rules, chains, packets, way, depth + 1)


def _takes(test: PacketTest, packets: Packets) -> Takes:
    if not test.field or not _speaks(test.field.partition(" ")[0], packets):
        return Takes.NONE if test.field else Takes.UNKNOWN
    if test.field in packets.networks:
        takes = _of_networks(packets.networks[test.field], test.values)
    elif test.field in packets.fields:
        takes = _of_names(packets.fields[test.field], test.values)
    else:
        return Takes.UNKNOWN
    if not test.differs or takes is Takes.SOME:
        return takes
    return Takes.NONE if takes is Takes.ALL else Takes.ALL


def _speaks(protocol: str, packets: Packets) -> bool:
    """False where none of the packets is of the protocol whose field is asked for."""
    known = packets.fields.get(_ABOVE.get(protocol, ""))
    return known is None or _CALLED.get(protocol, protocol) in known


def _of_names(occur: frozenset[str], asked: tuple[str, ...]) -> Takes:
    """Whole words; a star at the end stands for any more letters, `1-5` for the numbers between."""
    found = [any(_matches(name, pattern) for pattern in asked) for name in occur]
    if not any(found):
        return Takes.NONE
    return Takes.ALL if all(found) else Takes.SOME


def _matches(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    first, dash, last = pattern.partition("-")
    if dash and name.isdecimal() and first.isdecimal() and last.isdecimal():
        return int(first) <= int(name) <= int(last)
    return name == pattern


def _of_networks(occur: tuple[Network, ...], asked: tuple[str, ...]) -> Takes:
    """Whether the prefixes and ranges that are asked for hold the networks, or parts of them."""
    spans = [span for text in asked if (span := _span(text)) is not None]
    if len(spans) < len(asked):
        return Takes.UNKNOWN
    found = []
    for network in occur:
        first, last = int(network.network_address), int(network.broadcast_address)
        same = [(a, b) for version, a, b in spans if version == network.version]
        if any(a <= first and last <= b for a, b in same):
            found.append(Takes.ALL)
        elif any(a <= last and first <= b for a, b in same):
            found.append(Takes.SOME)
        else:
            found.append(Takes.NONE)
    if not found or max(found) is Takes.NONE:
        return Takes.NONE
    return Takes.ALL if min(found) is Takes.ALL else Takes.SOME


def _span(text: str) -> tuple[int, int, int] | None:
    """The version, first and last address of what is asked for; None for another value."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            begin, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
            return begin.version, int(begin), int(end)
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)
