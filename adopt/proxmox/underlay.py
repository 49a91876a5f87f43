"""What is below a cluster's tunnels, as the nodes' own interfaces files say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adopt.devices import joint_prefix, stands_alone
from adopt.proxmox.values import RUNNING
from overlay.errors import IntentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adopt.devices import Device, Interface
    from adopt.hostfiles import Host

ETHERNET = 1500


def holder_of(host: Host | None, address: str) -> tuple[Device, Interface] | None:
    """The device of a host that holds an address, and the address with its length."""
    for device in host.devices.values() if host else ():
        for interface, _ in device.addresses:
            if str(interface.ip) == address:
                return device, interface
    return None


def underlay_keys(
    hosts: Mapping[str, Host],
    nodes: Mapping[str, Mapping[str, Any]],
    say: Callable[[str, str], None],
) -> dict[str, Any]:
    """`underlay:` of the intent, by the first node whose file is at hand.

    Raises IntentError where no file says it.
    """
    for name, node in nodes.items():
        if holder := holder_of(hosts.get(name), node["address"]):
            device, interface = holder
            prefix = interface.network
            if stands_alone(interface):
                prefix = joint_prefix((node["address"] for node in nodes.values()), interface)
                say(
                    f"nodes.{name}",
                    f"its VTEP address stands alone on {device.name} ({interface}): the underlay "
                    f"is routed. The intent takes {prefix}, which holds all VTEPs; no audit looks "
                    "at how they reach each other",
                )
            ports = [hosts[name].devices[p] for p in device.ports if p in hosts[name].devices]
            sizes = [s for d in (*ports, device) if (s := d.number("mtu")) is not None]
            return {
                "prefix": str(prefix),
                "bridge": device.name,
                "mtu": sizes[0] if sizes else ETHERNET,
            }
    raise IntentError(
        f"{RUNNING}: no file says which prefix the underlay has",
        "lay each node's /etc/network/interfaces as nodes/NAME/interfaces beside sdn/",
    )
