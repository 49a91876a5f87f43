"""A node's ports to a LAN outside: NICs, bonds and VLANs beside the guests of a network."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.derived.devices import LanPort
from overlay.intent import Scope
from overlay.names import network_bridge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from overlay.intent import Fabric, Network, Node

_VLAN = re.compile(r"(?P<raw>.+)\.(?P<id>[1-9][0-9]{0,3})")
_LAST_VLAN = 4094


def vlan_of(port: str) -> tuple[str, int] | None:
    """The device and the number of a VLAN by its name, such as `bond0.20`; None of any other."""
    found = _VLAN.fullmatch(port)
    if found is None or int(found["id"]) > _LAST_VLAN:
        return None
    return found["raw"], int(found["id"])


def ports_on(network: Network, node: str) -> tuple[str, ...]:
    """The names of a network's ports to a LAN on one node, each once."""
    if not network.ports:
        return ()
    globs = network.ports.items()
    said = (name for glob, names in globs if fnmatchcase(node, glob) for name in names)
    return tuple(dict.fromkeys(said))


def lan_ports(
    fabric: Fabric, name: str, node: Node, networks: Iterable[Network], underlay_port: str
) -> tuple[LanPort, ...]:
    """The ports of those networks on a node, and the devices below VLANs, those before these.

    In the overlay scope the file of NICs and bonds is somebody else's, and VLANs alone are made.
    The underlay's port and bridge are told of elsewhere, also where VLANs are on them.
    """
    whole = scope_of(fabric, node) is Scope.WHOLE
    ports: dict[str, LanPort] = {}
    below: dict[str, int] = {}
    for network in networks:
        mtu = network.mtu or fabric.overlay.mtu
        for port in ports_on(network, name):
            raw, vlan = vlan_of(port) or ("", None)
            written = whole or vlan is not None
            ports[port] = LanPort(port, network_bridge(fabric, network), mtu, raw, vlan, written)
            if raw:
                below[raw] = max(mtu, below.get(raw, 0))
    carried = (
        LanPort(raw, "", mtu, written=whole)
        for raw, mtu in below.items()
        if raw not in (*ports, underlay_port, fabric.underlay.bridge)
    )
    return (*carried, *ports.values())
