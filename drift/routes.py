"""One node's EVPN table, sorted once by what the checks ask of it."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from overlay.targets.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from overlay.records import EvpnPath, EvpnTable

    Destination = tuple[str, int | None]

MAC_IP = 2
_INCLUSIVE_MULTICAST = 3
_IP_PREFIX = 5
_ADDRESSED = frozenset({MAC_IP, _IP_PREFIX})
_LOCAL_WEIGHT = 32768
_GATEWAY = "Default G"  # `Default Gateway`, `Default GW`
# What stands for a next hop in routes of the node's own.
_NOWHERE = frozenset({None, "0.0.0.0", "::"})  # noqa: S104 - an address that is shown, not bound


def announces_gateway(path: EvpnPath) -> bool:
    """True for a route that says itself that it is a default gateway's, not a guest's."""
    return any(said.startswith(_GATEWAY) for said in path.extended)


class Routes:
    """An EVPN table by VNI, from one pass over its paths.

    `imet[vni][vtep]` is the best type-3 path received from a VTEP, `macs[vni][mac]` the next hop of
    the best type-2 route received (only of the `wanted` VNIs), `prefixes` the best type-5 paths
    received, `local` what the node originates, `moved` the type-2 paths of MACs that have moved.
    `hops[rd]` is a next hop seen under an RD, `shared` the RDs with more than one, `contested` the
    MACs (by VNI) received from more than one. `router_macs[vni][mac]` are the VTEPs that claim a
    router MAC in the best routes received.
    """

    def __init__(
        self, table: EvpnTable, wanted: Collection[int], targets: Targets | None = None
    ) -> None:
        self._paths = table.paths
        self._targets = targets or Targets()
        # Routes of a VNI share their targets: a few different ones stand in the whole table.
        self._named: dict[tuple[bool, tuple[str, ...]], frozenset[int]] = {}
        self.local: list[EvpnPath] = []
        self.prefixes: list[EvpnPath] = []
        self.moved: list[EvpnPath] = []
        self.local_macs: dict[int, set[str]] = defaultdict(set)
        self.imet: dict[int, dict[str, EvpnPath]] = defaultdict(dict)
        self.macs: dict[int, dict[str, str]] = {vni: {} for vni in wanted}
        self.hops: dict[str, str | None] = {}
        self.shared: dict[str, set[str | None]] = {}
        self.contested: set[tuple[int, str]] = set()
        self.router_macs: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.routed: dict[int, tuple[EvpnPath, ...]] = {}
        """By L3VNI, what `drift.vrf_evpn_routes` has found: three planes ask for it."""
        self._paths_by_mac: dict[tuple[int, str], list[EvpnPath]] | None = None
        self._sort()
        self._settle()

    @property
    def has_targets(self) -> bool:
        """False for an FRR that prints no route targets (up to 7.2): routes then name no VNI."""
        return any(path.route_targets for path in self._paths)

    def vnis_of(self, path: EvpnPath) -> frozenset[int]:
        """The VNIs that a path's route targets name: of the node's own those that it exports for,
        of any other those that import it.
        """
        key = path.local, path.route_targets
        found = self._named.get(key)
        if found is None:
            found = self._own_vnis(path) if path.local else self.takers_of(path)
            self._named[key] = found
        return found

    def _own_vnis(self, path: EvpnPath) -> frozenset[int]:
        vnis = map(self._targets.exporting_vni, path.route_targets)
        return frozenset(vni for vni in vnis if vni is not None)

    def takers_of(self, path: EvpnPath) -> frozenset[int]:
        """The VNIs that other nodes import a path into."""
        taken = map(self._targets.importing_vnis, path.route_targets)
        return frozenset(vni for vnis in taken for vni in vnis)

    def from_outside(self, path: EvpnPath) -> bool:
        """True for a route that is imported only by targets which join the fabric to others."""
        return self._targets.is_from_outside(path.route_targets)

    def _sort(self) -> None:
        # The one loop over everything there is: 10 million paths in a fleet of 200 nodes, so it
        # reads fields and not properties, and looks each route target up once.
        by_target: dict[str, list[tuple[int, dict[str, str]]]] = {}
        hops = self.hops
        routed: EvpnPath | None = None
        for path in self._paths:
            rd, hop = path.rd, path.next_hop
            # An RD's paths mostly follow one another with one next hop: two look-ups in all.
            if hops.get(rd) != hop and hop not in _NOWHERE:
                self._count_hop(rd, hop)
            if path.mobility_sequence:
                self.moved.append(path)
            if path.weight == _LOCAL_WEIGHT:
                self._keep_local(path)
            elif ">" not in path.status:
                continue
            elif path.route_type == MAC_IP:
                mac = path.mac
                if mac is None or hop is None:
                    continue
                rmac = path.rmac
                # Here too, what follows one another is mostly the same.
                if rmac is not None and (
                    routed is None
                    or rmac != routed.rmac
                    or hop != routed.next_hop
                    or path.route_targets != routed.route_targets
                ):
                    self._keep_router_mac(path)
                    routed = path
                for target in path.route_targets:
                    try:
                        known = by_target[target]
                    except KeyError:
                        known = by_target[target] = self._wanted(target)
                    for vni, macs in known:
                        if macs.setdefault(mac, hop) != hop:
                            self.contested.add((vni, mac))
            elif path.route_type == _INCLUSIVE_MULTICAST:
                vtep = path.ip or hop
                for vni in self.vnis_of(path) if vtep else ():
                    self.imet[vni][str(vtep)] = path
            elif path.route_type == _IP_PREFIX:
                self.prefixes.append(path)
                self._keep_router_mac(path)

    def _count_hop(self, rd: str, hop: str | None) -> None:
        first = self.hops.setdefault(rd, hop)
        if first != hop:
            self.shared.setdefault(rd, {first}).add(hop)

    def _wanted(self, target: str) -> list[tuple[int, dict[str, str]]]:
        vnis = self._targets.importing_vnis(target)
        return [(vni, self.macs[vni]) for vni in vnis if vni in self.macs]

    def _keep_router_mac(self, path: EvpnPath) -> None:
        if path.rmac is not None and path.next_hop is not None:
            for vni in self.vnis_of(path):
                self.router_macs[vni][path.rmac].add(path.next_hop)

    def _keep_local(self, path: EvpnPath) -> None:
        self.local.append(path)
        if path.route_type == MAC_IP and path.mac is not None:
            for vni in self.vnis_of(path):
                self.local_macs[vni].add(path.mac)

    def _settle(self) -> None:
        # A MAC behind several VTEPs: FRR takes the sticky one, then the highest sequence number,
        # then the lowest VTEP address.
        for vni, mac in self.contested:
            best = min(self.paths_of(vni, mac), key=_mobility)
            if best.next_hop is not None:
                self.macs[vni][mac] = best.next_hop

    def paths_of(self, vni: int, mac: str) -> list[EvpnPath]:
        """The best type-2 paths received for a MAC; the index is built when first asked for."""
        if self._paths_by_mac is None:
            index: dict[tuple[int, str], list[EvpnPath]] = defaultdict(list)
            for path in self._received(MAC_IP):
                for named in self.vnis_of(path):
                    if named in self.macs and path.mac is not None:
                        index[named, path.mac].append(path)
            self._paths_by_mac = dict(index)
        return self._paths_by_mac.get((vni, mac), [])

    def _received(self, route_type: int) -> Iterator[EvpnPath]:
        return (
            path
            for path in self._paths
            if path.route_type == route_type and path.best and not path.local
        )

    @cached_property
    def addressed(self) -> dict[int, dict[Destination, list[EvpnPath]]]:
        """By VNI, then by address and length (None: a host's), the best MAC/IP and prefix paths.

        Of an L3VNI it is what its VRF could route by. The node's own paths are among them.
        """
        index: dict[int, dict[Destination, list[EvpnPath]]] = defaultdict(lambda: defaultdict(list))
        before: tuple[str, ...] | None = None
        own = False
        named: list[dict[Destination, list[EvpnPath]]] = []
        for path in self._paths:
            if path.ip is None or path.route_type not in _ADDRESSED or ">" not in path.status:
                continue
            # What follows one another mostly has the same targets.
            if path.route_targets is not before or (path.weight == _LOCAL_WEIGHT) is not own:
                before, own = path.route_targets, path.weight == _LOCAL_WEIGHT
                named = [index[vni] for vni in self.vnis_of(path)]
            for destinations in named:
                destinations[path.ip, path.prefix_length].append(path)
        return index

    def held_macs(self) -> dict[str, frozenset[str]]:
        """By RD, the prefixes of the best type-2 paths, the node's own among them."""
        found: dict[str, set[str]] = {}
        rd, prefixes = None, set[str]()
        for path in self._paths:
            if path.route_type == MAC_IP and ">" in path.status:
                if path.rd != rd:
                    rd = path.rd
                    prefixes = found.setdefault(rd, set())
                prefixes.add(path.prefix)
        return {rd: frozenset(prefixes) for rd, prefixes in found.items()}

    def originated_imet(self) -> Iterator[EvpnPath]:
        """The type-3 paths that the node itself originates."""
        return (path for path in self.local if path.route_type == _INCLUSIVE_MULTICAST)

    def originated_macs(self, vni: int, mac: str) -> Iterator[EvpnPath]:
        """The type-2 paths of a MAC that the node itself originates."""
        return (
            path
            for path in self.local
            if path.route_type == MAC_IP and path.mac == mac and vni in self.vnis_of(path)
        )

    def originated_prefixes(self) -> Iterator[EvpnPath]:
        """The type-5 paths that the node itself originates."""
        return (path for path in self.local if path.route_type == _IP_PREFIX)


def _mobility(path: EvpnPath) -> tuple[bool, int, int]:
    hop = ipaddress.ip_address(path.next_hop) if path.next_hop else None
    return not path.sticky, -(path.mobility_sequence or 0), int(hop) if hop else 0
