"""Cross-validation of ports to a LAN: each leads one network out, and no other device is one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from overlay.derivation.devices import underlay_port
from overlay.derivation.lan_ports import ports_on, vlan_of
from overlay.derive import carriers_by_vni
from overlay.names import (
    Names,
    l3vni_bridge,
    l3vni_device,
    network_bridge,
    network_device,
    vrf_device,
)
from overlay.problems import few, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.intent import Fabric, Network
    from overlay.problems import Complaint, KeyPath


def placed(fabric: Fabric) -> Iterator[Complaint]:
    """Each glob of a network's ports names a node that carries it."""
    if not any(network.ports for network in fabric.networks):
        return
    nodes, carriers = Names(fabric.nodes), carriers_by_vni(fabric)
    for index, network in enumerate(fabric.networks):
        for glob, names in network.ports.items():
            key: KeyPath = ("networks", index, "ports", glob)
            found = nodes.matching(glob)
            if not found:
                close = nearest(glob, fabric.nodes)
                hint = f"did you mean `{close}`?" if close else "name a node or a glob"
                yield key, f"no node matches {glob!r}", hint
            elif not set(found) & set(carriers[network.vni]):
                yield (
                    key,
                    f"VNI {network.vni} is not carried by {few(found)}",
                    "name a node that carries it, or add this one under `nodes:` of this network",
                )
            if not names:
                yield key, "it names no port", "name one, such as eno2 or bond0.20, or remove it"


def free(fabric: Fabric) -> Iterator[Complaint]:
    """No port is one of two networks on one node, the underlay's, or a device of the overlay."""
    if not any(network.ports for network in fabric.networks):
        return
    own = _own_devices(fabric)
    carriers = carriers_by_vni(fabric)
    first: dict[tuple[str, str], int] = {}
    for index, network in enumerate(fabric.networks):
        said: dict[tuple[str, str], list[str]] = defaultdict(list)
        for node in carriers[network.vni]:
            for port in ports_on(network, node):
                if (why := _taken(fabric, own, node, port)) is not None:
                    said[port, why].append(node)
                elif first.setdefault((node, port), index) != index:
                    other = fabric.networks[first[node, port]].vni
                    said[port, f"already a port of VNI {other}"].append(node)
        for (port, why), nodes in said.items():
            yield (
                _key(network, index, port),
                f"{port} is {why} on {few(nodes)}",
                "name another port; a VLAN of a NIC, such as eno2.20, is one of its own",
            )


def spanning_trees(fabric: Fabric) -> Iterator[Complaint]:
    """STP takes the tunnel for one more cable, which EVPN's entries go on to lead into."""
    for index, network in enumerate(fabric.networks):
        if network.stp:
            reason = (
                "its bridges all have the gateway's MAC, and by that one bridge ID: none of them "
                "would notice a loop"
                if network.gateways
                else "of two ways to one LAN it blocks the tunnel unless a bridge of the fabric is "
                "the root, and EVPN's entries still lead there"
            )
            yield (
                ("networks", index, "stp"),
                f"STP does not keep VNI {network.vni} without loops: {reason}",
                "remove it, and lead each LAN out by one port or one bond (docs/topologies.md)",
            )


def _taken(fabric: Fabric, own: Mapping[str, str], node: str, port: str) -> str | None:
    """What a port is beside a port to a LAN, if it is anything."""
    below = underlay_port(fabric, fabric.nodes[node])
    if port == below:
        return "the underlay's port"
    if port in own:
        return own[port]
    raw = (vlan_of(port) or ("", 0))[0]
    if raw in own and raw != fabric.underlay.bridge:
        return f"a VLAN of {own[raw]}"
    return None


def _own_devices(fabric: Fabric) -> dict[str, str]:
    own = {"lo": "the loopback", fabric.underlay.bridge: "the underlay's bridge"}
    for network in fabric.networks:
        own[network_bridge(fabric, network)] = f"the bridge of VNI {network.vni}"
        own[network_device(fabric, network)] = f"the VXLAN device of VNI {network.vni}"
    for name, vrf in fabric.vrfs.items():
        own[vrf_device(fabric, name)] = f"VRF {name}"
        if vrf.l3vni is not None:
            own[l3vni_bridge(fabric, name)] = f"the L3VNI bridge of {name}"
            own[l3vni_device(fabric, name)] = f"the L3VNI device of {name}"
    return own


def _key(network: Network, index: int, port: str) -> KeyPath:
    """Where the port is named first."""
    for glob, names in network.ports.items():
        if port in names:
            return ("networks", index, "ports", glob, names.index(port))
    return ("networks", index, "ports")


def dangers(fabric: Fabric) -> Iterator[Complaint]:
    """What is right in itself and a loop in the wrong place: two ways from a VNI to one LAN."""
    carriers = carriers_by_vni(fabric)
    for index, network in enumerate(fabric.networks):
        leading = [
            f"{node} ({', '.join(ports)})"
            for node in carriers[network.vni]
            if (ports := ports_on(network, node))
        ]
        several = any("," in ports for ports in leading)
        if len(leading) > 1 or several:
            reason = (
                f"VNI {network.vni} has several ports to a LAN, on {few(leading)}: if two of them "
                "reach the same LAN, that is a loop, since these bridges run no STP"
            )
            hint = (
                "make sure that each leads to a LAN of its own, and bundle links of one node to "
                "one LAN in a bond"
            )
            yield ("networks", index, "ports"), reason, hint


CHECKS = (placed, free, spanning_trees)
