"""The kernel's tables of a node's VRFs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.view import HostView
    from overlay.host_records import Route

    # A table's routes by prefix: of each the one that the kernel uses.
    Table = dict[str, Route]

MAIN_TABLE = "main"
# Of addresses that are in no VRF.
LOCAL_TABLE = "local"


def shows_ipv6(view: HostView) -> bool:
    """Whether IPv6 routes were shown: iproute2 lists both, or IPv6 only when it is asked for."""
    return view.state.ipv6_routes is not None or any(
        ":" in route.prefix for route in view.state.routes or ()
    )


def vrf_by_table(view: HostView) -> dict[str, str]:
    """Its VRFs by what their tables are called: iproute2 prints a VRF's name, or the number."""
    found = {vrf.name: vrf.name for vrf in view.node.vrfs}
    for vrf in view.node.vrfs:
        link = view.links.get(vrf.name)
        if link is not None and link.vrf_table is not None:
            found[str(link.vrf_table)] = vrf.name
    return found


def tables_of_vrfs(view: HostView) -> dict[str, Table]:
    """By VRF the routes that the kernel uses, by prefix."""
    vrf_of = vrf_by_table(view)
    tables: dict[str, Table] = {vrf.name: {} for vrf in view.node.vrfs}
    for route in usable(view.kernel.of_kind(lambda table, *_: table in vrf_of)):
        table = tables[vrf_of[route.table]]
        best = table.setdefault(route.prefix, route)
        if route.metric < best.metric:
            table[route.prefix] = route
    return tables


def usable(routes: Iterable[Route]) -> Iterator[Route]:
    """Without those whose every way is dead: the kernel passes them over."""
    for route in routes:
        if not route.hops or any(hop.alive for hop in route.hops):
            yield route
