"""The plane of addresses: gateways and the VTEP's own, against `ip -j address show`."""

from __future__ import annotations

import ipaddress
import json
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

from drift.check import ADDRESSES
from drift.draft import About, Draft, draft, lines
from overlay.expected import BridgeRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from drift.view import HostView
    from overlay.expected import BridgeIntent

GATEWAY_CHECKS = frozenset({"gateway-address"})
UNDERLAY_CHECKS = frozenset({"underlay-address"})


def addresses_in(listing: object) -> dict[str, list[str]] | None:
    """`ip -j address show` as interface → its `address/length`; None if it is no such listing."""
    if not isinstance(listing, list):
        return None
    found: dict[str, list[str]] = defaultdict(list)
    for link in listing:
        # Old iproute2 prints `{}` for links that it filtered out.
        if isinstance(link, dict) and "ifname" in link:
            for info in link.get("addr_info") or ():
                text = _address(info)
                if text is not None:
                    found[str(link["ifname"])].append(text)
    return dict(found)


def _address(info: object) -> str | None:
    if not isinstance(info, dict):
        return None
    return _canonical(f"{info.get('local')}/{info.get('prefixlen')}")


@lru_cache(maxsize=65536)
def _canonical(text: str) -> str | None:
    # Cached because anycast gateways are the same on every node, and parsing is most of the work.
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError:
        return None  # an address family of no concern here


def examine_gateway_addresses(view: HostView) -> Iterator[Draft]:
    """Each anycast gateway's address and prefix on its own bridge."""
    gateways = [bridge for bridge in view.node.bridges if bridge.role is BridgeRole.NETWORK]
    yield from _misplaced(view, gateways, "gateway-address", "gateway address")


def examine_underlay_address(view: HostView) -> Iterator[Draft]:
    """The VTEP address on the underlay bridge; its length is another's where that bridge is."""
    yield from _misplaced(view, [view.node.underlay_bridge], "underlay-address", "VTEP address")


def _misplaced(
    view: HostView, bridges: Iterable[BridgeIntent], check: str, what: str
) -> Iterator[Draft]:
    found = addresses_in(view.state.json[ADDRESSES]) or {}
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
        yield draft(
            check,
            view.host,
            f"{bridge.name} {wanted}",
            "missing",
            f"{wanted} on {bridge.name}",
            instead or None,
            what=what,
            evidence=lines(ADDRESSES, _said(view.state.json[ADDRESSES], bridge.name, _ip(wanted))),
            about=About(
                device=bridge.name,
                vrf=bridge.vrf,
                vni=view.vni_by_bridge.get(bridge.name),
                underlay=bridge.role is BridgeRole.UNDERLAY,
            ),
        )


def _has(view: HostView, bridge: BridgeIntent, wanted: str, texts: Iterable[str]) -> bool:
    if bridge.role is BridgeRole.UNDERLAY and not view.node.owns_underlay:
        return _ip(wanted) in map(_ip, texts)
    return wanted in texts


def _said(listing: object, name: str, address: str) -> Iterator[str]:
    """What the node said of an interface, and of any other one that holds the address."""
    for link in listing if isinstance(listing, list) else ():
        if isinstance(link, dict) and "ifname" in link:
            infos = link.get("addr_info") or ()
            here = any(isinstance(info, dict) and info.get("local") == address for info in infos)
            if link["ifname"] == name or here:
                yield json.dumps({key: link.get(key) for key in ("ifname", "addr_info")})


def _ip(text: str) -> str:
    return text.partition("/")[0]


def _places(found: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Where each address is, with its prefix length."""
    places: dict[str, list[str]] = defaultdict(list)
    for interface, texts in found.items():
        for text in texts:
            places[_ip(text)].append(f"{text} on {interface}")
    return places
