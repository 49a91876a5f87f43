"""What many nodes have alike: each value once, under a name that is the same in every process."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

_SIZE = 16
# Names that are not worked out again: those of the nodes of some groups.
_KNOWN = 8192


class Shared:
    """Names values for the facts of nodes, and says what each new name stands for, once.

    A reflected route stands in the tables of all its clients: their facts hold sixteen bytes for
    it. What a process has told of once it does not tell again, so whoever reads its facts keeps
    what it told with those of any node.
    """

    def __init__(self) -> None:
        self._told: set[bytes] = set()
        self._known: dict[Hashable, bytes] = {}
        self._news: dict[bytes, Any] = {}

    def name(self, text: Callable[[], str], value: Hashable) -> bytes:
        """The name of a value that `text` says in full."""
        name = self._known.get(value)
        if name is not None:
            return name
        # Not `hash`: that differs between processes, and what a node prints could be made to meet.
        name = blake2b(text().encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
        if name not in self._told:
            self._told.add(name)
            self._news[name] = value
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[value] = name
        return name

    def news(self) -> Mapping[bytes, Any]:
        """What the names stand for that are new since the last call."""
        news, self._news = self._news, {}
        return news


def names_in(names: bytes) -> Iterator[bytes]:
    """The names in a text of names without anything between them."""
    return (names[at : at + _SIZE] for at in range(0, len(names), _SIZE))
