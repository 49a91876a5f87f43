"""What people write: the typed models of `fabric.yaml`.

Unknown keys are errors. A field's `description` is its documentation: the JSON Schema for editors
and the inventory reference are generated from it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from overlay.kept.extras import Extras, Group
from overlay.keys.bgp import Bfd, Bgp, Timers
from overlay.keys.kinds import (
    FRR_WITH_IPV6_VTEPS,
    FRR_WITH_SINGLE_DEVICE,
    VXLAN_OVERHEAD,
    Devices,
    Mode,
    Role,
    Routing,
    Scope,
)
from overlay.keys.links import Link, Protocol
from overlay.keys.nodes import Node, Vip
from overlay.keys.tenants import Network, Vrf
from overlay.keys.underlay import Names, Overlay, Underlay
from overlay.values import FOR_PEOPLE, InterfaceName, NodeName

__all__ = [
    "FRR_WITH_IPV6_VTEPS",
    "FRR_WITH_SINGLE_DEVICE",
    "VXLAN_OVERHEAD",
    "Bfd",
    "Bgp",
    "Devices",
    "Fabric",
    "Link",
    "Mode",
    "Names",
    "Network",
    "Node",
    "Overlay",
    "Protocol",
    "Role",
    "Routing",
    "Scope",
    "Timers",
    "Underlay",
    "Vip",
    "Vrf",
]


class Fabric(Extras):
    """The intent: the whole content of `fabric.yaml`."""

    name: Annotated[str, FOR_PEOPLE] = Field(
        "fabric", min_length=1, max_length=64, description="The fabric's name."
    )
    mode: Mode = Field(Mode.EVPN, description="multicast, unicast or evpn.")
    routing: Routing = Field(Routing.NONE, description="none, asymmetric or symmetric.")
    underlay: Underlay
    overlay: Overlay = Field(default_factory=lambda: Overlay.model_validate({}))
    bgp: Bgp | None = Field(None, description="The EVPN control plane; needed in evpn mode.")
    scope: Scope = Field(
        Scope.WHOLE,
        description="The managed scope. whole: /etc/network/interfaces is managed; overlay: only "
        "/etc/network/interfaces.d/evpn-fleet, and the underlay is left alone; observed: nothing "
        "is ever written, only what the kernel and BGP hold is audited.",
    )
    vrfs: dict[InterfaceName, Vrf] = Field(default_factory=dict, description="VRFs by name.")
    networks: tuple[Network, ...] = Field((), description="The layer-2 networks.")
    vips: tuple[Vip, ...] = Field((), description="Floating addresses on the underlay.")
    groups: dict[str, Group] = Field(
        default_factory=dict, description="Groups of nodes that keep something in common, by name."
    )
    nodes: dict[NodeName, Node] = Field(min_length=1, description="The nodes by name.")
