"""L3VNIs, as zebra's JSON shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift.applies import with_l3vni
from drift.causes import Broken
from drift.compare import compare
from drift.evidence import bounded, lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from overlay.outputs import EVPN_VNI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView


def _stops_routing(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.FOREIGN, raw.finding.host, raw.about.vni
    yield Broken.L3VNI, raw.finding.host, raw.about.vni


def _from_vrf_or_vni(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    host, about = raw.finding.host, raw.about
    yield Broken.VRF, host, about.vrf
    yield Broken.VNI, host, about.vni
    yield Broken.ROUTING, host, about.vni
    yield Broken.BGP, host
    yield Broken.INSTANCE_ROUTES, host


L3VNI = Check(
    "l3vni",
    CRITICAL,
    "L3VNI not in place",
    "Each L3VNI is of type L3 in zebra, and in its VRF.",
    "Routed traffic of the VRF does not leave the node.",
    (EVPN_VNI,),
    applies=with_l3vni,
    confirm="vtysh -c 'show evpn vni 4000'",
    remedy="`vtysh -c 'configure terminal' -c 'vrf vrf1' -c 'vni 4000'`. vxlan4000 must be up "
    "in vmbr4000, and that bridge up in the VRF.",
    explains=_stops_routing,
    follows=_from_vrf_or_vni,
    depth=Depth.PROTOCOL + 4,
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What zebra makes of an L3VNI."""

    type: str | None
    vrf: str | None


_WORDS = {"type": "type", "vrf": "VRF"}


def examine_l3vnis(view: HostView) -> Iterator[RawFinding]:
    """Each VRF's L3VNI: known to zebra, of type L3, in that VRF."""
    listing = view.state.vnis or {}
    wanted = {l3vni: _Place("L3", vrf) for vrf, l3vni in view.l3vni_by_vrf.items()}
    found = {
        vni: _Place(bounded(listing[vni].type), bounded(listing[vni].vrf))
        for vni in wanted
        if vni in listing
    }
    for difference in compare(wanted, found):
        vni = difference.key
        vrf = str(wanted[vni].vrf)
        whole = difference.field is None
        yield L3VNI.found(
            view.host,
            f"VNI {vni}",
            difference.kind,
            f"L3VNI of {vrf}" if whole else difference.expected,
            difference.actual,
            attribute=_WORDS.get(difference.field or "", ""),
            what="L3VNI" if whole else "",
            evidence=lines(EVPN_VNI, [listing[vni].text] if vni in listing else []),
            about=About(vni=vni, vrf=vrf, topics=frozenset({("vni", vni)})),
        )


PLANE = Plane(examine_l3vnis, (L3VNI,))
