"""The kernel settings of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.intent import Fabric, Network, Node, Role, Routing, Scope
from overlay.names import l3vni_bridge, network_bridge, setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.derived.devices import VrfIntent
    from overlay.derived.routed import RoutedUnderlay
    from overlay.derived.speakers import RouterIntent
    from overlay.peering.control_plane import ControlPlane


def forwarding(fabric: Fabric, node: Node) -> bool:
    if fabric.underlay.forwarding is not None:
        return fabric.underlay.forwarding
    if fabric.underlay.routed:
        return True
    if node.role is Role.VTEP:
        return fabric.routing is not Routing.NONE
    return node.role is Role.ROUTER


def forwarding_of_bridges(
    fabric: Fabric, networks: list[Network], vrfs: Iterable[VrfIntent]
) -> list[tuple[str, str]]:
    """Where others write the files: what the kernel asks of a packet that comes in by a bridge.

    The global switch sets all of these, too. Of IPv6 it asks the switch itself.
    """
    routed = [network_bridge(fabric, network) for network in networks if network.gateways]
    routed += [l3vni_bridge(fabric, vrf.name) for vrf in vrfs if vrf.l3vni is not None]
    found = [(setting(4, name, "forwarding"), "1") for name in routed]
    if any(network.routes_ipv6 for network in networks):
        found.append(("net.ipv6.conf.all.forwarding", "1"))
    return found


def of_ipv6_gateways(fabric: Fabric, networks: list[Network]) -> list[tuple[str, str]]:
    """For bridges with an IPv6 anycast gateway, which every node has, with one MAC.

    No duplicate address detection: two nodes that get it at about the same moment each find it
    taken, and the kernel uses it on neither.

    Unsolicited neighbour advertisements are heard (RFC 9131; `arp-accept` is the like for ARP):
    a guest answers the gateway of whichever node asked, and its own node's, of the same MAC, takes
    the answer. The kernel drops what it has not asked for itself, so no node would ever learn of a
    guest that has sent its gateway nothing over IPv6.
    """
    bridges = [network_bridge(fabric, net) for net in networks if net.routes_ipv6]
    wanted = (("accept_dad", "0"), ("accept_untracked_na", "1"))
    return [(setting(6, bridge, key), value) for bridge in bridges for key, value in wanted]


def of_routed_underlay(routed: RoutedUnderlay | None, scope: Scope) -> tuple[tuple[str, str], ...]:
    """Both directions may take different links, and one tunnel's flows all of them.

    Two VTEPs are one pair of addresses: only the UDP source port, which VXLAN makes of the inner
    frame, tells their flows apart. Without that no packet is lost, and who else writes a node's
    files may not want it.
    """
    if routed is None:
        return ()
    places = ("default", "all", *(link.name.replace(".", "/") for link in routed.links))
    settings = ((f"net.ipv4.conf.{place}.rp_filter", "0") for place in places)
    spread = () if scope is Scope.OBSERVED else (("net.ipv4.fib_multipath_hash_policy", "1"),)
    return (*settings, *spread)


def sysctls(
    fabric: Fabric,
    name: str,
    node: Node,
    plane: ControlPlane,
    router: RouterIntent | None,
    networks: list[Network],
    vrfs: Iterable[VrfIntent],
) -> tuple[tuple[str, str], ...]:
    # Gateways forward per interface; an L3VNI's bridge and a VRF only by the global switch.
    switch = str(int(forwarding(fabric, node)))
    settings = [("net.ipv4.ip_forward", switch), ("net.ipv6.conf.all.forwarding", switch)]
    if scope_of(fabric, node) is Scope.OBSERVED and fabric.underlay.forwarding is None:
        settings = forwarding_of_bridges(fabric, networks, vrfs)
    if name in plane.exit_names and len(plane.exit_names) > 1:
        # A packet may come in by one exit and its answer leave by another. What exists already
        # does not follow `default`, and the stricter of `all` and the interface counts.
        places = ("default", "all", fabric.underlay.bridge)
        settings += [(f"net.ipv4.conf.{place}.rp_filter", "0") for place in places]
    if any(net.vrf and net.routes_ipv6 for net in networks):
        # ifupdown2 of Debian 12 puts a bridge into its VRF when it has its addresses already, and
        # the kernel takes the IPv6 ones away then.
        settings.append(("net.ipv6.conf.all.keep_addr_on_down", "1"))
    if scope_of(fabric, node) is not Scope.OBSERVED:
        settings += of_ipv6_gateways(fabric, networks)
    if router and len({route.next_hop for route in router.routes}) > 1:
        # Static ECMP does not see that an exit is dead; its unanswered ARP does. IPv6 always looks.
        settings.append(("net.ipv4.fib_multipath_use_neigh", "1"))
    return tuple(settings)
