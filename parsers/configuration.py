"""FRR's configuration, from its file or as it runs, its daemons file, and the kernel's settings.

FRR's is a set of statements, so that meaning is compared and not text: order does not count, since
what depends on it (prefix-lists, route-maps) carries sequence numbers. Checked against `show
running-config` of FRR 8.4.4 and 10.3 for the rendered files of every topology.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from overlay.errors import ParseError
from parsers._text import quoted, split_lines, unaccounted
from parsers.frr import read_frr_config, ungrouped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.host_records import FrrLine, Statement

RUNNING = "show running-config"
SETTINGS = "sysctl"

# What FRR says by itself, whatever it was told, and what it does not print back.
_NOISE = re.compile(
    r"Building configuration\.\.\.|Current configuration:|frr (version|defaults) .*"
    r"|hostname .*|(no )?log .*|(no )?service .*|(no )?ip(v6)? forwarding|line vty"
    r"|exit|exit-.*|end|!.*"
)
# What a package's own frr.conf holds, and what FRR writes down by itself. Other statements of
# logging and services are somebody's choice.
_FACTORY = re.compile(
    r"Building configuration\.\.\.|Current configuration:|frr (version|defaults) .*|hostname .*"
    r"|log syslog( informational)?|(no )?service integrated-vtysh-config"
    r"|(no )?ip(v6)? forwarding|line vty|exit-.*"
)
# FRR's own defaults, which it accepts and leaves out of its running configuration; and what 10.7
# writes of each BGP instance by itself with `frr defaults datacenter` of an older version.
_DEFAULTS = re.compile(r"vrrp \d+ priority 100|bgp listen limit 100|use-underlays-nexthop-weight")
# An entry without a number, which FRR gives it: the next multiple of five in its list.
_ENTRY = re.compile(
    r"(?P<list>(ipv6 )?access-list \S+|ip(v6)? prefix-list \S+)( seq (?P<number>\d+))?"
    r"(?P<rest> (permit|deny) .*)"
)
# A block that says nothing when nothing stands in it: FRR makes each of these by itself too, a
# VRF's BGP instance for its L3VNI.
_EMPTY_BLOCK = re.compile(r"(vrf|interface) \S+|router bgp \d+ vrf \S+|bfd")
_VRRP_VERSION = re.compile(r"(vrrp \d+) version 3")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*")


def parse_running_config(text: str) -> frozenset[Statement]:
    """The statements of `show running-config`.

    Raises ParseError unless it begins and ends as FRR's does: one that was cut off would look like
    a configuration in which much is missing.
    """
    lines = [line.strip() for line in split_lines(text)]
    if "Current configuration:" not in lines:
        first = quoted(lines[0]) if lines else "no output"
        raise ParseError(
            f"{RUNNING}: no line `Current configuration:`: {first}",
            "run it on the host as root: it needs vtysh and a running FRR",
            tuple(lines[:1]),
        )
    if lines[-1] != "end":
        raise ParseError(
            f"{RUNNING}: it does not end in `end`: the text was cut off at {quoted(lines[-1])}",
            "collect the output again",
            (lines[-1],),
        )
    return parse_frr_config(text)


def parse_frr_config(text: str) -> frozenset[Statement]:
    """The statements of a frr.conf, without what FRR adds, omits or says otherwise.

    A statement is the blocks that it stands in and itself:
    `("router bgp 1234", "address-family l2vpn evpn", "advertise-all-vni")`.
    """
    return frozenset(_statements(read_frr_config(text), _NOISE))


def plain_statements(text: str) -> dict[Statement, int]:
    """The same, each with its (last) line, from 1, and without peer-groups (`ungrouped`)."""
    return _statements(ungrouped(read_frr_config(text)), _NOISE)


def chosen_statements(text: str) -> dict[Statement, int]:
    """The statements of a frr.conf that somebody chose, each with its (last) line, from 1.

    Without what FRR and its package write by themselves; otherwise as `plain_statements` has them.
    """
    return _statements(ungrouped(read_frr_config(text)), _FACTORY)


def _statements(lines: Iterable[FrrLine], noise: re.Pattern[str]) -> dict[Statement, int]:
    found: dict[Statement, int] = {}
    numbers: Counter[str] = Counter()
    for line in lines:
        if noise.fullmatch(line.statement[-1]) or _DEFAULTS.fullmatch(line.statement[-1]):
            continue
        last = _VRRP_VERSION.sub(r"\1", line.statement[-1])
        if not line.blocks and (entry := _ENTRY.fullmatch(last)):
            number = int(entry["number"] or numbers[entry["list"]] // 5 * 5 + 5)
            numbers[entry["list"]] = max(number, numbers[entry["list"]])
            last = f"{entry['list']} seq {number}{entry['rest']}"
        found[(*line.blocks, last)] = line.line
    # A block that holds statements says no more than they do; an empty one may be a statement.
    holding = {statement[:-1] for statement in found}
    return {
        statement: line
        for statement, line in found.items()
        if statement not in holding
        and (len(statement) > 1 or not _EMPTY_BLOCK.fullmatch(statement[0]))
    }


def configured_peers(frr_conf: str) -> frozenset[str]:
    """The neighbours that a frr.conf names by address."""
    rows = (line.split() for line in frr_conf.splitlines())
    named = {row[1] for row in rows if row[:1] == ["neighbor"] and row[2:3] == ["remote-as"]}
    return frozenset(name for name in named if _ADDRESS.fullmatch(name))


def lines_on_peer(peer: str, frr_conf: str) -> frozenset[str]:
    """The lines of a frr.conf that shape the session with `peer`: its own, its group's, the AS."""
    lines = set()
    for line in frr_conf.splitlines():
        words = [*line.split(), "", ""]
        general = words[:2] in (["router", "bgp"], ["bgp", "listen"])
        theirs = words[0] == "neighbor" and (words[1] == peer or not _ADDRESS.fullmatch(words[1]))
        if general or theirs:
            lines.add(line.strip())
    return frozenset(lines)


def parse_sysctl(text: str) -> dict[str, str]:
    """The settings of `sysctl KEY …` (`key = value`), runs of blanks in a value as one.

    A key that the kernel does not have is not printed. Raises ParseError for any other line.
    """
    lines = split_lines(text)
    found: dict[str, str] = {}
    strange = []
    for line in lines:
        key, equals, value = line.partition("=")
        name = key.strip()
        if not equals or not name or " " in name or name in found:
            strange.append(line)
        else:
            found[name] = " ".join(value.split())
    if strange:
        raise unaccounted(SETTINGS, f"{len(found)} of {len(lines)} settings read", strange)
    return found


_ASSIGNED = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")


def daemon_settings(text: str) -> dict[str, tuple[str, int]]:
    """What a daemons file assigns, by variable: the value, and its line, from 1; the last counts.

    Runs of blanks in a value are one. Never raises: what is not an assignment is left out.
    """
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        assigned = _ASSIGNED.match(line)
        if assigned is None:
            continue
        try:
            words = shlex.split(assigned[2], comments=True)
        except ValueError:  # a quote that is not closed
            words = [assigned[2]]
        found[assigned[1]] = (" ".join(" ".join(words).split()), number)
    return found


# Those that run whatever the file says, and what FRR's package starts its daemons with.
_ALWAYS_ON = frozenset({"zebra", "staticd", "mgmtd", "watchfrr"})
_PACKAGED_OPTIONS = frozenset({"--daemon", "-A", "127.0.0.1", "::1", "-s", "90000000"})


def is_packaged(key: str, value: str) -> bool:
    """True for a setting that FRR's package has by itself, or that makes no difference."""
    if key.endswith("_options"):
        return set(value.split()) <= _PACKAGED_OPTIONS
    return value == "no" or (value == "yes" and key in _ALWAYS_ON | {"vtysh_enable"})


def sysctl_settings(text: str) -> dict[str, tuple[str, int]]:
    """What a file of sysctl.d sets, by key: the value, and its line, from 1; the last counts."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            found[key.strip().removeprefix("-").strip()] = (" ".join(value.split()), number)
    return found
