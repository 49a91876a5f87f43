"""What is compared of an intended link, field by field, and which check each field belongs to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from operator import attrgetter
from typing import TYPE_CHECKING

from drift.model import CRITICAL, WARNING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift.model import About, Check, Severity
    from overlay.records import Link

    Read = Callable[[Link], object]


class Judged(Enum):
    """The value of a field that the intent says nothing of, on both sides."""

    NOT = "not judged"


NOT_JUDGED = Judged.NOT


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """What is compared of one link, in the order in which it is reported. None is a value."""

    vni: object = NOT_JUDGED
    local: object = NOT_JUDGED
    dstport: object = NOT_JUDGED
    learning: object = NOT_JUDGED
    group: object = NOT_JUDGED
    physdev: object = NOT_JUDGED
    proxy: object = NOT_JUDGED
    vnifilter: object = NOT_JUDGED
    vlan_tunnel: object = NOT_JUDGED
    least_ttl: object = NOT_JUDGED
    state: object = NOT_JUDGED
    mtu: object = NOT_JUDGED
    least_mtu: object = NOT_JUDGED
    vrf: object = NOT_JUDGED
    vlan_filtering: object = NOT_JUDGED
    stp: object = NOT_JUDGED
    arp: object = NOT_JUDGED
    least_ageing: object = NOT_JUDGED
    most_learnt: object = NOT_JUDGED
    mac: object = NOT_JUDGED
    raw: object = NOT_JUDGED
    vlan: object = NOT_JUDGED
    bridge: object = NOT_JUDGED
    isolated: object = NOT_JUDGED
    port_state: object = NOT_JUDGED
    locked: object = NOT_JUDGED
    port_learning: object = NOT_JUDGED
    neigh_suppress: object = NOT_JUDGED
    flood: object = NOT_JUDGED
    mcast_flood: object = NOT_JUDGED
    bcast_flood: object = NOT_JUDGED

    def judged(self) -> list[tuple[str, object]]:
        """The fields that the intent says something of."""
        values = zip(NAMES, _values(self), strict=True)
        return [(name, value) for name, value in values if value is not NOT_JUDGED]


NAMES = tuple(field.name for field in fields(LinkRecord))
_values = attrgetter(*NAMES)


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a link: the check it belongs to, its name in messages, how it is read.

    A `printed_late` word is one that older iproute2 does not print: its absence is no drift.
    Of an `at_least` one more than intended is as good. `harmless` says, by the link and all links
    of the node, that a difference stops nobody, whatever the check; `loses` by the link alone that
    it loses packets, though other differences of the check do not.
    """

    check: Check
    words: str
    read: Read
    printed_late: bool = False
    at_least: bool = False
    harmless: Callable[[Link, Mapping[str, Link]], bool] = lambda _link, _links: False
    loses: Callable[[Link], bool] = lambda _link: False

    def severity(self, link: Link, links: Mapping[str, Link]) -> Severity | None:
        """How bad a difference is; None if it is as bad as the check says."""
        if self.harmless(link, links):
            return WARNING
        return CRITICAL if self.loses(link) else None


@dataclass(frozen=True, slots=True)
class Expected:
    """One intended link: what it must be, its record, and its subject for folding."""

    missing: Check
    title: str
    kind: str | None
    record: LinkRecord
    about: About
    identity: str
