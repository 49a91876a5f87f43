"""FRR's statements compared: which are missing, and what a differing one is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from overlay.host_records import Statement

    Topic = tuple[object, ...]

_TOPICS = (
    (re.compile(r"(?:no )?neighbor (\S+)"), "neighbor"),
    (re.compile(r"vrrp (\d+)"), "vrrp"),
    (re.compile(r"(?:no )?bgp (router-id) "), "bgp"),
    (
        re.compile(
            r"(advertise-all-vni|default-originate|advertise|dup-addr-detection|rd|route-target)\b"
        ),
        "bgp",
    ),
    (re.compile(r"(?:ip|ipv6) (route) "), "ip"),
)
_IGPS = ("router ospf", "router isis", "router openfabric")
_FILTER = re.compile(r"neighbor (\S+) (?:route-map|prefix-list|filter-list) (\S+) (?:in|out)")
_DEFINED = re.compile(r"(?:route-map|(?:ip |ipv6 )?prefix-list|bgp as-path access-list) (\S+)")
_VNI = re.compile(r"vni (\d+)")


def missing_from(wanted: Collection[Statement], found: Collection[Statement]) -> list[Statement]:
    """The wanted statements that are not there; a block counts as there when anything is in it."""
    blocks = {statement[:depth] for statement in found for depth in range(1, len(statement))}
    return sorted(set(wanted) - set(found) - blocks)


def topics_of(
    differing: Collection[Statement], elsewhere: Collection[Statement]
) -> frozenset[Topic]:
    """What differing statements are about; a filter of one neighbour is about that neighbour."""
    filters: dict[str, set[Topic]] = {}
    for statement in differing:
        used = _FILTER.fullmatch(statement[-1])
        if used is not None:
            filters.setdefault(used[2], set()).add(("neighbor", used[1]))
    topics: set[Topic] = set()
    for statement in differing:
        defined = _DEFINED.match(statement[0])
        users = filters.get(defined[1], set()) if defined else set()
        topics |= users or {topic_of(statement, elsewhere)}
    return frozenset(topics)


def topic_of(statement: Statement, elsewhere: Collection[Statement]) -> Topic:
    """What a differing statement is about; a whole BGP instance that `elsewhere` lacks is one."""
    block, word = statement[0], statement[-1]
    # The main instance counts: FRR makes that of a VRF by itself, and what is typed there is news.
    main = block.partition(" vrf ")[0]
    if main.startswith("router bgp ") and all(other[0] != main for other in elsewhere):
        return ("instance",)
    for part in statement[1:]:
        vni = _VNI.fullmatch(part)
        if vni is not None:
            return ("vni", int(vni[1]))
    for pattern, name in _TOPICS:
        match = pattern.match(word)
        if match is not None:
            return (name, match[1])
    if block.startswith("interface "):
        return ("interface", block.removeprefix("interface "))
    if block.startswith(_IGPS):
        return ("igp",)
    return ("other", *statement)
