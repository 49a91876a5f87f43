"""The VXLAN devices of all hosts by VNI, each with the bridge that holds it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from adopt.devices import Device
from adopt.survey import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adopt.hostfiles import Host
    from adopt.survey import Survey, Word

GROUPS = ("vxlan-svcnodeip", "vxlan-svcnodeip6", "vxlan-mcastgrp", "vxlan-mcastgrp6")


class Vnis:
    """What is asked of a fabric's VNIs: who carries each, and what each carrier says of it."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._gateways: dict[int, tuple[str, ...]] = {}
        self.l3: dict[int, str] = {}
        for host in survey.vteps:
            for vni, (vrf, _) in host.l3vnis().items():
                self.l3.setdefault(vni, vrf)
        self.by_vni: dict[int, list[tuple[Host, Device, Device | None]]] = {}
        for host in survey.vteps:
            for device in host.vxlans:
                if device.vni is not None:
                    place = (host, device, host.bridge_of(device.name))
                    self.by_vni.setdefault(device.vni, []).append(place)
        # One device for all VNIs is said of a whole fabric, or of nobody.
        self.vlans: dict[int, int] = {}
        self.single: tuple[str, str] | None = None
        if not self.by_vni:
            self._of_single_devices()

    def _of_single_devices(self) -> None:
        """The VNIs that VLANs of a bridge map to; `single` names the device and its bridge."""
        for host in self._survey.vteps:
            for device in host.singles:
                bridge = host.bridge_of(device.name)
                if bridge is None:
                    continue
                for vlan, vni in host.vlan_maps.get(device.name, {}).items():
                    interface = _vlan_interface(host, bridge.name, vlan)
                    self.by_vni.setdefault(vni, []).append((host, device, interface))
                    self.vlans.setdefault(vni, vlan)
                    self.single = self.single or (device.name, bridge.name)

    @property
    def networks(self) -> list[int]:
        return sorted(vni for vni in self.by_vni if vni not in self.l3)

    def all(self) -> Iterator[tuple[Host, Device, Device | None]]:
        return (place for places in self.by_vni.values() for place in places)

    def words(
        self, vni: int, read: Callable[[Device, Device | None], object], *keys: str
    ) -> list[Word]:
        """What each carrier says of a VNI, None left out, at the line of one of `keys`."""
        found = []
        for host, device, bridge in self.by_vni[vni]:
            value = read(device, bridge)
            if value is not None:
                lines = (*device.all(*keys), *(bridge.all(*keys) if bridge else ()))
                found.append(word(host, value, lines[0] if lines else device))
        return found

    def groups(self) -> list[str]:
        return [group for _, device, _ in self.all() if (group := device.word(*GROUPS))]

    def gateways(self, vni: int) -> tuple[str, ...]:
        if vni not in self._gateways:
            said = self.words(vni, _gateways, "address")
            self._gateways[vni] = self._survey.most(f"VNI {vni}: its gateway", said, ())
        return self._gateways[vni]

    @cached_property
    def mtus(self) -> dict[int, int]:
        """The MTU of each VNI whose devices say one."""
        found = {}
        for vni in self.by_vni:
            said = self.words(vni, _mtu, "mtu")
            if said:
                found[vni] = self._survey.most(f"VNI {vni}: its MTU", said, 0)
        return found


def _vlan_interface(host: Host, bridge: str, vlan: int) -> Device:
    """The VLAN's interface on its bridge; where it has none, one that says nothing."""
    for device in host.devices.values():
        if device.word("vlan-raw-device") == bridge and device.number("vlan-id") == vlan:
            return device
    return Device("", "", 0)


def _gateways(_: Device, bridge: Device | None) -> tuple[str, ...] | None:
    return tuple(str(interface) for interface, _ in bridge.addresses) if bridge else None


def _mtu(device: Device, bridge: Device | None) -> int | None:
    size = device.number("mtu")
    return bridge.number("mtu") if size is None and bridge else size
