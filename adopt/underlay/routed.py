"""An underlay that FRR routes, read from the hosts' files: protocol, loopback and links."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adopt.bgp import is_address, is_number
from adopt.hostfiles import FRR_CONF
from adopt.infer_underlay import ETHERNET, Underlay, routing_protocols
from adopt.survey import Word, word
from overlay.errors import IntentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adopt.bgp import LinkSessions
    from adopt.devices import Device
    from adopt.hostfiles import Host
    from adopt.survey import Survey

PROTOCOLS = ("ospf", "isis", "openfabric")
BY_BGP = "ebgp-unnumbered"
PROFILE = "profile EVPN-FLEET-UNDERLAY"
# The system id of an address of IS-IS, in which the router id has three digits a byte.
_SYSTEM = re.compile(r"[0-9a-fA-F]{2}\.[0-9a-fA-F]{4}\.([0-9]{4})\.([0-9]{4})\.([0-9]{4})\.")
_TIMES = {"transmit-interval": "interval", "detect-multiplier": "multiplier"}


@dataclass(slots=True)
class Igp:
    """What one host says of the protocol that routes its underlay; blocks by interface."""

    protocol: str
    router_id: str | None = None
    interfaces: dict[str, list[list[str]]] = field(default_factory=dict)

    def passive(self, name: str) -> bool:
        """Whether it only announces an interface: a loopback."""
        return name == "lo" or any("passive" in words for words in self.interfaces[name])

    def says(self, name: str, *words: str) -> bool:
        return list(words) in self.interfaces[name]


def igp_of(host: Host) -> Igp | None:
    """What routes the host's underlay; None where nothing does, or more than one protocol."""
    said = routing_protocols(host)
    found = [protocol for protocol in PROTOCOLS if protocol in said]
    if host.links is not None and not found:
        return _on_links(host, host.links)
    if len(found) != 1 or host.links is not None:
        return None
    igp = Igp(found[0])
    for line in host.frr:
        block = line.statement[0].split()
        if block[0] == "interface" and len(block) > 1 and len(line.statement) > 1:
            igp.interfaces.setdefault(block[1], []).append(line.words)
        elif line.words[:2] == ["ospf", "router-id"] and is_address(line.words[-1]):
            igp.router_id = line.words[-1]
        elif line.words[:1] == ["net"] and (system := _SYSTEM.match(line.words[-1])):
            digits = "".join(system.groups())
            igp.router_id = ".".join(str(int(digits[at : at + 3])) for at in range(0, 12, 3))
    enters = ["ip", "ospf", "area"] if igp.protocol == "ospf" else ["ip", "router", igp.protocol]
    igp.interfaces = {
        name: lines
        for name, lines in igp.interfaces.items()
        if any(words[:3] == enters for words in lines)
    }
    return igp


def _on_links(host: Host, links: LinkSessions) -> Igp:
    """The same of eBGP on links, in the words of the others."""
    igp = Igp(BY_BGP, links.router_id)
    for device in host.devices.values():
        held = {str(interface) for interface, _ in device.addresses}
        if held & links.announced and device.name not in links.options:
            igp.interfaces[device.name] = [["passive"]]
    for name, lines in links.options.items():
        igp.interfaces[name] = [said for words in lines if (said := _as_of_an_interface(words))]
    return igp


def _as_of_an_interface(words: list[str]) -> list[str]:
    """An option of a neighbour as an interface has it; empty where an interface has none."""
    match words:
        case ["description", *text] if text:
            return ["description", " ".join(text)]
        case ["timers", keepalive, hold] if is_number(hold):
            return ["hello-interval", keepalive]
        case ["bfd"]:
            return words
    return []


class RoutedUnderlay(Underlay):
    """The same as of an underlay with a bridge, where the VTEP addresses are on loopbacks."""

    def __init__(self, survey: Survey, igps: dict[str, Igp]) -> None:
        self._survey = survey
        self._igps = igps
        self.holders = {}
        self.addresses = {}
        for host in survey.hosts:
            self._find(host)
        self._prefix = self._around()

    def _find(self, host: Host) -> None:
        """Its VTEP address: what it announces by an interface that it has no neighbour on."""
        igp = self._igps.get(host.name)
        if igp is None:
            self._survey.remark(
                host, "nothing routes the underlay here, as it does on other hosts", FRR_CONF
            )
            return
        for name in igp.interfaces:
            device = host.devices.get(name)
            for interface, _ in device.addresses if device and igp.passive(name) else ():
                if not interface.ip.is_loopback:
                    self.holders[host.name] = (device, interface)  # type: ignore[assignment]
                    self.addresses[host.name] = str(interface.ip)
                    return
        if address := host.vtep or igp.router_id:
            self.addresses[host.name] = address

    def _around(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """What reflectors listen to, else the smallest prefix with every loopback in it."""
        for host in self._survey.reflectors:
            for line in host.main.said("bgp", "listen", "range") if host.main else ():
                with suppress(ValueError, IndexError):
                    return ipaddress.ip_network(line.words[3])
        numbers = [ipaddress.ip_address(address) for address in self.addresses.values()]
        if not numbers:
            raise IntentError(
                "no file says which address the tunnels leave from",
                "lay the hosts' /etc/network/interfaces beside their frr.conf",
            )
        prefix = ipaddress.ip_network(f"{numbers[0]}/32")
        while not all(number in prefix for number in numbers):
            prefix = prefix.supernet()
        return prefix

    def as_keys(self) -> dict[str, Any]:
        survey = self._survey
        igps = self._igps
        by_name = {host.name: host for host in survey.hosts}
        protocol = survey.most(
            "what routes the underlay",
            [Word(by_name[name], igp.protocol, FRR_CONF) for name, igp in igps.items()],
            "ospf",
        )
        loopback = survey.most(
            "the loopback",
            [word(by_name[name], d.name, d) for name, (d, _) in self.holders.items()],
            "lo",
        )
        mtus = [
            word(by_name[name], device.number("mtu") or ETHERNET, device)
            for name in igps
            for device in self._linked(by_name[name])
        ]
        keys: dict[str, Any] = {"prefix": str(self._prefix), "protocol": protocol}
        keys |= {"loopback": loopback} if loopback != "lo" else {}
        keys["mtu"] = survey.most("the MTU of the underlay's links", mtus, ETHERNET)
        keys |= {"hello": hello} if (hello := self._hello(protocol)) else {}
        return keys | ({"bfd": bfd} if (bfd := self._bfd()) else {})

    def _hello(self, protocol: str) -> int | None:
        words = []
        by_name = {host.name: host for host in self._survey.hosts}
        for name, igp in self._igps.items():
            for device, lines in igp.interfaces.items():
                said = [
                    line[-1]
                    for line in lines
                    if line[-2:-1] == ["hello-interval"] and is_number(line[-1])
                ]
                if not igp.passive(device):
                    words.append(Word(by_name[name], int(said[-1]) if said else None, FRR_CONF))
        return self._survey.most(f"the {protocol} hello interval", words, None)

    def _linked(self, host: Host) -> Iterator[Device]:
        igp = self._igps[host.name]
        for name in igp.interfaces:
            if not igp.passive(name) and name in host.devices:
                yield host.devices[name]

    def _bfd(self) -> dict[str, int] | bool | None:
        survey = self._survey
        probed = []
        for host in survey.hosts:
            igp = self._igps.get(host.name)
            for name in igp.interfaces if igp else ():
                if igp and not igp.passive(name):
                    words = ["ip", "ospf", "bfd"] if igp.protocol == "ospf" else ["bfd"]
                    has = igp.says(name, *words) or igp.says(name, igp.protocol, "bfd")
                    probed.append(Word(host, has, FRR_CONF))
        if not survey.most("BFD on the underlay's links", probed, default=False):
            return None
        times: dict[str, list[Word]] = defaultdict(list)
        for host in survey.hosts:
            for line in host.frr:
                ours = line.blocks == ("bfd", PROFILE) and line.words[0] in _TIMES
                if ours and is_number(line.words[-1]):
                    said = Word(host, int(line.words[-1]), FRR_CONF, line.line)
                    times[_TIMES[line.words[0]]].append(said)
        return {
            key: survey.most(f"the underlay's BFD {key}", words, 300)
            for key, words in times.items()
        } or True

    def port(self, host: Host) -> str | None:  # noqa: ARG002 - a routed underlay has no bridge
        return None

    def node(self, host: Host, usual_port: str | None) -> dict[str, Any]:
        keys = {k: v for k, v in super().node(host, usual_port).items() if k != "router_id"}
        igp = self._igps.get(host.name)
        if igp is None:
            return keys
        if igp.router_id and igp.router_id != keys["address"]:
            keys["router_id"] = igp.router_id
        keys["interfaces"] = {
            name: self._link(host, igp, name) for name in igp.interfaces if not igp.passive(name)
        }
        return keys

    def _link(self, host: Host, igp: Igp, name: str) -> dict[str, str]:
        keys = {}
        described = [
            words[1] for words in igp.interfaces[name] if words[0] == "description" and words[1:]
        ]
        if described and described[-1] in {other.name for other in self._survey.hosts}:
            keys["peer"] = described[-1]
        device = host.devices.get(name)
        for interface, _ in device.addresses if device else ():
            if str(interface.ip) != self.addresses.get(host.name):
                keys["address"] = str(interface)
        return keys

    def refused(self, host: Host, device: Device) -> str | None:
        links = igp.interfaces if (igp := self._igps.get(host.name)) else {}
        missing = [name for name in links if name not in host.devices and name != "lo"]
        if not links:
            return f"nothing routes the underlay, and its address is on {device.name}"
        return f"no file says of {missing[0]}, a link of the underlay" if missing else None


def routed_underlay(survey: Survey) -> RoutedUnderlay | None:
    """The underlay of hosts that route it themselves; None of others."""
    igps = {host.name: igp for host in survey.hosts if (igp := igp_of(host)) and igp.interfaces}
    # Such a protocol may also run beside the fabric, on other interfaces: then it is kept.
    routed = any(
        _tells_of_its_vtep(host, igps[host.name]) for host in survey.hosts if host.name in igps
    )
    return RoutedUnderlay(survey, igps) if routed else None


def _tells_of_its_vtep(host: Host, igp: Igp) -> bool:
    """Whether an interface without a neighbour, which the protocol announces, holds the VTEP."""
    names = (name for name in igp.interfaces if igp.passive(name))
    devices = (host.devices[name] for name in names if name in host.devices)
    held = {str(interface.ip) for device in devices for interface, _ in device.addresses}
    return host.vtep in held
