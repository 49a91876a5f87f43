"""The plane of addresses: gateways and the VTEP's own, against `ip -j address show`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.check import ADDRESSES
from drift.draft import About, Draft, draft, lines
from overlay.expected import BridgeRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.view import HostView
    from overlay.expected import BridgeIntent

GATEWAY_CHECKS = frozenset({"gateway-address"})
UNDERLAY_CHECKS = frozenset({"underlay-address"})


@dataclass(frozen=True, slots=True)
class Address:
    """One address on one interface, as `address/length`."""

    interface: str
    text: str

    @property
    def ip(self) -> str:
        return self.text.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.text} on {self.interface}"


def addresses_in(listing: object) -> tuple[Address, ...] | None:
    """Every address in `ip -j address show`; None if it is no such listing."""
    if not isinstance(listing, list):
        return None
    found = []
    for link in listing:
        # Old iproute2 prints `{}` for links that it filtered out.
        if isinstance(link, dict) and "ifname" in link:
            for info in link.get("addr_info") or ():
                address = _address(link["ifname"], info)
                if address is not None:
                    found.append(address)
    return tuple(found)


def _address(interface: object, info: object) -> Address | None:
    if not isinstance(info, dict):
        return None
    try:
        parsed = ipaddress.ip_interface(f"{info.get('local')}/{info.get('prefixlen')}")
    except ValueError:
        return None  # an address family of no concern here
    return Address(str(interface), str(parsed))


def examine_gateway_addresses(view: HostView) -> Iterator[Draft]:
    """Each anycast gateway's address and prefix on its own bridge."""
    for bridge in view.node.bridges:
        if bridge.role is BridgeRole.NETWORK:
            yield from _misplaced(view, bridge, "gateway-address", "gateway address")


def examine_underlay_address(view: HostView) -> Iterator[Draft]:
    """The VTEP address on the underlay bridge."""
    yield from _misplaced(view, view.node.underlay_bridge, "underlay-address", "VTEP address")


def _misplaced(view: HostView, bridge: BridgeIntent, check: str, what: str) -> Iterator[Draft]:
    found = addresses_in(view.state.json[ADDRESSES])
    if found is None:
        return
    here = [address for address in found if address.interface == bridge.name]
    present = {address.text for address in here}
    for wanted in bridge.addresses:
        if wanted in present:
            continue
        ip = wanted.partition("/")[0]
        # The address itself says most, wherever it is; else what its interface has instead.
        same = [address for address in found if address.ip == ip]
        instead = same or [a for a in here if not ipaddress.ip_interface(a.text).ip.is_link_local]
        yield draft(
            check,
            view.host,
            f"{bridge.name} {wanted}",
            "missing",
            f"{wanted} on {bridge.name}",
            [str(address) for address in instead] or None,
            what=what,
            evidence=lines(ADDRESSES, map(str, instead)),
            about=About(
                device=bridge.name,
                vrf=bridge.vrf,
                vni=view.vni_by_bridge.get(bridge.name),
                underlay=bridge.role is BridgeRole.UNDERLAY,
            ),
        )
