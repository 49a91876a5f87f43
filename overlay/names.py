"""What each device of the overlay is called: by its own key, else by the fabric's pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlay.intent import Fabric, Network


def network_device(fabric: Fabric, network: Network) -> str:
    """The VXLAN device of a network."""
    return network.device or _filled(fabric.overlay.names.device, network.vni, network.name)


def network_bridge(fabric: Fabric, network: Network) -> str:
    """The bridge that guests of a network are plugged into."""
    return network.bridge or _filled(fabric.overlay.names.bridge, network.vni, network.name)


def l3vni_device(fabric: Fabric, vrf: str) -> str:
    """The VXLAN device of a VRF's L3VNI."""
    found = fabric.vrfs[vrf]
    return found.device or _filled(fabric.overlay.names.l3vni_device, found.l3vni, vrf)


def l3vni_bridge(fabric: Fabric, vrf: str) -> str:
    """The bridge of a VRF's L3VNI."""
    found = fabric.vrfs[vrf]
    return found.bridge or _filled(fabric.overlay.names.l3vni_bridge, found.l3vni, vrf)


def _filled(pattern: str, vni: int | None, name: str | None) -> str:
    return pattern.replace("{vni}", str(vni)).replace("{name}", name or "")
