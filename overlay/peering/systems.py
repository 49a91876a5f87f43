"""The AS of each node, and who peers with whom in a fabric of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.keys.kinds import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from overlay.intent import Fabric, Node

_SPEAKERS = frozenset({Role.VTEP, Role.REFLECTOR, Role.EXTERNAL})


def asn_of(fabric: Fabric, name: str, node: Node) -> int:
    """The AS that a node of the fabric speaks as: its own, its group's, or the fabric's."""
    if node.asn is not None:
        return node.asn
    for group in fabric.groups.values():
        if group.asn is not None and group.holds(name):
            return group.asn
    return fabric.bgp.asn if fabric.bgp else 0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A node that speaks EVPN, as its neighbours see it.

    One that `reflects` passes routes on; it is a route reflector for those of its own AS. One that
    `carries` is a VTEP.
    """

    address: str
    asn: int
    reflects: bool
    carries: bool


class Systems:
    """The EVPN speakers of a fabric with several AS, and their sessions.

    Those of different AS peer by eBGP. A VTEP peers with the reflectors of its AS, where it has
    none with all reflectors, and in a fabric without reflectors with all VTEPs. Reflectors of
    different AS peer with each other; those of one AS only where one of them is a VTEP.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._speakers = tuple(
            Speaker(
                str(node.address),
                asn_of(fabric, name, node),
                node.reflects,
                node.carries or not node.managed,
            )
            for name, node in fabric.nodes.items()
            if node.role in _SPEAKERS
        )
        self._reflectors = tuple(one for one in self._speakers if one.reflects)
        self._reflected = frozenset(one.asn for one in self._reflectors)
        self.numbers = tuple(dict.fromkeys(one.asn for one in self._speakers))
        self.by_address: Mapping[str, int] = (
            {one.address: one.asn for one in self._speakers} if self.several else {}
        )

    @property
    def several(self) -> bool:
        """Whether there is more than one AS, and so eBGP within the fabric."""
        return len(self.numbers) > 1

    def peers_of(self, node: Node, asn: int) -> tuple[Speaker, ...]:
        """Everybody that a node peers with, in the order of the intent."""
        own = Speaker(str(node.address), asn, node.reflects, node.carries)
        return tuple(
            other
            for other in self._speakers
            if other.address != own.address and self._peer(own, other)
        )

    def _peer(self, one: Speaker, other: Speaker) -> bool:
        if one.reflects and other.reflects:
            return one.asn != other.asn or one.carries or other.carries
        if one.reflects or other.reflects:
            reflector, client = (one, other) if one.reflects else (other, one)
            return reflector.asn == client.asn or client.asn not in self._reflected
        return not self._reflectors

    def clients_of(self, node: Node, asn: int) -> tuple[str, ...]:
        """Whom a route reflector reflects to: iBGP peers that come to it for the others' routes."""
        if not node.reflects:
            return ()
        return tuple(
            other.address
            for other in self.peers_of(node, asn)
            if other.asn == asn and (not other.reflects or (other.carries and not node.carries))
        )

    def sees_its_own_as(self, node: Node, asn: int) -> bool:
        """Whether routes of another VTEP of its AS come to it through a different AS."""
        if node.reflects or not self._reflectors or asn in self._reflected:
            return False
        return any(one.asn == asn and one.address != str(node.address) for one in self._speakers)
