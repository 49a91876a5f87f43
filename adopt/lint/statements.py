"""Rules about single statements: comments that are none, spellings, placeholders, dead daemons."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from adopt.hostfiles import FRR_CONF
from adopt.lint.attributes import COMMANDS, KNOWN
from adopt.lint.finding import Finding, Level, at
from overlay.problems import nearest
from overlay.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.devices import Attribute, Device
    from adopt.hostfiles import Host

# Debian's own tools have written these with underscores for twenty years.
_CLASSIC = ("bridge_", "bond_", "vlan_", "ovs_", "mstpctl_")
_TRAILING = re.compile(r"(^|\s)#")
_PLACEHOLDER = re.compile(r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.[a-zA-Z](?![\w.])")
_FREE_TEXT = frozenset({"description", "banner", "remark", "hostname", "password", "!"})


def trailing_comments(hosts: Sequence[Host]) -> Iterator[Finding]:
    """`#` begins a comment at the beginning of a line only, for ifupdown2 and for FRR."""
    for host in hosts:
        by_key: dict[tuple[str, str], list[Attribute]] = defaultdict(list)
        for device in host.devices.values():
            for attribute in device.attributes:
                if attribute.key not in COMMANDS and _TRAILING.search(attribute.value):
                    by_key[attribute.file, attribute.written].append(attribute)
        for (_, key), attributes in by_key.items():
            yield at(
                "comment-behind-statement",
                host,
                attributes,
                f"`#` behind `{key}` begins no comment: ifupdown2 takes it as part of the value",
                "put the comment on a line of its own",
            )
        for line in host.frr:
            if _TRAILING.search(line.statement[-1]) and not _FREE_TEXT & set(line.words):
                yield Finding(
                    "comment-behind-statement",
                    Level.ERROR,
                    host.name,
                    FRR_CONF,
                    line.line,
                    f"`#` behind `{redact(line.statement[-1]).partition(' #')[0]}` begins no "
                    "comment: FRR refuses the statement",
                    "put the comment on a line of its own",
                )


def spellings(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Attributes that are not written as ifupdown2 documents them, or that it does not know."""
    for host in hosts:
        by_key: dict[tuple[str, str], list[Attribute]] = defaultdict(list)
        for device in host.devices.values():
            for attribute in device.attributes:
                by_key[attribute.file, attribute.written].append(attribute)
        for (_, written), attributes in by_key.items():
            key = attributes[0].key
            meant = nearest(key, KNOWN) if key not in KNOWN and "-" in key else None
            if "_" in written and not written.startswith(_CLASSIC) and key in KNOWN:
                yield at(
                    "attribute-spelling",
                    host,
                    attributes,
                    f"`{written}` is not the name of the attribute",
                    f"write `{key}`",
                    Level.WARNING,
                )
            elif meant:
                yield at(
                    "attribute-unknown",
                    host,
                    attributes,
                    f"ifupdown2 knows no attribute `{written}`, and leaves it out",
                    f"did you mean `{meant}`?",
                )


def placeholders(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Addresses that somebody was to fill in: `192.168.0.x`."""
    for host in hosts:
        for file, text in sorted(host.texts.items()):
            for number, line in enumerate(text.splitlines(), start=1):
                if line.lstrip().startswith(("#", "!")):
                    continue
                if found := _PLACEHOLDER.search(line):
                    yield Finding(
                        "address-placeholder",
                        Level.ERROR,
                        host.name,
                        file,
                        number,
                        f"{found.group()} is not an address",
                        "write this host's own address",
                    )


def floating_addresses(hosts: Sequence[Host]) -> Iterator[Finding]:
    """`vrrp-id` and its like start a daemon that Debian does not have any more."""
    groups: dict[str, dict[str, int]] = defaultdict(dict)
    found: list[tuple[Host, Device, tuple[Attribute, ...]]] = []
    for host in hosts:
        for device in host.devices.values():
            attributes = device.all("vrrp-id", "vrrp-priority", "vrrp-virtual-ip")
            if attributes:
                found.append((host, device, attributes))
                priority = device.number("vrrp-priority")
                groups[device.word("vrrp-id") or "?"][host.name] = (
                    100 if priority is None else priority
                )
    for host, device, attributes in found:
        group = device.word("vrrp-id") or "?"
        order = sorted(groups[group].items(), key=lambda item: -item[1])
        said = ", then ".join(f"{name} ({priority})" for name, priority in order)
        address = device.word("vrrp-virtual-ip") or "ADDRESS"
        yield at(
            "vrrpd-is-gone",
            host,
            attributes,
            f"`vrrp-…` needs the daemon vrrpd, which no Debian has any more: {address} is on no "
            f"host. The higher priority is the master: {said}",
            f"write `vrrp {group} {address}/LENGTH` here, and in frr.conf `interface "
            f"{device.name}` with `vrrp {group} priority N` and `vrrp {group} ip {address}`; "
            "vrrpd=yes in daemons",
        )


RULES = (trailing_comments, spellings, placeholders, floating_addresses)
