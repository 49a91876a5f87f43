"""VNIs and VRFs: what each is called, who carries it, how it is routed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from adopt.infer_targets import of_network
from adopt.survey import word
from adopt.vnis import GROUPS
from overlay.intent import VXLAN_OVERHEAD, Devices, Overlay
from overlay.values import InterfaceName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adopt.devices import Device
    from adopt.hostfiles import Host
    from adopt.infer_flags import FlagsFound
    from adopt.infer_names import NamesFound
    from adopt.survey import Survey
    from adopt.vnis import Vnis

# A MAC of Cumulus Networks that anycast gateways commonly have.
_SOME_MAC = "44:39:39:ff:40:94"
_DEFAULTS = Overlay.model_validate({})
_NAME = TypeAdapter(InterfaceName)


def _mac(_: Device, bridge: Device | None) -> str | None:
    return bridge.mac if bridge else None


def overlay_keys(survey: Survey, vnis: Vnis, room: int) -> dict[str, Any]:
    """`overlay:` of the intent: what most VXLAN devices and bridges have; defaults left out."""
    keys: dict[str, Any] = {}
    if vnis.single is not None:
        keys["device"] = Devices.SINGLE.value
    _remark_singles(survey, vnis)
    mtu = _overlay_mtu(vnis, room)
    if mtu != _DEFAULTS.mtu:
        keys["mtu"] = mtu
    if groups := vnis.groups():
        keys["group"] = Counter(groups).most_common(1)[0][0]
    macs = [m for vni in vnis.networks for m in _gateway_macs(vnis, vni)]
    if macs:
        keys["gateway_mac"] = Counter(macs).most_common(1)[0][0]
    elif any(vnis.gateways(vni) for vni in vnis.networks):
        keys["gateway_mac"] = _SOME_MAC
        survey.remark(
            None,
            f"no host gives its gateways a MAC (`hwaddress`), and the intent needs one: "
            f"{_SOME_MAC}. Until it is set, the audit reports each gateway's own",
        )
    patterns = [
        word(host, attribute.value, attribute)
        for host in survey.hosts
        for bridge in host.bridges
        if (attribute := bridge.first("bridge-ports-condone-regex"))
    ]
    guests = survey.most("the pattern of guests' ports", patterns, _DEFAULTS.guest_ports)
    return keys | ({"guest_ports": guests} if guests != _DEFAULTS.guest_ports else {})


def _remark_singles(survey: Survey, vnis: Vnis) -> None:
    """Those that no network was made of: beside others, or with a map of another form."""
    for host in survey.hosts:
        for device in host.singles:
            if vnis.single and vnis.single[0] == device.name and device.name in host.vlan_maps:
                continue
            maps = device.all("bridge-vlan-vni-map")
            said = f" ({', '.join(a.value for a in maps)})" if maps else ""
            survey.remark(
                host,
                f"{device.name} carries several VNIs, by VLANs of its bridge{said}: the intent "
                "has no such network. It says one such device on all nodes alone, with a map "
                "by commands (overlay.device: single)",
                device.file,
                device.line,
            )


def _gateway_macs(vnis: Vnis, vni: int) -> list[str]:
    words = vnis.words(vni, _mac, "hwaddress") if vnis.gateways(vni) else []
    return [str(w.value) for w in words]


def _overlay_mtu(vnis: Vnis, room: int) -> int:
    """What most networks have, unless only another value explains the L3VNIs' MTU."""
    mtus = vnis.mtus
    networks = [mtus[vni] for vni in vnis.networks if vni in mtus]
    transit = [mtus[vni] for vni in vnis.l3 if vni in mtus]
    usual = Counter(networks).most_common(1)[0][0] if networks else None
    if transit:
        expected = min(max(networks or [0]), room)
        if usual is None or transit[0] != expected:
            return transit[0]
    return usual if usual is not None else min(_DEFAULTS.mtu, room)


def network_keys(
    survey: Survey,
    vnis: Vnis,
    names: NamesFound,
    overlay: dict[str, Any],
    flags: FlagsFound,
    vni: int,
    numbers: tuple[int, ...],
) -> dict[str, Any]:
    """One entry of `networks:`; what the overlay says of all is left out."""
    what = f"VNI {vni}"
    keys: dict[str, Any] = {"vni": vni}
    keys |= {"name": names.networks[vni]} if vni in names.networks else {}
    keys |= names.of(vni)
    keys |= names.vlan_of(vni)
    for host, device, holder in vnis.by_vni[vni]:
        if holder is None:
            survey.remark(
                host, f"{device.name} is a port of no bridge here", device.file, device.line
            )
    vrf = survey.most(
        f"{what}: its VRF",
        vnis.words(vni, lambda _, b: b.word("vrf") if b else None, "vrf"),
        None,
    )
    gateways = vnis.gateways(vni)
    keys |= {"vrf": vrf} if vrf else {}
    if gateways:
        keys["gateways"] = list(gateways)
        mac = survey.most(f"{what}: its gateway's MAC", vnis.words(vni, _mac, "hwaddress"), None)
        if mac != overlay.get("gateway_mac"):
            keys["gateway_mac"] = mac
    group = survey.most(
        f"{what}: its group", vnis.words(vni, lambda d, _: d.word(*GROUPS), *GROUPS), None
    )
    keys |= {"group": group} if group != overlay.get("group") else {}
    mtu = vnis.mtus.get(vni, overlay.get("mtu", _DEFAULTS.mtu))
    keys |= {"mtu": mtu} if mtu != overlay.get("mtu", _DEFAULTS.mtu) else {}
    keys |= flags.of(vni)
    keys |= of_network(survey, [host for host, _, _ in vnis.by_vni[vni]], vni, numbers)
    carriers = [host.name for host, _, _ in vnis.by_vni[vni]]
    if set(carriers) != {host.name for host in survey.vteps}:
        keys["nodes"] = carriers
    ports = _ports(survey, vnis, vni, overlay.get("guest_ports"))
    return keys | ({"ports": ports} if ports else {})


def _ports(survey: Survey, vnis: Vnis, vni: int, guest_ports: str | None) -> dict[str, list[str]]:
    """The ports to a LAN of one VNI's bridge, by host; what cannot be one becomes a remark."""
    guests = re.compile(guest_ports or _DEFAULTS.guest_ports)
    found = {}
    for host, device, bridge in vnis.by_vni[vni]:
        if bridge is None:
            continue
        ports = tuple(
            port
            for port in _beside(bridge, device)
            if not guests.match(port) and _can_be(survey, host, bridge, port)
        )
        if ports:
            found[host.name] = list(ports)
    return found


def _beside(bridge: Device, device: Device) -> Iterator[str]:
    if bridge.ports[:1] not in (("glob",), ("regex",)):
        yield from (port for port in dict.fromkeys(bridge.ports) if port != device.name)


def _can_be(survey: Survey, host: Host, bridge: Device, port: str) -> bool:
    why = _not_a_way_out(host, bridge, port)
    if why is None:
        return True
    survey.remark(
        host,
        f"{port} is a port of {bridge.name} and {why}: the intent leaves it out",
        bridge.file,
        bridge.line,
    )
    return False


def _not_a_way_out(host: Host, bridge: Device, port: str) -> str | None:
    try:
        _NAME.validate_python(port)
    except ValidationError:
        return "no interface's name"
    others = [b.name for b in host.bridges if port in b.ports and b is not bridge]
    if others:
        return f"of {', '.join(others)}"
    known = host.devices.get(port)
    if known is not None and known.kind in ("vxlan", "bridge", "vrf", "loopback"):
        return f"a {known.kind} device"
    return None


def room_for_guests(underlay: dict[str, Any]) -> int:
    """The largest overlay MTU that the underlay carries."""
    version = 6 if ":" in underlay["prefix"] else 4
    return int(underlay["mtu"]) - VXLAN_OVERHEAD[version]
