"""What FRR's duplicate address detection has frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken
from drift.evidence import bounded, lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from overlay.outputs import EVPN_DUPLICATE_ADDRESSES, EVPN_DUPLICATE_MACS, RUNNING_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.host_records import DuplicateAddress, DuplicateMac

_FREEZE = "dup-addr-detection freeze "


def _stays_put(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    if raw.about.mac is not None:
        yield Broken.FROZEN, raw.about.vni, raw.about.mac


def _from_contest(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    about = raw.about
    if about.address is not None:
        yield Broken.ADDRESS, about.vni, about.address
    if about.mac is not None:
        yield Broken.MAC, about.vni, about.mac


MAC_FROZEN = Check(
    "mac-frozen",
    CRITICAL,
    "frozen as a duplicate",
    "FRR has frozen no MAC and no address as a duplicate.",
    "A frozen MAC stays where it was last: its routes are neither sent nor taken, wherever the "
    "guest is.",
    (EVPN_DUPLICATE_MACS, EVPN_DUPLICATE_ADDRESSES),
    reads=(RUNNING_CONFIG,),
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show evpn mac vni all duplicate' -c 'show evpn arp-cache vni all duplicate'",
    remedy="First find the two guests that share it, or the loop that throws it about: `bridge fdb "
    "show | grep 02:00:00:00:00:77` on each VTEP. Then free it on each node that is named: `vtysh "
    "-c 'clear evpn dup-addr vni 2 mac 02:00:00:00:00:77'`, an address with `ip 10.0.2.5` in the "
    "place of `mac`. `vtysh -c 'show evpn'` shows what FRR takes for a duplicate.",
    explains=_stays_put,
    follows=_from_contest,
    depth=Depth.SYMPTOM + 1,
)


def examine_duplicates(view: HostView) -> Iterator[RawFinding]:
    """The duplicates of intended VNIs, where FRR freezes those that it finds.

    By its default FRR only marks and logs a duplicate, and goes on as before: then nothing is
    frozen, and `mac-mobility` says what keeps moving.
    """
    if not _freezes(view):
        return
    ours = {vxlan.vni for vxlan in view.l2_vxlans}
    for entry in view.state.duplicate_macs or ():
        if entry.vni in ours:
            yield _frozen(view, entry, f"MAC {entry.mac}", EVPN_DUPLICATE_MACS)
    for shown in view.state.duplicate_addresses or ():
        if shown.vni in ours:
            subject = f"address {shown.address}"
            yield _frozen(view, shown, subject, EVPN_DUPLICATE_ADDRESSES, shown.address)


def _freezes(view: HostView) -> bool:
    """False where the running configuration was read and says nothing of freezing."""
    running = view.state.running_config
    return running is None or any(said[-1].startswith(_FREEZE) for said in running)


def _frozen(
    view: HostView,
    entry: DuplicateMac | DuplicateAddress,
    subject: str,
    slug: str,
    address: str | None = None,
) -> RawFinding:
    return MAC_FROZEN.found(
        view.host,
        f"VNI {entry.vni} {subject}",
        "extra",
        None,
        f"frozen {_place(entry)}",
        attribute="duplicate",
        evidence=lines(slug, [entry.text]),
        about=About(
            vni=entry.vni,
            mac=entry.mac,
            address=address,
            topics=frozenset({("bgp", "dup-addr-detection")}),
            # The addresses that a frozen MAC has are frozen with it.
            group=("mac-frozen", entry.vni, entry.mac or address),
        ),
    )


def _place(entry: DuplicateMac | DuplicateAddress) -> str:
    if entry.local:
        return "as a local one"
    there = bounded(entry.vtep or entry.es)
    return f"behind {there}" if there else "on neither side"


PLANE = Plane(examine_duplicates, (MAC_FROZEN,))
