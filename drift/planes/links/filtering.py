"""What a filter of traffic control does with packets, as far as its words tell."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlay.host_records import Qdisc
    from overlay.records import TrafficFilter

_DROPS = re.compile(r"gact action (?:drop|shot)\b|\brandom type (?!none\b)\S+ drop\b")
_BURST = re.compile(r"^police \S+ .*\bburst (?P<burst>\d+)(?P<unit>b|Kb|Mb|Gb)\b.* action drop\b")
_UNITS = {"b": 1, "Kb": 1024, "Mb": 1024**2, "Gb": 1024**3}
# What lets each packet go on, as it is.
_HARMLESS = re.compile(
    r"gact action (?:pass|ok|continue|reclassify|pipe)\b|mirred \(\S+ Mirror |skbedit\b|sample\b"
    r"|csum\b|connmark\b"
)


class Does(IntEnum):
    """What becomes of the packets that a filter takes; the gravest is the lowest."""

    DROPS_ALL = 0
    DROPS_SOME = 1
    CANNOT_BE_TOLD = 2
    LIMITS = 3
    NOTHING = 4


def what_it_does(found: TrafficFilter, frame: int) -> Does:
    """The gravest of its actions; `frame` is the MTU of its device.

    A limit passes nothing that is longer than its burst. A BPF program decides by itself.
    """
    if found.kind == "bpf":
        return Does.CANNOT_BE_TOLD
    return min((_does(it, frame, found) for it in found.actions), default=Does.NOTHING)


def _does(action: str, frame: int, found: TrafficFilter) -> Does:
    drops = Does.DROPS_SOME if found.narrowed else Does.DROPS_ALL
    if _DROPS.search(action):
        return drops
    if action.startswith("police "):
        limit = _BURST.match(action)
        short = limit is not None and int(limit["burst"]) * _UNITS[limit["unit"]] < frame
        return drops if short else Does.LIMITS
    return Does.NOTHING if _HARMLESS.match(action) else Does.CANNOT_BE_TOLD


def places_of(qdisc: Qdisc) -> tuple[str, ...]:
    """The places where filters of a discipline hang."""
    if qdisc.kind == "clsact":
        return ("ingress", "egress")
    if qdisc.kind == "ingress":
        return ("ingress",)
    return ("root",) if qdisc.root else ()
