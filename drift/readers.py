"""What JSON outputs hold, as far as checks read it; None for an output of another shape."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from overlay.outputs import (
    BFD_PEERS,
    BGP_SUMMARY,
    EVPN_SUMMARY,
    EVPN_VNI,
    IP_ADDRESS,
    IP_ROUTE,
    VRRP,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Peers = dict[str, dict[str, Any]]

MAIN_TABLE = "main"
DEFAULT_ROUTE = {4: "0.0.0.0/0", 6: "::/0"}
_FAMILIES = {"ipv4Unicast": "IPv4", "ipv6Unicast": "IPv6"}
_DEAD = frozenset({"dead", "linkdown"})


def peers_of(summary: object) -> Peers | None:
    """The EVPN peers in `show bgp l2vpn evpn summary json` by address; None if it is no summary.

    FRR puts `peers` at the top, or below the VRF's name and the address family; an instance
    without a neighbour prints `{}`. Dynamic peers may be marked with `*`.
    """
    if not isinstance(summary, dict):
        return None
    peers = summary.get("peers")
    if isinstance(peers, dict):
        return {_peer_address(name): peer for name, peer in peers.items() if isinstance(peer, dict)}
    for part in ("default", "l2VpnEvpn"):
        if part in summary:
            return peers_of(summary[part])
    return {}


def families_of(summary: object) -> dict[str, Peers] | None:
    """The peers of IPv4 and IPv6 unicast in `show bgp summary json`, by the family's name.

    None if it is no summary; a family without a peer is not printed.
    """
    if not isinstance(summary, dict):
        return None
    if "default" in summary:
        return families_of(summary["default"])
    return {name: peers_of(summary.get(key, {})) or {} for key, name in _FAMILIES.items()}


def _peer_address(name: str) -> str:
    text = name.strip().lstrip("*")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text  # an unnumbered neighbour is named by its interface


def vnis_in(listing: object) -> dict[str, dict[str, Any]] | None:
    """The VNIs in `show evpn vni json` by number; None if it is no such listing."""
    if not isinstance(listing, dict):
        return None
    return {vni: entry for vni, entry in listing.items() if isinstance(entry, dict)}


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


@dataclass(frozen=True, slots=True)
class Route:
    """One unicast route of the kernel: `hops` are its (gateway, device), several with ECMP."""

    table: str
    prefix: str
    metric: int
    hops: tuple[tuple[str | None, str], ...]

    @property
    def text(self) -> str:
        """The route as `ip route` says it, for evidence and messages."""
        return ", ".join(f"via {hop} dev {dev}" if hop else f"dev {dev}" for hop, dev in self.hops)

    @property
    def gateways(self) -> list[str]:
        return sorted(hop for hop, _ in self.hops if hop is not None)


def routes_in(listing: object) -> list[Route] | None:
    """The unicast routes of `ip -j route show table all`; None if it is no such listing."""
    if not isinstance(listing, list):
        return None
    found = (_route(entry) for entry in listing if isinstance(entry, dict))
    return [route for route in found if route is not None]


def _route(entry: dict[str, Any]) -> Route | None:
    if entry.get("type", "unicast") != "unicast":
        return None
    nested = entry.get("nexthops")
    shown = nested if isinstance(nested, list) else [entry]
    hops = [
        (_gateway(hop), str(hop.get("dev")))
        for hop in shown
        if isinstance(hop, dict) and not _DEAD & set(hop.get("flags") or ())
    ]
    metric = entry.get("metric", 0)
    return Route(
        table=str(entry.get("table", MAIN_TABLE)),
        prefix=_prefix(entry),
        metric=metric if isinstance(metric, int) else 0,
        hops=tuple(hops),
    )


def _gateway(hop: dict[str, Any]) -> str | None:
    via = hop.get("via")
    found = hop.get("gateway") or (via.get("host") if isinstance(via, dict) else None)
    return None if found is None else str(found)


def _prefix(entry: dict[str, Any]) -> str:
    """The destination with its length; iproute2 says `default` for both IPv4 and IPv6."""
    text = str(entry.get("dst"))
    if text != "default":
        return text
    # Only IPv6 routes print a preference; an IPv4 route may have an IPv6 gateway, below `via`.
    six = "pref" in entry or ":" in str(entry.get("gateway", ""))
    return DEFAULT_ROUTE[6 if six else 4]


def groups_in(listing: object) -> dict[int, dict[str, Any]] | None:
    """The groups of `show vrrp json` by their number; None if it is no such listing."""
    if not isinstance(listing, list):
        return None
    return {
        group["vrid"]: group
        for group in listing
        if isinstance(group, dict) and isinstance(group.get("vrid"), int)
    }


def probes_in(listing: object) -> dict[str, dict[str, Any]] | None:
    """The sessions of `show bfd peers json` by the peer's address; None if it is no such listing.

    Of two with one peer (another local address, another VRF) one that is up counts.
    """
    if not isinstance(listing, list):
        return None
    found: dict[str, dict[str, Any]] = {}
    for session in listing:
        if isinstance(session, dict) and "peer" in session:
            address = _peer_address(str(session["peer"]))
            if address not in found or session.get("status") == "up":
                found[address] = session
    return found


READERS: dict[str, Callable[[object], object]] = {
    EVPN_SUMMARY: peers_of,
    EVPN_VNI: vnis_in,
    BGP_SUMMARY: families_of,
    IP_ADDRESS: addresses_in,
    IP_ROUTE: routes_in,
    VRRP: groups_in,
    BFD_PEERS: probes_in,
}
