"""Fabrics of several AS for property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st

if TYPE_CHECKING:
    from overlay.expected import FabricIntent


def several_as(draw: Any, fabric: dict[str, Any]) -> None:
    """An AS of its own for some nodes, in every fourth fabric or so."""
    if draw(st.integers(0, 3)) == 0:
        for node in fabric["nodes"].values():
            if asn := draw(st.sampled_from([None, 65101, 4_200_000_102])):
                node["asn"] = asn


def has_several(fabric: dict[str, Any]) -> bool:
    return any("asn" in node for node in fabric["nodes"].values() if node.get("role") != "router")


def speaker(intent: FabricIntent, vtep: str) -> str:
    """The address that the node with this VTEP address peers from."""
    return str(intent.fabric.nodes[intent.owner[vtep]].address)
