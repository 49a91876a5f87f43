"""Interfaces files of ifupdown2, whole or as `grep` found lines of several."""

from __future__ import annotations

import ipaddress
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.host_records import (
    DeviceStatement,
    InterfacesFile,
    Passage,
    Stanza,
    StatementElsewhere,
)
from parsers._text import split_lines, unaccounted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_DEVICES = frozenset({"iface", "vlan"})
_SOURCES = frozenset({"source", "source-directory"})
# Of ifupdown, without meaning for what we compare.
_OTHERS = frozenset({"mapping", "template", "no-auto-down", "no-scripts", "rename"})
_BEGINS = _DEVICES | _SOURCES | _OTHERS | {"auto"}
_FOLDER = "/etc/network"
_COMMANDS = frozenset({"up", "down", "pre-up", "post-up", "pre-down", "post-down"})
# What a device may have several of.
_SEVERAL = _COMMANDS | {"address", "gateway"}
_MOVING = frozenset({"address", "gateway"})
_OF_ADDRESS = frozenset({"netmask", "broadcast", "network"})
# What ifupdown2 does anyway.
_SILENT = frozenset({("bridge-maxwait", "0"), ("bridge-waitport", "0"), ("bridge-ports", "none")})
# What the intent says of every device of its kind, by saying it or by leaving it out.
_DERIVED = frozenset(
    {
        "arp-accept", "bridge-arp-nd-suppress", "bridge-fd", "bridge-learning",
        "bridge-multicast-flood", "bridge-ports", "bridge-stp", "bridge-unicast-flood",
        "ip-forward", "ip6-forward", "vrf", "vrf-table",
    }
)  # fmt: skip


def parse_interfaces(text: str) -> InterfacesFile:
    """An interfaces file: its stanzas, the names that start by themselves, the files it reads.

    Never raises: a line that stands in no stanza and begins none is kept in `strange` (Mako's `%`
    lines are such: what they mean is ifupdown2's to say). A person's file is not ours to refuse.
    """
    reader = _Reader()
    for number, line in _logical_lines(text):
        reader.read(number, line)
    return InterfacesFile(
        stanzas=tuple(stanza.done() for stanza in reader.stanzas if stanza.kept),
        auto=tuple(name for _, name in reader.auto),
        sources=tuple(reader.sources),
        strange=tuple(reader.strange),
        starts=tuple(reader.auto),
    )


def parse_statements_elsewhere(text: str) -> tuple[StatementElsewhere, ...]:
    """What `grep -EH` printed of `iface` and `source` lines: `path:line`. Raises ParseError."""
    lines = split_lines(text)
    found = []
    strange = []
    for line in lines:
        path, colon, statement = line.partition(":")
        words = statement.split()
        if colon and len(words) > 1:
            found.append(StatementElsewhere(path, words[0], words[1]))
        else:
            strange.append(line)
    if strange:
        raise unaccounted(
            "grep of the interfaces files", f"{len(found)} of {len(lines)} lines read", strange
        )
    return tuple(found)


def passages(text: str) -> tuple[Passage, ...]:
    """The parts of an interfaces file as they are written; a comment that stands alone is in none.

    A comment belongs to what stands right below it, else to what stands right above. Never raises.
    """
    found: list[Passage] = []
    above: list[str] = []
    touches = open_ended = False
    for line in text.removeprefix("\ufeff").split("\n"):
        words = line.split()
        continues, open_ended = open_ended, line.rstrip().endswith("\\")
        if not words:
            if found and touches:
                found[-1] = _longer(found[-1], above)
            above, touches = [], False
        elif words[0].startswith("#") and not continues:
            above.append(line)
        elif not continues and (words[0] in _BEGINS or words[0].startswith("allow-")):
            names = words[1:2] if words[0] in _DEVICES else words[1:]
            found.append(Passage(words[0], tuple(names), (*above, line), len(above)))
            above, touches = [], True
        else:
            if found:
                found[-1] = _longer(found[-1], [*above, line])
            above, touches = [], True
    if found and touches:
        found[-1] = _longer(found[-1], above)
    return tuple(found)


def _longer(passage: Passage, lines: Sequence[str]) -> Passage:
    if passage.keyword not in _DEVICES | _OTHERS:
        return passage
    return Passage(passage.keyword, passage.names, (*passage.lines, *lines), passage.at)


def is_read_already(pattern: str) -> bool:
    """True for a `source` of what our own file sources: the files of /etc/network/interfaces.d."""
    path = posixpath.normpath(posixpath.join(_FOLDER, pattern))
    return f"{_FOLDER}/interfaces.d" in (path, posixpath.dirname(path))


def passages_beside(texts: Iterable[str], ours: Collection[str]) -> tuple[Passage, ...]:
    """What interfaces texts say of devices that are not `ours`, and which other files they read."""
    every = (passage for text in texts for passage in passages(text))
    return tuple(found for passage in every if (found := _beside(passage, ours)) is not None)


def _beside(passage: Passage, ours: Collection[str]) -> Passage | None:
    if passage.keyword in _SOURCES:
        # Seen from another folder it would be another file.
        names = [posixpath.join(_FOLDER, n) for n in passage.names if not is_read_already(n)]
    else:
        names = [name for name in passage.names if name.partition(":")[0] not in ours]
    if not names:
        return None
    if names == list(passage.names) or passage.keyword in _DEVICES:
        return passage
    lines = list(passage.lines)
    lines[passage.at] = " ".join([passage.keyword, *names])
    return Passage(passage.keyword, tuple(names), tuple(lines), passage.at)


def written(parts: Iterable[Passage]) -> str:
    """Passages as the text of an interfaces file, with an empty line behind each stanza."""
    said: list[str] = []
    for part in parts:
        starts = part.keyword == "auto" or part.keyword.startswith("allow-")
        said += [*(line.rstrip() for line in part.lines), *([] if starts else [""])]
    return "\n".join(said).rstrip("\n")


def lines_added(texts: Iterable[str], name: str) -> tuple[str, ...]:
    """The lines that interfaces texts hold in the stanzas of one device."""
    stanzas = (stanza for text in texts for stanza in parse_interfaces(text).stanzas)
    return tuple(
        f"{key} {value}".rstrip()
        for stanza in stanzas
        if stanza.name.partition(":")[0] == name
        for key, value in stanza.options
    )


def statements_beyond(
    text: str, ours: Sequence[str], others: Sequence[str] = ()
) -> tuple[DeviceStatement, ...]:
    """The statements of an interfaces file that would be gone with it, in its order.

    Those that neither our own texts nor the `others` hold. Of a device of ours what the intent
    says of every such device does not count: its value is what it then says. An address or a
    gateway may move to another device. A device that is in none of the texts is one statement.
    """
    known = _Known([*ours, *others])
    own = {stanza.name for said in ours for stanza in parse_interfaces(said).stanzas}
    file = parse_interfaces(text)
    found = [DeviceStatement("", "", line, number) for number, line in file.strange]
    found = [one for one in found if one.value not in known.strange]
    for passage in passages(text):
        if passage.keyword in _SOURCES:
            found += [
                DeviceStatement("", passage.keyword, name, _line_of(text, name))
                for name in passage.names
                if not is_read_already(name) and name not in known.sources
            ]
    for stanza in file.stanzas:
        name = stanza.name.partition(":")[0]
        if name not in known.devices:
            found.append(DeviceStatement(name, "iface", name, stanza.line))
            continue
        found += [
            DeviceStatement(name, key, value, line)
            for key, value, line in _statements(stanza)
            if not known.holds(name, key, value)
            and not (name in own and _is_derived(name, key, value))
        ]
    first = {(one.device, one.key, one.value): one for one in reversed(found)}
    return tuple(sorted(first.values(), key=lambda one: (one.line, one.key, one.value)))


class _Known:
    """What several interfaces texts say, by device."""

    def __init__(self, texts: Iterable[str]) -> None:
        files = [parse_interfaces(text) for text in texts]
        self.strange = {line for file in files for _, line in file.strange}
        self.sources = {
            name for file in files for s in file.sources for name in (s, posixpath.basename(s))
        }
        self.devices: dict[str, dict[str, set[str]]] = {}
        for stanza in (stanza for file in files for stanza in file.stanzas):
            keys = self.devices.setdefault(stanza.name.partition(":")[0], {})
            for key, value, _ in _statements(stanza):
                keys.setdefault(key, set()).add(value)

    def holds(self, device: str, key: str, value: str) -> bool:
        """True where the statement is there, or the device has another value for it."""
        if key in _MOVING and any(value in keys.get(key, ()) for keys in self.devices.values()):
            return True
        said = self.devices[device].get(key)
        return said is not None and (key not in _SEVERAL or value in said)


def _statements(stanza: Stanza) -> Iterator[tuple[str, str, int]]:
    """Its lines with keys as ifupdown2 reads them, and each address with its length."""
    pairs = [
        (key.replace("_", "-"), " ".join(value.split()), line)
        for (key, value), line in zip(stanza.options, stanza.lines, strict=True)
    ]
    for at, (key, value, line) in enumerate(pairs):
        if key in _OF_ADDRESS or (key, value) in _SILENT:
            continue
        if key == "address" and "/" not in value:
            mask = next((v for k, v, _ in pairs[at + 1 :] if k in ("netmask", "address")), "")
            with_length = f"{value}/{mask}" if mask else value
            try:
                yield key, str(ipaddress.ip_interface(with_length)), line
            except ValueError:
                yield key, value, line
            continue
        yield key, value, line


def _is_derived(name: str, key: str, value: str) -> bool:
    """True for what the intent alone says of a device of ours, whether it says it or not."""
    if key in _COMMANDS:
        words = value.split()
        makes = "vxlan" in words or words[:3] in (
            ["bridge", "fdb", "append"],
            ["ip", "link", "del"],
        )
        return "unreachable" in words or (name in words and makes)
    return key.startswith("vxlan-") or key in _DERIVED


def _line_of(text: str, word: str) -> int:
    lines = enumerate(text.split("\n"), start=1)
    return next((number for number, line in lines if word in line.split()[1:]), 1)


@dataclass(slots=True)
class _Open:
    """A stanza in the making; one that is not `kept` only takes the lines below it."""

    name: str = ""
    family: str | None = None
    method: str | None = None
    options: list[tuple[str, str]] = field(default_factory=list)
    line: int = 0
    lines: list[int] = field(default_factory=list)
    kept: bool = True

    def done(self) -> Stanza:
        return Stanza(
            self.name,
            self.family,
            self.method,
            tuple(self.options),
            self.line,
            tuple(self.lines),
        )


class _Reader:
    """Follows a file line by line; `strange` gathers what fits nowhere, with its number."""

    def __init__(self) -> None:
        self.stanzas: list[_Open] = []
        self.auto: list[tuple[int, str]] = []
        self.sources: list[str] = []
        self.strange: list[tuple[int, str]] = []
        self._current: _Open | None = None

    def read(self, number: int, line: str) -> None:
        keyword, *rest = line.split()
        if keyword in _DEVICES and rest:
            name, family, method = (*rest, None, None)[:3]
            self._begin(_Open(str(name), family, method, line=number))
        elif (keyword == "auto" or keyword.startswith("allow-")) and rest:
            self._current = None
            if keyword in {"auto", "allow-auto", "allow-hotplug"}:
                self.auto += [(number, name) for name in rest]
        elif keyword in _SOURCES and rest:
            self._current = None
            self.sources += rest
        elif keyword in _OTHERS and rest:
            self._begin(_Open(kept=False))
        elif keyword.startswith(("%", "<")) or self._current is None:
            self.strange.append((number, line))
        else:
            value = line[len(keyword) :].strip()
            self._current.options.append((keyword, value))
            self._current.lines.append(number)

    def _begin(self, stanza: _Open) -> None:
        self._current = stanza
        self.stanzas.append(stanza)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line that says something, with its number; one that ends in a backslash goes on."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        word = line.strip()
        if not parts:
            first = number
            if word.startswith("#"):
                continue
        if word.endswith("\\"):
            parts.append(word[:-1].rstrip())
            continue
        whole = " ".join([*parts, word]).strip()
        parts = []
        if whole:
            yield first, whole
    if whole := " ".join(parts).strip():
        yield first, whole
