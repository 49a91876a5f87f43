"""A host's FRR configuration as instances, neighbours and address families."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from overlay.host_records import FrrLine

LONGEST = 12  # digits of a number
EVPN = "l2vpn evpn"
IPV4 = "ipv4 unicast"
IPV6 = "ipv6 unicast"


@dataclass(slots=True)
class Neighbor:
    """A neighbour, or a peer-group, of one instance, and what its group says for it.

    `remote_as` is a number, `external` or `internal`; `families` are those it is activated in, with
    the line of `activate`, and `policies` its filters by (family, direction).
    """

    name: str
    line: int
    remote_as: str | None = None
    group: str | None = None
    is_group: bool = False
    families: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    policies: dict[tuple[str, str], list[tuple[str, str, int]]] = field(default_factory=dict)
    options: list[FrrLine] = field(default_factory=list)

    @property
    def is_address(self) -> bool:
        return is_address(self.name)


@dataclass(slots=True)
class Instance:
    """One `router bgp ASN [vrf NAME]`, with every line in it and each neighbour."""

    asn: str
    vrf: str | None
    line: int
    lines: list[FrrLine] = field(default_factory=list)
    neighbors: dict[str, Neighbor] = field(default_factory=dict)
    _index: dict[tuple[str | None, str], list[FrrLine]] = field(default_factory=dict)
    _indexed: int = 0

    def said(self, *words: str, family: str | None = None) -> list[FrrLine]:
        """The lines that begin with these words, of the instance or of one of its families."""
        if self._indexed < len(self.lines):
            for line in self.lines[self._indexed :]:
                self._index.setdefault((family_of(line), line.words[0]), []).append(line)
            self._indexed = len(self.lines)
        lines = self._index.get((family, words[0]), [])
        return [line for line in lines if line.words[: len(words)] == list(words)]

    def values(self, *words: str, family: str | None = None) -> list[str]:
        """The word behind these, of each such line that has one."""
        lines = self.said(*words, family=family)
        return [line.words[len(words)] for line in lines if len(line.words) > len(words)]

    @property
    def has_evpn(self) -> bool:
        return bool(self.said("advertise-all-vni", family=EVPN))

    @property
    def reflects(self) -> bool:
        """Whether it passes on to its clients what it has from others of its AS."""
        clients = any(line.words[-1] == "route-reflector-client" for line in self.lines)
        return clients or bool(self.said("bgp", "cluster-id"))

    def sessions(self) -> list[Neighbor]:
        """Its neighbours by address; groups are not."""
        return [n for n in self.neighbors.values() if not n.is_group]

    def remote_as(self, neighbor: Neighbor) -> str | None:
        """The neighbour's own, or its group's."""
        group = self.neighbors.get(neighbor.group or "")
        return neighbor.remote_as or (group.remote_as if group else None)

    def is_external(self, neighbor: Neighbor) -> bool:
        asn = self.remote_as(neighbor)
        return asn is not None and asn not in {"internal", self.asn}

    def active_in(self, neighbor: Neighbor, family: str) -> bool:
        """Whether routes of a family are exchanged; IPv4 is on unless it is switched off."""
        group = self.neighbors.get(neighbor.group or "")
        if family in neighbor.families or (group and family in group.families):
            return True
        if family != IPV4 or family in neighbor.refused:
            return False
        return not self.said("no", "bgp", "default", "ipv4-unicast")


def is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def is_number(word: str) -> bool:
    """Whether a word is a number such as FRR and ifupdown2 take: neither `²` nor very long."""
    return word.isascii() and word.isdigit() and len(word) < LONGEST


def family_of(line: FrrLine) -> str | None:
    """The address family that a line stands in, with `unicast` filled in as FRR does."""
    for block in line.blocks:
        if block.startswith("address-family "):
            words = block.split()[1:]
            return " ".join(words if len(words) > 1 else [*words, "unicast"])
    return None


def instances(lines: Iterable[FrrLine]) -> list[Instance]:
    """The BGP instances of a configuration; one that is opened twice is one."""
    found: dict[tuple[str, str | None], Instance] = {}
    for line in lines:
        block = line.statement[0].split()
        if block[:2] != ["router", "bgp"] or len(block) < 3:
            continue
        vrf = block[4] if len(block) > 4 and block[3] == "vrf" else None
        instance = found.setdefault((block[2], vrf), Instance(block[2], vrf, line.line))
        if len(line.statement) > 1:
            instance.lines.append(line)
            _note_neighbor(instance, line)
    return list(found.values())


_FILTERS = frozenset({"route-map", "prefix-list", "filter-list", "distribute-list"})


def _note_neighbor(instance: Instance, line: FrrLine) -> None:
    words = line.words
    negated = words[0] == "no"
    words = words[1:] if negated else words
    if words[:1] != ["neighbor"] or len(words) < 3:
        return
    name, option, *values = words[1:]
    family = family_of(line)
    neighbor = instance.neighbors.setdefault(name, Neighbor(name, line.line))
    neighbor.options.append(line)
    if option == "activate":
        if negated:
            neighbor.refused.add(family or IPV4)
        else:
            neighbor.families[family or IPV4] = line.line
    elif negated:
        return
    elif option == "remote-as" and values:
        neighbor.remote_as = values[0]
        neighbor.line = line.line
    elif option == "interface" and "remote-as" in values[:-1]:
        neighbor.remote_as = values[values.index("remote-as") + 1]
    elif option == "peer-group":
        neighbor.is_group = neighbor.is_group or not values
        neighbor.group = values[0] if values else neighbor.group
    elif option in _FILTERS and len(values) > 1:
        key = (family or IPV4, values[1])
        neighbor.policies.setdefault(key, []).append((option, values[0], line.line))


@dataclass(frozen=True, slots=True)
class LinkSessions:
    """What a host says of its neighbours on links: options by interface, without its name.

    `announced` are the prefixes that it tells them.
    """

    options: Mapping[str, list[list[str]]]
    announced: frozenset[str]
    router_id: str | None


def apart(found: Sequence[Instance]) -> tuple[tuple[Instance, ...], LinkSessions | None]:
    """The instances without the sessions on links, and these; None where there are none.

    An instance that has nothing else is left out. Where EVPN runs on the links they are no underlay
    that an intent could say, and stay.
    """
    main = next((instance for instance in found if instance.vrf is None), None)
    if main is None:
        return tuple(found), None
    links = {name: it for name, it in main.neighbors.items() if _is_link(main, it)}
    if not links:
        return tuple(found), None
    announced = main.said("network", family=IPV4)
    taken = {id(line) for it in links.values() for line in it.options}
    taken |= {id(line) for line in announced}
    rest = Instance(
        main.asn,
        None,
        main.line,
        [line for line in main.lines if id(line) not in taken],
        {name: it for name, it in main.neighbors.items() if name not in links},
    )
    evpn = any(family_of(line) == EVPN for line in rest.lines)
    others = tuple(instance for instance in found if instance is not main)
    router_ids = main.values("bgp", "router-id")
    sessions = LinkSessions(
        {name: [line.words[2:] for line in it.options] for name, it in links.items()},
        frozenset(line.words[1] for line in announced if line.words[1:]),
        router_ids[-1] if router_ids else None,
    )
    return ((rest, *others) if rest.neighbors or evpn else others), sessions


def _is_link(main: Instance, neighbor: Neighbor) -> bool:
    """Whether it is a neighbour by eBGP on an interface, for IPv4 and not for EVPN."""
    unnumbered = [line.words for line in neighbor.options if line.words[2:3] == ["interface"]]
    if not any(words[-2:] == ["remote-as", "external"] for words in unnumbered):
        return False
    return main.active_in(neighbor, IPV4) and not main.active_in(neighbor, EVPN)
