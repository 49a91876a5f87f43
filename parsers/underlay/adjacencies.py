"""The neighbours of the protocol that routes the underlay, as FRR's JSON shows them."""

from __future__ import annotations

from typing import Required

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.host_records import Adjacency
from parsers._json import KEEP, OBJECT, check, printed, read_json, wrong
from parsers._text import address

OSPF_NEIGHBORS = "show ip ospf neighbor json"
ISIS_NEIGHBORS = "show isis neighbor json"
FABRIC_NEIGHBORS = "show openfabric neighbor json"


@with_config(KEEP)
class _OspfNeighbor(TypedDict, total=False):
    nbrState: str
    state: str  # before FRR 8.4
    ifaceAddress: str
    ifaceName: Required[str]


@with_config(KEEP)
class _Circuit(TypedDict, total=False):
    adj: str
    interface: str
    state: str


@with_config(KEEP)
class _Area(TypedDict):
    circuits: list[_Circuit]


_OSPF = TypeAdapter(dict[str, list[_OspfNeighbor]])
_AREAS = TypeAdapter(list[_Area])


def parse_ospf_neighbors(text: str) -> tuple[Adjacency, ...]:
    """The OSPF neighbours of a node, by interface; none of an ospfd that has none.

    A neighbour's name is its router-id. Raises ParseError.
    """
    document = read_json(OSPF_NEIGHBORS, text, OBJECT)
    if not document:
        return ()
    if "neighbors" not in document:
        raise wrong(OSPF_NEIGHBORS, ("neighbors",), "this key is missing", document)
    shown = check(OSPF_NEIGHBORS, ("neighbors",), document["neighbors"], _OSPF)
    return tuple(
        _ospf(name, number, entry)
        for name, entries in shown.items()
        for number, entry in enumerate(entries)
    )


def _ospf(name: str, number: int, entry: _OspfNeighbor) -> Adjacency:
    state = entry.get("nbrState", entry.get("state"))
    if state is None:
        place = ("neighbors", name, number, "nbrState")
        raise wrong(OSPF_NEIGHBORS, place, "this key is missing", entry)
    try:
        its_address = address(entry["ifaceAddress"]) if "ifaceAddress" in entry else None
    except ValueError:
        place = ("neighbors", name, number, "ifaceAddress")
        raise wrong(OSPF_NEIGHBORS, place, "not an IP address", entry) from None
    return Adjacency(
        # `eno1.11:192.0.2.1` names the interface and its own address, `Full/-` also the
        # neighbour's part in an election.
        interface=entry["ifaceName"].partition(":")[0],
        neighbour=name,
        state=state.partition("/")[0],
        address=its_address,
        text=printed(entry),
    )


def parse_isis_neighbors(text: str) -> tuple[Adjacency, ...]:
    """The IS-IS neighbours of a node, by interface; their names are host names. ParseError."""
    return _areas(ISIS_NEIGHBORS, text)


def parse_openfabric_neighbors(text: str) -> tuple[Adjacency, ...]:
    """The same of OpenFabric, whose output has the same form. Raises ParseError."""
    return _areas(FABRIC_NEIGHBORS, text)


def _areas(command: str, text: str) -> tuple[Adjacency, ...]:
    document = read_json(command, text, OBJECT)
    if "areas" not in document:
        raise wrong(command, ("areas",), "this key is missing", document)
    found = []
    areas = check(command, ("areas",), document["areas"], _AREAS)
    for number, area in enumerate(areas):
        for place, circuit in enumerate(area["circuits"]):
            if "adj" not in circuit:
                continue  # an interface without a neighbour, such as the loopback
            for key in ("interface", "state"):
                if key not in circuit:
                    at = ("areas", number, "circuits", place, key)
                    raise wrong(command, at, "this key is missing", circuit)
            found.append(
                Adjacency(
                    interface=circuit["interface"],
                    neighbour=circuit["adj"],
                    state=circuit["state"],
                    text=printed(circuit),
                )
            )
    return tuple(found)
