"""What the kernel and BGP of a host hold, from the outputs of a live host or of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from adopt.devices import Attribute, Device
from adopt.survey import Remark
from overlay.errors import ParseError
from parsers.evpn_state import parse_evpn_vnis
from parsers.ip import parse_addresses, parse_routes
from parsers.links import parse_links
from parsers.sessions import parse_evpn_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adopt.hostfiles import Host
    from overlay.host_records import AddressedLink, BgpPeer, EvpnVni, Route
    from overlay.records import Link

T = TypeVar("T")

# An output lies beside a host's files, by the command that prints it.
LINKS = "ip -d link show"
ADDRESSES = "ip -j address show"
ROUTES = "ip -j route show table all"
VNIS = "vtysh -c 'show evpn vni json'"
PEERS = "vtysh -c 'show bgp l2vpn evpn summary json'"


@dataclass(frozen=True, slots=True)
class State:
    """What was read of a host; None of what is not at hand, or was not understood."""

    links: Mapping[str, Link] | None = None
    addresses: Mapping[str, AddressedLink] | None = None
    routes: tuple[Route, ...] | None = None
    vnis: Mapping[int, EvpnVni] | None = None
    peers: tuple[BgpPeer, ...] | None = None


def state_of(texts: Mapping[str, str]) -> State:
    """The state among a host's texts. Never raises."""
    links = _read(texts, LINKS, parse_links)
    peers = _read(texts, PEERS, parse_evpn_summary)
    return State(
        links=None if links is None else {link.name: link for link in links},
        addresses=_read(texts, ADDRESSES, parse_addresses),
        routes=_read(texts, ROUTES, parse_routes),
        vnis=_read(texts, VNIS, parse_evpn_vnis),
        peers=None if peers is None else tuple(peers.values()),
    )


def _read(texts: Mapping[str, str], command: str, parse: Callable[[str], T]) -> T | None:
    try:
        return parse(texts[command]) if texts.get(command, "").strip() else None
    except ParseError:  # FRR does not run there, or the account may not ask it
        return None


def with_vtep(host: Host) -> tuple[Host, Remark | None]:
    """The host with its VTEP address where the kernel holds it and no file says it; and a remark.

    As after DHCP, or where another tool sets it. The default gateway on that device comes with it:
    a deployment writes the address as a static one, and would cut the host off without its gateway.
    """
    state = state_of(host.texts)
    if state.links is None or state.addresses is None:
        return host, None
    tunnels = {link.vxlan.local for link in state.links.values() if link.vxlan}
    wanted = {d.word("vxlan-local-tunnelip") for d in host.vxlans} | tunnels
    holders = [
        (link.name, address.interface)
        for link in state.addresses.values()
        for address in link.addresses
        if address.ip in wanted - host.addresses
    ]
    if len(holders) != 1:
        return host, None
    (name, interface), gateway = holders[0], _gateway(state, holders[0][0])
    device = host.devices.get(name) or Device(name, "", 0)
    remark = Remark(
        host.name,
        device.file,
        device.line,
        f"{name} holds {interface} and no file says so (DHCP, or another tool): the intent says "
        f"it, and a deployment writes it as a static address, "
        + (f"with the default gateway {gateway}" if gateway else "without a default gateway"),
    )
    said = [("address", interface), *([("gateway", gateway)] if gateway else [])]
    known = {attribute.key for attribute in device.attributes} - {"address"}
    added = tuple(
        Attribute(key, value, device.file, device.line, key)
        for key, value in said
        if key not in known
    )
    full = replace(device, attributes=device.attributes + added)
    return replace(host, devices={**host.devices, name: full}), remark


def _gateway(state: State, device: str) -> str | None:
    for route in state.routes or ():
        if route.prefix == "0.0.0.0/0" and route.table == "main":
            for hop in route.hops:
                if hop.device == device and hop.gateway:
                    return hop.gateway
    return None
