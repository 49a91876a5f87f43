"""What is said of the nodes beside the fabric that are never logged in to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.derived.speakers import ExternalNode

if TYPE_CHECKING:
    from overlay.intent import Fabric


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
