"""One node's kernel routes, sorted once by what the checks ask of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from overlay.host_records import Route

    # Of a table, a type and a protocol.
    _Wanted = Callable[[str, str, str | None], bool]


class KernelRoutes:
    """The routes of a node by table, type and protocol.

    Nearly all of them are host routes that EVPN told, of one kind: a check that asks for others
    passes over thousands at once.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._places: dict[tuple[str, str, str | None], list[int]] = defaultdict(list)
        for place, route in enumerate(self.all):
            self._places[route.table, route.type, route.protocol].append(place)

    def of_kind(self, wanted: _Wanted) -> Iterator[Route]:
        """Those whose table, type and protocol are wanted, as they were printed."""
        groups = [places for kind, places in self._places.items() if wanted(*kind)]
        places = groups[0] if len(groups) == 1 else sorted(place for it in groups for place in it)
        return map(self.all.__getitem__, places)
