"""The devices of a host as ifupdown2 makes them of its interfaces files."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.host_records import InterfacesFile, Stanza

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def stands_alone(interface: Interface) -> bool:
    """Whether an address is its own network (/32, /128), as on a loopback of a routed underlay."""
    return interface.network.prefixlen == interface.max_prefixlen


def joint_prefix(
    addresses: Iterable[str], own: Interface
) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The longest prefix that holds `own` and all of these addresses that are of its version."""
    found = own.network
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        while address.version == found.version and address not in found:
            found = found.supernet()
    return found


@dataclass(frozen=True, slots=True)
class Attribute:
    """One line of a stanza. `key` is as ifupdown2 reads it (`-` for `_`), `written` as it is."""

    key: str
    value: str
    file: str
    line: int
    written: str

    @property
    def word(self) -> str:
        """The first word of its value."""
        return (self.value.split() or [""])[0]

    @property
    def is_on(self) -> bool:
        return self.word.lower() in {"on", "yes", "1", "true"}


@dataclass(frozen=True)
class Device:
    """A device of a host: the attributes of all its stanzas, in order, as ifupdown2 merges them.

    What is asked of it again and again is worked out once: a host may have thousands.
    """

    name: str
    file: str
    line: int
    attributes: tuple[Attribute, ...] = ()
    auto: bool = False

    def all(self, *keys: str) -> tuple[Attribute, ...]:
        """Its attributes with one of these keys, in order."""
        return tuple(a for a in self.attributes if a.key in keys)

    def first(self, *keys: str) -> Attribute | None:
        return next(iter(self.all(*keys)), None)

    def word(self, *keys: str) -> str | None:
        """The first word of the first such attribute."""
        found = self.first(*keys)
        return found.word if found else None

    def number(self, *keys: str) -> int | None:
        """That word as a number; None where it is not one."""
        word = self.word(*keys) or ""
        return int(word) if word.isascii() and word.isdigit() and len(word) < 12 else None

    @cached_property
    def vni(self) -> int | None:
        return self.number("vxlan-id")

    @property
    def mac(self) -> str | None:
        """Its `hwaddress`, with or without the word `ether` before it."""
        words = [word for a in self.all("hwaddress") for word in a.value.split()]
        return next((word.lower() for word in words if ":" in word), None)

    @cached_property
    def ports(self) -> tuple[str, ...]:
        """The ports of a bridge; `none` is ifupdown's word for no port."""
        words = [word for a in self.all("bridge-ports") for word in a.value.split()]
        return tuple(word for word in words if word != "none")

    @property
    def is_single(self) -> bool:
        """Whether it is a VXLAN device for several VNIs, which VLANs of its bridge map to."""
        return self.first("bridge-vlan-vni-map", "vxlan-external") is not None

    @cached_property
    def kind(self) -> str:
        """vxlan, bridge, vrf, bond, vlan, loopback or plain, by its attributes."""
        keys = {a.key for a in self.attributes}
        for kind, marks in _KINDS:
            if keys & marks:
                return kind
        if self.name == "lo":
            return "loopback"
        return "vlan" if "." in self.name else "plain"

    @cached_property
    def addresses(self) -> tuple[tuple[Interface, Attribute], ...]:
        """Its addresses with their lengths; a `netmask` line belongs to the address above it."""
        found = []
        for index, attribute in enumerate(self.attributes):
            if attribute.key != "address":
                continue
            mask = _netmask(self.attributes[index + 1 :])
            text = attribute.word
            if "/" not in text and mask:
                text = f"{text}/{mask}"
            try:
                found.append((ipaddress.ip_interface(text), attribute))
            except ValueError:
                continue
        return tuple(found)


_KINDS = (
    ("vxlan", frozenset({"vxlan-id", "vxlan-vni"})),
    ("bridge", frozenset({"bridge-ports", "bridge-vlan-aware"})),
    ("vrf", frozenset({"vrf-table"})),
    ("bond", frozenset({"bond-slaves"})),
    ("vlan", frozenset({"vlan-raw-device", "vlan-id"})),
)


def _netmask(following: Iterable[Attribute]) -> str | None:
    for attribute in following:
        if attribute.key == "address":
            return None
        if attribute.key == "netmask":
            return attribute.word
    return None


def devices(files: Iterable[tuple[str, InterfacesFile]]) -> dict[str, Device]:
    """The devices of one host by name, from all its interfaces files in the order they are read.

    Several stanzas of one device are one device. `vxlan2:1` is an alias and belongs to `vxlan2`.
    """
    found: dict[str, list[tuple[str, Stanza]]] = {}
    starting: set[str] = set()
    for path, file in files:
        starting |= set(file.auto)
        for stanza in file.stanzas:
            found.setdefault(stanza.name.partition(":")[0], []).append((path, stanza))
    return {
        name: Device(
            name=name,
            file=stanzas[0][0],
            line=stanzas[0][1].line,
            attributes=tuple(a for path, stanza in stanzas for a in _attributes(path, stanza)),
            auto=name in starting or "all" in starting,
        )
        for name, stanzas in found.items()
    }


def _attributes(path: str, stanza: Stanza) -> Iterator[Attribute]:
    for (key, value), line in zip(stanza.options, stanza.lines, strict=True):
        yield Attribute(key.replace("_", "-"), value, path, line, key)
        if key in _BEFORE:
            yield from _made_by_hand(Attribute(key, value, path, line, key), stanza.name)


# What `ip link add NAME type vxlan` calls the attributes of ifupdown2.
_BY_HAND = {
    "id": "vxlan-id",
    "local": "vxlan-local-tunnelip",
    "group": "vxlan-svcnodeip",
    "dev": "vxlan-physdev",
    "dstport": "vxlan-port",
}
_BEFORE = frozenset({"pre-up", "up", "post-up"})


def _made_by_hand(command: Attribute, name: str) -> Iterator[Attribute]:
    """A VXLAN device that a command makes, as if attributes did: over IPv6 there is no other way.

    ifupdown2 takes IPv4 addresses only for `vxlan-local-tunnelip` and `vxlan-remoteip`.
    """
    words = command.value.split()
    made: list[tuple[str, str]] = []
    start = _behind(words, ["ip", "link", "add", name, "type", "vxlan"])
    if start is not None:
        pairs = list(zip(words[start:], words[start + 1 :], strict=False))
        made = [(_BY_HAND[word], value) for word, value in pairs if word in _BY_HAND]
        made.append(("vxlan-learning", "off" if "nolearning" in words else "on"))
        if "external" in words[start:]:
            made.append(("vxlan-external", "on"))
    elif _behind(words, ["bridge", "fdb", "append", "00:00:00:00:00:00", "dev", name]) is not None:
        made = [("vxlan-remoteip", words[-1])] if words[-2:-1] == ["dst"] else []
    for key, value in made:
        yield Attribute(key, value, command.file, command.line, command.written)


def _behind(words: list[str], wanted: list[str]) -> int | None:
    """The index behind the first run of these words."""
    size = len(wanted)
    starts = range(len(words) - size + 1)
    return next((at + size for at in starts if words[at : at + size] == wanted), None)
