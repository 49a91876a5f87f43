"""Observed records of VLANs, as `overlay.records`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BridgeVlans:
    """The VLANs of bridge ports, and of bridges themselves.

    `ports` has the flags of each VLAN of a port (`PVID`, `Egress Untagged`), `tunnels` the VNI that
    a VLAN of a VXLAN device maps to, `filters` the VNIs that a device takes packets of
    (`vnifilter`). The texts are what was printed of each device.
    """

    ports: dict[str, dict[int, frozenset[str]]]
    tunnels: dict[str, dict[int, int]]
    filters: dict[str, frozenset[int]]
    text: dict[str, str] = field(default_factory=dict, compare=False)
    tunnel_text: dict[str, str] = field(default_factory=dict, compare=False)
    filter_text: dict[str, str] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.ports)

    def pvid(self, port: str) -> int | None:
        """The VLAN of what comes in by a port without one."""
        found = self.ports.get(port, {})
        return next((vlan for vlan, flags in found.items() if "PVID" in flags), None)
