"""What a node should say to its BGP neighbours, and what a router outside should hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.derived.devices import EVERYTHING
from overlay.sessions.intended import OutsideOptions, SessionsIntent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
    defaults: tuple[str, ...] = EVERYTHING

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
    """A route reflector: those that it listens to are its clients.

    Without `cluster_id` it is a cluster of its own, as FRR has it.
    """

    cluster_id: str | None


@dataclass(frozen=True, slots=True)
class ListenIntent:
    """The prefixes whose addresses become neighbours by themselves, at most `limit` of them."""

    ranges: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class ExternalNode:
    """A switch, firewall or reflector that others peer with at `address`, and that is not ours.

    Its tunnels end at `vtep`, and it carries `vnis`.
    """

    name: str
    address: str
    vtep: str
    vnis: frozenset[int] = frozenset()
    reflects: bool = False


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
class SystemsIntent:
    """A node's part in a fabric of several AS, whose sessions are all named at both ends.

    `by_address` is the AS of each EVPN speaker, one mapping for all nodes. `clients` are those that
    it reflects routes to. One that does not pass on the routes of others announces only its own;
    `own_as_returns` where routes of another VTEP of its AS come through a different AS.
    """

    by_address: Mapping[str, int] = field(repr=False)
    clients: tuple[str, ...] = ()
    passes_on: bool = False
    own_as_returns: bool = False


@dataclass(frozen=True, slots=True)
class BgpIntent:
    """A node's BGP instance within the fabric.

    `mesh` holds the addresses of the EVPN peers that it names, its own perhaps among them: one
    tuple for all nodes where there is one AS; the clients of a reflector come to it then. `systems`
    is None where all sessions are iBGP. `advertised` are the prefixes that an exit tells its
    upstream peers.
    """

    asn: int
    router_id: str
    coalesce_time: int
    own_address: str
    mesh: tuple[str, ...]
    detection: Detection
    reflector: ReflectorIntent | None = None
    listen: ListenIntent | None = None
    exits: tuple[ExitIntent, ...] = ()
    upstreams: tuple[UpstreamPeer, ...] = ()
    advertised: tuple[str, ...] = ()
    sessions: SessionsIntent = field(default_factory=SessionsIntent)
    systems: SystemsIntent | None = None

    @property
    def peers(self) -> Iterator[str]:
        """The addresses of the EVPN neighbours that it names, in the order of the intent."""
        return (speaker for speaker in self.mesh if speaker != self.own_address)

    def remote_as(self, peer: str) -> int:
        """The AS of an EVPN peer."""
        return self.systems.by_address.get(peer, self.asn) if self.systems else self.asn

    def is_external(self, peer: str) -> bool:
        """Whether the session with an EVPN peer is eBGP."""
        return self.remote_as(peer) != self.asn
