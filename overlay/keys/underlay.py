"""`underlay` and `overlay`: what carries the tunnels, and what all tunnels have in common."""

from __future__ import annotations

from pydantic import Field, IPvAnyAddress, IPvAnyNetwork, field_validator

from overlay.keys.bgp import BfdSwitch  # noqa: TC001 - pydantic reads it
from overlay.keys.kinds import Devices, multicast
from overlay.keys.links import Links, Protocol
from overlay.values import InterfaceName, MacAddress, NamePattern, Pattern, Strict


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
        1550,
        ge=1280,
        le=9216,
        description="MTU of the NIC, of a routed underlay that of each link: overlay + 50 (IPv4) "
        "or + 70 (IPv6).",
    )
    protocol: Protocol = Field(
        Protocol.NONE,
        description="What routes the underlay: none (all nodes are in one layer-2 network, or "
        "somebody else routes), or FRR on the nodes by ospf, openfabric, isis or ebgp-unnumbered.",
    )
    interfaces: Links = Field(
        default_factory=dict,
        description="The interfaces that each node routes the underlay on: a list of names, or "
        "`name: {peer: …, address: …}`. `eno1.101` is VLAN 101 of eno1; a node can name its own.",
    )
    loopback: InterfaceName = Field(
        "lo",
        description="The interface that holds the VTEP address of a routed underlay: lo, or the "
        "name of a dummy interface.",
    )
    bfd: BfdSwitch = Field(
        None,
        description="BFD on each link of a routed underlay: true, or a section; default none.",
    )

    hello: int | None = Field(
        None,
        ge=1,
        le=600,
        description="Seconds between two hellos (of BGP: keepalives) on each link of a routed "
        "underlay, at both ends; default: 10 of OSPF, whose neighbour is gone after four, 3 of the "
        "others.",
    )

    @property
    def routed(self) -> bool:
        """Whether FRR routes it on the nodes."""
        return self.protocol is not Protocol.NONE

    forwarding: bool | None = Field(
        None,
        description="Whether nodes forward IP; default: only where the topology routes. Set it to "
        "true where a node without routing forwards for other reasons (NAT, containers).",
    )


class Names(Strict):
    """What devices are called: `{vni}` is their VNI, `{name}` their network's name or VRF's key."""

    device: NamePattern = Field("vxlan{vni}", description="VXLAN device of a network.")
    bridge: NamePattern = Field("vmbr{vni}", description="Bridge of a network.")
    l3vni_device: NamePattern = Field("vxlan{vni}", description="VXLAN device of an L3VNI.")
    l3vni_bridge: NamePattern = Field("vmbr{vni}", description="Bridge of an L3VNI.")
    vrf: NamePattern = Field(
        "{name}", description="VRF, by its name alone (one without an L3VNI has no VNI)."
    )
    single_device: InterfaceName = Field(
        "vxlan0", description="The VXLAN device of all VNIs (overlay.device: single)."
    )
    single_bridge: InterfaceName = Field(
        "vmbr1",
        description="Its VLAN-aware bridge, which guests are plugged into with the VLAN of their "
        "network. A network with gateways, and an L3VNI, has a VLAN interface of it, which is "
        "called as its bridge would be.",
    )

    @field_validator("vrf")
    @classmethod
    def _needs_no_vni(cls, pattern: str) -> str:
        if "{vni}" in pattern:
            raise ValueError(
                f"{pattern!r} has {{vni}}, which a VRF without an L3VNI lacks; use {{name}} alone"
            )
        return pattern


class Overlay(Strict):
    """What all VXLAN devices and their bridges have in common."""

    mtu: int = Field(1500, ge=576, le=9146, description="MTU of the overlay's bridges and VMs.")
    dstport: int = Field(4789, ge=1, le=65535, description="UDP port of the tunnels.")
    source_address: bool = Field(
        True,
        description="Whether tunnels leave from the node's address; false: from the one that the "
        "route takes, as in Proxmox's VXLAN zones. EVPN and IPv6 underlays need it.",
    )
    device: Devices = Field(
        Devices.PER_VNI,
        description="How many VXLAN devices a node has: one for each VNI, or `single`, one for all "
        "of them on a VLAN-aware bridge (evpn mode, FRR 10.3 or newer; docs/topologies.md).",
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
        return multicast(value)
