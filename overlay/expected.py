"""The derived intent: what each node should hold. Templates render it, `drift` compares with it.

Addresses and MACs are canonical strings, as in the observed records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overlay.derived.devices import (
    EVERYTHING,
    BridgeIntent,
    BridgeRole,
    LanPort,
    PortFlags,
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
    ReflectorIntent,
    RouterIntent,
    StaticRoute,
    UpstreamPeer,
)
from overlay.intent import FRR_WITH_IPV6_VTEPS, Fabric, Mode, Role, Scope
from overlay.targets.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.host_records import Statement
    from overlay.sessions.intended import SecretSource

__all__ = [
    "EVERYTHING",
    "BfdIntent",
    "BgpIntent",
    "BridgeIntent",
    "BridgeRole",
    "Detection",
    "ExitIntent",
    "FabricIntent",
    "LanPort",
    "NodeIntent",
    "PortFlags",
    "ReflectorIntent",
    "RenderedNode",
    "RouterIntent",
    "StaticRoute",
    "StaticVrfRoute",
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
        made |= {port.name for port in self.lan_ports if port.written}
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
