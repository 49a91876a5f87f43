"""Rules about VXLAN devices, their bridges and the underlay that carries them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from adopt.lint.finding import Finding, Level, at
from overlay.intent import VXLAN_OVERHEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adopt.devices import Attribute, Device
    from adopt.hostfiles import Host

GROUPS = ("vxlan-svcnodeip", "vxlan-svcnodeip6", "vxlan-mcastgrp", "vxlan-mcastgrp6")
LOCAL = "vxlan-local-tunnelip"


def vnis(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A VNI is one device on a host, and a device is one VNI."""
    for host in hosts:
        first: dict[str, Device] = {}
        for device in host.vxlans:
            ids = device.all("vxlan-id")
            if len({a.word for a in ids}) > 1:
                yield at(
                    "device-with-two-vnis",
                    host,
                    ids,
                    f"{device.name} is given the VNIs {', '.join(a.word for a in ids)}",
                    "give each VNI a device of its own",
                )
            for attribute in ids[:1]:
                other = first.setdefault(attribute.word, device)
                if other is not device:
                    yield at(
                        "vni-on-two-devices",
                        host,
                        (attribute,),
                        f"VNI {attribute.word} is already that of {other.name} (line {other.line})"
                        f": the kernel refuses {device.name}",
                        "give it another VNI, or remove one of the two devices",
                    )


def tunnel_sources(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Each VXLAN device names the address that its packets leave from, and the host has it."""
    for host in hosts:
        lacking = [d for d in host.vxlans if d.first(LOCAL) is None]
        ids = [a for device in lacking for a in device.all("vxlan-id", "vxlan-vni")[:1]]
        if ids:
            yield at(
                "no-tunnel-source",
                host,
                ids,
                f"no `{LOCAL}`: the kernel chooses the source address by its routes, and other "
                "VTEPs may not know that address",
                f"add `{LOCAL} {host.vtep or 'ADDRESS'}`",
                Level.WARNING,
            )


def physdevs(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A group is joined where the underlay's address is: on the bridge, not on its port."""
    for host in hosts:
        by_port: dict[str, list[Attribute]] = defaultdict(list)
        for device in host.vxlans:
            attribute = device.first("vxlan-physdev")
            if attribute and host.bridge_of(attribute.word):
                by_port[attribute.word].append(attribute)
        for port, attributes in by_port.items():
            bridge = host.bridge_of(port)
            assert bridge is not None  # noqa: S101 - only such ports were gathered
            yield at(
                "group-joined-on-a-bridge-port",
                host,
                attributes,
                f"{port} is a port of {bridge.name}: the group is joined on {port}, but its "
                f"packets arrive on {bridge.name} and are dropped",
                f"write `vxlan-physdev {bridge.name}`",
            )


def addresses(hosts: Sequence[Host]) -> Iterator[Finding]:
    """An address is one host's, and a tunnel leaves from one that its host has."""
    holders: dict[str, list[tuple[Host, Attribute]]] = defaultdict(list)
    for host in hosts:
        for device in host.devices.values():
            if host.is_gateway(device):
                continue  # its address is the same on every host
            for interface, attribute in device.addresses:
                if not interface.ip.is_loopback and not interface.ip.is_link_local:
                    holders[str(interface.ip)].append((host, attribute))
    told: set[str] = set()
    for address, found in holders.items():
        if len({host.name for host, _ in found}) < 2:
            continue
        wrong = [(h, a) for h, a in found if h.vtep not in (None, address)] or found
        for host, attribute in wrong:
            others = ", ".join(sorted({h.name for h, _ in found if h is not host}))
            told.add(host.name)
            yield at(
                "address-used-twice",
                host,
                (attribute,),
                f"{address} is also the address of {others}",
                f"write {host.name}'s own address"
                + (f": its tunnels leave from {host.vtep}" if host.vtep != address else ""),
            )
    for host in hosts:
        if host.name in told or not host.addresses:
            continue
        strange = [a for d in host.vxlans for a in d.all(LOCAL) if a.word not in host.addresses]
        if strange and strange[0].word == host.vtep:
            yield at(
                "tunnel-source-not-here",
                host,
                strange,
                f"no interface of {host.name} has {strange[0].word}",
                "name an address that this host has",
            )


def remotes(hosts: Sequence[Host]) -> Iterator[Finding]:
    """A static flood list names every other VTEP of its VNI, and not its own host."""
    carriers: dict[int, dict[str, str]] = defaultdict(dict)
    for host in hosts:
        for device in host.vxlans:
            if device.vni is not None and host.vtep:
                carriers[device.vni][host.name] = host.vtep
    for host in hosts:
        for device in host.vxlans:
            lines = device.all("vxlan-remoteip")
            if not lines or host.vtep is None:
                continue
            listed = {word for a in lines for word in a.value.split()}
            lacking = {
                address: name
                for name, address in carriers[device.vni or 0].items()
                if address not in listed and name != host.name
            }
            missing = ", ".join(f"{a} ({lacking[a]})" for a in sorted(lacking))
            own = [a for a in lines if host.vtep in a.value.split()]
            if own:
                yield at(
                    "own-address-in-flood-list",
                    host,
                    own,
                    f"{device.name} floods to {host.vtep}, which is {host.name} itself"
                    + (f", and not to {missing}" if missing else ""),
                    f"write {min(lacking)} in its place" if lacking else "remove the line",
                )
            elif lacking:
                yield at(
                    "flood-list-incomplete",
                    host,
                    lines[:1],
                    f"VNI {device.vni} is also on {missing}, which {device.name} does not flood to",
                    f"add `vxlan-remoteip {min(lacking)}`",
                )


def gateway_macs(hosts: Sequence[Host]) -> Iterator[Finding]:
    """An anycast gateway has one MAC on all hosts, so that a guest may move."""
    holders: dict[tuple[int, str], list[tuple[Host, Device, Attribute]]] = defaultdict(list)
    for host in hosts:
        for bridge in host.bridges:
            vni = next((host.devices[p].vni for p in bridge.ports if p in host.devices), None)
            if vni is not None:
                for interface, attribute in bridge.addresses:
                    holders[vni, str(interface.ip)].append((host, bridge, attribute))
    told: set[tuple[str, str]] = set()
    for (_, address), found in holders.items():
        if len({host.name for host, _, _ in found}) < 2:
            continue
        macs = Counter(_mac(bridge) for _, bridge, _ in found)
        if len(macs) == 1 and None not in macs:
            continue
        usual = next((mac for mac, _ in macs.most_common() if mac), None)
        for host, bridge, attribute in found:
            mac = _mac(bridge)
            if (mac == usual and usual) or (host.name, bridge.name) in told:
                continue
            told.add((host.name, bridge.name))
            yield at(
                "gateway-mac-differs",
                host,
                bridge.all("hwaddress")[:1] or (attribute,),
                f"the gateway {address} has {f'the MAC {mac}' if mac else 'no MAC of its own'} "
                f"here{f' and {usual} elsewhere' if usual else ''}: a guest that moves loses it",
                f"write `hwaddress {usual or '44:39:39:ff:40:94'}` on every host",
            )


def _mac(bridge: Device) -> str | None:
    words = [word for a in bridge.all("hwaddress") for word in a.value.split() if ":" in word]
    return words[0].lower() if words else None


def mtus(hosts: Sequence[Host]) -> Iterator[Finding]:
    """What the guests send, with VXLAN around it, fits the underlay."""
    for host in hosts:
        version = 6 if ":" in (host.vtep or "") else 4
        carrier = next((d for d in host.underlays if d.number("mtu") is not None), None)
        if carrier is None:
            continue
        room = (carrier.number("mtu") or 0) - VXLAN_OVERHEAD[version]
        for device in host.vxlans:
            bridge = host.bridge_of(device.name)
            for place in (device, bridge) if bridge else (device,):
                attribute = place.first("mtu")
                size = place.number("mtu")
                if attribute and size is not None and size > room:
                    yield at(
                        "mtu-does-not-fit",
                        host,
                        (attribute,),
                        f"{size} + {VXLAN_OVERHEAD[version]} bytes of VXLAN exceed the "
                        f"{carrier.number('mtu')} of {carrier.name}: full frames are lost",
                        f"write `mtu {room}`, or raise that of {carrier.name}",
                    )


def learning(hosts: Sequence[Host]) -> Iterator[Finding]:
    """Beside EVPN nothing is learned from packets: BGP says where each MAC is."""
    for host in hosts:
        if host.main is None or not host.main.has_evpn:
            continue
        for device in host.vxlans:
            port, tunnel = device.first("bridge-learning"), device.first("vxlan-learning")
            for attribute in (port, tunnel):
                if attribute and attribute.is_on:
                    yield at(
                        "learning-beside-evpn",
                        host,
                        (attribute,),
                        f"{device.name} learns from packets what BGP says: a moved guest stays "
                        "where it was",
                        f"write `{attribute.key} off`",
                    )
            ids = device.all("vxlan-id")[:1]
            if port is None and ids:
                yield at(
                    "learning-beside-evpn",
                    host,
                    ids,
                    f"{device.name} has no `bridge-learning off`: it learns from packets what BGP "
                    "says, and a moved guest stays where it was",
                    "add `bridge-learning off`",
                )
            elif tunnel is None and ids:
                yield at(
                    "learning-beside-evpn",
                    host,
                    ids,
                    f"{device.name} has no `vxlan-learning off`, and ifupdown2 turns it on",
                    "add `vxlan-learning off`",
                    Level.NOTE,
                )


def single_devices(hosts: Sequence[Host]) -> Iterator[Finding]:
    """What ifupdown2 3.0.0, of Debian 12, 13 and testing, makes of one device for several VNIs."""
    for host in hosts:
        for device in host.singles:
            maps = device.all("bridge-vlan-vni-map")
            if crowded := [a for a in maps if len(a.value.split()) > 1]:
                yield at(
                    "several-maps-on-a-line",
                    host,
                    crowded,
                    f"ifupdown2 3.0.0 reads one VLAN=VNI a line: it reports an error, and maps no "
                    f"VLAN of {device.name}",
                    "write a line `bridge-vlan-vni-map` for each",
                )
            if filters := device.all("vxlan-vnifilter"):
                yield at(
                    "no-vnifilter",
                    host,
                    filters,
                    f"ifupdown2 3.0.0 does not know `vxlan-vnifilter` and says nothing: "
                    f"{device.name} takes packets of any VNI",
                    "make the device by a command: `pre-up ip link add … type vxlan external "
                    "vnifilter …`",
                    Level.WARNING,
                )


RULES = (
    vnis,
    single_devices,
    tunnel_sources,
    physdevs,
    addresses,
    remotes,
    gateway_macs,
    mtus,
    learning,
)
