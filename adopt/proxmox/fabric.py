"""How Proxmox's nodes reach each other: an SDN fabric (OpenFabric, OSPF), and BGP's sessions."""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adopt.bgp import is_address
from adopt.hostfiles import FRR_CONF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adopt.bgp import Instance
    from adopt.hostfiles import Host


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


@dataclass(frozen=True, slots=True)
class Speaking:
    """What the nodes' BGP has beside its peers: FRR's files say it where they are at hand.

    Without them it is as Proxmox writes it. `device` is the SDN fabric's, where one routes the
    underlay; `say` takes a remark: where, and what.
    """

    hosts: Mapping[str, Host]
    controllers: Mapping[str, Mapping[str, Any]]
    device: str | None
    say: Callable[[str, str], None]

    def add_to(self, bgp: dict[str, Any], nodes: Mapping[str, dict[str, Any]]) -> None:
        """Completes `bgp:`, and what a node has of its own."""
        mains = [main for name in nodes if (main := self._main(name))]
        if not mains or any(_of_vteps(main, "bfd") for main in mains):
            bgp["bfd"] = True
        for name, node in nodes.items():
            if ":" in node["address"]:
                node["router_id"] = self._router_id(name, node["address"])
        sources = {name: self._source(name, node["address"]) for name, node in nodes.items()}
        usual = Counter(sources.values()).most_common(1)[0][0]
        if usual is not None:
            bgp["session"] = {"update_source": usual}
        for name, source in sources.items():
            if source != usual:
                nodes[name]["session"] = {"update_source": source or False}

    def _main(self, name: str) -> Instance | None:
        return self.hosts[name].main if name in self.hosts else None

    def _router_id(self, name: str, address: str) -> str:
        """Over IPv6 Proxmox makes it of a MAC, which FRR's configuration alone tells."""
        main = self._main(name)
        if said := main.values("bgp", "router-id") if main else []:
            return said[-1]
        # Any four bytes will do, as long as no two nodes have the same ones.
        made = str(ipaddress.IPv4Address(int(ipaddress.ip_address(address)) & 0xFFFFFFFF))
        self.say(
            f"nodes.{name}",
            f"no file says its BGP router-id; the intent takes {made}, and the audit reports its "
            "own: import from the node itself (--host), or write it as `router_id`",
        )
        return made

    def _source(self, name: str, address: str) -> str | bool | None:
        """Where a node's sessions leave from: an interface, true for its address, or no word."""
        main = self._main(name)
        if main is None:
            return self.device or self._loopback(name)
        said = [words[0] for words in _of_vteps(main, "update-source") if words]
        if not said:
            return None
        if said[-1] == address:
            return True
        if is_address(said[-1]):
            self.say(
                f"nodes.{name}",
                f"by {FRR_CONF} its sessions leave from {said[-1]}, which is not its address: the "
                "intent does not say so",
            )
            return None
        return said[-1]

    def _loopback(self, name: str) -> str | None:
        """That of the node's BGP controller; an IS-IS controller's counts only without one."""
        for kind in ("bgp", "isis"):
            for keys in self.controllers.values():
                if keys.get("type") == kind and keys.get("node") == name:
                    return str(keys["loopback"]) if keys.get("loopback") else None
        return None


def _of_vteps(main: Instance, option: str) -> list[list[str]]:
    """What follows an option of the group in which Proxmox has all VTEPs, in each such line."""
    group = main.neighbors.get("VTEP")
    lines = group.options if group else []
    return [line.words[3:] for line in lines if line.words[2:3] == [option]]
