"""`nodes` and `vips`: the nodes, and the addresses that move between them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, IPvAnyAddress

from overlay.kept.extras import Extras
from overlay.keys.kinds import Role, Scope
from overlay.keys.links import Links  # noqa: TC001 - pydantic reads it
from overlay.sessions.keys import NodeSession
from overlay.values import Asn, FrrVersion, GatewayAddress, InterfaceName, Strict, Vni


class Node(Extras):
    """One node of the fabric; its name is that of a host, unless it is external."""

    role: Role = Field(
        Role.VTEP,
        description="Its role: a VTEP, a BGP route reflector, a spine, which routes the underlay "
        "and has no VNI, the router outside the fabric, or external: a switch, firewall or "
        "reflector that we peer with and never log in to.",
    )
    reflector: bool = Field(
        False,
        description="Whether a VTEP is a route reflector as well (it may be an exit, too), or an "
        "external node is one.",
    )
    vnis: tuple[Vni, ...] = Field(
        (), description="The VNIs of networks that an external node carries; default none."
    )
    vtep: IPvAnyAddress | None = Field(
        None, description="Where an external node's tunnels end; default its address."
    )
    address: IPvAnyAddress = Field(
        description="Its underlay address: its VTEP address and, where of IPv4, its BGP router-id."
    )
    port: InterfaceName | None = Field(None, description="Its underlay NIC; default underlay.port.")
    interfaces: Links | None = Field(
        None,
        description="The interfaces that it routes the underlay on, as underlay.interfaces; "
        "default that key.",
    )
    router_id: IPvAnyAddress | None = Field(
        None,
        description="BGP router-id, of the form a.b.c.d; default the address. Needed over IPv6.",
    )
    gateway: IPvAnyAddress | None = Field(
        None, description="Default gateway of the node itself, on the underlay; default none."
    )
    asn: Asn | None = Field(
        None,
        description="Its AS number; default that of its group, else bgp.asn. A router with one "
        "peers with the exits; without it has static routes to them.",
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
    def carries(self) -> bool:
        """Whether it can have VNIs."""
        return self.role is Role.VTEP

    @property
    def managed(self) -> bool:
        """Whether it is a node of ours, which has a host in the inventory."""
        return self.role is not Role.EXTERNAL

    @property
    def reflects(self) -> bool:
        """Whether it is a route reflector, with VNIs of its own or without."""
        return self.role is Role.REFLECTOR or (self.role is not Role.ROUTER and self.reflector)

    @property
    def tunnel_end(self) -> str:
        """The address that its tunnels end at."""
        return str(self.vtep or self.address)

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
