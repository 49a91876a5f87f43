"""Text → lines, words → values, and the error that says which lines were not accounted for."""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from typing import TYPE_CHECKING

from overlay.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHOWN_LINES = 3
_SHOWN_CHARACTERS = 160
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2})+", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,20}")


class UnaccountedError(ParseError):
    """Some printed lines gave no record; `partial` holds the records of those that did."""

    def __init__(
        self, what: str, hint: str, lines: tuple[str, ...], partial: tuple[object, ...] = ()
    ) -> None:
        super().__init__(what, hint, lines)
        self.partial = partial


def unaccounted(
    command: str,
    counts: str,
    lines: Sequence[str],
    partial: Iterable[object] = (),
    hint: str = "collect the output again; if the result is the same, report these lines with the "
    "versions of iproute2 and FRR",
) -> UnaccountedError:
    """Build the error for `command`: `counts` says found against printed, `lines` are to blame."""
    what = f"{command}: {counts}"
    if lines:
        shown = "; ".join(quoted(line) for line in lines[:_SHOWN_LINES])
        more = len(lines) - _SHOWN_LINES
        what += f"; not understood: {shown}" + (f" and {more} more" if more > 0 else "")
    return UnaccountedError(what, hint, tuple(lines), tuple(partial))


def quoted(line: str) -> str:
    """A line as it may be shown to a person: escaped, since node text is hostile, and bounded."""
    cut = line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"
    return ascii(cut)


def split_lines(text: str) -> list[str]:
    """Split into lines without their ends; blank ones are left out.

    Only a newline ends a line: `str.splitlines` would also cut at form feeds and the like, which
    may stand in an interface alias. Carriage returns come with terminals and pasted captures.
    """
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    return [line for line in lines if line.strip()]


def number(word: str) -> int:
    """An integer as printed. Raises ValueError; bounded, since `int` is slow on long digits."""
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{quoted(word)} is not a number")
    return int(word)


@functools.lru_cache(maxsize=4096)
def address(word: str) -> str:
    """An IPv4 or IPv6 address in canonical form. Raises ValueError."""
    try:
        # Takes IPv4 in its one form only, twenty times as fast as `ipaddress`.
        socket.inet_pton(socket.AF_INET, word)
    except OSError:
        return str(ipaddress.ip_address(word))
    return word


def is_mac(word: str) -> bool:
    """True for a hardware address in colon form, whatever its length (Ethernet, InfiniBand)."""
    return _MAC.fullmatch(word) is not None


def count(number_of: int, noun: str) -> str:
    """`1 line`, `2 lines`: counts for messages."""
    return f"{number_of} {noun}" if number_of == 1 else f"{number_of} {noun}s"
