"""The control plane of each node: who peers with whom, who exits, what a router outside holds."""

from __future__ import annotations

import ipaddress
from functools import cached_property
from typing import TYPE_CHECKING

from overlay.beside.external import listening
from overlay.expected import (
    EVERYTHING,
    BfdIntent,
    BgpIntent,
    Detection,
    ExitIntent,
    ReflectorIntent,
    RouterIntent,
    StaticRoute,
    SystemsIntent,
    UpstreamPeer,
)
from overlay.intent import Fabric, Mode, Role
from overlay.peering.systems import Systems, asn_of
from overlay.sessions.intended import (
    OutsideOptions,
    PrefixLimit,
    RestartIntent,
    SecretSource,
    SessionsIntent,
)
from overlay.snat.intended import translated_prefixes, without_hidden
from overlay.targets.targets import Targets, targets_of
from overlay.values import OTHER_VRFS, UNDERLAY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from overlay.intent import Bgp, Node
    from overlay.sessions.keys import Limit, Restart, Secret


_WITHOUT_EVPN = frozenset({Role.ROUTER, Role.SPINE})


class ControlPlane:
    """What the derivation of every node shares: the speakers, the exits, the outside routers."""

    def __init__(self, fabric: Fabric, like: ControlPlane | None = None) -> None:
        """`like`: the control plane of a fabric with the same nodes, to share its speakers."""
        self._fabric = fabric
        self._detection = _detection(fabric)
        self.reflectors: tuple[str, ...] = (
            like.reflectors if like else self._addresses(lambda node: node.reflects)
        )
        self.vteps: tuple[str, ...] = (
            like.vteps if like else self._addresses(lambda node: node.carries or not node.managed)
        )
        self.upstreams: tuple[UpstreamPeer, ...] = (
            like.upstreams if like else self._routers_with_bgp()
        )
        self.systems: Systems = like.systems if like and like.speaks_as(fabric) else Systems(fabric)
        # Prefixes from where a session is no surprise.
        self.awaited = tuple(one.range for one in fabric.bgp.listen) if fabric.bgp else ()
        self.exiting = frozenset(name for vrf in fabric.vrfs.values() for name in vrf.exits)
        self.exit_names = (
            tuple(name for name in fabric.nodes if name in self.exiting) if self.exiting else ()
        )
        self.named: frozenset[str] = self._named()
        same = like is not None and like.named == self.named and like.bgp_keys == fabric.bgp
        self.bgp_keys: Bgp | None = fabric.bgp
        self.descriptions: dict[str, str] = (
            like.descriptions if like and same else _descriptions(fabric, self.named)
        )

    def speaks_as(self, fabric: Fabric) -> bool:
        """Whether the nodes of a fabric, which are the same as here, have the same AS as here."""
        return self._fabric.bgp == fabric.bgp and self._fabric.groups == fabric.groups

    def _named(self) -> frozenset[str]:
        """The addresses that some node has as a neighbour by its address."""
        if self.systems.several:
            named = {*self.systems.by_address}
        else:
            named = {*(self.reflectors or self.vteps)}
        named |= {up.address for up in self.upstreams}
        if self.upstreams:
            named |= {str(self._fabric.nodes[name].address) for name in self.exit_names}
        return frozenset(named)

    @cached_property
    def targets(self) -> Targets:
        """The route targets of all networks and VRFs."""
        networks = ((network.vni, network.rt) for network in self._fabric.networks)
        vrfs = ((v.l3vni, v.rt) for v in self._fabric.vrfs.values() if v.l3vni is not None)
        return targets_of((*networks, *vrfs))

    def _routers_with_bgp(self) -> tuple[UpstreamPeer, ...]:
        return tuple(
            UpstreamPeer(str(node.address), node.asn, _outside_options(node))
            for node in self._fabric.nodes.values()
            if node.role is Role.ROUTER and node.asn is not None
        )

    def _addresses(self, wanted: Callable[[Node], bool]) -> tuple[str, ...]:
        return tuple(str(node.address) for node in self._fabric.nodes.values() if wanted(node))

    def bgp(self, name: str, node: Node) -> BgpIntent | None:
        """The node's BGP instance within the fabric; None for routers, spines and without EVPN."""
        fabric = self._fabric
        if fabric.mode is not Mode.EVPN or fabric.bgp is None or node.role in _WITHOUT_EVPN:
            return None
        assert self._detection is not None  # noqa: S101 - there is a control plane
        asn = asn_of(fabric, name, node)
        several = self._several(node, asn)
        reflector = None
        if node.reflects:
            cluster = fabric.bgp.cluster_id
            reflector = ReflectorIntent(cluster_id=str(cluster) if cluster else None)
        exits = self._exits(name, node, asn)
        return BgpIntent(
            asn=asn,
            router_id=node.speaks_as,
            coalesce_time=fabric.bgp.coalesce_time,
            own_address=str(node.address),
            mesh=self._mesh(node, asn),
            detection=self._detection,
            reflector=reflector,
            listen=None if several else listening(fabric, node, reflected=bool(self.reflectors)),
            exits=exits,
            upstreams=self.upstreams if exits else (),
            advertised=self._told(tuple(e.vrf for e in exits)),
            sessions=_sessions(fabric, node, self.descriptions),
            systems=several,
        )

    def _several(self, node: Node, asn: int) -> SystemsIntent | None:
        if not self.systems.several:
            return None
        return SystemsIntent(
            self.systems.by_address,
            clients=self.systems.clients_of(node, asn),
            passes_on=node.reflects,
            own_as_returns=self.systems.sees_its_own_as(node, asn),
        )

    def _mesh(self, node: Node, asn: int) -> tuple[str, ...]:
        if self.systems.several:
            return tuple(one.address for one in self.systems.peers_of(node, asn))
        if node.role is Role.REFLECTOR:
            # Its clients come to it; the other reflectors of its cluster have the same routes. One
            # that is a VTEP is a client of this one, and names it.
            return ()
        return self.reflectors or self.vteps

    def _exits(self, name: str, node: Node, asn: int) -> tuple[ExitIntent, ...]:
        if name not in self.exiting:
            return ()
        return tuple(
            ExitIntent(
                vrf=vrf_name,
                gateway=str(node.gateway) if node.gateway else None,
                backup=vrf.primary not in (None, name),
                route_target=self.targets.of(vrf.l3vni or 0, asn)[0],
                defaults=self._defaults(vrf_name),
            )
            for vrf_name, vrf in self._fabric.vrfs.items()
            if name in vrf.exits
        )

    def _defaults(self, vrf: str) -> tuple[str, ...]:
        """The default routes that the exits of a VRF tell the other nodes.

        Several exits tell an IPv6 one only to a VRF with IPv6: FRR 8.4 takes a VTEP's router MAC,
        which both families share, out of the kernel when an IPv6 route changes its next hops.
        """
        one = len(self._fabric.vrfs[vrf].exits) == 1
        with_ipv6 = one or any(":" in prefix for prefix in self._prefixes((vrf,)))
        return EVERYTHING if with_ipv6 else EVERYTHING[:1]

    def _prefixes(self, vrfs: tuple[str, ...]) -> tuple[str, ...]:
        """The subnets of those VRFs, as prefixes."""
        if not vrfs:
            return ()
        return tuple(
            str(ipaddress.ip_interface(gateway).network)
            for network in self._fabric.networks
            if network.vrf in vrfs
            for gateway in network.gateways
        )

    def _told(self, vrfs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the prefixes that the outside has a route to."""
        fabric = self._fabric
        hidden = [prefix for name in vrfs for prefix in translated_prefixes(fabric, name)]
        return without_hidden(self._prefixes(vrfs), hidden)

    def unreachable(self, vrf: str) -> tuple[str, ...]:
        """What guests of a VRF must not reach through its exits, as prefixes."""
        fabric = self._fabric
        others = tuple(name for name, it in fabric.vrfs.items() if name != vrf and it.exits)
        words = {UNDERLAY: (str(fabric.underlay.prefix),), OTHER_VRFS: self._prefixes(others)}
        wanted = (words.get(word, (word,)) for word in fabric.vrfs[vrf].unreachable)
        return tuple(dict.fromkeys(prefix for prefixes in wanted for prefix in prefixes))

    def router(self, node: Node) -> RouterIntent | None:
        """What a router outside the fabric holds: eBGP with the exits, or static routes."""
        if node.role is not Role.ROUTER:
            return None
        fabric = self._fabric
        exits = tuple(str(fabric.nodes[name].address) for name in self.exit_names)
        if node.asn is not None:
            router_id = node.speaks_as
            return RouterIntent(
                node.asn,
                router_id,
                exits,
                detection=self._detection,
                sessions=_sessions(fabric, node, self.descriptions),
                options=_outside_options(node),
            )
        # With a floating address one next hop, else one for each exit of the VRF, which is ECMP.
        # Another VRF's exit does not know the prefix, and would send it back to the router.
        floating = tuple(vip.address.partition("/")[0] for vip in fabric.vips)
        routes = tuple(
            StaticRoute(prefix, hop)
            for name, vrf in fabric.vrfs.items()
            for prefix in self._told((name,))
            for hop in floating or tuple(str(fabric.nodes[exit_].address) for exit_ in vrf.exits)
            if vrf.exits and (":" in prefix) == (":" in hop)
        )
        return RouterIntent(asn=None, router_id=None, exits=(), routes=routes)


def _detection(fabric: Fabric) -> Detection | None:
    if fabric.bgp is None:
        return None
    timers, bfd = fabric.bgp.timers, fabric.bgp.bfd
    probes = BfdIntent(bfd.interval, bfd.multiplier) if bfd else None
    return Detection(timers.keepalive, timers.hold, timers.connect, probes)


def _descriptions(fabric: Fabric, named: Collection[str]) -> dict[str, str]:
    """How nodes are described by their neighbours, by address: those of `named` that are."""
    by_name = fabric.bgp is not None and fabric.bgp.session.descriptions
    found = {}
    for name, node in fabric.nodes.items():
        text = node.session.description or (name if by_name else None)
        if text and (address := str(node.address)) in named:
            found[address] = text
    return found


def _sessions(fabric: Fabric, node: Node, descriptions: Mapping[str, str]) -> SessionsIntent:
    """What the node's sessions have in common; its own word wins over the fabric's."""
    common = fabric.bgp.session if fabric.bgp else None
    source = node.session.update_source
    restart = node.session.graceful_restart
    if common is not None:
        source = common.update_source if source is None else source
        restart = common.graceful_restart if restart is None else restart
    if source is None and fabric.underlay.routed:
        source = True  # the way to a peer leaves by a link, whose address may be another one
    within = common if node.role is not Role.ROUTER else None
    return SessionsIntent(
        password=_source_of(within.password if within else None),
        source=(str(node.address) if source is True else source) or None,
        restart=_restart(restart or None),
        descriptions=descriptions,
    )


def _outside_options(router: Node) -> OutsideOptions:
    """What the sessions with a router outside have, at both ends."""
    return OutsideOptions(
        _source_of(router.session.password), _limit(router.session.maximum_prefix)
    )


def _source_of(secret: Secret | None) -> SecretSource | None:
    return SecretSource(secret.env, secret.command) if secret else None


def _restart(restart: Restart | None) -> RestartIntent | None:
    return RestartIntent(restart.restart_time, restart.stale_time) if restart else None


def _limit(limit: Limit | None) -> PrefixLimit | None:
    return PrefixLimit(limit.prefixes, limit.warn_only, limit.restart) if limit else None
