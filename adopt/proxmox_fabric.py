"""A fabric of Proxmox's SDN (OpenFabric, OSPF): the routed underlay that its nodes reach by."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SdnFabric:
    """Its name, its prefix, and the address of each of its nodes."""

    name: str
    prefix: str
    nodes: dict[str, str] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The device that holds the node's address, as Proxmox names it."""
        return f"dummy_{self.name}"


def sdn_fabric(objects: Mapping[str, Mapping[str, Any]], name: str) -> SdnFabric | None:
    """The fabric of that name among the section's objects; None where it is none, or incomplete.

    A node's object is called `FABRIC_NODE`.
    """
    own = objects.get(name, {})
    try:
        prefix = str(ipaddress.ip_network(str(own.get("ip_prefix", "")), strict=False))
    except ValueError:
        return None
    nodes = {}
    for key, keys in objects.items():
        if key.startswith(f"{name}_") and _is_node(keys):
            nodes[key.removeprefix(f"{name}_")] = str(keys["ip"])
    return SdnFabric(name, prefix, nodes) if nodes else None


def _is_node(keys: Mapping[str, Any]) -> bool:
    return str(keys.get("type", "")).endswith("_node") and "ip" in keys
