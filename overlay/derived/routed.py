"""A node's part in a routed underlay: its loopback, its links, and what routes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.keys.links import Protocol

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from overlay.derived.speakers import BfdIntent

HELLO = {
    Protocol.OSPF: 10,
    Protocol.ISIS: 3,
    Protocol.OPENFABRIC: 3,
    Protocol.EBGP_UNNUMBERED: 3,
}
"""Seconds between two hellos where the intent says nothing: of the first three FRR's own."""
_FIRST_PRIVATE = 4_200_000_000
_HOST_BITS = 0xFFFFFF
DAEMONS = {
    Protocol.OSPF: "ospfd",
    Protocol.OPENFABRIC: "fabricd",
    Protocol.ISIS: "isisd",
    Protocol.EBGP_UNNUMBERED: "bgpd",
}
Edge = tuple[str, str, int]
"""A link by its two ends: the nodes' names in order, and which of their links it is, from 0."""


@dataclass(frozen=True, slots=True)
class UnderlayLink:
    """One interface of a routed underlay; `address` has its length, and may be the VTEP's own.

    `nic` is what it is a VLAN of, empty where it is none. `peer` is the node at its other end and
    `edge` the link that it is an end of, both None where the intent does not say.
    """

    name: str
    address: str
    nic: str = ""
    peer: str | None = None
    peer_address: str | None = None
    edge: Edge | None = None


@dataclass(frozen=True, slots=True)
class RoutedUnderlay:
    """What a node routes the underlay by; `address` is the VTEP's, with /32, on `loopback`.

    `hello` are seconds, None where they are the usual ones. `instance` is the name of FRR's
    instance, which OpenFabric and IS-IS want. `system` is the AS that it is on the links of eBGP,
    whatever AS it is for EVPN; None of other protocols.
    """

    protocol: Protocol
    loopback: str
    address: str
    router_id: str
    links: tuple[UnderlayLink, ...]
    bfd: BfdIntent | None = None
    hello: int | None = None
    instance: str = "EVPN-FLEET"
    system: int | None = None

    @property
    def known_as(self) -> str:
        """What its neighbours may see it as: its AS where that is its own, else its router-id."""
        return self.router_id if self.system is None else str(self.system)

    @property
    def hello_seconds(self) -> int:
        """Seconds between two hellos, the usual ones included."""
        return self.hello or HELLO[self.protocol]

    @property
    def daemon(self) -> str:
        """The daemon of FRR that routes it."""
        return DAEMONS[self.protocol]

    @property
    def nics(self) -> tuple[str, ...]:
        """What its VLANs are on, and what is not itself a link."""
        names = {link.name for link in self.links}
        return tuple(dict.fromkeys(k.nic for k in self.links if k.nic and k.nic not in names))

    @property
    def devices(self) -> frozenset[str]:
        """The interfaces that its stanzas are of, but for `lo`."""
        own = {link.name for link in self.links} | set(self.nics)
        return frozenset(own | {self.loopback} - {"lo"})

    @property
    def net(self) -> str:
        """Its network entity title for IS-IS: the router-id, three digits a byte, in area 1."""
        digits = "".join(f"{int(byte):03}" for byte in self.router_id.split("."))
        return f"49.0001.{digits[:4]}.{digits[4:8]}.{digits[8:]}.00"


def system_of(address: IPv4Address | IPv6Address) -> int:
    """The AS that a node is on the links of an underlay of eBGP: a private one of four bytes.

    Made of the last three bytes of its VTEP address, so that no other node's changes when one
    comes or goes.
    """
    return _FIRST_PRIVATE + (int(address) & _HOST_BITS)
