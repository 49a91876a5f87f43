"""`vrfs` and `networks`: what the tenants have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, IPvAnyAddress, field_validator

from overlay.keys.kinds import multicast
from overlay.keys.routes import Announced, Leak, VrfRoute  # noqa: TC001 - pydantic reads them
from overlay.keys.snat import SnatSwitch  # noqa: TC001 - pydantic reads it
from overlay.targets.written import Distinguisher, RouteTargets  # noqa: TC001 - pydantic reads them
from overlay.values import (
    FOR_PEOPLE,
    UNDERLAY,
    GatewayAddress,
    InterfaceName,
    MacAddress,
    Strict,
    Unreachable,
    Vlan,
    Vni,
)


class Vrf(Strict):
    """A tenant's routing table, and the L3VNI that joins its parts on all nodes."""

    l3vni: Vni | None = Field(None, description="Transit VNI of routed traffic (symmetric model).")
    vrf_device: InterfaceName | None = Field(
        None, description="What the VRF is called on the nodes; default as overlay.names says."
    )
    bridge: InterfaceName | None = Field(
        None, description="Bridge of the L3VNI; default as overlay.names says."
    )
    device: InterfaceName | None = Field(
        None, description="VXLAN device of the L3VNI; default as overlay.names says."
    )
    dstport: int | None = Field(
        None, ge=1, le=65535, description="UDP port of its L3VNI; default the overlay's."
    )
    vlan: Vlan | None = Field(
        None,
        description="VLAN of its L3VNI on the bridge of a single VXLAN device; default the L3VNI.",
    )
    nodes: tuple[str, ...] = Field(
        (),
        description="Nodes that have the VRF without any of its networks, as globs; default none: "
        "it is where one of its networks is, at its exits, and where it is leaked to.",
    )
    advertise: tuple[Announced, ...] = Field(
        (),
        description="What each of its nodes announces as type-5 routes beside the host routes: "
        "`subnets`, the prefixes of the gateways that the node has; `connected`, also those of "
        "devices that are kept by hand; `static`, its `routes`; or a prefix, one of these. "
        "Default nothing.",
    )
    routes: tuple[VrfRoute, ...] = Field((), description="Its static routes.")
    leak: tuple[Leak, ...] = Field(
        (), description="What its guests reach of other VRFs; default nothing."
    )
    rt: RouteTargets | None = Field(
        None, description="Route targets of its L3VNI; default FRR's own, AS:L3VNI."
    )
    rd: Distinguisher | None = Field(
        None,
        description="Its route distinguisher, such as '{router_id}:4000': each node needs its own; "
        "default FRR's own.",
    )
    exits: tuple[str, ...] = Field(
        (), description="Nodes that route this VRF to the outside: each originates a default route."
    )
    primary: str | None = Field(
        None, description="The exit that all other nodes prefer; default: all exits are equal."
    )
    snat: SnatSwitch = Field(
        None,
        description="Whether its exits translate the addresses of its guests to their own (SNAT), "
        "so that the outside needs no route to them: true, or a section; default not.",
    )
    unreachable: tuple[Unreachable, ...] = Field(
        (UNDERLAY,),
        description="Destinations that its exits block for its guests: "
        "`underlay` (the underlay's prefix, so the nodes themselves), `vrfs` (the networks of all "
        "other VRFs with exits) and prefixes, such as that of a management network; `[]`: nothing.",
    )


class Network(Strict):
    """One layer-2 segment: a VNI, its bridge, and its anycast gateways if it is routed."""

    vni: Vni = Field(description="The VXLAN network identifier.")
    name: Annotated[str | None, FOR_PEOPLE] = Field(
        None, max_length=64, description="A word for people, and for overlay.names."
    )
    bridge: InterfaceName | None = Field(
        None, description="Its bridge; default as overlay.names says."
    )
    device: InterfaceName | None = Field(
        None, description="Its VXLAN device; default as overlay.names says."
    )
    vlan: Vlan | None = Field(
        None, description="Its VLAN on the bridge of a single VXLAN device; default its VNI."
    )
    vrf: str | None = Field(None, description="The VRF it is routed in; default none.")
    gateways: tuple[GatewayAddress, ...] = Field(
        (), description="Anycast gateways, each as address/length, IPv4 and IPv6."
    )
    gateway_mac: MacAddress | None = Field(
        None, description="MAC of its gateways; default the overlay's gateway_mac."
    )
    group: IPvAnyAddress | None = Field(
        None, description="Its multicast group; default the overlay's group."
    )
    mtu: int | None = Field(None, ge=576, le=9146, description="MTU; default the overlay's.")
    dstport: int | None = Field(
        None, ge=1, le=65535, description="UDP port of its tunnels; default the overlay's."
    )
    arp_suppression: bool | None = Field(
        None, description="Whether its VXLAN device answers ARP and ND; default the overlay's."
    )
    unicast_flood: bool | None = Field(
        None, description="Whether frames to an unknown MAC are flooded; default the overlay's."
    )
    multicast_flood: bool | None = Field(
        None,
        description="Whether multicast is flooded to the other VTEPs (evpn mode), which IPv6 "
        "neighbour discovery needs; default the overlay's, else where it has an IPv6 gateway.",
    )
    rt: RouteTargets | None = Field(
        None, description="Its route targets (evpn mode); default FRR's own, AS:VNI."
    )
    rd: Distinguisher | None = Field(
        None, description="Its route distinguisher, as of a VRF; default FRR's own."
    )
    nodes: tuple[str, ...] = Field(
        ("*",), min_length=1, description="Nodes that carry it, as globs; default all."
    )
    ports: dict[str, tuple[InterfaceName, ...]] = Field(
        default_factory=dict,
        description="Its ports to a LAN outside, by nodes as globs: NICs, bonds, or VLANs of them "
        "such as bond0.20.",
    )
    stp: bool = Field(
        False,
        description="Whether its bridges run STP, which is refused: docs/topologies.md says why.",
    )

    @field_validator("group")
    @classmethod
    def _is_multicast(cls, value: IPvAnyAddress | None) -> IPvAnyAddress | None:
        return multicast(value)

    @property
    def routes_ipv6(self) -> bool:
        """Whether one of its anycast gateways is an IPv6 address."""
        return any(":" in gateway for gateway in self.gateways)
