"""VNIs and VRFs: what each is called, who carries it, how it is routed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from adopt.survey import word
from overlay.intent import VXLAN_OVERHEAD, Overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adopt.devices import Device
    from adopt.hostfiles import Host
    from adopt.infer_names import NamesFound
    from adopt.survey import Survey, Word

GROUPS = ("vxlan-svcnodeip", "vxlan-svcnodeip6", "vxlan-mcastgrp", "vxlan-mcastgrp6")
_DEFAULTS = Overlay.model_validate({})

Segment = "tuple[Host, Device, Device | None]"


class Segments:
    """The VXLAN devices of all hosts by VNI, each with the bridge that holds it."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
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
        said = self.words(vni, _gateways, "address")
        return self._survey.most(f"VNI {vni}: its gateway", said, ())

    def mtus(self) -> dict[int, int]:
        """The MTU of each VNI whose devices say one."""
        found = {}
        for vni in self.by_vni:
            said = self.words(vni, _mtu, "mtu")
            if said:
                found[vni] = self._survey.most(f"VNI {vni}: its MTU", said, 0)
        return found


def _gateways(_: Device, bridge: Device | None) -> tuple[str, ...] | None:
    return tuple(str(interface) for interface, _ in bridge.addresses) if bridge else None


def _mtu(device: Device, bridge: Device | None) -> int | None:
    size = device.number("mtu")
    return bridge.number("mtu") if size is None and bridge else size


def _mac(_: Device, bridge: Device | None) -> str | None:
    words = [w for a in bridge.all("hwaddress") for w in a.value.split()] if bridge else []
    return next((w.lower() for w in words if ":" in w), None)


def overlay_keys(survey: Survey, segments: Segments, room: int) -> dict[str, Any]:
    """`overlay:` of the intent: what most VXLAN devices and bridges have; defaults left out."""
    keys: dict[str, Any] = {}
    mtu = _overlay_mtu(segments, room)
    if mtu != _DEFAULTS.mtu:
        keys["mtu"] = mtu
    ports = [d.number("vxlan-port") or _DEFAULTS.dstport for _, d, _ in segments.all()]
    words = [
        word(host, port, device.first("vxlan-port") or device)
        for (host, device, _), port in zip(segments.all(), ports, strict=True)
    ]
    dstport = survey.most("the tunnels' UDP port", words, _DEFAULTS.dstport)
    if dstport != _DEFAULTS.dstport:
        keys["dstport"] = dstport
    if groups := segments.groups():
        keys["group"] = Counter(groups).most_common(1)[0][0]
    macs = [m for vni in segments.networks for m in _gateway_macs(segments, vni)]
    if macs:
        keys["gateway_mac"] = Counter(macs).most_common(1)[0][0]
    patterns = [
        word(host, attribute.value, attribute)
        for host in survey.hosts
        for bridge in host.bridges
        if (attribute := bridge.first("bridge-ports-condone-regex"))
    ]
    guests = survey.most("the pattern of guests' ports", patterns, _DEFAULTS.guest_ports)
    return keys | ({"guest_ports": guests} if guests != _DEFAULTS.guest_ports else {})


def _gateway_macs(segments: Segments, vni: int) -> list[str]:
    words = segments.words(vni, _mac, "hwaddress") if segments.gateways(vni) else []
    return [str(w.value) for w in words]


def _overlay_mtu(segments: Segments, room: int) -> int:
    """What most networks have, unless only another value explains the L3VNIs' MTU."""
    mtus = segments.mtus()
    networks = [mtus[vni] for vni in segments.networks if vni in mtus]
    transit = [mtus[vni] for vni in segments.l3 if vni in mtus]
    usual = Counter(networks).most_common(1)[0][0] if networks else None
    if transit:
        expected = min(max(networks or [0]), room)
        if usual is None or transit[0] != expected:
            return transit[0]
    return usual if usual is not None else min(_DEFAULTS.mtu, room)


def network_keys(
    survey: Survey,
    segments: Segments,
    names: NamesFound,
    overlay: dict[str, Any],
    vni: int,
    *,
    learns: bool,
) -> dict[str, Any]:
    """One entry of `networks:`; what the overlay says of all is left out."""
    what = f"VNI {vni}"
    keys: dict[str, Any] = {"vni": vni}
    keys |= {"name": names.networks[vni]} if vni in names.networks else {}
    keys |= names.of(vni)
    for host, device, holder in segments.by_vni[vni]:
        if holder is None:
            survey.remark(
                host, f"{device.name} is a port of no bridge here", device.file, device.line
            )
    vrf = survey.most(
        f"{what}: its VRF",
        segments.words(vni, lambda _, b: b.word("vrf") if b else None, "vrf"),
        None,
    )
    gateways = segments.gateways(vni)
    keys |= {"vrf": vrf} if vrf else {}
    if gateways:
        keys["gateways"] = list(gateways)
        mac = survey.most(
            f"{what}: its gateway's MAC", segments.words(vni, _mac, "hwaddress"), None
        )
        if mac != overlay.get("gateway_mac"):
            keys["gateway_mac"] = mac
    group = survey.most(
        f"{what}: its group", segments.words(vni, lambda d, _: d.word(*GROUPS), *GROUPS), None
    )
    keys |= {"group": group} if group != overlay.get("group") else {}
    mtu = segments.mtus().get(vni, overlay.get("mtu", _DEFAULTS.mtu))
    keys |= {"mtu": mtu} if mtu != overlay.get("mtu", _DEFAULTS.mtu) else {}
    flood = survey.most(
        f"{what}: its multicast flooding",
        segments.words(vni, _floods_multicast, "bridge-multicast-flood"),
        None,
    )
    if not learns and flood is not None and flood != any(":" in text for text in gateways):
        keys["multicast_flood"] = flood
    carriers = [host.name for host, _, _ in segments.by_vni[vni]]
    if set(carriers) != {host.name for host in survey.vteps}:
        keys["nodes"] = carriers
    return keys


def _floods_multicast(device: Device, _: Device | None) -> bool | None:
    attribute = device.first("bridge-multicast-flood")
    return attribute.is_on if attribute else None


def room_for_guests(underlay: dict[str, Any]) -> int:
    """The largest overlay MTU that the underlay carries."""
    version = 6 if ":" in underlay["prefix"] else 4
    return int(underlay["mtu"]) - VXLAN_OVERHEAD[version]
