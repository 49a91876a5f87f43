"""FRR configuration as a set of statements, so that meaning is compared and not text.

A statement is the tuple of the blocks that it stands in and itself:
`("router bgp 1234", "address-family l2vpn evpn", "advertise-all-vni")`. Order does not count: what
depends on it (prefix-lists, route-maps) carries sequence numbers. Checked against
`show running-config` of FRR 8.4.4 and 10.3 for the rendered files of every topology.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    Statement = tuple[str, ...]
    Topic = tuple[object, ...]

# What FRR says by itself, whatever it was told, and what it does not print back.
_NOISE = re.compile(
    r"Building configuration\.\.\.|Current configuration:|frr (version|defaults) .*"
    r"|hostname .*|(no )?log .*|(no )?service .*|(no )?ip(v6)? forwarding|line vty"
    r"|exit|exit-.*|end|!.*"
)
# FRR's own defaults, which it accepts and leaves out of its running configuration.
_DEFAULTS = re.compile(r"vrrp \d+ priority 100|bgp listen limit 100")
# A block that says nothing when nothing stands in it: FRR makes each of these by itself too, a
# VRF's BGP instance for its L3VNI.
_EMPTY_BLOCK = re.compile(r"(vrf|interface) \S+|router bgp \d+ vrf \S+")
_VRRP_VERSION = re.compile(r"(vrrp \d+) version 3")

_TOPICS = (
    (re.compile(r"(?:no )?neighbor (\S+)"), "neighbor"),
    (re.compile(r"vrrp (\d+)"), "vrrp"),
    (re.compile(r"(?:no )?bgp (router-id) "), "bgp"),
    (re.compile(r"(advertise-all-vni|default-originate|advertise|rd|route-target)\b"), "bgp"),
    (re.compile(r"(?:ip|ipv6) (route) "), "ip"),
)
_VNI = re.compile(r"vni (\d+)")


def statements(text: str) -> set[Statement]:
    """The statements of a configuration, without what FRR adds, omits or says otherwise."""
    found: set[Statement] = set()
    blocks: list[tuple[int, str]] = []
    for line in text.splitlines():
        word = line.strip()
        if not word or _NOISE.fullmatch(word) or _DEFAULTS.fullmatch(word):
            continue
        indent = len(line) - len(line.lstrip())
        blocks = [block for block in blocks if block[0] < indent]
        blocks.append((indent, _VRRP_VERSION.sub(r"\1", word)))
        found.add(tuple(block for _, block in blocks))
    # A block that holds statements says no more than they do; an empty one may be a statement.
    holding = {statement[:-1] for statement in found}
    return {s for s in found - holding if len(s) > 1 or not _EMPTY_BLOCK.fullmatch(s[0])}


def missing_from(wanted: Collection[Statement], found: Collection[Statement]) -> list[Statement]:
    """The wanted statements that are not there; a block counts as there when anything is in it."""
    blocks = {statement[:depth] for statement in found for depth in range(1, len(statement))}
    return sorted(set(wanted) - set(found) - blocks)


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
    return ("other", *statement)
