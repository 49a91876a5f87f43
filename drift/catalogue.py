"""The catalogue of checks, in the order in which they are listed, and the sets that derive from it.

A check stands beside its comparison (`drift.planes`, `drift.fleet`); a new file has its entry here.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from drift.fleet import addresses as guest_addresses
from drift.fleet import (
    mac_routes,
    paths,
    route_distinguishers,
    router_ids,
    router_macs,
    underlay_routes,
    vteps,
)
from drift.fleet import vrrp as masters
from drift.plane import Across, Plane
from drift.planes import (
    addresses,
    bfd,
    configuration,
    duplicates,
    evpn,
    forwarding,
    gateway_routes,
    l3vnis,
    local_macs,
    mobility,
    narrow_paths,
    neighbours,
    prefixes,
    programming,
    sessions,
    sysctls,
    vrrp,
)
from drift.planes import (
    router_macs as router_mac_entries,
)
from drift.planes.filters import check as packet_filters
from drift.planes.links import guest_ports, passthru, queueing, single
from drift.planes.links import plane as links
from drift.planes.peering import next_hops, systems
from drift.planes.underlay import adjacency, diverted
from drift.planes.vrfs import (
    exits,
    isolation,
    leaks,
    networks,
    rules,
    snat,
    stale_routes,
    static_routes,
)
from drift.planes.vrfs import routes as vrf_routes
from overlay.errors import FleetError
from overlay.outputs import ALWAYS
from overlay.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from drift.model import Check
    from overlay.expected import FabricIntent, NodeIntent

_COMPARISONS: tuple[Plane | Across, ...] = (
    links.PLANE,
    single.PLANE,
    guest_ports.PLANE,
    passthru.PLANE,
    queueing.PLANE,
    packet_filters.PLANE,
    vteps.ACROSS,
    router_macs.ACROSS,
    programming.PLANE,
    forwarding.FLOOD_LISTS,
    forwarding.MACS,
    router_mac_entries.PLANE,
    local_macs.PLANE,
    local_macs.BY_HAND,
    vrf_routes.PLANE,
    stale_routes.PLANE,
    networks.PLANE,
    neighbours.PLANE,
    neighbours.STATIC,
    evpn.PLANE,
    next_hops.PLANE,
    route_distinguishers.ACROSS,
    prefixes.PLANE,
    mac_routes.ACROSS,
    mobility.PLANE,
    duplicates.PLANE,
    guest_addresses.ACROSS,
    gateway_routes.PLANE,
    router_ids.ACROSS,
    sessions.PLANE,
    systems.PLANE,
    bfd.PLANE,
    l3vnis.PLANE,
    addresses.GATEWAYS,
    addresses.UNDERLAY,
    adjacency.PLANE,
    diverted.PLANE,
    underlay_routes.ACROSS,
    exits.PLANE,
    isolation.PLANE,
    rules.PLANE,
    static_routes.STATIC_ROUTES,
    static_routes.UNDECLARED_ROUTES,
    leaks.PLANE,
    snat.PLANE,
    vrrp.PLANE,
    masters.ACROSS,
    sysctls.PLANE,
    sysctls.LIMITS,
    configuration.FILES_ON_DISK,
    configuration.RUNNING,
    paths.ACROSS,
    narrow_paths.PLANE,
)

CHECKS: dict[str, Check] = {check.id: check for part in _COMPARISONS for check in part.checks}
PLANES = tuple(part for part in _COMPARISONS if isinstance(part, Plane))
ACROSS = tuple(part for part in _COMPARISONS if isinstance(part, Across))

ACROSS_NODES = frozenset(part.check.id for part in ACROSS)
"""What only shows between nodes: the one that puts it right may be in sync itself."""
WITH_OTHERS = frozenset(check.id for check in CHECKS.values() if check.with_others)
"""What also hangs on other nodes, which may be deployed later."""
TRANSIENT = frozenset(check.id for check in CHECKS.values() if check.transient)
"""What a guest that migrates may cause for a moment: no drift unless it is there twice."""
BY_PROBE = frozenset(check.id for check in CHECKS.values() if check.by_probe)
"""What only an audit with `--probe` looks for."""


def wanted_outputs(intent: FabricIntent, node: NodeIntent) -> frozenset[str]:
    """The slugs of what is asked of a node: what its checks need or read, and nothing else.

    What `--probe` adds is not among them.
    """
    wanted = set(ALWAYS)
    for check in CHECKS.values():
        if not check.by_probe and check.applies(intent, node):
            wanted.update(check.slugs(intent, node), check.reads)
    return frozenset(wanted)


class UnknownCheckError(FleetError):
    """A check was named that the catalogue does not hold."""


def select(only: Collection[str] | None, skip: Collection[str]) -> tuple[Check, ...]:
    """The chosen checks in the catalogue's order: `only` (None: all) less `skip`.

    Both hold ids or globs (`flood-*`). UnknownCheckError names one that is like no
    check, or says that the choice leaves none.
    """
    wanted = set(CHECKS) if only is None else matching(only)
    chosen = wanted - matching(skip)
    if not chosen:
        raise UnknownCheckError(
            "the choice of checks leaves none", "skip fewer; `evpn-fleet checks` lists them all"
        )
    return tuple(check for name, check in CHECKS.items() if name in chosen)


def matching(patterns: Iterable[str]) -> set[str]:
    """The ids of the checks that any of these ids or globs names; UnknownCheckError for none."""
    found: set[str] = set()
    for pattern in sorted(patterns):
        like = {name for name in CHECKS if fnmatchcase(name, pattern)}
        if not like:
            close = nearest(pattern, CHECKS)
            hint = f"did you mean `{close}`? " if close else ""
            raise UnknownCheckError(
                f"there is no check `{pattern}`", f"{hint}`evpn-fleet checks` lists them all"
            )
        found |= like
    return found
