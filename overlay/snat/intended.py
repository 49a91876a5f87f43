"""What an exit translates of its guests' addresses, and the rules that say so to the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_interface, ip_network
from typing import TYPE_CHECKING

from overlay.records import NatRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.intent import Fabric, Node, Vrf

TABLE = "evpn_fleet_snat"
CHAIN = "postrouting"
# Of the base chain: type, hook, priority and policy.
HOOK = "nat postrouting 100 accept"


@dataclass(frozen=True, slots=True)
class Translated:
    """Guests of one VRF and one IP version, and the address that the outside sees."""

    vrf: str
    prefixes: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class Translation:
    """All that an exit translates, and what it leaves alone.

    That is what leaves by one of `devices`, those of the overlay, or goes to one of `guests`, the
    subnets of all VRFs: from guest to guest no address is ever translated.
    """

    translated: tuple[Translated, ...]
    devices: tuple[str, ...]
    guests: tuple[str, ...]

    @property
    def vrfs(self) -> frozenset[str]:
        return frozenset(it.vrf for it in self.translated)

    def guests_of(self, version: int) -> tuple[str, ...]:
        return tuple(it for it in self.guests if ip_network(it).version == version)

    @property
    def rules(self) -> tuple[NatRule, ...]:
        """The rules of the chain in their order, as the kernel lists them."""
        families = filter(None, map(self.guests_of, (4, 6)))
        return (
            NatRule("accept", devices=self.devices),
            *(NatRule("accept", targets=guests) for guests in families),
            *(NatRule("snat", sources=it.prefixes, address=it.address) for it in self.translated),
        )


def translation(
    fabric: Fabric, name: str, node: Node, devices: Iterable[str]
) -> Translation | None:
    """What a node translates, whose overlay has these devices; None where it is nothing."""
    found = tuple(
        Translated(vrf_name, prefixes, address)
        for vrf_name, vrf in fabric.vrfs.items()
        if name in vrf.exits and vrf.snat is not None
        for address in addresses_of(vrf, name, node)
        if (prefixes := merged(_of_version(translated_prefixes(fabric, vrf_name), address)))
    )
    if not found:
        return None
    guests = (str(ip_interface(it).network) for net in fabric.networks for it in net.gateways)
    return Translation(found, tuple(sorted(devices)), merged(guests))


def translated_prefixes(fabric: Fabric, name: str) -> tuple[str, ...]:
    """The prefixes of a VRF whose guests the outside sees under an exit's address."""
    snat = fabric.vrfs[name].snat
    if snat is None:
        return ()
    return snat.prefixes or tuple(
        str(network)
        for net in fabric.networks
        if net.vrf == name
        for gateway in net.gateways
        if (network := ip_interface(gateway).network).version == 4
    )


def addresses_of(vrf: Vrf, name: str, node: Node) -> tuple[str, ...]:
    """The addresses that the outside sees of a VRF's guests behind this exit."""
    given = vrf.snat.addresses.get(name, ()) if vrf.snat else ()
    return tuple(map(str, given)) or (str(node.address),)


def without_hidden(prefixes: Iterable[str], translated: Iterable[str]) -> tuple[str, ...]:
    """Those prefixes that are not translated as a whole: the outside needs a route to them."""
    hidden = frozenset(map(ip_network, merged(translated)))
    lengths = sorted({network.prefixlen for network in hidden})

    def is_hidden(prefix: str) -> bool:
        network = ip_network(prefix)
        wider = (length for length in lengths if length <= network.prefixlen)
        return any(network.supernet(new_prefix=length) in hidden for length in wider)

    return tuple(prefix for prefix in prefixes if not is_hidden(prefix))


def merged(prefixes: Iterable[str]) -> tuple[str, ...]:
    """Prefixes as few as can be, in order: as nftables lists those of a set, which it merges."""
    return _merged(tuple(prefixes))


@lru_cache(maxsize=256)  # each exit of a VRF asks for the same
def _merged(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    networks = [ip_network(prefix) for prefix in prefixes]
    four = [it for it in networks if isinstance(it, IPv4Network)]
    six = [it for it in networks if isinstance(it, IPv6Network)]
    return tuple(map(str, (*collapse_addresses(four), *collapse_addresses(six))))


def _of_version(prefixes: Iterable[str], address: str) -> Iterator[str]:
    return (prefix for prefix in prefixes if (":" in prefix) == (":" in address))
