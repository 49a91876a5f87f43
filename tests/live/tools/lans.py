"""LANs beside the fabric: a namespace with an address, behind a NIC of a node or a VLAN on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.live.tools.probes import eventually, on

if TYPE_CHECKING:
    from tests.live.conftest import Lab

NIC = "eno2"


@dataclass(frozen=True, slots=True)
class Lan:
    """What is behind a node's second NIC: untagged, or in a VLAN."""

    node: str
    port: str
    bridge: str
    address: str
    gateway: str = ""

    def plug_in(self, lab: Lab) -> None:
        """Gives the node the NIC, and the LAN its one member; again after each boot."""
        _, _, vlan = self.port.partition(".")
        device = f"eth0.{vlan}" if vlan else "eth0"
        lines = [
            f"ip netns add plant; ip link add {NIC} type veth peer name eth0 netns plant",
            f"ip link set {NIC} up; ip -n plant link set eth0 up",
        ]
        if vlan:
            lines.append(f"ip -n plant link add link eth0 name {device} type vlan id {vlan}")
            lines.append(f"ip -n plant link set {device} up")
        lines.append(f"ip -n plant address add {self.address} dev {device} nodad")
        if self.gateway:
            lines.append(f"ip -n plant route add default via {self.gateway}")
        on(lab, self.node, "set -e; " + "; ".join(lines))

    def reaches(self, lab: Lab, address: str) -> bool:
        """Whether three pings in a row are answered."""
        ping = f"ip netns exec plant ping -c 3 -i 0.2 -W 1 {address} >/dev/null && echo answered"
        return "answered" in on(lab, self.node, f"{ping} || :")

    def comes_to_reach(self, lab: Lab, address: str) -> None:
        eventually(
            f"{self.port} of {self.node} leads to {address}", lambda: self.reaches(lab, address)
        )
