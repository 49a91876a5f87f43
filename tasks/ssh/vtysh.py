"""Several commands for one start of vtysh, and its output taken apart again. Pure.

A start of vtysh is what costs a node most in an audit, since it builds FRR's whole command tree and
connects to each daemon: seven times what `ip` takes, with one command as with ten. `vtysh -E`
prints its prompt and the command before each output. What the prompt is, the first line shows; a
line that begins otherwise, whatever a name or a description says, is output.
"""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_SINGLE = 3  # words: vtysh -c COMMAND


class Section(Protocol):
    """A command of a script, as `tasks.ssh.script` joins them."""

    @property
    def command(self) -> str: ...
    @property
    def timeout(self) -> int: ...
    @property
    def stop(self) -> bool: ...


AnySection = TypeVar("AnySection", bound=Section)


# Most nodes are asked the same: split again for each, a script took as long as the node's login.
@lru_cache(maxsize=4096)
def words_of(command: str) -> tuple[str, ...]:
    """A command's words as a shell reads them. Raises ValueError for an open quote."""
    return tuple(shlex.split(command))


def vtysh_command(section: Section) -> str | None:
    """What a section asks of vtysh, where it does that alone and its failure stops nothing."""
    try:
        words = words_of(section.command)
    except ValueError:  # an open quote
        return None
    alone = len(words) == _SINGLE and words[:2] == ("vtysh", "-c")
    return words[2] if alone and not section.stop and "\n" not in words[2] else None


def grouped(sections: Iterable[AnySection]) -> Iterator[tuple[AnySection, ...]]:
    """The sections in their order: those together that one start of vtysh can answer."""

    def key(section: AnySection) -> object:
        return object() if vtysh_command(section) is None else section.timeout

    for _, group in groupby(sections, key):
        yield tuple(group)


def joined_command(group: Sequence[Section]) -> str:
    """The start of vtysh that answers the sections of one group."""
    return shlex.join(["vtysh", "-E", *(w for s in group for w in words_of(s.command)[1:])])


def echo(prompt: str, section: Section) -> bytes:
    """The line that vtysh prints before the output of a section of a group."""
    return f"{prompt}{vtysh_command(section)}\n".encode()


def take_apart(output: bytes, asked: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """By slug, what vtysh printed for each command of `asked`, as far as it came, in its order."""
    begun: list[tuple[str, int, int]] = []
    prompt, at = rb"[^\n]*", 0
    for slug, command in asked.items():
        line = re.compile(rb"^(%b)%b\n" % (prompt, re.escape(command.encode())), re.MULTILINE)
        found = line.search(output, at) if begun else line.match(output)
        if found is None:
            break
        prompt, at = re.escape(found[1]), found.end()
        begun.append((slug, found.start(), at))
    ends = [start for _, start, _ in (*begun, ("", len(output), 0))][1:]
    return [(slug, output[at:end]) for (slug, _, at), end in zip(begun, ends, strict=True)]
