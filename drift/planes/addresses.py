"""The plane of addresses: gateways and the VTEP's own, against `ip -j address show`."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_gateways
from drift.causes import Broken, breaks_device, from_interface
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from drift.planes.vrfs.tables import LOCAL_TABLE, vrf_by_table
from overlay.expected import BridgeRole
from overlay.outputs import IP6_ROUTE, IP_ADDRESS, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import BridgeIntent
    from overlay.host_records import AddressedLink

# Neighbours ask for each other's MACs by multicast, and a table without this route drops that.
_ALL_GROUPS = "ff00::/8"
# One that is being tried, or that another node claimed meanwhile, the kernel does not use yet.
_UNUSED = frozenset({"dadfailed", "tentative"})


def _lacks_gateway(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.GATEWAY, raw.finding.host


GATEWAY_ADDRESS = Check(
    "gateway-address",
    CRITICAL,
    "gateway address missing",
    "Each anycast gateway's address and prefix are on its bridge, and the kernel takes what is "
    "for that address: by its `local` route, and what asks for it by IPv6's `multicast` route.",
    "Guests have no gateway here.",
    (IP_ADDRESS,),
    applies=with_gateways,
    confirm="ip address show dev vmbr2; ip route show vrf vrf1 type local; ip -6 route show vrf "
    "vrf1 type multicast",
    remedy="`ip address replace 10.0.2.254/24 dev vmbr2`, or `ifup vmbr2`. If the address is there "
    "and its `local` route is not, take it away first: `ip address del 10.0.2.254/24 dev vmbr2`. "
    "IPv6's: `ip -6 route append multicast ff00::/8 dev vmbr2 vrf vrf1 metric 256 proto kernel`.",
    reads=(IP_ROUTE, IP6_ROUTE),
    explains=_lacks_gateway,
    follows=from_interface,
)

UNDERLAY_ADDRESS = Check(
    "underlay-address",
    CRITICAL,
    "VTEP address missing",
    "The VTEP address is on the underlay interface, and the kernel takes what is for it: by its "
    "`local` route, and what asks for it by IPv6's `multicast` route.",
    "Tunnels and BGP sessions of this node have no endpoint.",
    (IP_ADDRESS,),
    confirm="ip address show dev vmbr0; ip route show table local 192.168.0.1",
    remedy="`ip address replace 192.168.0.1/24 dev vmbr0`, or `ifup vmbr0`: on the console, if "
    "that address was the way in. Its `local` route alone: `ip route add local 192.168.0.1 dev "
    "vmbr0 table local proto kernel scope host src 192.168.0.1`.",
    reads=(IP_ROUTE, IP6_ROUTE),
    explains=breaks_device,
    follows=from_interface,
    depth=Depth.ADDRESS,
)


def examine_gateway_addresses(view: HostView) -> Iterator[RawFinding]:
    """Each anycast gateway's address and prefix on its own bridge."""
    gateways = [bridge for bridge in view.node.bridges if bridge.role is BridgeRole.NETWORK]
    yield from _misplaced(view, gateways, GATEWAY_ADDRESS, "gateway address")
    yield from _not_taken(view, gateways, GATEWAY_ADDRESS)


def examine_underlay_address(view: HostView) -> Iterator[RawFinding]:
    """The VTEP address on the underlay bridge; its length is another's where that bridge is."""
    yield from _misplaced(view, [view.node.underlay_bridge], UNDERLAY_ADDRESS, "VTEP address")
    yield from _not_taken(view, [view.node.underlay_bridge], UNDERLAY_ADDRESS)


def _misplaced(
    view: HostView, bridges: Iterable[BridgeIntent], check: Check, what: str
) -> Iterator[RawFinding]:
    links = view.state.addresses or {}
    # One that another node claimed while it was tried (IPv6 duplicate address detection) is there,
    # and the kernel does not use it.
    found = {
        name: [one.interface for one in link.addresses if "dadfailed" not in one.flags]
        for name, link in links.items()
    }
    missing = [
        (bridge, wanted)
        for bridge in bridges
        for wanted in bridge.addresses
        if not _has(view, bridge, wanted, found.get(bridge.name, ()))
    ]
    places = _places(found) if missing else {}
    for bridge, wanted in missing:
        # The address itself says most, wherever it is; else what its interface has instead.
        instead = places.get(_ip(wanted)) or [
            f"{text} on {bridge.name}"
            for text in found.get(bridge.name, ())
            if not ipaddress.ip_interface(text).ip.is_link_local
        ]
        yield check.found(
            view.host,
            f"{bridge.name} {wanted}",
            "missing",
            f"{wanted} on {bridge.name}",
            instead or None,
            what=what,
            evidence=lines(IP_ADDRESS, _said(links.values(), bridge.name, _ip(wanted))),
            about=_about(view, bridge),
        )


def _not_taken(
    view: HostView, bridges: Iterable[BridgeIntent], check: Check
) -> Iterator[RawFinding]:
    """Of addresses that are there, those without the routes by which the kernel takes packets."""
    taken, groups = _taken(view)
    # Older recordings have routes of IPv4 alone.
    shown = {":" in address for address in taken}
    for bridge in bridges:
        found = (view.state.addresses or {}).get(bridge.name)
        link = view.links.get(bridge.name)
        if found is None or (bridge.vrf and (link is None or link.master != bridge.vrf)):
            continue
        table = bridge.vrf or LOCAL_TABLE
        held = [one.interface for one in found.addresses if not _UNUSED & {*one.flags}]
        there = [it for it in bridge.addresses if _has(view, bridge, it, held)]
        for wanted in there:
            address = _ip(wanted)
            if (":" in address) in shown and table not in taken[address]:
                yield _lacks(view, bridge, found, check, wanted, f"local {address}")
        neighbours = link is not None and link.kind == "bridge" and "UP" in link.flags
        six = [it for it in there if ":" in it]
        if six and neighbours and groups and (table, bridge.name) not in groups:
            yield _lacks(view, bridge, found, check, six[0], f"multicast {_ALL_GROUPS}")


def _taken(view: HostView) -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
    """By address the tables that keep it for the node, and where groups of IPv6 are heard."""
    names = vrf_by_table(view)
    taken: dict[str, set[str]] = defaultdict(set)
    groups: set[tuple[str, str]] = set()
    for route in view.kernel.all:
        if route.type == "local":
            taken[_ip(route.prefix)].add(names.get(route.table, route.table))
        elif route.prefix == _ALL_GROUPS:
            table = names.get(route.table, route.table)
            groups |= {(table, hop.device) for hop in route.hops if hop.device is not None}
    return taken, groups


def _lacks(
    view: HostView,
    bridge: BridgeIntent,
    found: AddressedLink,
    check: Check,
    wanted: str,
    route: str,
) -> RawFinding:
    return check.found(
        view.host,
        f"{bridge.name} {wanted}",
        "missing",
        f"{route} dev {bridge.name}",
        None,
        what="route in the kernel",
        evidence=lines(IP_ADDRESS, [found.text]),
        about=_about(view, bridge),
    )


def _about(view: HostView, bridge: BridgeIntent) -> About:
    return About(
        device=bridge.name,
        vrf=bridge.vrf,
        vni=view.vni_by_bridge.get(bridge.name),
        underlay=bridge.role is BridgeRole.UNDERLAY,
    )


def _has(view: HostView, bridge: BridgeIntent, wanted: str, texts: Iterable[str]) -> bool:
    if bridge.role is BridgeRole.UNDERLAY and not view.node.owns_underlay:
        return _ip(wanted) in map(_ip, texts)
    return wanted in texts


def _said(links: Iterable[AddressedLink], name: str, address: str) -> Iterator[str]:
    """What the node said of an interface, and of any other one that holds the address."""
    for link in links:
        if link.name == name or any(one.ip == address for one in link.addresses):
            yield link.text


def _ip(text: str) -> str:
    return text.partition("/")[0]


def _places(found: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Where each address is, with its prefix length."""
    places: dict[str, list[str]] = defaultdict(list)
    for interface, texts in found.items():
        for text in texts:
            places[_ip(text)].append(f"{text} on {interface}")
    return places


GATEWAYS = Plane(examine_gateway_addresses, (GATEWAY_ADDRESS,))
UNDERLAY = Plane(examine_underlay_address, (UNDERLAY_ADDRESS,))
