"""Which VNI a route target is of: by hand, else FRR's own, whose AS it does not compare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from overlay.targets.written import ANY, ROUTER_ID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.targets.written import RouteTargets

# RFC 8365 automatic route targets set bits above the VNI's 24 (`autort rfc8365-compatible`).
_VNI_MASK = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is set by hand for a VNI's routes; where nothing is, FRR has its own."""

    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    rd: str | None = None

    def __bool__(self) -> bool:
        return bool(self.imports or self.exports or self.rd)


NOTHING = ByHand()


def by_hand(rt: RouteTargets | None, rd: str | None, router_id: str) -> ByHand:
    """What a network or VRF sets by hand, on the node with this router-id."""
    own = rd.replace(ROUTER_ID, router_id) if rd else None
    return ByHand(rt.imports, rt.exports, own) if rt else ByHand(rd=own)


def automatic(asn: int, vni: int) -> str:
    """The route target that FRR gives a VNI by itself: of a long AS number its lower half."""
    return f"{asn & 0xFFFF}:{vni}"


def automatics(numbers: Iterable[int], vni: int) -> tuple[str, ...]:
    """Those that FRR gives a VNI on nodes of several AS."""
    return tuple(dict.fromkeys(automatic(asn, vni) for asn in numbers))


def takes(imports: tuple[str, ...], target: str) -> bool:
    """Whether these imports take a route with this target."""
    return target in imports or f"{ANY}:{target.rpartition(':')[2]}" in imports


def halves(
    imports: tuple[str, ...], exports: tuple[str, ...], numbers: Iterable[int], vni: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a VNI's targets by hand the imports that it does not export, and the other way round.

    `numbers` are the AS of its nodes.
    """
    carried = exports or automatics(numbers, vni)
    taken = imports or (f"{ANY}:{vni}",)
    return (
        tuple(t for t in imports if not any(takes((t,), exported) for exported in carried)),
        tuple(t for t in exports if not takes(taken, t)),
    )


@lru_cache(maxsize=65536)
def number_of(target: str) -> int | None:
    """The VNI that an automatic route target (`asn:vni`) names, or None if it is no number."""
    last = target.rpartition(":")[2]
    return int(last) & _VNI_MASK if last.isascii() and last.isdigit() else None


@dataclass(frozen=True, slots=True)
class Targets:
    """The route targets of a fabric: by hand which VNIs have `imports` and `exports` of each.

    `wild` are imports of any AS, by number; `exported` are exports by VNI, `importing` the VNIs
    whose own import has ended. `outside` are targets that join the fabric to others.
    """

    exported: dict[int, tuple[str, ...]] = field(default_factory=dict)
    imports: dict[str, tuple[int, ...]] = field(default_factory=dict)
    wild: dict[str, tuple[int, ...]] = field(default_factory=dict)
    exports: dict[str, int] = field(default_factory=dict)
    importing: frozenset[int] = frozenset()
    outside: tuple[str, ...] = ()

    def of(self, vni: int, asn: int) -> tuple[str, ...]:
        """What the routes of a VNI carry, from a node of that AS."""
        return self.exported.get(vni) or (automatic(asn, vni),)

    def importing_vnis(self, target: str) -> tuple[int, ...]:
        """The VNIs that a received route with this target is imported into, intended or not."""
        vnis = self.imports.get(target, ()) + self.wild.get(target.rpartition(":")[2], ())
        if vnis:
            return vnis
        number = number_of(target)
        return () if number is None or number in self.importing else (number,)

    def is_from_outside(self, targets: tuple[str, ...]) -> bool:
        """Whether a route is imported only by targets that join the fabric to others."""
        if not self.outside:
            return False
        taken = [target for target in targets if self.importing_vnis(target)]
        return bool(taken) and all(takes(self.outside, target) for target in taken)

    def exporting_vni(self, target: str) -> int | None:
        """The VNI whose routes carry this target, intended or not."""
        vni = self.exports.get(target)
        if vni is not None:
            return vni
        number = number_of(target)
        return None if number in self.exported else number


def targets_of(places: Iterable[tuple[int, RouteTargets | None]]) -> Targets:
    """The route targets of all networks and VRFs, by their VNIs."""
    found = Targets()
    importing, outside = set(), list[str]()
    for vni, rt in places:
        if rt is None:
            continue
        outside += rt.outside
        for target in rt.imports:
            importing.add(vni)
            before, _, number = target.rpartition(":")
            index, key = (found.wild, number) if before == ANY else (found.imports, target)
            index[key] = (*index.get(key, ()), vni)
        if rt.exports:
            found.exported[vni] = rt.exports
            found.exports.update(dict.fromkeys(rt.exports, vni))
    return replace(found, importing=frozenset(importing), outside=tuple(outside))
