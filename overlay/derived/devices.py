"""The devices and VRFs that a node should have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from overlay.targets.targets import NOTHING, ByHand

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYTHING = ("0.0.0.0/0", "::/0")


class BridgeRole(StrEnum):
    """What a bridge of the intent is for."""

    UNDERLAY = "underlay"
    NETWORK = "network"
    L3VNI = "l3vni"


@dataclass(frozen=True, slots=True)
class PortFlags:
    """Flags of a VXLAN device as a bridge port."""

    learning: bool
    neigh_suppress: bool
    unicast_flood: bool
    multicast_flood: bool


@dataclass(frozen=True, slots=True)
class VxlanIntent:
    """One VXLAN device; `bound` says that its tunnels leave from `local`.

    With a single device for all VNIs (`NodeIntent.single`) it is a VNI's part of that, and `vlan`
    the VLAN that the VNI is mapped to; `name` and `bridge` are then what the two are called.
    `static_vteps` are all VTEPs of its VNI in unicast mode, else empty. That tuple is shared by all
    nodes of the VNI, so that memory does not grow with their square.
    """

    name: str
    vni: int
    bridge: str
    local: str
    mtu: int
    dstport: int
    learning: bool
    flags: PortFlags
    group: str | None = None
    physdev: str | None = None
    static_vteps: tuple[str, ...] = ()
    is_l3vni: bool = False
    bound: bool = True
    by_hand: ByHand = NOTHING
    vlan: int | None = None

    @property
    def over_ipv6(self) -> bool:
        return ":" in self.local

    @property
    def remotes(self) -> Iterator[str]:
        """Its static flood list: every other VTEP of the VNI."""
        return (vtep for vtep in self.static_vteps if vtep != self.local)


@dataclass(frozen=True, slots=True)
class BridgeIntent:
    """One bridge: its intended ports (guests' ports are not ours), addresses, MAC and VRF.

    `mac` and `addresses` are the anycast gateway's on a network's bridge, the VTEP's address
    with its prefix length on the underlay bridge. Of a single VXLAN device's bridge it is the VLAN
    `vlan`: with gateways, or of an L3VNI, a VLAN interface, else no device of its own.
    """

    name: str
    role: BridgeRole
    ports: tuple[str, ...]
    mtu: int
    guest_ports: str
    addresses: tuple[str, ...] = ()
    mac: str | None = None
    vrf: str | None = None
    gateway: str | None = None
    vlan: int | None = None

    @property
    def has_device(self) -> bool:
        """False for a mere VLAN of a bridge."""
        return self.vlan is None or bool(self.addresses) or self.role is BridgeRole.L3VNI

    @property
    def routed(self) -> bool:
        """True for a bridge that is an anycast gateway, so forwards and answers ARP."""
        return self.role is BridgeRole.NETWORK and bool(self.addresses)


@dataclass(frozen=True, slots=True)
class SingleDevice:
    """A node's one VXLAN device for all VNIs, and the VLAN-aware bridge that it is a port of.

    `vlans` are the VLANs, each with the VNI that it is mapped to.
    """

    name: str
    bridge: str
    local: str
    mtu: int
    dstport: int
    flags: PortFlags
    guest_ports: str
    vlans: tuple[tuple[int, int], ...]

    @property
    def vnis(self) -> tuple[int, ...]:
        return tuple(vni for _, vni in self.vlans)


@dataclass(frozen=True, slots=True)
class StaticVrfRoute:
    """One static route of a VRF: by a next hop, into another VRF, or to nowhere (neither)."""

    prefix: str
    next_hop: str | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class LanPort:
    """A way out to a LAN: a port of a network's bridge, or with an empty `bridge` what is below it.

    Of a VLAN `raw` is the device that it is a VLAN of, and `vlan` its number. `written` says that
    our own file makes it. `mtu` is what its networks need; it may have more.
    """

    name: str
    bridge: str
    mtu: int
    raw: str = ""
    vlan: int | None = None
    written: bool = True

    @property
    def flags(self) -> PortFlags:
        """As those of a guest's port: what is behind it is found by flooding and learning."""
        return PortFlags(
            learning=True, neigh_suppress=False, unicast_flood=True, multicast_flood=True
        )


@dataclass(frozen=True, slots=True)
class VrfIntent:
    """One VRF of a node, with its L3VNI in the symmetric model.

    `unreachable` are the prefixes that end in its table, each unless a better route is there: of
    both families everything, so that no lookup goes on to the main table. `advertised` are the
    prefixes that the node announces as type-5 routes, with `open` also whatever else is connected.
    `routes` are its static routes, and the declared leaks into other VRFs.
    """

    name: str
    l3vni: int | None
    table: str = "auto"
    unreachable: tuple[str, ...] = EVERYTHING
    advertised: tuple[str, ...] = ()
    open: bool = False
    routes: tuple[StaticVrfRoute, ...] = ()
    by_hand: ByHand = NOTHING

    @property
    def announces(self) -> bool:
        """Whether the node announces prefixes of it as type-5 routes."""
        return self.open or bool(self.advertised)

    @property
    def announces_static(self) -> bool:
        """Whether static routes are among these."""
        return any(route.prefix in self.advertised for route in self.routes)


@dataclass(frozen=True, slots=True)
class VipIntent:
    """A floating address of the underlay on one node (VRRP); `address` has its length."""

    id: int
    address: str
    priority: int

    @property
    def ip(self) -> str:
        """The address without its length."""
        return self.address.partition("/")[0]
