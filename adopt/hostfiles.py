"""The files of hosts, as `render` lays them, read into one record a host."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from adopt.bgp import Instance, LinkSessions, apart, instances, is_number
from adopt.devices import Device, devices
from parsers.configuration import sysctl_settings
from parsers.frr import frr_version, read_frr_config
from parsers.interfaces import parse_interfaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from overlay.host_records import FrrLine, InterfacesFile

INTERFACES = "/etc/network/interfaces"
OVERLAY = "/etc/network/interfaces.d/evpn-fleet"
KEPT = "/etc/network/interfaces.d/evpn-fleet-kept"
PROXMOX_SDN = "/etc/network/interfaces.d/sdn"
FRR_CONF = "/etc/frr/frr.conf"
DAEMONS = "/etc/frr/daemons"
# What FRR runs is kept beside the files, by the command that shows it.
RUNNING = "vtysh -c 'show running-config'"
KERNEL_FORWARDS = "/proc/sys/net/ipv4/ip_forward"
_MAPPED = re.compile(r"bridge vlan add dev (\S+) vid (\d{1,4}) tunnel_info id (\d{1,8})\b")
_WILD = "*?["  # what makes a path of `source` a pattern
SYSCTLS = ("/etc/sysctl.conf", "/etc/sysctl.d/*")


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement that nothing is made of: where it stands, what it says, and why it was left."""

    host: str
    file: str
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.host}{self.file}:{self.line}: {self.why}: {ascii(self.text)[1:-1]}"


@dataclass(frozen=True)
class Host:
    """What the files of one host say. `texts` are the files themselves, by path on the host.

    `bgp` is without the sessions on `links` of an underlay of eBGP.
    What is asked of it again and again is worked out once: it may have thousands of devices.
    """

    name: str
    texts: Mapping[str, str]
    interfaces: tuple[tuple[str, InterfacesFile], ...] = ()
    devices: Mapping[str, Device] = field(default_factory=dict)
    frr: tuple[FrrLine, ...] = ()
    bgp: tuple[Instance, ...] = ()
    links: LinkSessions | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    @cached_property
    def frr_version(self) -> str | None:
        """The version of the FRR that runs there, else that which its file was written for."""
        running = frr_version(self.texts.get(RUNNING, ""))
        return running or frr_version(self.texts.get(FRR_CONF, ""))

    @cached_property
    def main(self) -> Instance | None:
        """Its BGP instance outside any VRF."""
        return next((i for i in self.bgp if i.vrf is None), None)

    def instance(self, vrf: str) -> Instance | None:
        return next((i for i in self.bgp if i.vrf == vrf), None)

    @cached_property
    def vxlans(self) -> list[Device]:
        return [d for d in self.devices.values() if d.kind == "vxlan"]

    @cached_property
    def singles(self) -> list[Device]:
        """VXLAN devices that carry several VNIs each."""
        return [d for d in self.devices.values() if d.is_single]

    @cached_property
    def vlan_maps(self) -> dict[str, dict[int, int]]:
        """By VXLAN device for several VNIs, the VNI of each VLAN of its bridge, as commands say."""
        found: dict[str, dict[int, int]] = {}
        for device in self.devices.values():
            for attribute in device.all("up", "post-up"):
                for name, vlan, vni in _MAPPED.findall(attribute.value):
                    found.setdefault(name, {})[int(vlan)] = int(vni)
        return found

    def is_gateway(self, device: Device) -> bool:
        """Whether it is a bridge with a VXLAN device, or a VLAN interface that a VNI maps to."""
        if any(port in self.devices and self.devices[port].vni for port in device.ports):
            return True
        bridge, vlan = (
            self.devices.get(device.word("vlan-raw-device") or ""),
            device.number("vlan-id"),
        )
        mapped = (self.vlan_maps.get(port, {}) for port in bridge.ports) if bridge else ()
        return any(vlan in vlans for vlans in mapped)

    @cached_property
    def bridges(self) -> list[Device]:
        return [d for d in self.devices.values() if d.kind == "bridge"]

    def bridge_of(self, port: str) -> Device | None:
        """The bridge that names a device as its port."""
        return self._bridge_by_port.get(port)

    @cached_property
    def _bridge_by_port(self) -> dict[str, Device]:
        return {port: bridge for bridge in reversed(self.bridges) for port in bridge.ports}

    def l3vnis(self) -> dict[int, tuple[str, FrrLine]]:
        """The VRF of each L3VNI that FRR is told of, with the line that says so."""
        found = {}
        for line in self.frr:
            if line.words[:1] == ["vni"] and len(line.words) > 1 and is_number(line.words[1]):
                blocks = [block.split() for block in line.blocks]
                for block in blocks:
                    if block[0] == "vrf" and len(block) > 1:
                        found[int(line.words[1])] = (block[1], line)
        return found

    @cached_property
    def underlays(self) -> list[Device]:
        """The device that holds the VTEP's address, and its ports where it is a bridge."""
        holder = next(
            (
                device
                for device in self.devices.values()
                if any(str(interface.ip) == self.vtep for interface, _ in device.addresses)
            ),
            None,
        )
        if holder is None:
            return []
        ports = [self.devices[port] for port in holder.ports if port in self.devices]
        return [holder, *ports]

    @cached_property
    def vtep(self) -> str | None:
        """The address that its tunnels leave from: what most of its VXLAN devices say.

        Where none says, its only address that is not a gateway of a VNI's bridge.
        """
        tunnels = (*self.vxlans, *self.singles)
        said = Counter(w for d in tunnels if (w := d.word("vxlan-local-tunnelip")))
        if said:
            return said.most_common(1)[0][0]
        vxlans = {device.name for device in self.vxlans}
        own = {
            str(interface.ip)
            for device in self.devices.values()
            if not vxlans & set(device.ports) and device.kind != "loopback"
            for interface, _ in device.addresses
        }
        return own.pop() if len(own) == 1 else None

    @property
    def speaker(self) -> set[str]:
        """The addresses that others may name it by as a BGP neighbour."""
        words = {w for w in (self.vtep,) if w} | self.addresses
        for instance in self.bgp if not words else ():
            words |= set(instance.values("bgp", "router-id"))
        return words

    @cached_property
    def addresses(self) -> set[str]:
        """Every address that one of its interfaces holds."""
        return {str(a.ip) for device in self.devices.values() for a, _ in device.addresses}


def read_host(name: str, texts: Mapping[str, str]) -> Host:
    """A host's record from its files by path. Never raises: what is not understood is `unread`."""
    files, unread = _interfaces(name, texts)
    lines = read_frr_config(texts.get(FRR_CONF, ""))
    bgp, links = apart(instances(lines))
    return Host(
        name=name,
        texts=texts,
        interfaces=files,
        devices=devices(files),
        frr=lines,
        bgp=bgp,
        links=links,
        sysctls=_sysctls(texts),
        unread=tuple(unread),
    )


def _interfaces(
    name: str, texts: Mapping[str, str]
) -> tuple[tuple[tuple[str, InterfacesFile], ...], list[Unread]]:
    """The interfaces file, and those that it sources, in the order in which ifupdown2 reads them.

    Our own file of the overlay scope counts even where what sources it is not at hand.
    """
    read: dict[str, InterfacesFile] = {}
    unread: list[Unread] = []
    waiting = deque([INTERFACES] if INTERFACES in texts else [])
    sourced = _Sourced(texts)
    while waiting or (OVERLAY in texts and OVERLAY not in read):
        path = waiting.popleft() if waiting else OVERLAY
        if path in read:
            continue
        file = read[path] = parse_interfaces(texts[path])
        unread += [Unread(name, path, line, text, _why(text)) for line, text in file.strange]
        unread += [
            Unread(name, path, stanza.line, f"iface {stanza.name}", "a range of names")
            for stanza in file.stanzas
            if "[" in stanza.name
        ]
        lines = _source_lines(texts[path]) if file.sources else {}
        for source in file.sources:
            pattern = posixpath.join(posixpath.dirname(path), source)
            if pattern not in sourced.found:
                waiting.extend(sourced.by(pattern))
            if not sourced.found[pattern] and not any(sign in pattern for sign in _WILD):
                line = lines.get(source, 0)
                unread.append(
                    Unread(name, path, line, f"source {source}", "that file is not at hand")
                )
    return tuple(read.items()), unread


class _Sourced:
    """The files that statements of `source` read, each pattern looked up once.

    A host may have thousands of such files, and each of them may source all others.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.found: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = defaultdict(list)
        self._paths = frozenset(paths)
        for path in sorted(self._paths):
            self._by_folder[posixpath.dirname(path)].append(path)

    def by(self, pattern: str) -> list[str]:
        """The files that a path or a pattern names; of a folder those in it (source-directory)."""
        folder = posixpath.dirname(pattern)
        near = self._by_folder
        if any(sign in folder for sign in _WILD):
            paths = [path for own in near.values() for path in own]
        else:
            paths = near.get(folder, [])
        if any(sign in pattern for sign in _WILD):
            depth = pattern.count("/")
            named = [p for p in paths if p.count("/") == depth and fnmatchcase(p, pattern)]
        else:
            named = [pattern] if pattern in self._paths else []
        self.found[pattern] = sorted([*named, *near.get(pattern.rstrip("/"), [])])
        return self.found[pattern]


def _source_lines(text: str) -> dict[str, int]:
    """The first line on which a word is the second one, as what is sourced is."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        for word in line.split(maxsplit=2)[1:2]:
            found.setdefault(word, number)
    return found


def _why(text: str) -> str:
    if text.startswith(("%", "<")):
        return "a line of a Mako template, which ifupdown2 alone can run"
    return "it stands in no stanza"


def _sysctls(texts: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(texts):
        if not any(fnmatchcase(path, pattern) for pattern in SYSCTLS):
            continue
        found |= {key: value for key, (value, _) in sysctl_settings(texts[path]).items()}
    return found


def read_hosts(files: Mapping[str, Mapping[str, str]]) -> list[Host]:
    """The records of several hosts, by name."""
    return [read_host(name, files[name]) for name in sorted(files, key=_natural)]


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Sorts node2 before node10."""
    parts: list[str] = []
    for char in name:
        if parts and parts[-1].isdigit() == char.isdigit():
            parts[-1] += char
        else:
            parts.append(char)
    return [(not p.isdigit(), int(p) if p.isascii() and p.isdigit() else 0, p) for p in parts]
