"""What a host's interfaces hold beside what the intent derives: the text that keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adopt.hostfiles import INTERFACES, KEPT
from adopt.kept.frr import KeptFrr
from parsers.interfaces import parse_interfaces, passages_beside, statements_beyond, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.host_records import Passage

_HEADER = (
    "# What {host} has in /etc/network/interfaces beside the fabric, as `import` found it.\n"
    "# `plan` shows where it goes. It is yours to edit.\n\n"
)
_CONDONES = "bridge-ports-condone-regex"
_WHY = "# Added by `import`: stock ifupdown2 would take guests off this bridge at each reload."
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\x80-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Kept:
    """What one host keeps: the text of a file beside the intent, and the devices that it is of.

    `why` says why nothing is kept of a file that would need it. `frr` is what FRR and the kernel
    are told beside.
    """

    text: str = ""
    devices: tuple[str, ...] = ()
    why: str = ""
    frr: KeptFrr = field(default_factory=KeptFrr)

    def keys(self, host: str, *, inline: bool = False) -> dict[str, Any]:
        """The keys of the node's entry; `inline`: with the texts instead of their files' names."""
        found: dict[str, Any] = {}
        for key, name, text in self._texts(host):
            found |= {key: text} if inline else {f"{key}_file": name}
        found |= {"daemons_extra": self.frr.daemons} if self.frr.daemons else {}
        return found | ({"sysctl_extra": self.frr.sysctls} if self.frr.sysctls else {})

    def files(self, host: str) -> dict[str, str]:
        """The files that those keys name."""
        return {name: text for _, name, text in self._texts(host)}

    def contents(self, host: str) -> dict[str, tuple[str, ...]]:
        """What is in each file, and among the settings, as words for people."""
        found = {f"kept/{host}.interfaces": (", ".join(self.devices),)} if self.devices else {}
        return found | {f"kept/{host}.frr.conf": self.frr.statements, host: self.frr.settings}

    def _texts(self, host: str) -> list[tuple[str, str, str]]:
        texts = (
            ("interfaces_extra", f"kept/{host}.interfaces", self.text),
            ("frr_extra", f"kept/{host}.frr.conf", self.frr.text),
        )
        return [it for it in texts if it[2]]


def kept_of(
    host: str, texts: Mapping[str, str], rendered: Mapping[str, str], guest_ports: str
) -> Kept:
    """What of a host's own file (and of what we kept there before) the rendered one lacks.

    Nothing where the intent does not write that file. Bridges get the guests' ports condoned.
    """
    if INTERFACES not in rendered:
        return Kept()
    said = [texts[path] for path in (INTERFACES, KEPT) if path in texts]
    ours = rendered[INTERFACES]
    own = {stanza.name for stanza in parse_interfaces(ours).stanzas}
    parts = [_with_guests(part, guest_ports) for part in passages_beside(said, own)]
    more: dict[str, list[str]] = {}
    for text in said:
        for one in statements_beyond(text, [ours]):
            if one.device in own:
                more.setdefault(one.device, []).append(f"        {one.key} {one.value}".rstrip())
    stanzas = ["\n".join([f"iface {name}", *lines]) for name, lines in more.items()]
    text = "\n\n".join(filter(None, (written(parts), *stanzas)))
    if not text:
        return Kept()
    if any(line.startswith(("%", "<")) for it in said for _, line in parse_interfaces(it).strange):
        return Kept(why="it is a Mako template, which ifupdown2 alone can run")
    if _UNPRINTABLE.search(text):
        return Kept(why="it holds control characters")
    beside = {part.names[0] for part in parts if part.keyword in {"iface", "vlan"}}
    return Kept(f"{_HEADER.format(host=host)}{text}\n", (*sorted(beside), *more))


def _with_guests(part: Passage, guest_ports: str) -> Passage:
    """A stanza of a bridge as it is, and with the names of ports that a reload leaves on it."""
    lines = list(part.lines)
    said = {line.split()[0].replace("_", "-"): line for line in lines if line.split()}
    ports = said.get("bridge-ports", "").split()[1:]
    if part.keyword != "iface" or "bridge-ports" not in said or _CONDONES in said:
        return part
    if ports[:1] in (["glob"], ["regex"]):
        return part
    indent = said["bridge-ports"][: len(said["bridge-ports"]) - len(said["bridge-ports"].lstrip())]
    at = lines.index(said["bridge-ports"]) + 1
    lines[at:at] = [f"{indent}{_WHY}", f"{indent}{_CONDONES} {guest_ports}"]
    return replace(part, lines=tuple(lines))
