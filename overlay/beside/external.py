"""What is said of those beside the fabric: external nodes, and peers that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.derived.speakers import ExternalNode, ListenIntent

if TYPE_CHECKING:
    import ipaddress

    from overlay.intent import Fabric, Node

# What FRR of every release takes as a limit.
_MOST = 5000


def external_nodes(fabric: Fabric) -> dict[str, ExternalNode]:
    """Every external node by its name, in the order of the intent."""
    return {
        name: ExternalNode(
            name,
            str(node.address),
            node.tunnel_end,
            frozenset(node.vnis),
            reflects=node.reflects,
        )
        for name, node in fabric.nodes.items()
        if not node.managed
    }


def visiting_vteps(fabric: Fabric) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The prefixes in which any address may be a VTEP."""
    return tuple(one.range for one in fabric.bgp.listen if one.vteps) if fabric.bgp else ()


def listening(fabric: Fabric, node: Node, *, reflected: bool) -> ListenIntent | None:
    """From where a node takes sessions that it does not name: of clients, of those who visit."""
    assert fabric.bgp is not None  # noqa: S101 - the node speaks BGP
    ranges = [one.range for one in fabric.bgp.listen]
    own = fabric.underlay.prefix
    if node.reflects:
        ranges = [own, *(r for r in ranges if not (r.version == own.version and _within(r, own)))]
    elif reflected:
        return None
    if not ranges:
        return None
    # FRR accepts 100 dynamic neighbours unless it is told of more.
    many = 2 * len(fabric.nodes) + sum(r.num_addresses for r in ranges if r != own)
    return ListenIntent(tuple(map(str, ranges)), max(100, min(_MOST, many)))


def _within(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network,
    outer: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    return outer.overlaps(inner) and inner.prefixlen >= outer.prefixlen
