"""What a host's FRR and kernel are told beside what the intent derives: what keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from adopt.hostfiles import DAEMONS, FRR_CONF
from overlay.crosscheck.extras import needed_daemons
from overlay.kept.extras import Extras
from overlay.outputs import SYSCTL_FILE
from overlay.redaction import REDACTED, redact
from parsers.configuration import (
    chosen_statements,
    daemon_settings,
    is_packaged,
    sysctl_settings,
)
from parsers.frr import leave_blocks, option_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from overlay.host_records import Statement

_HEADER = (
    "! What {host} has in frr.conf beside what the intent derives, as `import` found it.\n"
    "! It is written behind the derived statements. It is yours to edit.\n"
)
# What stands once in its block, by the words before its value.
_ONCE = (
    "bgp router-id",
    "bgp cluster-id",
    "bgp listen limit",
    "bgp graceful-restart restart-time",
    "bgp graceful-restart stalepath-time",
    "coalesce-time",
    "timers bgp",
    "vni",
    "rd",
    "import vrf route-map",
    "autort as",
    # An interface is routed by one instance of a protocol.
    "ip router isis",
    "ip router openfabric",
    "net",
)
_NAMED = re.compile(r"(route-map|ip prefix-list|ipv6 prefix-list|bgp extcommunity-list \S+) (\S+)")
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\x80-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class KeptFrr:
    """The text of a file for `frr_extra_file`, and settings for `daemons_extra`, `sysctl_extra`.

    `statements` are those of the text, as they stand in reports.
    """

    text: str = ""
    statements: tuple[str, ...] = ()
    daemons: dict[str, str | bool] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many statements and settings there are."""
        return len(self.statements) + len(self.daemons) + len(self.sysctls)

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings, as they stand in reports."""
        said = {name: "yes" if value is True else value for name, value in self.daemons.items()}
        return tuple(f"{name}={value}" for name, value in said.items()) + tuple(
            f"{key} = {value}" for key, value in self.sysctls.items()
        )


def kept_frr_of(host: str, texts: Mapping[str, str], rendered: Mapping[str, str]) -> KeptFrr:
    """What of a host's own files the rendered ones lack, and may stand beside them.

    Left out are secrets, and what would undo a statement that is derived: the import lists them as
    not said by the intent. Kernel settings count where a deployment would replace their file.

    Of a file that we have deployed it is the text as it stands there, which makes the same file.
    """
    found, derived = (redact(files.get(FRR_CONF, "")) for files in (texts, rendered))
    statements = _beside(chosen_statements(found), chosen_statements(derived))
    text = _in_one_piece(found, derived) if statements else ""
    if chosen_statements(text).keys() != set(statements):
        text = _HEADER.format(host=host) + _written(statements)
    return KeptFrr(
        text,
        tuple(" / ".join(statement) for statement in statements),
        _daemons(texts.get(DAEMONS, ""), rendered.get(DAEMONS, ""), text),
        _sysctls(texts.get(SYSCTL_FILE, ""), rendered.get(SYSCTL_FILE, "")),
    )


def _in_one_piece(found: str, derived: str) -> str:
    """The lines of a file that stand together within the derived ones; empty if that is not all."""
    lines, ours = found.splitlines(keepends=True), derived.splitlines(keepends=True)
    before = 0
    while before < min(len(lines), len(ours)) and lines[before] == ours[before]:
        before += 1
    end = len(lines) - (len(ours) - before)
    if not ours or end <= before or lines[end:] != ours[before:]:
        return ""
    # Behind it stands what the template ends each kept text with.
    return "".join(lines[before:end]).removesuffix("!\n")


def _beside(found: Mapping[Statement, int], derived: Mapping[Statement, int]) -> list[Statement]:
    blocks = {one[:depth] for one in derived for depth in range(1, len(one))}
    places = {_place(one) for one in derived}
    names = {match[0] for one in derived if (match := _NAMED.match(one[0]))}
    speaks = {words[1]: words[2] for one in derived if (words := _instance(one))}

    def fits(one: Statement) -> bool:
        words = _instance(one)
        named = _NAMED.match(one[0])
        return not (
            one in derived
            or one in blocks
            or _place(one) in places
            or (named is not None and named[0] in names)
            or (words and speaks.get(words[1], words[2]) != words[2])
            or any(REDACTED in part for part in one)
            or any(_UNPRINTABLE.search(part) for part in one)
        )

    return sorted((one for one in found if fits(one)), key=lambda one: found[one])


def _instance(one: Statement) -> list[str]:
    """The words of `router PROTOCOL NAME` around a statement, of which a node runs one."""
    words = one[0].split()
    single = words[:1] == ["router"] and words[1:2] in (["bgp"], ["isis"], ["openfabric"])
    return words if single and len(words) > 2 else []


def _place(one: Statement) -> tuple[str, ...]:
    """What a statement sets, so that another one with the same place would replace or undo it."""
    words = one[-1].split()
    words = words[1:] if words[0] == "no" else words
    if words[:1] == ["neighbor"] and len(words) > 2:
        return (*one[:-1], words[1], *option_of(words[2:]))
    if words[:2] in (["ip", "route"], ["ipv6", "route"]):
        return (*one[:-1], *words[:4])
    line = " ".join(words)
    once = next((it for it in _ONCE if line.startswith(f"{it} ")), line)
    return (*one[:-1], once)


def _written(statements: Iterable[Statement]) -> str:
    """The statements in their blocks, as `show running-config` prints them."""
    parts: list[str] = []
    part = ""
    inside: Statement = ()
    for one in statements:
        blocks = one[:-1]
        same = [here == there for here, there in zip(inside, blocks, strict=False)]
        depth = same.index(False) if False in same else len(same)
        if depth == 0:
            parts.append(part + _leaving(part, 0))
            part = "!\n"
        part += _leaving(part, depth)
        for level, word in enumerate((*blocks[depth:], one[-1]), start=depth):
            part += f"{' ' * level}{word}\n"
        inside = blocks
    return "".join((*parts, part, _leaving(part, 0)))


def _leaving(part: str, depth: int) -> str:
    """The lines that leave all blocks but the outermost `depth` ones."""
    words = leave_blocks(part)
    return "".join(
        f"{' ' * (level - 1)}{word}\n"
        for level, word in zip(range(len(words), depth, -1), words, strict=False)
    )


def _daemons(found: str, derived: str, text: str) -> dict[str, str | bool]:
    """What runs, or runs otherwise than derived; and what the text needs."""
    ours = {name: value for name, (value, _) in daemon_settings(derived).items()}
    said = {
        name: value
        for name, (value, _) in daemon_settings(found).items()
        if not is_packaged(name, value) and ours.get(name) != value
    }
    needed = needed_daemons(text)
    wanted = dict.fromkeys(needed, "yes") | said
    return {
        name: value == "yes" or value
        for name, value in wanted.items()
        if ours.get(name) != "yes" and _can_be_said("daemons_extra", name, value == "yes" or value)
    }


def _sysctls(found: str, derived: str) -> dict[str, str]:
    ours = sysctl_settings(derived)
    return {
        key: value
        for key, (value, _) in sysctl_settings(found).items()
        if key not in ours and _can_be_said("sysctl_extra", key, value)
    }


def _can_be_said(key: str, name: str, value: object) -> bool:
    try:
        Extras.model_validate({key: {name: value}})
    except ValidationError:
        return False
    return True
