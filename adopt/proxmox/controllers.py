"""The controllers of a cluster's SDN: the one of its zones, and what others add on single nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adopt.proxmox.values import number, type_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def remark_other(name: str, keys: Mapping[str, Any], say: Callable[[str, str], None]) -> None:
    """Says what the intent lacks of a controller that is not the zones'."""
    place, node = f"controllers.{name}", keys.get("node", "its node")
    kind = type_of(keys)
    whom = ", ".join(words_of(keys.get("peers"))) if kind == "bgp" else ""
    sessions = f"its sessions ({whom})" if whom else "its sessions"
    said = ", ".join(f"{key}: {keys[key]}" for key in sorted(set(keys) - {"type", "node", "peers"}))
    say(
        place,
        f"a controller of type {kind} is not said by the intent, so no audit looks at {sessions}, "
        f"nor at what else it adds on {node} ({said})",
    )


def add_systems(
    controllers: Mapping[str, Mapping[str, Any]],
    nodes: Mapping[str, dict[str, Any]],
    asn: int,
) -> None:
    """Gives a node the AS of its BGP controller: it speaks as that to the other VTEPs, too."""
    for name, keys in controllers.items():
        node = nodes.get(str(keys.get("node")))
        if node is None or type_of(keys) != "bgp" or "asn" not in keys:
            continue
        own = number(keys["asn"], "asn", f"controllers.{name}")
        if own != asn:
            node["asn"] = own


def numbers_of(nodes: Mapping[str, Mapping[str, Any]], asn: int) -> tuple[int, ...]:
    """Every AS of the nodes, that of the zones first."""
    return tuple(dict.fromkeys((asn, *(node.get("asn", asn) for node in nodes.values()))))
