"""The derived intent: what each node should hold. Templates render it, `drift` compares with it.

Addresses and MACs are canonical strings, as in the observed records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from overlay.intent import FRR_WITH_IPV6_VTEPS, Fabric, Mode, Role, Scope
from overlay.sessions.intended import OutsideOptions, SessionsIntent
from overlay.targets.targets import NOTHING, ByHand, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.host_records import Statement
    from overlay.sessions.intended import SecretSource


# A stanza of an interfaces file, and what else names a device or another file there.
_STANZA = re.compile(r"^[ \t]*(?:iface|vlan|auto|allow-\S+|source\S*)[ \t]+(\S+)", re.MULTILINE)
_NEIGHBOR = re.compile(r"^[ \t]*neighbor[ \t]+(\S+)[ \t]", re.MULTILINE)
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
    with its prefix length on the underlay bridge.
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

    @property
    def routed(self) -> bool:
        """True for a bridge that is an anycast gateway, so forwards and answers ARP."""
        return self.role is BridgeRole.NETWORK and bool(self.addresses)


@dataclass(frozen=True, slots=True)
class VrfIntent:
    """One VRF of a node, with its L3VNI in the symmetric model.

    `unreachable` are the prefixes that end in its table, each unless a better route is there: of
    both families everything, so that no lookup goes on to the main table. `advertised` are the
    prefixes that the node announces as type-5 routes.
    """

    name: str
    l3vni: int | None
    table: str = "auto"
    unreachable: tuple[str, ...] = EVERYTHING
    advertised: tuple[str, ...] = ()
    by_hand: ByHand = NOTHING


@dataclass(frozen=True, slots=True)
class UpstreamPeer:
    """A router outside the fabric that an exit node peers with by eBGP."""

    address: str
    asn: int
    options: OutsideOptions = field(default_factory=OutsideOptions)


@dataclass(frozen=True, slots=True)
class ExitIntent:
    """A VRF that a node routes to the outside: by `gateway`, or as its upstream peers say.

    A `backup` exit is used only while the VRF's primary exit is gone; the VRF's routes are known
    by `route_target`. `defaults` are the default routes that it tells the other nodes.
    """

    vrf: str
    gateway: str | None
    backup: bool = False
    route_target: str = ""
    defaults: tuple[str, ...] = ("0.0.0.0/0", "::/0")

    @property
    def families(self) -> tuple[str, ...]:
        """The address families of `defaults`, as FRR names them."""
        return tuple("ipv6" if ":" in prefix else "ipv4" for prefix in self.defaults)


@dataclass(frozen=True, slots=True)
class BfdIntent:
    """BFD with each BGP neighbour; `interval` is in milliseconds."""

    interval: int
    multiplier: int


@dataclass(frozen=True, slots=True)
class Detection:
    """How a BGP instance notices that a neighbour is gone; its timers are in seconds."""

    keepalive: int
    hold: int
    connect: int
    bfd: BfdIntent | None = None


@dataclass(frozen=True, slots=True)
class ReflectorIntent:
    """A route reflector: nodes within `listen_range` become its clients by themselves."""

    cluster_id: str
    listen_range: str
    listen_limit: int


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """One static route of a router; several with one prefix are ECMP."""

    prefix: str
    next_hop: str


@dataclass(frozen=True, slots=True)
class RouterIntent:
    """A router outside the fabric: eBGP with the exits (`asn` set), or static routes to them."""

    asn: int | None
    router_id: str | None
    exits: tuple[str, ...]
    routes: tuple[StaticRoute, ...] = ()
    detection: Detection | None = None
    sessions: SessionsIntent = field(default_factory=SessionsIntent)
    options: OutsideOptions = field(default_factory=OutsideOptions)


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


@dataclass(frozen=True, slots=True)
class BgpIntent:
    """A node's BGP instance within the fabric.

    `mesh` holds the addresses of those it peers with by iBGP, its own perhaps among them: one
    tuple for all nodes. `advertised` are the prefixes that an exit tells its upstream peers.
    """

    asn: int
    router_id: str
    coalesce_time: int
    own_address: str
    mesh: tuple[str, ...]
    detection: Detection
    reflector: ReflectorIntent | None = None
    exits: tuple[ExitIntent, ...] = ()
    upstreams: tuple[UpstreamPeer, ...] = ()
    advertised: tuple[str, ...] = ()
    sessions: SessionsIntent = field(default_factory=SessionsIntent)

    @property
    def peers(self) -> Iterator[str]:
        """The addresses of its iBGP EVPN neighbours, in the order of the intent."""
        return (speaker for speaker in self.mesh if speaker != self.own_address)


@dataclass(frozen=True, slots=True)
class NodeIntent:
    """All that one node should hold; `sysctls` are kernel settings as (key, value).

    `forwarding` says whether its kernel forwards IP at all. In the overlay scope `underlay_port`
    is empty, and the underlay's bridge has neither ports nor gateway: they are somebody else's.
    `frr` is the version that the intent says it has, where not every FRR will do. `frr_extra` are
    texts for its frr.conf, `interfaces_extra` for its interfaces files, `daemons_extra` settings of
    FRR's daemons file, kept by hand.
    """

    name: str
    address: str
    underlay_port: str
    underlay_mtu: int
    bridges: tuple[BridgeIntent, ...]
    vxlans: tuple[VxlanIntent, ...]
    vrfs: tuple[VrfIntent, ...]
    bgp: BgpIntent | None
    sysctls: tuple[tuple[str, str], ...] = ()
    role: Role = Role.VTEP
    scope: Scope = Scope.WHOLE
    router: RouterIntent | None = None
    vips: tuple[VipIntent, ...] = ()
    forwarding: bool = False
    frr: str | None = None
    frr_extra: tuple[str, ...] = ()
    daemons_extra: tuple[tuple[str, str], ...] = ()
    interfaces_extra: tuple[str, ...] = ()

    @property
    def peers_by_hand(self) -> frozenset[str]:
        """The BGP neighbours that `frr_extra` names."""
        return frozenset(found[1] for text in self.frr_extra for found in _NEIGHBOR.finditer(text))

    @property
    def passwords(self) -> frozenset[SecretSource]:
        """Where each password that its frr.conf holds is found."""
        found = [up.options.password for up in self.bgp.upstreams] if self.bgp else []
        found += [self.bgp.sessions.password] if self.bgp else []
        found += [self.router.options.password] if self.router else []
        return frozenset(source for source in found if source is not None)

    @property
    def bfd(self) -> BfdIntent | None:
        """BFD with each of its BGP neighbours, if that is intended."""
        speaker = self.bgp or self.router
        return speaker.detection.bfd if speaker and speaker.detection else None

    @property
    def oldest_frr(self) -> str | None:
        """The oldest FRR that can do what this node is to do; None where any will do."""
        return FRR_WITH_IPV6_VTEPS if self.bgp and ":" in self.address else None

    @property
    def forwards(self) -> bool:
        """True where the underlay's bridge itself must route: exits and outside routers."""
        return self.router is not None or bool(self.bgp and self.bgp.exits)

    @property
    def owns_underlay(self) -> bool:
        """False but in the whole scope: the underlay is somebody else's, and only relied on."""
        return self.scope is Scope.WHOLE

    @property
    def is_written(self) -> bool:
        """False in the observed scope: nothing of the node is ours, and no file is compared."""
        return self.scope is not Scope.OBSERVED

    @property
    def owned_bridges(self) -> tuple[BridgeIntent, ...]:
        """The bridges that are ours to write: all but an underlay that is somebody else's."""
        if self.owns_underlay:
            return self.bridges
        return tuple(b for b in self.bridges if b.role is not BridgeRole.UNDERLAY)

    @property
    def own_devices(self) -> frozenset[str]:
        """The devices that its interfaces file defines."""
        made = {vxlan.name for vxlan in self.vxlans} | {vrf.name for vrf in self.vrfs}
        made |= {bridge.name for bridge in self.owned_bridges}
        return frozenset(made | ({"lo", self.underlay_port} if self.owns_underlay else set()))

    @property
    def keeps_devices(self) -> bool:
        """Whether `interfaces_extra` tells of any device that is not ours."""
        named = (name for text in self.interfaces_extra for name in _STANZA.findall(text))
        return any(name.partition(":")[0] not in self.own_devices for name in named)

    @property
    def underlay_bridge(self) -> BridgeIntent:
        return next(bridge for bridge in self.bridges if bridge.role is BridgeRole.UNDERLAY)


@dataclass(frozen=True, slots=True)
class RenderedNode:
    """What a node's intent renders to: its managed files by path, and what its frr.conf states."""

    files: Mapping[str, str]
    frr: frozenset[Statement]


@dataclass(frozen=True, slots=True)
class FabricIntent:
    """The whole fabric, derived: each node, and which VTEPs carry each VNI.

    `vteps` maps a VNI to the set of VTEP addresses that carry it, `owner` an address to its
    node's name: sets shared by all nodes, so nothing grows with nodes times nodes.
    """

    fabric: Fabric
    nodes: dict[str, NodeIntent]
    vteps: dict[int, frozenset[str]]
    owner: dict[str, str] = field(default_factory=dict)
    targets: Targets = field(default_factory=Targets)

    @property
    def evpn(self) -> bool:
        return self.fabric.mode is Mode.EVPN

    @property
    def l2vnis(self) -> frozenset[int]:
        return frozenset(network.vni for network in self.fabric.networks)

    @property
    def l3vnis(self) -> frozenset[int]:
        return frozenset(v.l3vni for v in self.fabric.vrfs.values() if v.l3vni is not None)
