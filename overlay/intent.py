"""What people write: the typed models of `fabric.yaml`.

Unknown keys are errors. A field's `description` is its documentation: the JSON Schema for editors
and the inventory reference are generated from it.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address  # noqa: TC003 (pydantic reads the annotations at run time)
from typing import Annotated

from pydantic import BeforeValidator, Field, IPvAnyAddress, IPvAnyNetwork, field_validator

from overlay.kept.extras import Extras, Group
from overlay.sessions.keys import FabricSession, NodeSession
from overlay.targets.written import Distinguisher, RouteTargets  # noqa: TC001 - as above
from overlay.values import (
    FOR_PEOPLE,
    UNDERLAY,
    Asn,
    FrrVersion,
    GatewayAddress,
    InterfaceName,
    MacAddress,
    NamePattern,
    NodeName,
    Pattern,
    Strict,
    Unreachable,
    Vni,
)

VXLAN_OVERHEAD = {4: 50, 6: 70}
# FRR knew IPv4 VTEPs only: zebra kept a VXLAN device's tunnel source as `struct in_addr vtep_ip`.
# 10.6.0 is the first release with "BGP IPv6 VTEP support" in its notes (FRRouting/frr pull requests
# 19498 and 19721).
FRR_WITH_IPV6_VTEPS = "10.6"


class Mode(StrEnum):
    """How a VTEP learns the other VTEPs and the MACs behind them."""

    MULTICAST = "multicast"
    UNICAST = "unicast"
    EVPN = "evpn"


class Routing(StrEnum):
    """Where traffic between two VNIs is routed."""

    NONE = "none"
    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class Role(StrEnum):
    """What a node is in the fabric."""

    VTEP = "vtep"
    REFLECTOR = "reflector"
    ROUTER = "router"


class Scope(StrEnum):
    """Which part of a node's network configuration is ours."""

    WHOLE = "whole"
    OVERLAY = "overlay"
    OBSERVED = "observed"


class Advertised(StrEnum):
    """What the nodes of a VRF can announce as type-5 routes."""

    SUBNETS = "subnets"


class Underlay(Strict):
    """The network that carries the tunnels."""

    prefix: IPvAnyNetwork = Field(
        description="The underlay's prefix; every node's address lies in it."
    )
    bridge: InterfaceName = Field(
        "vmbr0",
        description="The bridge that holds the VTEP address (Proxmox: vmbr0); in the overlay "
        "scope any interface.",
    )
    port: InterfaceName = Field(
        "eno1", description="The NIC below that bridge; a node can name its own."
    )
    mtu: int = Field(
        1550, ge=1280, le=9216, description="MTU of the NIC: overlay + 50 (IPv4) or + 70 (IPv6)."
    )
    forwarding: bool | None = Field(
        None,
        description="Whether nodes forward IP; default: only where the topology routes. Set it to "
        "true where a node without routing forwards for other reasons (NAT, containers).",
    )


class Names(Strict):
    """What devices are called: `{vni}` is their VNI, `{name}` their network's or VRF's name."""

    device: NamePattern = Field("vxlan{vni}", description="VXLAN device of a network.")
    bridge: NamePattern = Field("vmbr{vni}", description="Bridge of a network.")
    l3vni_device: NamePattern = Field("vxlan{vni}", description="VXLAN device of an L3VNI.")
    l3vni_bridge: NamePattern = Field("vmbr{vni}", description="Bridge of an L3VNI.")


class Overlay(Strict):
    """What all VXLAN devices and their bridges have in common."""

    mtu: int = Field(1500, ge=576, le=9146, description="MTU of the overlay's bridges and VMs.")
    dstport: int = Field(4789, ge=1, le=65535, description="UDP port of the tunnels.")
    source_address: bool = Field(
        True,
        description="Whether tunnels leave from the node's address; false: from the one that the "
        "route takes, as in Proxmox's VXLAN zones. EVPN and IPv6 underlays need it.",
    )
    arp_suppression: bool | None = Field(
        None,
        description="Whether VXLAN devices answer ARP and ND for guests that EVPN knows; default: "
        "in evpn mode. A network can set its own, as of the two below.",
    )
    unicast_flood: bool | None = Field(
        None,
        description="Whether frames to an unknown MAC are flooded to the other VTEPs; default: "
        "not in evpn mode.",
    )
    multicast_flood: bool | None = Field(
        None,
        description="Whether multicast is flooded to the other VTEPs; default: in evpn mode only "
        "where a network has an IPv6 gateway, whose neighbour discovery needs it.",
    )
    group: IPvAnyAddress | None = Field(
        None, description="Multicast group of all VNIs (multicast mode); a network can set its own."
    )
    gateway_mac: MacAddress | None = Field(
        None, description="MAC of every anycast gateway, the same on each node."
    )
    guest_ports: Pattern = Field(
        "^(tap|veth|fwpr|fwln)[0-9]+",
        description="Regular expression of guests' bridge ports, which a deployment keeps.",
    )
    names: Names = Field(
        default_factory=lambda: Names.model_validate({}),
        description="What devices are called, by pattern.",
    )

    @field_validator("group")
    @classmethod
    def _is_multicast(cls, value: IPvAnyAddress | None) -> IPvAnyAddress | None:
        return _multicast(value)


def _multicast(value: IPvAnyAddress | None) -> IPvAnyAddress | None:
    if value is not None and not value.is_multicast:
        raise ValueError(f"{value} is not a multicast address (224.0.0.0/4 or ff00::/8)")
    return value


class Timers(Strict):
    """After how long a BGP neighbour that is silent counts as gone, in seconds."""

    keepalive: int = Field(3, ge=1, le=65535, description="Seconds between two keepalives.")
    hold: int = Field(
        9, ge=3, le=65535, description="Seconds without a keepalive until a neighbour is down."
    )
    connect: int = Field(
        10,
        ge=1,
        le=65535,
        description="Seconds between two attempts to connect to a neighbour that is down.",
    )


class Bfd(Strict):
    """Probes beside BGP that notice within a second that a neighbour is gone (FRR's bfdd)."""

    interval: int = Field(
        300, ge=50, le=60000, description="Milliseconds between two BFD packets, each way."
    )
    multiplier: int = Field(
        3,
        ge=2,
        le=255,
        description="Number of consecutive lost packets after which the neighbour is down.",
    )


def _section_or_switch(value: object) -> object:
    return ({} if value else None) if isinstance(value, bool) else value


class Bgp(Strict):
    """The EVPN control plane (FRR)."""

    asn: Asn = Field(description="The fabric's AS number; all nodes peer by iBGP.")
    coalesce_time: int = Field(
        1000,
        ge=0,
        le=4294967295,
        description="Milliseconds for which FRR collects updates before it sends them.",
    )
    cluster_id: IPv4Address | None = Field(
        None, description="Cluster of the route reflectors, the same on each of them."
    )
    timers: Timers = Field(
        default_factory=lambda: Timers.model_validate({}),
        description="Timers that decide when a silent neighbour is down.",
    )
    bfd: Annotated[
        Bfd | None,
        BeforeValidator(_section_or_switch, json_schema_input_type=bool | Bfd | None),
    ] = Field(None, description="BFD with each neighbour: true, or a section; default none.")
    session: FabricSession = Field(
        default_factory=lambda: FabricSession.model_validate({}),
        description="Passwords and further options of the sessions.",
    )
    frr: FrrVersion | None = Field(
        None,
        description="The oldest FRR on any of the nodes, in quotes ('10.7'); a node can name its "
        "own. Needed only for EVPN over an IPv6 underlay, which takes 10.6.",
    )


class Vrf(Strict):
    """A tenant's routing table, and the L3VNI that joins its parts on all nodes."""

    l3vni: Vni | None = Field(None, description="Transit VNI of routed traffic (symmetric model).")
    bridge: InterfaceName | None = Field(
        None, description="Bridge of the L3VNI; default as overlay.names says."
    )
    device: InterfaceName | None = Field(
        None, description="VXLAN device of the L3VNI; default as overlay.names says."
    )
    dstport: int | None = Field(
        None, ge=1, le=65535, description="UDP port of its L3VNI; default the overlay's."
    )
    advertise: tuple[Advertised, ...] = Field(
        (),
        description="What each of its nodes announces as type-5 routes beside the host routes: "
        "`subnets`, the prefixes of the gateways that the node has; default nothing.",
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

    @field_validator("group")
    @classmethod
    def _is_multicast(cls, value: IPvAnyAddress | None) -> IPvAnyAddress | None:
        return _multicast(value)

    @property
    def routes_ipv6(self) -> bool:
        """Whether one of its anycast gateways is an IPv6 address."""
        return any(":" in gateway for gateway in self.gateways)


class Node(Extras):
    """One node of the fabric; its name is that of a host in the inventory."""

    role: Role = Field(
        Role.VTEP,
        description="Its role: a VTEP, a BGP route reflector, or the router outside the fabric.",
    )
    address: IPvAnyAddress = Field(
        description="Its underlay address: its VTEP address and, where of IPv4, its BGP router-id."
    )
    port: InterfaceName | None = Field(None, description="Its underlay NIC; default underlay.port.")
    router_id: IPvAnyAddress | None = Field(
        None,
        description="BGP router-id, of the form a.b.c.d; default the address. Needed over IPv6.",
    )
    gateway: IPvAnyAddress | None = Field(
        None, description="Default gateway of the node itself, on the underlay; default none."
    )
    asn: Asn | None = Field(
        None, description="AS number of a router: it peers with the exits; default: static routes."
    )
    session: NodeSession = Field(
        default_factory=lambda: NodeSession.model_validate({}),
        description="Options of its BGP sessions; default as bgp.session says.",
    )
    scope: Scope | None = Field(None, description="Its managed scope; default the fabric's.")
    frr: FrrVersion | None = Field(
        None, description="The version of its FRR, in quotes; default bgp.frr."
    )

    @property
    def speaks_as(self) -> str:
        """Its BGP router-id."""
        return str(self.router_id or self.address)


class Vip(Strict):
    """An address of the underlay that moves between nodes (VRRP)."""

    address: GatewayAddress = Field(description="The floating address, address/length.")
    id: int = Field(ge=1, le=255, description="The VRRP group's number.")
    priorities: dict[str, Annotated[int, Field(ge=1, le=254)]] = Field(
        min_length=1,
        description="Priority by node; of the nodes that are up, the highest is the master.",
    )


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
