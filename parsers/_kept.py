"""Readings that are kept, because many nodes print the same text."""

from __future__ import annotations

from typing import Generic, TypeVar

Reading = TypeVar("Reading")


class Kept(Generic[Reading]):
    """What texts were read as, each once in a process; those not met for the longest go first.

    A route that is reflected stands in the tables of all clients, and each client has its FDB
    entry: with a full mesh of 200 nodes that is 199 of 200 readings saved, and one record in memory
    instead of 200.
    """

    def __init__(self, room: int) -> None:
        """`room` is how many characters of text it keeps at least; at most it is twice that."""
        self._room = room
        self._size = 0
        self._young: dict[str, Reading] = {}
        self._old: dict[str, Reading] = {}

    def get(self, text: str) -> Reading | None:
        """What a text was read as, or None."""
        found = self._young.get(text)
        if found is None:
            found = self._old.get(text)
            if found is not None:
                self.put(text, found)
        return found

    def put(self, text: str, reading: Reading) -> None:
        """Keeps what a text was read as."""
        if self._size > self._room:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[text] = reading
        self._size += len(text)
