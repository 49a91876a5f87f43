"""Why nothing is derived from a key, and what to do: words for keys that were found unused.

What is found unused does not depend on this table: a key that it does not know has general words.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.derive import carriers_by_vni
from overlay.intent import Mode, Role, Routing, Scope
from overlay.problems import few

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.intent import Fabric
    from overlay.problems import KeyPath

Reason = tuple[str, str]
# What is said of a node of ours alone.
_OURS = frozenset(
    {"port", "router_id", "gateway", "session", "scope", "frr"}
    | {
        f"{what}_extra{end}"
        for what in ("frr", "interfaces", "daemons", "sysctl")
        for end in ("", "_file")
    }
)
_REMOVE = "remove it"
_IN_ROUTED = (
    "a routed underlay has no bridge, and its links are under `interfaces`",
    "remove it, or set `underlay.protocol: none`",
)


def nothing_from(fabric: Fabric, key: KeyPath) -> Reason:
    """The reason and the next step for the unused key."""
    # The second part is a name or an index.
    within = key[0] in ("nodes", "groups", "networks", "vrfs", "vips")
    shape = [str(part) for part in key if not isinstance(part, int)]
    if within and not isinstance(key[1], int):
        del shape[1]
    if key[0] == "nodes" and key[2] in _OURS and not fabric.nodes[str(key[1])].managed:
        return f"{key[1]} is external: nothing is written there", _REMOVE
    words = _routed if "interfaces" in shape else _WORDS.get((".".join(shape), len(key)))
    found = words(fabric, key) if words else None
    return found or (
        "no rendered file and no check depends on its value",
        _REMOVE,
    )


def _asn(fabric: Fabric, key: KeyPath) -> Reason | None:
    if key[0] == "groups":
        return "each of its nodes is of that AS without it, or speaks no BGP", _REMOVE
    name = str(key[1])
    role = fabric.nodes[name].role
    if role is Role.SPINE or fabric.mode is not Mode.EVPN:
        return f"{name} speaks no EVPN", _REMOVE
    return None if role is Role.ROUTER else ("it is of that AS without it", _REMOVE)


def _router_id(fabric: Fabric, key: KeyPath) -> Reason | None:
    node = fabric.nodes[str(key[1])]
    if node.role is Role.ROUTER and node.asn is None:
        return "a router without an `asn` runs no BGP", "give it an `asn`, or remove this key"
    if fabric.mode is not Mode.EVPN:
        return f"mode {fabric.mode.value} runs no BGP", "remove it, or set `mode: evpn`"
    return None


def _underlay_of_node(fabric: Fabric, key: KeyPath) -> Reason | None:
    if fabric.underlay.routed:
        return _IN_ROUTED
    name = str(key[1])
    scope = scope_of(fabric, fabric.nodes[name])
    if scope is Scope.WHOLE:
        return None
    return (
        f"in the {scope.value} scope the underlay of {name} is not managed",
        f"remove it, or set `scope: whole` for {name}",
    )


def _underlay(fabric: Fabric, _key: KeyPath) -> Reason | None:
    if fabric.underlay.routed:
        return _IN_ROUTED
    scopes = {scope_of(fabric, node) for node in fabric.nodes.values()}
    if Scope.WHOLE not in scopes:
        said = " and the ".join(sorted(scopes))
        return (
            f"in the {said} scope the underlay is not managed, and no node has another",
            "remove it, or set `scope: whole`",
        )
    return "each node has its own", _REMOVE


def _routed(fabric: Fabric, _key: KeyPath) -> Reason | None:
    if fabric.underlay.routed:
        return "each node has its own", _REMOVE
    return "underlay.protocol is none: nothing routes the underlay", "set it, or remove this key"


def _hello(fabric: Fabric, key: KeyPath) -> Reason | None:
    return (
        ("it is what FRR does by itself", _REMOVE)
        if fabric.underlay.routed
        else _routed(fabric, key)
    )


def _network(fabric: Fabric, key: KeyPath) -> Reason | None:
    network = fabric.networks[int(key[1])]
    return (
        f"no VTEP carries VNI {network.vni}{_others(fabric, network.nodes)}",
        f"name a VTEP under its `nodes:`, or remove the network{_both(fabric, network.nodes)}",
    )


def _exit(fabric: Fabric, key: KeyPath) -> Reason | None:
    return f"{fabric.vrfs[str(key[1])].exits[int(key[3])]} is in the list already", _REMOVE


def _glob(fabric: Fabric, key: KeyPath) -> Reason | None:
    nodes, position = fabric.networks[int(key[1])].nodes, int(key[3])
    if nodes[position] in nodes[:position]:
        return f"{nodes[position]} is in the list already", _REMOVE
    glob = fabric.networks[int(key[1])].nodes[int(key[3])]
    return (
        f"no VTEP matches {glob!r}, and only VTEPs carry networks{_others(fabric, (glob,))}",
        f"name a VTEP, or remove it{_both(fabric, (glob,))}",
    )


def _both(fabric: Fabric, globs: tuple[str, ...]) -> str:
    """What a node is called that has the meant node's part and a VTEP's."""
    meant = {
        node.role
        for name, node in fabric.nodes.items()
        if any(fnmatchcase(name, glob) for glob in globs)
    }
    if Role.REFLECTOR in meant:
        return "; a reflector with VNIs is a VTEP (`role: vtep`) with `reflector: true`"
    if Role.EXTERNAL in meant:
        return "; what an external node carries is said by its own `vnis:`"
    if Role.ROUTER in meant:
        return "; a router with VNIs is a VTEP (`role: vtep`) that is an exit of a VRF"
    return ""


def _vtep(_fabric: Fabric, key: KeyPath) -> Reason | None:
    return f"{key[1]} carries no VNI", "name the VNIs that it carries (`vnis:`), or remove it"


def _reflector(fabric: Fabric, key: KeyPath) -> Reason | None:
    if fabric.nodes[str(key[1])].role is Role.REFLECTOR:
        return "`role: reflector` says it already", "remove it, or set `role: vtep`"
    return None


def _others(fabric: Fabric, globs: tuple[str, ...]) -> str:
    """`: rr1 is a reflector`, for the nodes that were meant and are no VTEPs."""
    meant = [
        f"{name} is a {_noun(node.role)}"
        for name, node in fabric.nodes.items()
        if node.role is not Role.VTEP and any(fnmatchcase(name, glob) for glob in globs)
    ]
    return f": {few(meant)}" if meant else ""


def _vrf(fabric: Fabric, key: KeyPath) -> Reason | None:
    name = str(key[1])
    carriers = carriers_by_vni(fabric)
    vnis = [str(network.vni) for network in fabric.networks if network.vrf == name]
    if any(carriers[int(vni)] for vni in vnis):
        return None
    why = f"no node carries VNI {few(vnis)}, the only one" if vnis else "no network uses it"
    return why, f"give a network `vrf: {name}`, or remove the VRF"


def _vrf_nodes(_fabric: Fabric, key: KeyPath) -> Reason | None:
    return f"{key[1]} is on these nodes already, by its networks or its exits", _REMOVE


def _vrf_bridge(fabric: Fabric, _key: KeyPath) -> Reason | None:
    if fabric.routing is Routing.SYMMETRIC:
        return None
    return (
        f"it is the bridge of an L3VNI, which routing {fabric.routing.value} does not have",
        "remove it, or set `routing: symmetric` and an `l3vni`",
    )


def _network_gateway_mac(fabric: Fabric, key: KeyPath) -> Reason | None:
    vni = fabric.networks[int(key[1])].vni
    return f"VNI {vni} has no gateways", "add `gateways:`, or remove it"


def _gateway_mac(fabric: Fabric, _key: KeyPath) -> Reason | None:
    if any(network.gateways for network in fabric.networks):
        return "each network with gateways has a gateway_mac of its own", _REMOVE
    return "no network has gateways", "add `gateways:` to a network, or remove it"


def _flood(fabric: Fabric, key: KeyPath) -> Reason | None:
    if fabric.mode is not Mode.EVPN:
        return f"mode {fabric.mode.value} floods everything", "remove it, or set `mode: evpn`"
    return _flag(fabric, key)


def _suppression(fabric: Fabric, key: KeyPath) -> Reason | None:
    if fabric.mode is not Mode.EVPN:
        return f"mode {fabric.mode.value} answers no ARP", "remove it, or set `mode: evpn`"
    return _flag(fabric, key)


def _flag(_fabric: Fabric, key: KeyPath) -> Reason | None:
    if key[0] == "networks":
        return "it is the same without this key", _REMOVE
    return "each network has its own, or the same without this key", _REMOVE


def _advertise(_fabric: Fabric, key: KeyPath) -> Reason | None:
    return f"no network of {key[1]} has gateways, so it has no subnet", "add gateways, or remove it"


def _group(_fabric: Fabric, _key: KeyPath) -> Reason | None:
    return "each network has a group of its own", _REMOVE


def _overlay(fabric: Fabric, key: KeyPath) -> Reason | None:
    if not fabric.networks:
        return "there is no network yet", "add one under `networks:`, or remove it"
    return f"each network has its own {key[1]}", _REMOVE


def _frr(_fabric: Fabric, _key: KeyPath) -> Reason | None:
    return (
        "a node's FRR version matters only for EVPN over an IPv6 underlay, one VXLAN device for "
        "all VNIs, and BFD of BGP sessions"
    ), _REMOVE


def _description(_fabric: Fabric, key: KeyPath) -> Reason | None:
    return f"no node names {key[1]} as its neighbour: it comes to a reflector by itself", _REMOVE


def _extra(_fabric: Fabric, key: KeyPath) -> Reason | None:
    if key[-1] == "interfaces_extra":
        return (
            "in the overlay scope /etc/network/interfaces is not ours",
            "write these stanzas there, or set `scope: whole`",
        )
    if key[-1] == "sysctl_extra":
        return "these settings are derived, and a derived value wins", _REMOVE
    return None


def _noun(role: Role) -> str:
    return {Role.VTEP: "VTEP", Role.EXTERNAL: "node that is not ours"}.get(role, role.value)


_WORDS: dict[tuple[str, int], Callable[[Fabric, KeyPath], Reason | None]] = {
    **{
        (f"{place}{name}_extra", place.count(".") * 2 + 1): _extra
        for place in ("", "groups.", "nodes.")
        for name in ("frr", "interfaces", "daemons", "sysctl")
    },
    ("nodes.asn", 3): _asn,
    ("groups.asn", 3): _asn,
    ("nodes.reflector", 3): _reflector,
    ("nodes.vtep", 3): _vtep,
    ("nodes.session.description", 4): _description,
    ("nodes.router_id", 3): _router_id,
    ("nodes.frr", 3): _frr,
    ("bgp.frr", 2): _frr,
    ("nodes.port", 3): _underlay_of_node,
    ("nodes.gateway", 3): _underlay_of_node,
    ("networks", 2): _network,
    ("networks.nodes", 4): _glob,
    ("networks.gateway_mac", 3): _network_gateway_mac,
    ("networks.multicast_flood", 3): _flood,
    ("networks.unicast_flood", 3): _flood,
    ("networks.arp_suppression", 3): _suppression,
    ("overlay.multicast_flood", 2): _flood,
    ("overlay.unicast_flood", 2): _flood,
    ("overlay.arp_suppression", 2): _suppression,
    ("vrfs.advertise", 3): _advertise,
    ("vrfs", 2): _vrf,
    ("vrfs.bridge", 3): _vrf_bridge,
    ("vrfs.nodes", 3): _vrf_nodes,
    ("vrfs.exits", 4): _exit,
    ("underlay.port", 2): _underlay,
    ("underlay.bridge", 2): _underlay,
    ("underlay.loopback", 2): _routed,
    ("underlay.bfd", 2): _routed,
    ("underlay.hello", 2): _hello,
    ("overlay.gateway_mac", 2): _gateway_mac,
    ("overlay.group", 2): _group,
    ("overlay.mtu", 2): _overlay,
    ("overlay.dstport", 2): _overlay,
}
