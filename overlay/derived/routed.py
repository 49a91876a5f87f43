"""A node's part in a routed underlay: its loopback, its links, and what routes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.keys.links import Protocol

if TYPE_CHECKING:
    from overlay.derived.speakers import BfdIntent

HELLO = {Protocol.OSPF: 10, Protocol.ISIS: 3, Protocol.OPENFABRIC: 3}
"""Seconds between two hellos where FRR is not told otherwise: it does not write these down."""
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

    `hello` are seconds, None where they are FRR's own. `instance` is the name of FRR's instance,
    which OpenFabric and IS-IS want.
    """

    protocol: Protocol
    loopback: str
    address: str
    router_id: str
    links: tuple[UnderlayLink, ...]
    bfd: BfdIntent | None = None
    hello: int | None = None
    instance: str = "EVPN-FLEET"

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
