"""The derived intent: what each node should hold. Templates render it, `drift` compares with it.

Addresses and MACs are canonical strings, as in the observed records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from overlay.derived.devices import (
    EVERYTHING,
    BridgeIntent,
    BridgeRole,
    LanPort,
    PortFlags,
    SingleDevice,
    StaticVrfRoute,
    VipIntent,
    VrfIntent,
    VxlanIntent,
)
from overlay.derived.speakers import (
    BfdIntent,
    BgpIntent,
    Detection,
    ExitIntent,
    ExternalNode,
    ReflectorIntent,
    RouterIntent,
    StaticRoute,
    SystemsIntent,
    UpstreamPeer,
)
from overlay.intent import (
    FRR_WITH_IPV6_VTEPS,
    FRR_WITH_SINGLE_DEVICE,
    Fabric,
    Mode,
    Role,
    Scope,
)
from overlay.names import setting
from overlay.targets.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from overlay.derived.routed import RoutedUnderlay
    from overlay.host_records import Statement
    from overlay.sessions.intended import SecretSource
    from overlay.snat.intended import Translation

__all__ = [
    "EVERYTHING",
    "BfdIntent",
    "BgpIntent",
    "BridgeIntent",
    "BridgeRole",
    "Detection",
    "ExitIntent",
    "ExternalNode",
    "FabricIntent",
    "LanPort",
    "NodeIntent",
    "PortFlags",
    "ReflectorIntent",
    "RenderedNode",
    "RouterIntent",
    "SingleDevice",
    "StaticRoute",
    "StaticVrfRoute",
    "SystemsIntent",
    "UpstreamPeer",
    "VipIntent",
    "VrfIntent",
    "VxlanIntent",
]

# A stanza of an interfaces file, and what else names a device or another file there.
_STANZA = re.compile(r"^[ \t]*(?:iface|vlan|auto|allow-\S+|source\S*)[ \t]+(\S+)", re.MULTILINE)
_NEIGHBOR = re.compile(r"^[ \t]*neighbor[ \t]+(\S+)[ \t]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class NodeIntent:
    """All that one node should hold; `sysctls` are kernel settings as (key, value).

    `forwarding` says whether its kernel forwards IP at all. In the overlay scope `underlay_port`
    is empty, and the underlay's bridge has neither ports nor gateway: they are somebody else's.
    Where the underlay is `routed` that bridge is the loopback, which has no port either.
    With a `single` device `vxlans` are its VNIs and `bridges`, but for the underlay's, its VLANs.
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
    single: SingleDevice | None = None
    lan_ports: tuple[LanPort, ...] = ()
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
    routed: RoutedUnderlay | None = None
    snat: Translation | None = None

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
        if self.bgp is not None and ":" in self.address:
            return FRR_WITH_IPV6_VTEPS
        return FRR_WITH_SINGLE_DEVICE if self.single is not None else None

    @property
    def asks_of_frr(self) -> str:
        """What it is that not every FRR can do."""
        over_ipv6 = ":" in self.address
        return "EVPN over an IPv6 underlay" if over_ipv6 else "one VXLAN device for all VNIs"

    @property
    def carries(self) -> bool:
        """Whether it is a VTEP, which can have VNIs; one may reflect routes, too."""
        return self.role is Role.VTEP

    @property
    def reflects(self) -> bool:
        """Whether it is a route reflector, with VNIs of its own or without."""
        return self.bgp is not None and self.bgp.reflector is not None

    @property
    def forwards(self) -> bool:
        """True where the underlay's bridge itself must route: exits and outside routers."""
        return self.router is not None or bool(self.bgp and self.bgp.exits)

    @property
    def kernel_settings(self) -> tuple[tuple[str, str], ...]:
        """`sysctls`, and what follows from them: each bridge that routes forwards IPv4.

        The global switch and ifupdown2 set that; of IPv6 the kernel asks the switch itself.
        """
        wanted = dict(self.sysctls)
        if wanted.get("net.ipv4.ip_forward") == "1":
            for bridge in self.bridges:
                if bridge.routed or bridge.role is BridgeRole.L3VNI:
                    wanted.setdefault(setting(4, bridge.name, "forwarding"), "1")
        return tuple(wanted.items())

    @property
    def least_settings(self) -> tuple[tuple[str, int], ...]:
        """Settings that nobody writes, and of which less does harm: less than the kernel's default.

        An interface that asks for a MAC no times at all reaches those alone that spoke first.
        """
        families = (4, 6) if self.vxlans and self.sysctls else ()
        sizes = [(setting(it, "default", "gc_thresh3", "neigh"), 1024) for it in families]
        asking = [
            (setting(it, bridge.name, "mcast_solicit", "neigh"), 1)
            for bridge in self.bridges
            if bridge.role is not BridgeRole.L3VNI
            for it in families
            if _speaks(bridge, it)
        ]
        return (*sizes, *asking)

    @property
    def most_settings(self) -> tuple[tuple[str, int], ...]:
        """Settings that nobody writes, and of which more keeps a gateway from answering ARP.

        The greater one of `all` and the interface's own counts; 8 is never to answer.
        """
        gateways = [it for it in self.bridges if it.routed and _speaks(it, 4)]
        places = ("all", *(it.name for it in gateways)) if gateways and self.sysctls else ()
        return tuple((setting(4, place, "arp_ignore"), 7) for place in places)

    @property
    def path_filters(self) -> tuple[str, ...]:
        """The reverse-path filters of what comes in by L3VNIs; that of `all` comes first."""
        bridges = [it.name for it in self.bridges if it.role is BridgeRole.L3VNI]
        places = ("all", *bridges) if bridges and self.sysctls else ()
        return tuple(setting(4, place, "rp_filter") for place in places)

    @property
    def bridge_filters(self) -> tuple[str, ...]:
        """Whether frames on bridges pass the packet filters of IP; absent without br_netfilter."""
        names = ("iptables", "ip6tables") if self.vxlans else ()
        return tuple(f"net.bridge.bridge-nf-call-{name}" for name in names)

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
        """The bridges that are ours to write: not an underlay that is another's, or routed."""
        if self.owns_underlay and self.routed is None:
            return self.bridges
        return tuple(b for b in self.bridges if b.role is not BridgeRole.UNDERLAY)

    @property
    def own_devices(self) -> frozenset[str]:
        """The devices that its interfaces file defines."""
        made = {vxlan.name for vxlan in self.vxlans} | {vrf.name for vrf in self.vrfs}
        made |= {bridge.name for bridge in self.owned_bridges}
        made |= {self.single.name, self.single.bridge} if self.single else set()
        made |= {port.name for port in self.lan_ports if port.written}
        if not self.owns_underlay:
            return frozenset(made)
        below = self.routed.devices if self.routed else {self.underlay_port}
        return frozenset(made | below | {"lo"})

    @property
    def keeps_devices(self) -> bool:
        """Whether `interfaces_extra` tells of any device that is not ours."""
        named = (name for text in self.interfaces_extra for name in _STANZA.findall(text))
        return any(name.partition(":")[0] not in self.own_devices for name in named)

    @property
    def underlay_bridge(self) -> BridgeIntent:
        return next(bridge for bridge in self.bridges if bridge.role is BridgeRole.UNDERLAY)


def _speaks(bridge: BridgeIntent, version: int) -> bool:
    """Whether the bridge has an address of that version of IP."""
    return any((":" in address) == (version == 6) for address in bridge.addresses)


@dataclass(frozen=True, slots=True)
class RenderedNode:
    """What a node's intent renders to: its managed files by path, and what its frr.conf states."""

    files: Mapping[str, str]
    frr: frozenset[Statement]


@dataclass(frozen=True, slots=True)
class FabricIntent:
    """The whole fabric, derived: each node, and which VTEPs carry each VNI.

    `vteps` maps a VNI to the set of VTEP addresses that carry it, `owner` an address to its node's
    name, `seen_as` what neighbours of the routed underlay see a node as to it: shared by all, so
    nothing grows with nodes times nodes. What is `external` is in both, and is none of `nodes`: it
    is never logged in to. An address in one of `visitors` may be a VTEP of any network.
    """

    fabric: Fabric
    nodes: dict[str, NodeIntent]
    vteps: dict[int, frozenset[str]]
    owner: dict[str, str] = field(default_factory=dict)
    targets: Targets = field(default_factory=Targets)
    seen_as: Mapping[str, str] = field(default_factory=dict)
    external: dict[str, ExternalNode] = field(default_factory=dict)
    visitors: tuple[IPv4Network | IPv6Network, ...] = ()

    @property
    def evpn(self) -> bool:
        return self.fabric.mode is Mode.EVPN

    @property
    def reflectors(self) -> tuple[str, ...]:
        """The names of the route reflectors, with VNIs of their own or without, ours or not."""
        ours = [node.name for node in self.nodes.values() if node.reflects]
        return (*ours, *(node.name for node in self.external.values() if node.reflects))

    @property
    def systems(self) -> dict[str, int]:
        """The AS of each EVPN speaker by its name, where reflectors join several AS; else empty."""
        several = next(
            (n.bgp.systems for n in self.nodes.values() if n.bgp and n.bgp.systems), None
        )
        if several is None or not self.reflectors:
            return {}
        return {self.owner[address]: asn for address, asn in several.by_address.items()}

    def is_external(self, address: str | None) -> bool:
        """Whether a VTEP's address is that of an external node, or of one that comes and goes."""
        return self.owner.get(address or "") in self.external or self.visits(address)

    def visits(self, address: str | None) -> bool:
        """Whether an address that no node has may be a VTEP nevertheless."""
        if address is None or address in self.owner or not self.visitors:
            return False
        return any(ip_address(address) in prefix for prefix in self.visitors)

    def clients(self, node: NodeIntent) -> Iterator[str]:
        """The addresses of those that come to a reflector, which does not name them."""
        if node.bgp is None or node.bgp.reflector is None:
            return
        named = {node.address, *node.bgp.peers}
        for other in self.nodes.values():
            if other.address not in named and other.bgp and node.address in other.bgp.mesh:
                yield other.address
        for one in self.external.values():
            if not one.reflects and one.address not in named:
                yield one.address

    def evpn_peers(self, node: NodeIntent) -> list[str]:
        """The addresses of all its EVPN peers: those that it names, and its clients."""
        return [*node.bgp.peers, *self.clients(node)] if node.bgp else []

    def senders(self, node: NodeIntent, origin: str) -> list[str]:
        """Who tells a node of a VTEP's routes: that address itself, or the reflectors."""
        peers = self.evpn_peers(node)
        return [origin] if origin in peers else peers

    @property
    def l2vnis(self) -> frozenset[int]:
        return frozenset(network.vni for network in self.fabric.networks)

    @property
    def l3vnis(self) -> frozenset[int]:
        return frozenset(v.l3vni for v in self.fabric.vrfs.values() if v.l3vni is not None)
