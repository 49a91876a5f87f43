"""`show vrrp json` → VRRP groups by number."""

from __future__ import annotations

from typing import NotRequired

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.host_records import VrrpFamily, VrrpGroup
from parsers._json import KEEP, entry, read_json, wrong

COMMAND = "show vrrp json"


@with_config(KEEP)
class _Family(TypedDict):
    status: str
    effectivePriority: int
    addresses: list[str]
    interface: NotRequired[str]


@with_config(KEEP)
class _Group(TypedDict):
    vrid: int
    interface: str
    shutdown: bool
    priority: NotRequired[int]
    v4: _Family
    v6: _Family


_GROUPS = TypeAdapter(list[_Group])


def parse_vrrp(text: str) -> dict[int, VrrpGroup]:
    """The VRRP groups of a node, by number. Raises ParseError, also for one number on two links.

    FRR allows that; an intent does not, and one of the two would be lost.
    """
    groups: dict[int, VrrpGroup] = {}
    listing = read_json(COMMAND, text, _GROUPS)
    for position, shown in enumerate(listing):
        number = shown["vrid"]
        if number in groups:
            raise wrong(COMMAND, (position, "vrid"), "a second group of this number", number)
        groups[number] = VrrpGroup(
            id=number,
            interface=shown["interface"],
            shutdown=shown["shutdown"],
            priority=shown.get("priority"),
            ipv4=_family(shown["v4"]),
            ipv6=_family(shown["v6"]),
            text=entry(str(number), shown),
        )
    return groups


def _family(shown: _Family) -> VrrpFamily:
    return VrrpFamily(
        status=shown["status"],
        priority=shown["effectivePriority"],
        addresses=tuple(shown["addresses"]),
        device=shown.get("interface") or None,
    )
