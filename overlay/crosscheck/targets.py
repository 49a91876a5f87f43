"""Cross-validation of route targets and route distinguishers that are set by hand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.derivation.vrfs import holders_of
from overlay.derive import carriers_by_vni
from overlay.intent import Fabric, Mode, Network, Routing, Vrf
from overlay.peering.systems import Systems
from overlay.targets.targets import automatics, by_hand, halves, number_of, takes
from overlay.targets.written import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.problems import Complaint, KeyPath
    from overlay.targets.written import RouteTargets


@dataclass(frozen=True, slots=True)
class _Place:
    """A network or VRF, with what its routes carry and what it takes; `*:N` as FRR's own does."""

    key: KeyPath
    vni: int
    it: Network | Vrf
    exports: tuple[str, ...]
    imports: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.key[0]}[{self.key[1]}]" if isinstance(self.it, Network) else str(self.key[1])

    def by_hand(self, direction: str) -> bool:
        rt = self.it.rt
        return rt is not None and bool(rt.imports if direction == "import" else rt.exports)


def _written(fabric: Fabric) -> Iterator[tuple[KeyPath, Network | Vrf]]:
    yield from ((("networks", index), network) for index, network in enumerate(fabric.networks))
    yield from ((("vrfs", name), vrf) for name, vrf in fabric.vrfs.items())


def _places(fabric: Fabric, numbers: tuple[int, ...]) -> list[_Place]:
    found = []
    for key, it in _written(fabric):
        vni = it.vni if isinstance(it, Network) else it.l3vni
        if vni is None:
            continue
        exports = it.rt.exports if it.rt else ()
        imports = it.rt.imports if it.rt else ()
        found.append(
            _Place(key, vni, it, exports or automatics(numbers, vni), imports or (f"{ANY}:{vni}",))
        )
    return found


def _useless(fabric: Fabric) -> Iterator[Complaint]:
    """By-hand values where there is no route that they could be of."""
    for key, it in _written(fabric):
        for name in ("rt", "rd"):
            if getattr(it, name) is None:
                continue
            if fabric.mode is not Mode.EVPN:
                yield (
                    (*key, name),
                    f"mode {fabric.mode.value} has no routes",
                    "remove this key, or set `mode: evpn`",
                )
            elif isinstance(it, Vrf) and fabric.routing is not Routing.SYMMETRIC:
                yield (
                    (*key, name),
                    f"routing {fabric.routing.value} has no routes of a VRF",
                    "remove this key, or set `routing: symmetric`",
                )


def _empty(fabric: Fabric) -> Iterator[Complaint]:
    for key, it in _written(fabric):
        if it.rt is not None and not it.rt.imports and not it.rt.exports:
            yield (
                (*key, "rt"),
                "it names no route target",
                "add `import` or `export`, or remove this key",
            )


def _exchange(fabric: Fabric) -> Iterator[Complaint]:
    """Each target of a place is exported and imported there, or joins it to somebody outside."""
    if fabric.mode is not Mode.EVPN:
        return
    numbers = Systems(fabric).numbers
    places = _places(fabric, numbers)
    # Only targets with one number can meet.
    by_number: dict[int | None, list[_Place]] = defaultdict(list)
    for place in places:
        for number in {number_of(target) for target in (*place.exports, *place.imports)}:
            by_number[number].append(place)
    for place in places:
        if place.it.rt is None:
            continue
        yield from _of_others(place, by_number)
        # Those by hand every node exports, FRR's own only those of one AS.
        enough = any if place.by_hand("export") else all
        if enough(takes(place.imports, target) for target in place.exports):
            yield from _half(place, place.it.rt, numbers)
            continue
        direction = "import" if place.by_hand("import") else "export"
        said = f"it exports {', '.join(place.exports)} and imports {', '.join(place.imports)}"
        yield (
            (*place.key, "rt", direction),
            f"{said}: its nodes would not know each other's routes",
            f"name one of these under both `import` and `export`, {_FALLS}",
        )


_FALLS = "since FRR's own ends where one is set"


def _half(place: _Place, rt: RouteTargets, numbers: tuple[int, ...]) -> Iterator[Complaint]:
    """Targets with one end in the fabric, and what is `outside` without need."""
    alone = halves(rt.imports, rt.exports, numbers, place.vni)
    for direction, other, targets, found in (
        ("import", "export", rt.imports, alone[0]),
        ("export", "import", rt.exports, alone[1]),
    ):
        for index, target in enumerate(targets):
            if target in found and target not in rt.outside:
                yield (
                    (*place.key, "rt", direction, index),
                    f"no node of the fabric {other}s {target}",
                    f"add it to `{other}`, or to `outside` if a node outside does, {_FALLS}",
                )
    for index, target in enumerate(rt.outside):
        if target not in (*alone[0], *alone[1]):
            yield (
                (*place.key, "rt", "outside", index),
                f"the fabric does not need {target} from outside, or for it",
                "remove it here, or from `import` or `export`",
            )


def _of_others(place: _Place, by_number: dict[int | None, list[_Place]]) -> Iterator[Complaint]:
    """A target that another VNI exports or imports, by hand or as FRR's own."""
    for direction, targets in (("import", place.imports), ("export", place.exports)):
        for index, target in enumerate(targets if place.by_hand(direction) else ()):
            for other in by_number[number_of(target)]:
                if other is not place and _meet(other, direction, target):
                    does = "exports" if direction == "import" else "imports"
                    said = f"{target} is what {other.name} (VNI {other.vni}) {does}"
                    yield (
                        (*place.key, "rt", direction, index),
                        f"{said}: a VTEP would take frames of the one VNI for the other's",
                        "choose a number that is no VNI of the fabric",
                    )


def _meet(other: _Place, direction: str, target: str) -> bool:
    if direction == "export":
        return takes(other.imports, target)
    return any(takes((target,), exported) for exported in other.exports)


def _distinguishers(fabric: Fabric) -> Iterator[Complaint]:
    """Two originators with one RD; FRR's own are the router-id and a small number of its own."""
    if fabric.mode is not Mode.EVPN:
        return
    carriers = carriers_by_vni(fabric)
    by_rd = any(vrf.rd for vrf in fabric.vrfs.values())
    holders = holders_of(fabric, carriers) if by_rd else {}
    routers = {node.speaks_as for node in fabric.nodes.values()}
    own = len(fabric.networks) + len(fabric.vrfs) + 1
    taken: dict[str, tuple[str, str]] = {}
    for key, it in _written(fabric):
        name = f"networks[{key[1]}]" if isinstance(it, Network) else str(key[1])
        for node in _originators(fabric, key, it, carriers, holders) if it.rd else ():
            rd = by_hand(it.rt, it.rd, fabric.nodes[node].speaks_as).rd or ""
            router, _, number = rd.rpartition(":")
            if router in routers and int(number) <= own:
                yield (
                    (*key, "rd"),
                    f"{rd} is one that FRR gives by itself: its numbers begin at 1",
                    f"choose a number above {own}",
                )
                break
            if rd in taken:
                whose, where = taken[rd]
                yield (
                    (*key, "rd"),
                    f"{rd} is the RD of {whose} on {where}, and of {name} on {node}",
                    "each node needs its own: write '{router_id}:<number>'"
                    if whose == name
                    else "give each VRF and network a number of its own",
                )
                break
            taken[rd] = name, node


def _originators(
    fabric: Fabric,
    key: KeyPath,
    it: Network | Vrf,
    carriers: Mapping[int, tuple[str, ...]],
    holders: Mapping[str, set[str]],
) -> list[str]:
    """The nodes that hold a network, or a VRF."""
    if isinstance(it, Network):
        return list(carriers[it.vni])
    return [name for name in fabric.nodes if name in holders[str(key[1])]]


def _twice(fabric: Fabric) -> Iterator[Complaint]:
    for key, it in _written(fabric):
        for direction in ("import", "export", "outside"):
            targets = _listed(it, direction)
            for index, target in enumerate(targets):
                if target in targets[:index]:
                    place = (*key, "rt", direction, index)
                    yield place, f"{target} stands here already", "remove one of the two"


def _listed(it: Network | Vrf, direction: str) -> tuple[str, ...]:
    if it.rt is None:
        return ()
    named = {"import": it.rt.imports, "export": it.rt.exports, "outside": it.rt.outside}
    return named[direction]


CHECKS = (_useless, _empty, _twice, _exchange, _distinguishers)
