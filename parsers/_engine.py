"""The one seam to TTP: templates loaded once per process, one record per line, nothing dropped.

TTP drops what no pattern matches without a word. Every template of this room therefore is one
group `lines*` in which each pattern starts a record, and whose last pattern (`unknown | _line_`)
takes whatever no other one took: TTP gives back exactly one record per line, in order, and
`match_lines` verifies that it did.
"""

from __future__ import annotations

import functools
import os
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from overlay.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Match = dict[str, str]

_FOLDER = Path(__file__).resolve().parent / "patterns"
_CACHE_VARIABLE = "TTPCACHEFOLDER"


class _Parser(Protocol):
    """What we use of `ttp.ttp`, which ships without type information."""

    def add_input(self, data: str) -> None: ...
    def clear_input(self) -> None: ...
    def clear_result(self) -> None: ...
    def parse(self, *, one: bool) -> None: ...
    def result(self) -> list[list[Any]]: ...


# TTP keeps the parser at work in a module-level dictionary: two threads would read each other's
# lines. The fleet parses in worker processes; the lock makes a thread merely slow, never wrong.
_lock = threading.Lock()


def _start_afresh_after_fork() -> None:
    """A child forked while another thread parses inherits a held lock and a half-run parser."""
    global _lock  # noqa: PLW0603 - the process's one lock, replaced before any thread exists
    _lock = threading.Lock()
    _parser.cache_clear()


@functools.cache
def _parser(template: str) -> _Parser:
    """Load `template` (a `.ttp` file of `patterns/`) once per process.

    TTP reads and writes a pickle in its cache folder, by default its own package folder: a pickle
    is code, so it gets a folder that is private and gone again as soon as the template is loaded.
    """
    text = (_FOLDER / template).read_text(encoding="utf-8")
    before = os.environ.get(_CACHE_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="evpn-fleet-ttp-") as private:
        os.environ[_CACHE_VARIABLE] = private
        try:
            from ttp import ttp  # noqa: PLC0415 - the variable must be set before TTP is imported

            return cast("Callable[[str, str], _Parser]", ttp)("", text)
        finally:
            if before is None:
                del os.environ[_CACHE_VARIABLE]
            else:
                os.environ[_CACHE_VARIABLE] = before


os.register_at_fork(after_in_child=_start_afresh_after_fork)


def match_lines(template: str, lines: Sequence[str]) -> list[Match]:
    """Return what the template's patterns caught of each line: one dict per line, in order.

    A line that no pattern matched gives `{"unknown": line}`. Blank lines must not be passed. What
    a line gives hangs on no other one, so equal lines are matched once and share one dict: two of
    three lines of an EVPN path stand with its neighbours, too.
    Raises ParseError when TTP did not answer for every line (never seen; never to be silent).
    """
    if not lines:
        return []
    unlike = list(dict.fromkeys(lines))
    found = dict(zip(unlike, _match_unlike(template, unlike), strict=True))
    return [found[line] for line in lines]


def _match_unlike(template: str, lines: Sequence[str]) -> list[Match]:
    with _lock:
        parser = _parser(template)
        try:
            # The leading newline keeps TTP from taking a text that happens to be a path for one.
            parser.add_input("\n" + "\n".join(lines))
            parser.parse(one=True)
            found = parser.result()[0][0]
        finally:
            parser.clear_input()
            parser.clear_result()
    matches = cast("list[Match]", found["lines"]) if found else []
    if len(matches) != len(lines):
        raise ParseError(
            f"{template}: TTP answered for {len(matches)} of {len(lines)} lines",
            "this is a bug in evpn-fleet; please report it with the output",
            tuple(lines),
        )
    return matches
