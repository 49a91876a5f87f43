"""One node under audit: its intent, what was observed on it, and indexes over both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from drift.apart import apart
from drift.compare import unequal
from drift.kernel_routes import KernelRoutes
from drift.routes import Routes
from overlay.records import ALL_ZERO_MAC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from overlay.expected import BridgeIntent, FabricIntent, NodeIntent, RenderedNode, VxlanIntent
    from overlay.host_records import Neighbour
    from overlay.records import EvpnTable, FdbEntry, HostState, Link

    # By VXLAN device, then by MAC or flood address.
    _Entries = defaultdict[str, dict[str, FdbEntry]]


class HostView:
    """What the checks of one node read; indexes are built when first asked for.

    `rendered` are its managed files as intended, or None when nobody rendered.
    """

    def __init__(
        self,
        intent: FabricIntent,
        node: NodeIntent,
        state: HostState,
        rendered: RenderedNode | None = None,
    ) -> None:
        self.intent = intent
        self.node = node
        self.state = apart(node, state)
        self.rendered = rendered
        self.host = node.name

    @property
    def links(self) -> dict[str, Link]:
        """The observed links; empty when they were not collected."""
        return self.state.links or {}

    @property
    def table(self) -> EvpnTable | None:
        return self.state.evpn

    @property
    def table_empty(self) -> bool:
        """True when the EVPN table was read and holds nothing."""
        return self.table is not None and (self.table.empty or not self.table.paths)

    @cached_property
    def l2_vxlans(self) -> tuple[VxlanIntent, ...]:
        """The intended VXLAN devices of its layer-2 segments."""
        return tuple(vxlan for vxlan in self.node.vxlans if not vxlan.is_l3vni)

    @cached_property
    def l3_vxlans(self) -> tuple[VxlanIntent, ...]:
        """The intended VXLAN devices of its L3VNIs."""
        return tuple(vxlan for vxlan in self.node.vxlans if vxlan.is_l3vni)

    @cached_property
    def bridges(self) -> dict[str, BridgeIntent]:
        return {bridge.name: bridge for bridge in self.node.bridges}

    @cached_property
    def vni_by_bridge(self) -> dict[str, int]:
        return {vxlan.bridge: vxlan.vni for vxlan in self.node.vxlans}

    @cached_property
    def l3vni_by_vrf(self) -> dict[str, int]:
        return {vrf.name: vrf.l3vni for vrf in self.node.vrfs if vrf.l3vni is not None}

    @cached_property
    def transit_links(self) -> frozenset[str]:
        """The intended devices of L3VNIs: what leaves through one stays in the overlay."""
        return frozenset(name for vxlan in self.l3_vxlans for name in (vxlan.name, vxlan.bridge))

    @cached_property
    def routes(self) -> Routes | None:
        """Its EVPN table by VNI, or None when there is none."""
        if self.table is None:
            return None
        wanted = {vxlan.vni for vxlan in self.l2_vxlans}
        return Routes(self.table, wanted, self.intent.targets)

    @cached_property
    def kernel(self) -> KernelRoutes:
        """The kernel's routes, of both families."""
        return KernelRoutes((*(self.state.routes or ()), *(self.state.ipv6_routes or ())))

    @cached_property
    def neighbours(self) -> dict[str, list[Neighbour]]:
        """The neighbour entries by device."""
        found: dict[str, list[Neighbour]] = defaultdict(list)
        for entry in self.state.neighbours or ():
            found[entry.device].append(entry)
        return dict(found)

    @cached_property
    def tunnels(self) -> dict[str, dict[str, FdbEntry]]:
        """By VXLAN device, the remote MACs in its forwarding database: an L3VNI's are RMACs."""
        return self._fdb[0]

    @cached_property
    def floods(self) -> dict[str, dict[str, FdbEntry]]:
        """By VXLAN device, the addresses in its flood list."""
        return self._fdb[1]

    def unbridged(self, vxlan: VxlanIntent, macs: Iterable[str]) -> set[str]:
        """Those of the remote MACs whose frames never enter the tunnel: the bridge lacks them.

        Where unknown unicast is flooded they do all the same. Every port has a line of its own in
        its bridge; where not even that is shown, nothing is concluded.
        """
        known = self._fdb[2].get(vxlan.name, {})
        shown = any(entry.state == "permanent" for entry in known.values())
        if not shown or vxlan.flags.unicast_flood:
            return set()
        return {
            mac
            for mac in macs
            if mac not in known
            and (vxlan.bridge, mac) not in self.housed
            and (vxlan.name, mac) not in self.moving
        }

    def is_copied(self, vxlan: VxlanIntent, mac: str, vtep: str) -> bool:
        """True when frames for a MAC that the tunnel lacks still arrive, as copies to each VTEP."""
        return mac in self._fdb[2].get(vxlan.name, {}) and vtep in self.floods.get(vxlan.name, {})

    @cached_property
    def moving(self) -> frozenset[tuple[str, str]]:
        """(device, MAC or flood address) that changed while the node was read: no drift, yet."""
        later = self.state.fdb_later
        if later is None or later is self.state.fdb or later == self.state.fdb:
            return frozenset()
        after = self._indexed(later)
        return frozenset(
            (device, key)
            for old, new in zip(self._fdb, after, strict=True)
            for device in old.keys() | new.keys()
            for key in unequal(_hops(old[device]), _hops(new[device]))
        )

    @cached_property
    def _fdb(self) -> tuple[_Entries, _Entries, _Entries]:
        return self._indexed(self.state.fdb or ())

    def _indexed(self, entries: Iterable[FdbEntry]) -> tuple[_Entries, _Entries, _Entries]:
        """By device: the remote MACs, the addresses of the flood list, and the bridge's MACs."""
        # A remote MAC has two lines on a device: the bridge's (`master`), by which a frame enters
        # the tunnel, and the tunnel's (`self`), which says to which VTEP it goes.
        tunnels: _Entries = defaultdict(dict)
        floods: _Entries = defaultdict(dict)
        bridged: _Entries = defaultdict(dict)
        ours = {vxlan.name: vxlan for vxlan in self.node.vxlans}
        for printed in entries:
            device = printed.device
            if device is None or device not in ours:
                continue
            entry = _as_it_leads(printed, ours[device])
            dst = entry.dst
            if dst is None and entry.nhid is None:
                if entry.master is not None:
                    bridged[device][entry.mac] = entry
            elif entry.mac != ALL_ZERO_MAC:
                tunnels[device][entry.mac] = entry
            elif dst is not None:
                floods[device][dst] = entry
        return tunnels, floods, bridged

    @cached_property
    def housed(self) -> frozenset[tuple[str, str]]:
        """(bridge, MAC) of what the bridges have on ports of their own, not behind a tunnel."""
        tunnels = {vxlan.name for vxlan in self.node.vxlans}
        return frozenset(
            (entry.master, entry.mac)
            for entry in (*(self.state.fdb or ()), *(self.state.fdb_later or ()))
            if entry.master is not None
            and entry.device not in tunnels
            and (entry.device != entry.master or self._is_own(entry))
        )

    def _is_own(self, entry: FdbEntry) -> bool:
        """False for a foreign MAC that a bridge takes for its own: its frames end in the node."""
        link = self.links.get(entry.device or "")
        return link is None or link.mac is None or link.mac == entry.mac

    def is_ready(self, vxlan: VxlanIntent) -> bool:
        """True when a VXLAN device is such that FRR would originate routes for its VNI."""
        if self.state.links is None:
            return True
        device, bridge = self.links.get(vxlan.name), self.links.get(vxlan.bridge)
        return (
            device is not None
            and bridge is not None
            and device.vxlan is not None
            and device.vxlan.vni == vxlan.vni
            and device.master == vxlan.bridge
            and device.admin_up
            and bridge.admin_up
        )


def _as_it_leads(entry: FdbEntry, vxlan: VxlanIntent) -> FdbEntry:
    """The entry, its VTEP with what else the kernel prints of where frames for the MAC go.

    It prints a VNI and a port only where they are not the device's own, and an interface where the
    device is bound to one, too.
    """
    said = (("VNI", entry.vni), ("port", entry.port), ("via", entry.via))
    odd = [f"{word} {value}" for word, value in said if value is not None]
    if entry.dst is None or not odd or (vxlan.physdev is not None and odd[0].startswith("via")):
        return entry
    return replace(entry, dst=" ".join([entry.dst, *odd]))


def _hops(entries: Mapping[str, FdbEntry]) -> dict[str, tuple[str | None, int | None]]:
    return {key: (entry.dst, entry.nhid) for key, entry in entries.items()}
