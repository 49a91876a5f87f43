"""The controllers of a cluster's SDN: the one of its zones, and what others add on single nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adopt.proxmox.values import type_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def remark_other(
    name: str, keys: Mapping[str, Any], asn: object, say: Callable[[str, str], None]
) -> None:
    """Says what the intent lacks of a controller that is not the zones'; `asn` is the zones' own.

    A BGP controller's AS is the one that its node speaks as, to the other VTEPs, too.
    """
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
    own = str(keys.get("asn", asn))
    if kind == "bgp" and own != str(asn):
        say(
            f"{place}.asn",
            f"{node} speaks as AS {own}, with the other VTEPs by eBGP; the intent knows one AS, "
            f"{asn}. No audit looks at which AS a node speaks as; the route targets, which stay "
            f"those of AS {asn}, are audited",
        )
