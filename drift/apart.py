"""One VXLAN device for all VNIs, taken apart: its state as if each VNI had a device and a bridge.

All checks know VNIs by a device and a bridge of their own. A node with one for all has, in its
intent, the same under the names that each VNI's part is called by; here its observed state is
brought into that form, so that flood lists and forwarding entries are by device and VNI (`src_vni`)
or VLAN. What the two devices are as such, and the map between them, `planes.vlans` compares.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import NodeIntent, SingleDevice, VxlanIntent
    from overlay.records import FdbEntry, HostState, Link
    from overlay.vlan_records import BridgeVlans


def apart(node: NodeIntent, state: HostState) -> HostState:
    """The state with links and forwarding entries by VNI; itself on a node with a device each.

    The real links stay among the others.
    """
    if node.single is None:
        return state
    parts = _Parts(node, node.single, state.vlans)
    fdb = None if state.fdb is None else tuple(map(parts.entry, state.fdb))
    later = state.fdb_later
    return replace(
        state,
        links=None if state.links is None else dict(parts.links(state.links)),
        fdb=fdb,
        fdb_later=fdb if later is state.fdb else later and tuple(map(parts.entry, later)),
    )


class _Parts:
    """A node's VNIs by what the single device has in their place."""

    def __init__(self, node: NodeIntent, single: SingleDevice, vlans: BridgeVlans | None) -> None:
        self._node = node
        self._single = single
        self._vlans = vlans
        self._by_vni = {vxlan.vni: vxlan for vxlan in node.vxlans}
        self._by_vlan = {vxlan.vlan: vxlan for vxlan in node.vxlans}

    def links(self, links: dict[str, Link]) -> Iterator[tuple[str, Link]]:
        single = self._single
        for name, link in links.items():
            in_bridge = link.master == single.bridge and name != single.name
            vxlan = self._network_of(name) if in_bridge else None
            yield name, replace(link, master=vxlan.bridge) if vxlan else link
        device, bridge = links.get(single.name), links.get(single.bridge)
        for vxlan in self._node.vxlans:
            if device is not None and self._carries(device, vxlan):
                yield vxlan.name, self._part(device, vxlan)
        for network in self._node.bridges:
            if bridge is not None and not network.has_device:
                yield network.name, replace(bridge, name=network.name)

    def _network_of(self, port: str) -> VxlanIntent | None:
        """The network that a port is in: that of what comes untagged, or of its first VLAN."""
        if self._vlans is None:
            return None
        wanted = (self._vlans.pvid(port), *sorted(self._vlans.ports.get(port, ())))
        return next((self._by_vlan[vlan] for vlan in wanted if vlan in self._by_vlan), None)

    def _carries(self, device: Link, vxlan: VxlanIntent) -> bool:
        """Whether the VNI gets through the device, unless that was not collected."""
        if device.vxlan is None or not device.vxlan.external:
            return False
        vlans, name = self._vlans, self._single.name
        if vlans is None:
            return True
        filtered = device.vxlan.vnifilter and vxlan.vni not in vlans.filters.get(name, ())
        return vlans.tunnels.get(name, {}).get(vxlan.vlan or 0) == vxlan.vni and not filtered

    def _part(self, device: Link, vxlan: VxlanIntent) -> Link:
        assert device.vxlan is not None  # noqa: S101 - `_carries`, for the type checker
        master = vxlan.bridge if device.master == self._single.bridge else device.master
        detail = replace(device.vxlan, vni=vxlan.vni, external=False)
        return replace(device, name=vxlan.name, master=master, vxlan=detail)

    def entry(self, entry: FdbEntry) -> FdbEntry:
        """The entry on its VNI's part, and in its network's; itself where it is of neither."""
        single = self._single
        if entry.device == single.name and entry.src_vni is not None:
            vxlan = self._by_vni.get(entry.src_vni)
            return replace(entry, device=vxlan.name, src_vni=None) if vxlan else entry
        vxlan = self._by_vlan.get(entry.vlan) if entry.master == single.bridge else None
        if vxlan is None:
            return entry
        places = {single.name: vxlan.name, single.bridge: vxlan.bridge}
        device = places.get(entry.device or "", entry.device)
        return replace(entry, device=device, master=vxlan.bridge, vlan=None)
