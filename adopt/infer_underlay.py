"""Which host is what, and the underlay below them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adopt.devices import joint_prefix, stands_alone
from adopt.hostfiles import FRR_CONF, INTERFACES, KERNEL_FORWARDS, OVERLAY, PROXMOX_SDN
from adopt.infer_systems import passing_on, serves_routes
from adopt.survey import Survey, word
from overlay.errors import IntentError

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Iterable, Sequence

    from adopt.devices import Attribute, Device, Interface
    from adopt.hostfiles import Host

# An interface's MTU where nothing says otherwise.
ETHERNET = 1500


def roles(hosts: Sequence[Host]) -> Survey:
    """The hosts by role: who has tunnels, who reflects routes, who is outside."""
    survey = Survey(hosts)
    evpn = any(host.main and host.main.has_evpn for host in hosts)
    servers = passing_on(hosts)
    for host in hosts:
        main = host.main
        passes_on = serves_routes(host) or host.name in servers
        if reflects := bool(main and main.reflects) or passes_on:
            survey.reflecting.append(host)
        if reflects and not host.vxlans and not (main and main.has_evpn):
            survey.reflectors.append(host)
        elif not host.vxlans and not main and _routes_underlay(host):
            survey.spines.append(host)
        elif host.vxlans or (main and main.has_evpn) or not (evpn or main or _routes(host)):
            # Without EVPN a node that has no VXLAN device is a VTEP that carries nothing yet.
            survey.vteps.append(host)
        else:
            survey.routers.append(host)
    return survey


def _refuses_forwarding(host: Host) -> bool:
    return any(line.statement == ("no ip forwarding",) for line in host.frr)


def _routes_underlay(host: Host) -> bool:
    return host.links is not None or bool(routing_protocols(host) & {"ospf", "isis", "openfabric"})


def routing_protocols(host: Host) -> set[str]:
    """What its FRR has a `router` block of: `bgp`, `ospf`, …"""
    return {line.words[1] for line in host.frr if line.words[:1] == ["router"] and line.words[1:]}


def _routes(host: Host) -> bool:
    return any(not line.blocks and line.words[1:2] == ["route"] for line in host.frr)


class Underlay:
    """The underlay's addresses: each host's own one, the device that holds it, and its prefix."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._prefix = self._common_prefix()
        self.holders: dict[str, tuple[Device, Interface]] = {}
        self.addresses: dict[str, str] = {}
        for host in survey.hosts:
            self._locate(host)

    def _common_prefix(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        survey = self._survey
        words = []
        alone: list[Interface] = []
        for host in [*survey.vteps, *survey.reflectors, *survey.routers]:
            for device, interface in _interfaces(host):
                if str(interface.ip) == host.vtep:
                    words.append(word(host, interface.network, device))
                    alone += [interface] if stands_alone(interface) else []
        if not words:
            raise IntentError(
                "no file says which prefix the underlay has",
                "lay the hosts' /etc/network/interfaces beside the other files: the address that "
                "the tunnels leave from stands there with its length",
            )
        if 2 * len(alone) > len(words):
            return self._routed(alone)
        return survey.most("the underlay's prefix", words, words[0].value)  # type: ignore[return-value]

    def _routed(self, alone: list[Interface]) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The prefix of VTEP addresses of which each is a network by itself, and of their peers."""
        survey = self._survey
        speakers = [host.main for host in survey.hosts if host.main]
        named = {neighbor.name for main in speakers for neighbor in main.sessions()}
        others = [
            interface
            for host in (*survey.reflectors, *survey.routers)
            for device in host.devices.values()
            for interface, _ in device.addresses
            if str(interface.ip) in named and stands_alone(interface)
        ]
        prefix = joint_prefix((str(one.ip) for one in (*alone, *others)), alone[0])
        survey.remark(
            None,
            f"the VTEP addresses stand alone ({alone[0]}): the underlay is routed. The intent "
            f"takes {prefix}, which holds them all; no audit looks at how they reach each other",
        )
        return prefix

    def _locate(self, host: Host) -> None:
        found = [(d, i) for d, i in _interfaces(host) if i.ip in self._prefix]
        own = [pair for pair in found if str(pair[1].ip) == host.vtep] or found
        if own:
            self.holders[host.name] = own[0]
            self.addresses[host.name] = str(own[0][1].ip)
            if host.vtep and host.vtep != str(own[0][1].ip):
                self._survey.remark(
                    host,
                    f"its tunnels leave from {host.vtep}, which no interface has; the intent "
                    f"takes {own[0][1].ip}",
                    INTERFACES,
                )
        elif address := host.vtep or _router_id(host):
            self.addresses[host.name] = address

    def as_keys(self) -> dict[str, Any]:
        """`underlay:` of the intent."""
        survey = self._survey
        holders = [(h, *self.holders[h.name]) for h in survey.hosts if h.name in self.holders]
        bridge = survey.most(
            "the underlay's bridge", (word(h, d.name, d) for h, d, _ in holders), "vmbr0"
        )
        port = self._usual_port()
        mtu = survey.most(
            "the underlay's MTU",
            [word(h, *_mtu(h, d, i)) for h, d, i in holders],
            ETHERNET,
        )
        keys: dict[str, Any] = {"prefix": str(self._prefix), "bridge": bridge}
        return keys | ({"port": port} if port else {}) | {"mtu": mtu}

    def port(self, host: Host) -> str | None:
        """The NIC below the bridge that holds a host's address."""
        if host.name not in self.holders:
            return None
        device = self.holders[host.name][0]
        return next(iter(device.ports), None) if device.kind == "bridge" else None

    def _usual_port(self) -> str | None:
        ports = [port for host in self._survey.hosts if (port := self.port(host))]
        return max(ports, key=ports.count) if ports else None

    def node(self, host: Host, usual_port: str | None) -> dict[str, Any]:
        """What a node's entry says of the underlay."""
        if host.name not in self.addresses:
            raise IntentError(
                f"{host.name}: no file says which address it has on the underlay {self._prefix}",
                f"lay its /etc/network/interfaces below {host.name}/, or leave the host out",
            )
        keys: dict[str, Any] = {"address": self.addresses[host.name]}
        port = self.port(host)
        if port and port != usual_port:
            keys["port"] = port
        router_id = _router_id(host)
        if router_id and router_id != keys["address"]:
            keys["router_id"] = router_id
        if host.name in self.holders:
            gateway = self.holders[host.name][0].word("gateway")
            keys |= {"gateway": gateway} if gateway else {}
        return keys

    def scope(self, host: Host) -> str:
        """`observed` where Proxmox's SDN writes the files.

        `overlay` where our own file lies in interfaces.d, or the address is on no bridge.
        """
        if PROXMOX_SDN in host.texts:
            self._survey.remark(
                host,
                "Proxmox's SDN writes its files: the intent only observes it (scope: observed)",
                PROXMOX_SDN,
            )
            return "observed"
        if OVERLAY in host.texts:
            return "overlay"
        device = self.holders.get(host.name, (None,))[0]
        why = self.refused(host, device) if device and host.vxlans else None
        if device is None or why is None:
            return "whole"
        self._survey.remark(
            host,
            f"{why}: the intent leaves the underlay alone there (scope: overlay)",
            device.file,
            device.line,
        )
        return "overlay"

    def refused(self, host: Host, device: Device) -> str | None:
        """Why the intent cannot say what is below a VTEP's address; None where it can."""
        if device.kind != "bridge":
            return f"its underlay address is on {device.name}, which is not a bridge"
        for port in device.ports:
            kind = host.devices[port].kind if port in host.devices else "plain"
            if kind != "plain":
                return f"{port} below {device.name} is a {kind}"
        if len(device.ports) > 1:
            return f"{device.name} has several ports: {', '.join(device.ports)}"
        return None


def _interfaces(host: Host) -> Iterable[tuple[Device, Interface]]:
    """Each address of a host that may be its underlay's, with its device.

    One on a loopback only where it stands alone there: 127.0.0.1/8 is on every host.
    """
    overlay = {device.name for device in host.vxlans}
    for device in host.devices.values():
        for interface, _ in device.addresses if not overlay & set(device.ports) else ():
            if device.kind != "loopback" or stands_alone(interface):
                yield device, interface


def _mtu(host: Host, holder: Device, own: Interface) -> tuple[int, Attribute | Device]:
    """The MTU of the NIC below the address, or of the address's device; with its place.

    Packets leave by other interfaces where the address stands alone: by the narrowest, for all the
    file says.
    """
    if stands_alone(own):
        ways = {d.name: d for d, one in _interfaces(host) if d is not holder and one != own}
        sizes = [(d.number("mtu") or ETHERNET, d) for d in ways.values() if d.kind != "loopback"]
        return min(sizes, key=lambda pair: pair[0], default=(ETHERNET, holder))
    ports = [host.devices[port] for port in holder.ports if port in host.devices]
    for device in (*ports, holder):
        size = device.number("mtu")
        if size is not None:
            return size, device.first("mtu") or device
    return ETHERNET, ports[0] if ports else holder


def _router_id(host: Host) -> str | None:
    said = host.main.values("bgp", "router-id") if host.main else []
    return said[-1] if said else None


def forwards(host: Host) -> bool | None:
    """Whether it forwards IP: as its kernel says, else as its files have it; None: nobody says.

    FRR turns forwarding on at a reload where its file does not refuse it.
    """
    if KERNEL_FORWARDS in host.texts:
        return host.texts[KERNEL_FORWARDS].strip() != "0"
    if "net.ipv4.ip_forward" in host.sysctls:
        return host.sysctls["net.ipv4.ip_forward"] != "0"
    return not _refuses_forwarding(host) if FRR_CONF in host.texts else None
