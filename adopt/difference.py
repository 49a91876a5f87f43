"""Two sets of a host's files, statement by statement: what each says that the other does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF, INTERFACES, read_host
from overlay.redaction import redact
from parsers.configuration import plain_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adopt.devices import Device
    from adopt.hostfiles import Host

# What ifupdown2 does where nothing is said, or what says no more than another attribute.
_SILENT = frozenset({("bridge-stp", "off"), ("vxlan-port", "4789"), ("bridge-ports", "none")})
_PART_OF_ADDRESS = frozenset({"netmask", "broadcast", "network"})
_SWITCHES = {"yes": "on", "1": "on", "true": "on", "no": "off", "0": "off", "false": "off"}
_SWITCHED = frozenset(
    {
        "bridge-stp",
        "bridge-learning",
        "bridge-arp-nd-suppress",
        "bridge-unicast-flood",
        "bridge-multicast-flood",
        "bridge-vlan-aware",
        "vxlan-learning",
        "ip-forward",
        "ip6-forward",
        "arp-accept",
    }
)
# One command in two spellings: whether it may be there already makes no difference here.
_ENDS = re.compile(
    r"ip (-6 )?route (?:add|replace) vrf (\S+) unreachable (?:default|0\.0\.0\.0/0|::/0)( .*)?"
)
_COMMANDS = frozenset({"up", "down", "pre-up", "post-up", "pre-down", "post-down"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a host's files as people read it, and where it stands (line 0: unknown)."""

    file: str
    text: str
    line: int = 0

    @property
    def shown(self) -> str:
        """Its text without secrets and control characters."""
        return ascii(redact(self.text))[1:-1]


def difference(
    name: str, found: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[list[Statement], list[Statement]]:
    """What only the found files say, and what only the wanted ones do. Order does not count."""
    ours, theirs = _statements(name, wanted), _statements(name, found)
    lost = [place for key, place in theirs.items() if key not in ours]
    added = [place for key, place in ours.items() if key not in theirs]
    return sorted(lost, key=_order), sorted(added, key=_order)


_COMMENT = re.compile(r"[#!]+\s*\w.*")
_WRITTEN = (INTERFACES, FRR_CONF)


def comments_lost(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[Statement]:
    """The comments of those found files that the wanted ones replace, and do not hold."""
    told = {line.strip() for text in wanted.values() for line in text.splitlines()}
    return [
        Statement(path, line.strip(), number)
        for path in _WRITTEN
        if path in found and path in wanted
        for number, line in enumerate(found[path].splitlines(), start=1)
        if _COMMENT.fullmatch(line.strip()) and line.strip() not in told
    ]


def _order(statement: Statement) -> tuple[str, int, str]:
    return statement.file, statement.line, statement.text


def _statements(name: str, texts: Mapping[str, str]) -> dict[tuple[str, ...], Statement]:
    host = read_host(name, texts)
    found: dict[tuple[str, ...], Statement] = {}
    for device in host.devices.values():
        if device.name != "lo":
            for key, value, file, line in _of_device(device):
                text = f"iface {device.name}: {key} {value}".rstrip()
                found[device.name, key, value] = Statement(file, text, line)
    found |= _of_frr(host)
    for key, value in host.sysctls.items():
        found["sysctl", key, value] = Statement("sysctl", f"{key} = {value}")
    return found


def _of_device(device: Device) -> Iterator[tuple[str, str, str, int]]:
    yield "device", device.kind, device.file, device.line
    if device.auto:
        yield "auto", "", device.file, device.line
    for interface, attribute in device.addresses:
        yield "address", str(interface), attribute.file, attribute.line
    for attribute in device.attributes:
        if attribute.key == "address" or attribute.key in _PART_OF_ADDRESS:
            continue
        if attribute.written in _COMMANDS and attribute.key not in _COMMANDS:
            continue  # it was read out of a command, which is a statement itself
        value = _value(attribute.key, attribute.value)
        if (attribute.key, value) not in _SILENT:
            yield attribute.key, value, attribute.file, attribute.line


def _value(key: str, value: str) -> str:
    """A value in one spelling."""
    words = value.split()
    if key == "hwaddress":
        return next((word.lower() for word in words if ":" in word), value)
    if key == "bridge-ports":
        return " ".join(sorted(words))
    if key in _COMMANDS and (found := _ENDS.match(" ".join(words))):
        family, vrf, more = found[1] or "", found[2], found[3] or ""
        return f"ip {family}route replace vrf {vrf} unreachable default{more}"
    if key in _SWITCHED and len(words) == 1:
        return _SWITCHES.get(words[0].lower(), words[0])
    return " ".join(words)


def _of_frr(host: Host) -> dict[tuple[str, ...], Statement]:
    # What is rendered holds no password: that each side has one is all that is compared.
    text = redact(host.texts.get(FRR_CONF, ""))
    return {
        ("frr", *statement): Statement(FRR_CONF, " / ".join(statement), line)
        for statement, line in plain_statements(text).items()
    }
