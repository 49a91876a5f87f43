"""Where the kernel or BGP of a host differ from its files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adopt.running.state import state_of
from overlay.intent import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adopt.devices import Device
    from adopt.hostfiles import Host
    from adopt.running.state import State
    from adopt.survey import Survey
    from overlay.records import Link

    # The device that a remark is about, and what it says.
    Note = tuple[str, str]

_GUEST_PORTS = Overlay.model_validate({}).guest_ports
# What ifupdown2 calls a flag of a bridge's port, and the field of `BridgePort` that holds it.
_PORT_FLAGS = (
    ("bridge-learning", "learning"),
    ("bridge-arp-nd-suppress", "neigh_suppress"),
    ("bridge-unicast-flood", "flood"),
    ("bridge-multicast-flood", "mcast_flood"),
)


def remark_state(survey: Survey) -> None:
    """Says of each host where the kernel or BGP differ from its files. The intent goes by these."""
    for host in survey.hosts:
        state = state_of(host.texts)
        notes: list[Note] = []
        if state.links is not None:
            notes += _in_no_file(host, state.links)
            notes += _differing(host, state.links)
            notes += _foreign_ports(host, state.links)
        for name, what in (*notes, *_unknown_vnis(host, state), *_lost_sessions(state)):
            device = host.devices.get(name)
            survey.remark(host, what, *((device.file, device.line) if device else ()))


def _in_no_file(host: Host, links: Mapping[str, Link]) -> Iterator[Note]:
    """Devices of an overlay that run, and that no file says."""
    carrying = {link.master for link in links.values() if link.kind == "vxlan"}
    for name, link in sorted(links.items()):
        overlay = link.kind in {"vxlan", "vrf"} or (link.kind == "bridge" and name in carrying)
        if not overlay or name in host.devices:
            continue
        vni = f" of VNI {link.vxlan.vni}" if link.vxlan and link.vxlan.vni else ""
        what = (
            f"the {link.kind} {name}{vni} runs and no file says it: the intent lacks it, and a "
            "reboot takes it away. If it is meant to stay, write its stanza and import again"
        )
        yield name, what


def _differing(host: Host, links: Mapping[str, Link]) -> Iterator[Note]:
    """What a file says of a device, and the kernel does not hold."""
    bridges = _bridges(host)
    for name, device in sorted(host.devices.items()):
        link = links.get(name)
        if link is None:
            if device.auto and (device.kind in {"vxlan", "vrf"} or name in bridges):
                yield name, f"{name} is in the file and does not run: `ifreload -a` makes it"
            continue
        for what, said, runs in _compared(host, device, link):
            if said is not None and runs is not None and said != runs:
                told = f"{what} of {name} is {said} in the file and {runs} in the kernel"
                yield name, f"{told}: the intent goes by the file, as a reboot does"


def _compared(host: Host, device: Device, link: Link) -> Iterator[tuple[str, object, object]]:
    """Each of: what it is, by the file, by the kernel. None is not said."""
    yield "the MTU", device.number("mtu"), link.mtu
    if device.kind == "vxlan" and link.vxlan is not None:
        yield "the VNI", device.vni, link.vxlan.vni
        yield "the tunnels' address", device.word("vxlan-local-tunnelip"), link.vxlan.local
        yield "the UDP port", device.number("vxlan-port"), link.vxlan.dstport
        bridge = host.bridge_of(device.name)
        yield "the bridge", bridge.name if bridge else None, link.master or "none"
        yield "vxlan-learning", _switched(device, "vxlan-learning"), _onoff(link.vxlan.learning)
    if device.kind == "bridge":
        yield "the MAC", device.mac, link.mac
        yield "the VRF", device.word("vrf"), link.master or "none"
    for attribute, flag in _PORT_FLAGS if link.bridge_port else ():
        runs = getattr(link.bridge_port, flag)
        yield attribute, _switched(device, attribute), None if runs is None else _onoff(runs)


def _switched(device: Device, attribute: str) -> str | None:
    said = device.first(attribute)
    return _onoff(said.is_on) if said else None


def _onoff(flag: object) -> str:
    return "on" if flag else "off"


def _foreign_ports(host: Host, links: Mapping[str, Link]) -> Iterator[Note]:
    """Ports of the overlay's bridges that neither a file names nor a guest's name explains."""
    for name in sorted(_bridges(host)):
        device = host.devices[name]
        patterns = [_GUEST_PORTS, *(a.value for a in device.all("bridge-ports-condone-regex"))]
        ports = sorted(link.name for link in links.values() if link.master == name)
        strange = [p for p in ports if p not in device.ports and not _matches(p, patterns)]
        if strange:
            what = (
                f"{', '.join(strange)} is a port of {name} by no file, and none of a guest by its "
                "name: stock ifupdown2 takes it off at each reload. `overlay.guest_ports` says "
                "which ports are guests'"
            )
            yield name, what


def _bridges(host: Host) -> set[str]:
    """The bridges that have a VXLAN device, by the files."""
    return {bridge.name for d in host.vxlans if (bridge := host.bridge_of(d.name))}


def _matches(port: str, patterns: list[str]) -> bool:
    for pattern in patterns:
        try:
            if re.match(pattern, port):
                return True
        except re.error:
            continue
    return False


def _unknown_vnis(host: Host, state: State) -> Iterator[Note]:
    """VNIs that run and that FRR does not know: nothing is announced of them."""
    if state.vnis is None or state.links is None or not (host.main and host.main.has_evpn):
        return
    for name, link in sorted(state.links.items()):
        vni = link.vxlan.vni if link.vxlan and not link.vxlan.external else None
        if vni is not None and vni not in state.vnis and link.admin_up:
            yield name, f"FRR does not know VNI {vni} of {name}: it announces nothing of it"


def _lost_sessions(state: State) -> Iterator[Note]:
    for peer in state.peers or ():
        if not peer.established:
            yield "", f"its EVPN session with {peer.address} is {peer.state}"
