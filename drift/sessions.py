"""BGP sessions and L3VNIs, as FRR's JSON shows them."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from drift.check import SUMMARY, VNIS
from drift.compare import compare
from drift.draft import About, Draft, draft, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.compare import Record
    from drift.view import HostView

SESSION_CHECKS = frozenset({"session-down", "session-unexpected"})
L3VNI_CHECKS = frozenset({"l3vni"})

_ESTABLISHED = "Established"
_VALUE_LIMIT = 120


def peers_of(summary: object) -> dict[str, dict[str, Any]] | None:
    """The EVPN peers in `show bgp l2vpn evpn summary json` by address; None if it is no summary.

    FRR puts `peers` at the top, or below the VRF's name and the address family; an instance
    without a neighbour prints `{}`. Dynamic peers may be marked with `*`.
    """
    if not isinstance(summary, dict):
        return None
    peers = summary.get("peers")
    if isinstance(peers, dict):
        return {_address(name): peer for name, peer in peers.items() if isinstance(peer, dict)}
    for part in ("default", "l2VpnEvpn"):
        if part in summary:
            return peers_of(summary[part])
    return {}


def _address(name: str) -> str:
    text = name.strip().lstrip("*")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text  # an unnumbered neighbour is named by its interface


def examine_sessions(view: HostView) -> Iterator[Draft]:
    """Intended peers against the summary's; one that is not activated for EVPN is not in it."""
    peers = peers_of(view.state.json[SUMMARY])
    bgp = view.node.bgp
    if peers is None or bgp is None:
        return
    wanted: dict[str, Record] = {peer: {"state": _ESTABLISHED} for peer in bgp.peers}
    found: dict[str, Record] = {
        address: {"state": str(peer.get("state"))[:_VALUE_LIMIT]} for address, peer in peers.items()
    }
    for difference in compare(wanted, found):
        address = difference.key
        about = About(peer=address)
        evidence = lines(SUMMARY, [_excerpt(address, peers)])
        if difference.kind == "extra":
            yield draft(
                "session-unexpected",
                view.host,
                f"neighbor {address}",
                "extra",
                None,
                found[address]["state"],
                what="EVPN session",
                evidence=evidence,
                about=about,
            )
        else:
            # One kind for both: a peer that flaps between Active and unlisted is one fact.
            yield draft(
                "session-down",
                view.host,
                f"neighbor {address}",
                "changed",
                _ESTABLISHED,
                difference.actual,
                attribute="EVPN session",
                evidence=evidence,
                about=about,
            )


def vnis_in(listing: object) -> dict[str, dict[str, Any]] | None:
    """The VNIs in `show evpn vni json` by number; None if it is no such listing."""
    if not isinstance(listing, dict):
        return None
    return {vni: entry for vni, entry in listing.items() if isinstance(entry, dict)}


def examine_l3vnis(view: HostView) -> Iterator[Draft]:
    """Each VRF's L3VNI: known to zebra, of type L3, in that VRF."""
    listing = vnis_in(view.state.json[VNIS])
    if listing is None:
        return
    wanted: dict[str, Record] = {
        str(l3vni): {"type": "L3", "VRF": vrf} for vrf, l3vni in view.l3vni_by_vrf.items()
    }
    found: dict[str, Record] = {
        vni: {
            "type": _bounded(listing[vni].get("type")),
            "VRF": _bounded(listing[vni].get("tenantVrf")),
        }
        for vni in wanted
        if vni in listing
    }
    for difference in compare(wanted, found):
        vni = difference.key
        vrf = str(wanted[vni]["VRF"])
        whole = difference.field is None
        yield draft(
            "l3vni",
            view.host,
            f"VNI {vni}",
            difference.kind,
            f"L3VNI of {vrf}" if whole else difference.expected,
            difference.actual,
            attribute=difference.field or "",
            what="L3VNI" if whole else "",
            evidence=lines(VNIS, [_excerpt(vni, listing)]),
            about=About(vni=int(vni), vrf=vrf),
        )


def _bounded(value: object) -> str | None:
    return None if value is None else str(value)[:_VALUE_LIMIT]


def _excerpt(key: str, mapping: Mapping[str, object]) -> str:
    if key not in mapping:
        return ""
    return f"{json.dumps(key)}: {json.dumps(mapping[key], sort_keys=True)}"
