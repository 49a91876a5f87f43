"""Cross-validation of sessions' options: what only a router outside has, where they leave from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.intent import Fabric, Mode, Role, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.intent import Node
    from overlay.problems import Complaint, KeyPath


def of_nodes(fabric: Fabric) -> Iterator[Complaint]:
    """A node's own options are those of sessions that it has."""
    for name, node in fabric.nodes.items():
        key: KeyPath = ("nodes", name, "session")
        if node.session.model_fields_set and not _speaks(fabric, node):
            yield (
                key,
                "it has no BGP session: "
                + (
                    f"mode {fabric.mode.value} runs no BGP"
                    if fabric.mode is not Mode.EVPN
                    else f"a {node.role.value} without an `asn` runs no BGP"
                    if node.role is Role.ROUTER
                    else f"a {node.role.value} runs no BGP"
                ),
                "remove this section, or let the node speak BGP",
            )
        elif node.role is not Role.ROUTER:
            yield from _within(node, key)


def _speaks(fabric: Fabric, node: Node) -> bool:
    if node.role is Role.SPINE:
        return False
    return fabric.mode is Mode.EVPN and (node.role is not Role.ROUTER or node.asn is not None)


def _within(node: Node, key: KeyPath) -> Iterator[Complaint]:
    if node.session.password is not None:
        yield (
            (*key, "password"),
            "a session within the fabric has one password at both ends: that of bgp.session",
            "move it to `bgp.session`; only a router outside has a password of its own",
        )
    if node.session.maximum_prefix is not None:
        yield (
            (*key, "maximum_prefix"),
            "only a router outside has a limit: FRR 8.4 knows none for EVPN routes",
            "remove it; where every node runs FRR 10, `frr_extra` can say it",
        )


def sources(fabric: Fabric) -> Iterator[Complaint]:
    """In the whole scope it is known which interface holds a node's address."""
    holder = fabric.underlay.loopback if fabric.underlay.routed else fabric.underlay.bridge
    places: list[tuple[KeyPath, bool | str | None, bool]] = [
        (
            ("nodes", name, "session", "update_source"),
            node.session.update_source,
            scope_of(fabric, node) is Scope.WHOLE,
        )
        for name, node in fabric.nodes.items()
    ]
    if fabric.bgp is not None:
        whole = any(scope_of(fabric, node) is Scope.WHOLE for node in fabric.nodes.values())
        key: KeyPath = ("bgp", "session", "update_source")
        places.append((key, fabric.bgp.session.update_source, whole))
    for key, source, is_whole in places:
        if is_whole and isinstance(source, str) and source != holder:
            yield (
                key,
                f"in the whole scope the node's address is on {holder}, not on {source}",
                f"write `update_source: true`, or {holder}",
            )


CHECKS = (of_nodes, sources)
