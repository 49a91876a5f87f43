"""Readings that are kept, because many nodes print the same text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError

from overlay.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import TypeAdapter

Reading = TypeVar("Reading")
Shape = TypeVar("Shape")

# Texts that are read between two generations: of nodes that come in any order, those of one group
# follow one another within so many.
_GENERATION = 32
# Where an entry of `ip -j` ends and the next begins; the next hops of a route begin otherwise.
_BETWEEN = re.compile(r'\},\{(?="(?:dst|type)":)')
# The kernel's number of a next hop: each node has its own, and nothing asks for it.
_NEXT_HOP_ID = re.compile(r',"nhid":[0-9]+')


class Kept(Generic[Reading]):
    """What texts were read as, each once in a process; those not met for the longest go first.

    A route that is reflected stands in the tables of all clients, and each client has its FDB
    entry: with a full mesh of 200 nodes that is 199 of 200 readings saved, and one record in memory
    instead of 200. What only nodes print that are done goes again: what is met in none of 32 to 64
    outputs, once there is more than `room`.
    """

    def __init__(self, room: int, generation: int = _GENERATION) -> None:
        """`room` is how many characters of text it keeps at least."""
        self._room = room
        self._generation = generation
        self._outputs = 0
        self._size = 0
        self._young: dict[str, Reading] = {}
        self._old: dict[str, Reading] = {}

    def begin(self) -> None:
        """Another output of a node is read: no generation ends within one."""
        self._outputs += 1
        if self._size > self._room and self._outputs >= self._generation:
            self._old, self._young, self._size = self._young, {}, 0
            self._outputs = 0

    def get(self, text: str) -> Reading | None:
        """What a text was read as, or None."""
        found = self._young.get(text)
        if found is None:
            found = self._old.get(text)
            if found is not None:
                self.put(text, found)
        return found

    def find(self, texts: Sequence[str]) -> list[Reading | None]:
        """What each of the texts was read as, or None."""
        return [
            self.get(text) if found is None else found
            for text, found in zip(texts, map(self._young.get, texts), strict=True)
        ]

    def put(self, text: str, reading: Reading) -> None:
        """Keeps what a text was read as."""
        self._young[text] = reading
        self._size += len(text)


def read_entries(
    text: str,
    shape: TypeAdapter[Shape],
    record: Callable[[Shape], Reading],
    kept: Kept[Reading],
) -> tuple[Reading, ...] | None:
    """The records of a list of iproute2's, each entry decoded once in a process.

    None where the text is not one line of entries that are all in order: read as a whole, it then
    says what is wrong. Entries that are each an object make a list of just those, so cutting the
    text apart reads nothing else out of it, whatever a node prints.
    """
    whole = _NEXT_HOP_ID.sub("", text.strip())
    if not (whole.startswith('[{"') and whole.endswith("}]")):
        return None
    kept.begin()
    entries = _BETWEEN.split(whole[2:-2])
    found: list[Reading] = []
    for entry, known in zip(entries, kept.find(entries), strict=True):
        if known is not None:
            found.append(known)
            continue
        try:
            found.append(record(shape.validate_json(f"{{{entry}}}")))
        except (ValidationError, ValueError, ParseError):
            return None
        kept.put(entry, found[-1])
    return tuple(found)
