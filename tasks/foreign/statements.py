"""What a node's files say that neither the intent derives nor we ever wrote: foreign statements.

A deployment replaces these files as a whole, so each such statement would be gone without a word.
What we wrote ourselves is not foreign: a statement of our last deployment that the intent dropped
is removed as intended. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import ParseError
from overlay.redaction import redact
from parsers.configuration import (
    chosen_statements,
    daemon_settings,
    is_packaged,
    parse_frr_config,
    parse_running_config,
    sysctl_settings,
)
from parsers.frr import read_frr_config
from parsers.interfaces import statements_beyond
from tasks.files import (
    BACKUPS,
    DAEMONS,
    FRR_CONF,
    INTERFACES,
    KEPT_INTERFACES,
    SYSCTL,
    is_ours,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RUNNING = "FRR's running configuration"
# What is asked for foreign statements, each with the key that keeps one.
KEPT_BY = {
    RUNNING: "frr_extra",
    FRR_CONF.path: "frr_extra",
    DAEMONS.path: "daemons_extra",
    SYSCTL.path: "sysctl_extra",
    INTERFACES.path: "interfaces_extra",
    KEPT_INTERFACES.path: "interfaces_extra",
}
_SHOWN = 20
# Lines that say nothing by themselves: they close a block, or are a comment's frame.
_CLOSES = re.compile(r"!|#|end|exit|exit-.*")


@dataclass(frozen=True, slots=True)
class Foreign:
    """One foreign statement; `line` counts from 1, `words` is its own line in the file.

    `path` is RUNNING, and `line` of `show running-config`, for one that no file holds.
    """

    path: str
    line: int
    statement: str
    words: str


def last_deployed(path: str) -> str:
    """A shell command that prints a file as the last confirmed deployment left it; or nothing."""
    return (
        f"cd {BACKUPS} 2>/dev/null || exit 0\nlast=\nfor number in [0-9][0-9][0-9][0-9]; do\n"
        '  [ "$(head -n 1 $number/outcome 2>/dev/null)" != confirmed ] || last=$number\ndone\n'
        f'[ -z "$last" ] || [ ! -f $last/new{path} ] || cat $last/new{path}'
    )


_Texts = Mapping[str, "str | None"]


def foreign_statements(now: _Texts, wanted: _Texts, last: _Texts) -> tuple[Foreign, ...]:
    """The statements of `now` that are neither in `wanted` nor in `last`, in the files' order.

    Each is the managed files by path: `now` lies on the node, `wanted` would be deployed, `last` is
    what our last deployment left there. A text is None, or not there, where there is no such file.
    """
    written = {path: text for path, text in last.items() if text and is_ours(text)}
    # Another password for what has one in the intent is not foreign: the plan says that it changes.
    ours = [_redacted(texts) for texts in (wanted, written)]
    return tuple(
        one
        for path, text in _redacted(now).items()
        if path in KEPT_BY
        for one in _foreign_in(path, text, ours)
    )


def _redacted(texts: _Texts) -> dict[str, str]:
    """The files that are there, without their secrets."""
    return {path: redact(text) for path, text in texts.items() if text is not None}


def _foreign_in(path: str, now: str, ours: Sequence[_Texts]) -> Iterator[Foreign]:
    if now in (texts.get(path) for texts in ours):
        return
    found = _FINDERS[path](now, ours)
    lines = now.splitlines()
    for statement, line in sorted(found.items(), key=lambda pair: pair[1]):
        words = " ".join(lines[line - 1].split())
        yield Foreign(path, line, statement, words)


def foreign_in_running(
    running: str, now: str | None, wanted: str | None, last: str | None
) -> tuple[Foreign, ...]:
    """The statements that FRR runs and that are in none of the three texts of its frr.conf.

    Empty where `running` is not a whole `show running-config`: FRR does not run there.
    """
    running = redact(running)
    try:
        found = parse_running_config(running)
    except ParseError:
        return ()
    known = {
        statement
        for text in (now, wanted, last)
        for statement in parse_frr_config(redact(text or ""))
    }
    known |= {statement[:depth] for statement in known for depth in range(1, len(statement))}
    lines = {line.statement: line.line for line in read_frr_config(running)}
    return tuple(
        Foreign(RUNNING, lines.get(statement, 1), " / ".join(statement), statement[-1])
        for statement in sorted(found - known, key=lambda one: lines.get(one, 1))
    )


def _in_frr_conf(now: str, ours: Sequence[_Texts]) -> dict[str, int]:
    known = {
        statement
        for texts in ours
        for statement in chosen_statements(texts.get(FRR_CONF.path) or "")
    }
    known |= {statement[:depth] for statement in known for depth in range(1, len(statement))}
    return {
        " / ".join(statement): line
        for statement, line in chosen_statements(now).items()
        if statement not in known
    }


def _in_daemons(now: str, ours: Sequence[_Texts]) -> dict[str, int]:
    known = [
        {key: value for key, (value, _) in daemon_settings(texts.get(DAEMONS.path) or "").items()}
        for texts in ours
    ]
    return {
        f"{key}={value}": line
        for key, (value, line) in daemon_settings(now).items()
        if not is_packaged(key, value) and all(them.get(key) != value for them in known)
    }


def _in_sysctl(now: str, ours: Sequence[_Texts]) -> dict[str, int]:
    known = {key for texts in ours for key in sysctl_settings(texts.get(SYSCTL.path) or "")}
    return {
        f"{key} = {value}": line
        for key, (value, line) in sysctl_settings(now).items()
        if key not in known
    }


def _in_interfaces(now: str, ours: Sequence[_Texts]) -> dict[str, int]:
    """A device may have moved from one of the two files to the other: of both together."""
    known, kept = (
        [text for texts in ours if (text := texts.get(path))]
        for path in (INTERFACES.path, KEPT_INTERFACES.path)
    )
    return {str(one): one.line for one in statements_beyond(now, known, kept)}


_FINDERS: Mapping[str, Callable[[str, Sequence[_Texts]], dict[str, int]]] = {
    INTERFACES.path: _in_interfaces,
    KEPT_INTERFACES.path: _in_interfaces,
    FRR_CONF.path: _in_frr_conf,
    DAEMONS.path: _in_daemons,
    SYSCTL.path: _in_sysctl,
}


def foreign_refusals(host: str, found: Sequence[Foreign]) -> list[str]:
    """Why a node with these statements is not deployed, by file, each with what to do about it."""
    said = []
    for path in dict.fromkeys(one.path for one in found):
        lines = [f"  line {one.line}: {one.statement}" for one in found if one.path == path]
        shown = lines[:_SHOWN]
        if len(lines) > _SHOWN:
            shown.append(f"  … and {len(lines) - _SHOWN} more")
        said.append(
            f"{host}: {path} holds what the intent does not derive, and a deployment would remove "
            "it:\n" + "\n".join(shown) + "\n"
            f"  next: keep it under `{KEPT_BY[path]}:` in fabric.yaml (of the fabric, a group or "
            "the node), or have it removed with --replace-foreign"
        )
    return said


def is_taken_over(last: str, now: str, wanted: str, foreign: Sequence[Foreign]) -> bool:
    """Whether an edit by hand (`last` to `now`) loses nothing but foreign statements to `wanted`.

    Each line that it added is in `wanted` too, or foreign and named as such, and each that it
    removed is not in `wanted`.
    """
    was, is_now, will_be = (
        {" ".join(line.split()) for line in text.splitlines()} for text in (last, now, wanted)
    )
    named = {one.words for one in foreign}
    blocks = {part for one in foreign for part in one.statement.split(" / ")}
    added = {line for line in is_now - was - will_be - named - blocks if line}
    return all(_CLOSES.fullmatch(line) for line in added) and not (was - is_now) & will_be
