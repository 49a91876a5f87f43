"""L3VNIs, as zebra's JSON shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.check import VNIS
from drift.compare import compare
from drift.draft import About, Draft, bounded, draft, excerpt, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.compare import Record
    from drift.view import HostView

L3VNI_CHECKS = frozenset({"l3vni"})


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
            "type": bounded(listing[vni].get("type")),
            "VRF": bounded(listing[vni].get("tenantVrf")),
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
            evidence=lines(VNIS, [excerpt(vni, listing)]),
            about=About(vni=int(vni), vrf=vrf, topics=frozenset({("vni", int(vni))})),
        )
