"""Tenants are kept apart: what a VRF does not know ends in its own table, for IPv4 and IPv6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_vrfs
from drift.causes import from_interface
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Plane
from drift.planes.vrfs.tables import shows_ipv6, vrf_by_table
from overlay.outputs import IP6_ROUTE, IP_LINK, IP_ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.expected import VrfIntent

VRF_ISOLATION = Check(
    "vrf-isolation",
    CRITICAL,
    "VRF without an end of its own",
    "Each VRF has an unreachable default route of its own, IPv4 and IPv6, and on an exit one "
    "for each prefix that is `unreachable:` by the intent. Other routes of the VRF go before.",
    "What a VRF's table does not know is looked up in the main table: guests reach the node "
    "itself, the underlay and other tenants, unencapsulated.",
    (IP_ROUTE, IP_LINK),
    reads=(IP6_ROUTE,),
    applies=with_vrfs,
    confirm="ip route show vrf vrf1 type unreachable; ip -6 route show vrf vrf1 type unreachable",
    remedy="`ifup vrf1` adds what is missing and interrupts nothing. If its stanza in "
    "/etc/network/interfaces has no `post-up ip route replace vrf vrf1 unreachable …`, `plan` "
    "shows it and `deploy` writes it.",
    follows=from_interface,
)

# What ends a lookup; the kernel drops such packets, with an ICMP error or without one.
_ENDS = frozenset({"unreachable", "prohibit", "blackhole"})


def examine_isolation(view: HostView) -> Iterator[RawFinding]:
    """Each VRF's unreachable routes: the default of both families, and what its exits must shut."""
    has_ipv6 = shows_ipv6(view)
    vrf_of = vrf_by_table(view)
    ends = [*view.kernel.of_kind(lambda table, kind, _: kind in _ENDS and table in vrf_of)]
    ended = {(vrf_of[route.table], route.prefix) for route in ends}
    for vrf in view.node.vrfs:
        for prefix in vrf.unreachable:
            if (vrf.name, prefix) not in ended and (has_ipv6 or ":" not in prefix):
                own = [it for it in view.kernel.all if vrf_of.get(it.table) == vrf.name]
                instead = [it.text for it in own if it.prefix == prefix]
                yield _missing(view, vrf, prefix, instead)


def _missing(view: HostView, vrf: VrfIntent, prefix: str, instead: list[str]) -> RawFinding:
    return VRF_ISOLATION.found(
        view.host,
        f"VRF {vrf.name} {prefix}",
        "missing",
        f"unreachable {prefix}",
        None,
        what="route that ends the lookup",
        evidence=lines(IP6_ROUTE if ":" in prefix else IP_ROUTE, instead),
        about=About(
            device=vrf.name,
            vrf=vrf.name,
            vni=vrf.l3vni,
            group=("vrf-isolation", view.host, vrf.name),
        ),
    )


PLANE = Plane(examine_isolation, (VRF_ISOLATION,))
