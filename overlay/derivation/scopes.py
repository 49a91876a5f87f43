"""Which part of a node is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overlay.intent import Fabric, Node, Scope


def scope_of(fabric: Fabric, node: Node) -> Scope:
    return node.scope or fabric.scope
