"""What iproute2 prints as JSON: addresses, routes, policy routing rules, neighbours and qdiscs."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING, NotRequired, Required

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.host_records import (
    AddressedLink,
    InterfaceAddress,
    Neighbour,
    NextHop,
    Qdisc,
    Route,
    Rule,
)
from parsers._json import KEEP, READ, Place, printed, read_json, wrong
from parsers._kept import Kept, read_entries
from parsers._text import address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ADDRESSES = "ip -j address show"
ROUTES = "ip -j route show table all"
ROUTES6 = "ip -6 -j route show table all"
NEIGHBOURS = "ip -j neigh show nud all"
RULES = "ip -j rule show"
RULES6 = "ip -6 -j rule show"
QDISCS = "tc -j qdisc show"

_MAIN = "main"
_DEAD = frozenset({"dead", "linkdown"})
# `ip route show table all` lists MPLS labels, too, where the kernel has them.
_LABEL = re.compile(r"[0-9][0-9/]*")
# Printed as keys without a value.
_NEIGHBOUR_FLAGS = ("extern_learn", "managed", "offload", "proxy", "router", "sticky")

# What a guest's packet, forwarded and without a mark, does not have.
_NARROWING = ("fwmark", "oif", "uid_start", "tun_id")
_ACTIONS = ("goto", "nop")


@with_config(KEEP)
class _Address(TypedDict, total=False):
    family: str
    local: object  # a text of IPv4 and IPv6; MCTP has numbers
    prefixlen: int
    scope: str


@with_config(KEEP)
class _AddressedLink(TypedDict, total=False):
    ifname: str
    addr_info: list[_Address]


@with_config(READ)
class _Via(TypedDict):
    host: str


@with_config(READ)
class _Hop(TypedDict, total=False):
    gateway: str
    via: _Via
    dev: str
    flags: list[str]


@with_config(READ)
class _Metrics(TypedDict, total=False):
    mtu: int


@with_config(READ)
class _Route(_Hop, total=False):
    dst: Required[str]
    type: str
    table: str
    metric: int
    protocol: str
    pref: str
    nexthops: list[_Hop]
    metrics: list[_Metrics]


@with_config(READ)
class _Neighbour(TypedDict):
    dst: str
    dev: str
    lladdr: NotRequired[str]
    state: NotRequired[list[str]]
    protocol: NotRequired[str]
    extern_learn: NotRequired[object]
    managed: NotRequired[object]
    offload: NotRequired[object]
    proxy: NotRequired[object]
    router: NotRequired[object]
    sticky: NotRequired[object]


@with_config(KEEP)
class _Rule(TypedDict, total=False):
    priority: Required[int]
    src: str
    srclen: int
    dst: str
    dstlen: int
    iif: str
    table: str
    action: str


@with_config(KEEP)
class _QdiscOptions(TypedDict, total=False):
    burst: int | str


@with_config(KEEP)
class _Qdisc(TypedDict, total=False):
    dev: Required[str]
    kind: Required[str]
    root: bool
    options: _QdiscOptions


_ADDRESSES = TypeAdapter(list[_AddressedLink])
_ROUTES = TypeAdapter(list[_Route])
_NEIGHBOURS = TypeAdapter(list[_Neighbour])
_RULES = TypeAdapter(list[_Rule])
_QDISCS = TypeAdapter(list[_Qdisc])
_ONE_ROUTE = TypeAdapter(_Route)
_ONE_NEIGHBOUR = TypeAdapter(_Neighbour)

# Host routes and neighbours that EVPN tells are the same on all nodes of a VNI: at 120 characters
# an entry those of 2,500 guests.
_KEPT_ROUTES: Kept[Route] = Kept(300_000)
_KEPT_ROUTES6: Kept[Route] = Kept(300_000)
_KEPT_NEIGHBOURS: Kept[Neighbour] = Kept(300_000)


def parse_addresses(text: str) -> dict[str, AddressedLink]:
    """The links of a node with their IPv4 and IPv6 addresses, by name.

    Raises ParseError, also for one name twice: the output is of more than one namespace then.
    """
    links: dict[str, AddressedLink] = {}
    listing = read_json(ADDRESSES, text, _ADDRESSES)
    for position, shown in enumerate(listing):
        if not shown:
            continue  # old iproute2 prints `{}` for what it filtered out
        if "ifname" not in shown:
            raise wrong(ADDRESSES, (position, "ifname"), "this key is missing", shown)
        name, infos = shown["ifname"], shown.get("addr_info", [])
        if name in links:
            raise wrong(ADDRESSES, (position, "ifname"), "a second link of this name", name)
        found = (
            _address((position, "addr_info", place), info)
            for place, info in enumerate(infos)
            if info
        )
        links[name] = AddressedLink(
            name,
            tuple(one for one in found if one is not None),
            text=printed({"ifname": name, "addr_info": infos}),
        )
    return links


def _address(place: Place, info: _Address) -> InterfaceAddress | None:
    """One address; None for one of a family of no concern here."""
    missing = next((key for key in ("family", "local", "prefixlen") if key not in info), None)
    if "family" in info and info["family"] not in {"inet", "inet6"}:
        return None
    if missing is not None:
        raise wrong(ADDRESSES, (*place, missing), "this key is missing", info)
    try:
        interface = _interface(str(info["local"]), info["prefixlen"])
    except ValueError:
        raise wrong(ADDRESSES, place, "not an address with its length", info) from None
    flags = tuple(sorted(key for key, value in info.items() if value is True))
    return InterfaceAddress(interface, info.get("scope"), flags)


# Cached because anycast gateways are the same on every node, and parsing is most of the work.
@functools.lru_cache(maxsize=4096)
def _interface(local: str, length: int) -> str:
    return str(ipaddress.ip_interface(f"{local}/{length}"))


def parse_routes(text: str) -> tuple[Route, ...]:
    """All routes of all tables, of whatever type, in iproute2's order. Raises ParseError.

    IPv6 routes may be among them; a default without a gateway is told by the preference that only
    IPv6 routes have.
    """
    known = read_entries(
        text, _ONE_ROUTE, lambda it: _route(ROUTES, 0, it, six=_is_six(it)), _KEPT_ROUTES
    )
    return known if known is not None else _routes(ROUTES, text)


def parse_ipv6_routes(text: str) -> tuple[Route, ...]:
    """All IPv6 routes of all tables, as `parse_routes`."""
    known = read_entries(
        text, _ONE_ROUTE, lambda it: _route(ROUTES6, 0, it, six=True), _KEPT_ROUTES6
    )
    return known if known is not None else _routes(ROUTES6, text)


def _routes(command: str, text: str) -> tuple[Route, ...]:
    """The routes of a text that is read as a whole. Raises ParseError."""
    listing = read_json(command, text, _ROUTES)
    return tuple(
        _route(command, position, shown, six=command == ROUTES6 or _is_six(shown))
        for position, shown in enumerate(listing)
    )


def _is_six(shown: _Route) -> bool:
    # An IPv4 route may have an IPv6 gateway too: that stands below `via`.
    return "pref" in shown or any(":" in hop.get("gateway", "") for hop in _hops(shown))


def _hops(shown: _Route) -> Sequence[_Hop]:
    if "nexthops" in shown:
        return shown["nexthops"]
    # An unreachable default leads nowhere.
    return (shown,) if shown.keys() & {"dev", "gateway", "via"} else ()


def _route(command: str, position: int, shown: _Route, *, six: bool) -> Route:
    try:
        prefix = _prefix(shown["dst"], six=six)
    except ValueError:
        raise wrong(command, (position, "dst"), "not a destination", shown["dst"]) from None
    return Route(
        table=shown.get("table", _MAIN),
        prefix=prefix,
        type=shown.get("type", "unicast"),
        metric=shown.get("metric", 0),
        protocol=shown.get("protocol"),
        hops=tuple(map(_hop, _hops(shown))),
        mtu=next((it["mtu"] for it in shown.get("metrics", ()) if "mtu" in it), None),
    )


def _hop(shown: _Hop) -> NextHop:
    gateway = shown.get("gateway")
    if gateway is None and "via" in shown:
        gateway = shown["via"]["host"]
    return NextHop(gateway, shown.get("dev"), alive=not _DEAD.intersection(shown.get("flags", ())))


@functools.lru_cache(maxsize=4096)
def _prefix(shown: str, *, six: bool) -> str:
    """A destination with its length; both families print `default`. Raises ValueError."""
    if shown == "default":
        return "::/0" if six else "0.0.0.0/0"
    if _LABEL.fullmatch(shown):
        return shown
    return str(ipaddress.ip_network(shown))


def parse_neighbours(text: str) -> tuple[Neighbour, ...]:
    """The neighbour tables of all links, in iproute2's order. Raises ParseError."""
    known = read_entries(text, _ONE_NEIGHBOUR, lambda it: _neighbour(0, it), _KEPT_NEIGHBOURS)
    if known is not None:
        return known
    listing = read_json(NEIGHBOURS, text, _NEIGHBOURS)
    return tuple(_neighbour(position, shown) for position, shown in enumerate(listing))


def _neighbour(position: int, shown: _Neighbour) -> Neighbour:
    try:
        known = address(shown["dst"])
    except ValueError:
        raise wrong(NEIGHBOURS, (position, "dst"), "not an IP address", shown["dst"]) from None
    mac = shown.get("lladdr")
    return Neighbour(
        address=known,
        device=shown["dev"],
        mac=None if mac is None else mac.lower(),
        states=tuple(shown.get("state", ())),
        flags=_flags(shown),
        protocol=shown.get("protocol"),
    )


def _flags(shown: Mapping[str, object]) -> tuple[str, ...]:
    return tuple([flag for flag in _NEIGHBOUR_FLAGS if flag in shown])


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The IPv4 rules, in the order in which the kernel asks them. Raises ParseError."""
    return _rules(RULES, text)


def parse_ipv6_rules(text: str) -> tuple[Rule, ...]:
    """The IPv6 rules, as `parse_rules`."""
    return _rules(RULES6, text)


def _rules(command: str, text: str) -> tuple[Rule, ...]:
    listing = read_json(command, text, _RULES)
    return tuple(_rule(command, position, shown) for position, shown in enumerate(listing))


def _rule(command: str, position: int, shown: _Rule) -> Rule:
    ends = {}
    for key in ("src", "dst"):
        try:
            ends[key] = _end(shown, key)
        except ValueError:
            raise wrong(command, (position, key), "not a prefix", shown) from None
    inverted = "not" in shown
    known = next((word for word in _ACTIONS if word in shown), None)
    return Rule(
        priority=shown["priority"],
        action=known or shown.get("action", "lookup"),
        table=shown.get("table"),
        # What a rule does not take may be anybody.
        source=None if inverted else ends["src"],
        target=None if inverted else ends["dst"],
        device=None if inverted else shown.get("iif"),
        to_vrf="l3mdev" in shown,
        narrowed=not inverted and any(key in shown for key in _NARROWING),
        text=printed(shown),
    )


def parse_qdiscs(text: str) -> tuple[Qdisc, ...]:
    """The queueing disciplines of all links, in iproute2's order. Raises ParseError."""
    return tuple(_qdisc(shown) for shown in read_json(QDISCS, text, _QDISCS))


def _qdisc(shown: _Qdisc) -> Qdisc:
    burst = shown.get("options", {}).get("burst")
    return Qdisc(
        shown["dev"],
        shown["kind"],
        root=shown.get("root", False),
        burst=burst if isinstance(burst, int) else None,
        text=printed(shown),
    )


def _end(shown: _Rule, key: str) -> str | None:
    """The prefix below `src` or `dst`; None for everybody. Raises ValueError."""
    address = shown.get(key, "all")
    if address == "all":
        return None
    length = shown.get(f"{key}len")
    if address == "0":  # a zero address is printed so, whatever the family
        return None if not length else f"0.0.0.0/{length}"
    whole = f"{address}/{length}" if length is not None else str(address)
    return str(ipaddress.ip_network(whole, strict=False))
