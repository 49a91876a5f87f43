"""What a VRF routes by: of the EVPN routes with its L3VNI's target, those that FRR uses."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent
    from overlay.records import EvpnPath

_IP_PREFIX = 5
_LOCAL_PREFERENCE = 100


def routed_paths(view: HostView, vxlan: VxlanIntent, routes: Routes) -> tuple[EvpnPath, ...]:
    """The paths received that the VRF of an L3VNI routes by, those of one destination together."""
    known = routes.routed.get(vxlan.vni)
    if known is None:
        known = routes.routed[vxlan.vni] = tuple(_routed(view, vxlan, routes))
    return known


def _routed(view: HostView, vxlan: VxlanIntent, routes: Routes) -> Iterator[EvpnPath]:
    vrf = view.bridges[vxlan.bridge].vrf
    exits = view.node.bgp.exits if view.node.bgp else ()
    yielding = {prefix for e in exits if e.vrf == vrf and e.backup for prefix in e.defaults}
    for (ip, length), paths in routes.addressed.get(vxlan.vni, {}).items():
        if len(paths) == 1 and paths[0].route_type != _IP_PREFIX:  # as nearly all are
            yield from () if paths[0].local else paths
            continue
        received = [path for path in paths if not path.local]
        if paths[0].route_type != _IP_PREFIX:
            # A host in two places is just moving: which one wins is not ours to guess.
            alone = len(received) == len(paths) and len({path.next_hop for path in paths}) == 1
            yield from received if alone else ()
        elif received and (len(received) == len(paths) or f"{ip}/{length}" in yielding):
            # Its own default leads an exit out, except where that gives way to the primary exit's.
            best = max(map(_preference, received))
            yield from (path for path in received if _preference(path) == best)


def _preference(path: EvpnPath) -> tuple[int, int]:
    """How BGP ranks the ways to a prefix; those with one rank are all used (ECMP)."""
    preference = _LOCAL_PREFERENCE if path.local_pref is None else path.local_pref
    return preference, -len(path.as_path.split())


def own_router_macs(view: HostView, vxlan: VxlanIntent, routes: Routes) -> set[str]:
    """The node's own RMACs of an L3VNI: FRR imports no route that carries one of them.

    Who else has it is `rmac-conflict`'s to say.
    """
    own = {path.rmac for path in routes.local if vxlan.vni in routes.vnis_of(path)}
    bridge = view.links.get(vxlan.bridge)
    own.add(bridge.mac if bridge is not None else None)
    return {mac for mac in own if mac is not None}


def vteps_of(paths: Iterable[EvpnPath]) -> list[str]:
    """The next hops of paths, sorted."""
    return sorted({path.next_hop for path in paths if path.next_hop is not None})


def prefix_of(path: EvpnPath) -> str:
    """The destination of a MAC/IP or prefix path, with its length."""
    if path.prefix_length is not None:
        return f"{path.ip}/{path.prefix_length}"
    return f"{path.ip}/{128 if ':' in (path.ip or '') else 32}"


def next_hop_of(path: EvpnPath) -> str:
    """The next hop as FRR gives it to the kernel: mapped into IPv6 for an IPv6 destination."""
    hop = path.next_hop or ""
    return _mapped(hop) if ":" in (path.ip or "") and ":" not in hop else hop


@lru_cache(maxsize=65536)
def _mapped(address: str) -> str:
    return str(ipaddress.ip_address(f"::ffff:{address}"))


@lru_cache(maxsize=65536)
def vtep_of(gateway: str) -> str:
    """The VTEP that a gateway is: `::ffff:192.168.0.2` is 192.168.0.2."""
    try:
        address = ipaddress.ip_address(gateway)
    except ValueError:
        return gateway
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
