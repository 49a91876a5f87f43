"""Whether FRR's knowledge gets into the node's kernel at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, About, Check, Depth
from drift.plane import Plane
from overlay.outputs import BRIDGE_FDB, BRIDGE_FDB_LATER, EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.expected import VxlanIntent

# One entry that is not there says nothing of the others.
_ENOUGH = 2
_SHOWN = 5


def _stops_kernel(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.KERNEL, raw.finding.host


def _from_instance(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.INSTANCE_ROUTES, raw.finding.host
    yield Broken.UNDERLAY, raw.finding.host


KERNEL_NOT_PROGRAMMED = Check(
    "kernel-not-programmed",
    CRITICAL,
    "nothing of FRR in the kernel",
    "Of what received type-2 and type-3 routes ask for, at least something is in the "
    "forwarding databases.",
    "BGP is well, but zebra writes nothing: the node reaches no guest on another node.",
    (BRIDGE_FDB, EVPN_TABLE),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="bridge fdb show | grep -e extern_learn -e 00:00:00:00:00:00; vtysh -c 'show zebra "
    "dplane' -c 'show evpn mac vni all'",
    remedy="zebra hangs: `systemctl restart frr`. `journalctl -u frr` and `vtysh -c 'show zebra "
    "dplane'` (entries that are queued and not done) say why.",
    explains=_stops_kernel,
    follows=_from_instance,
    depth=Depth.PROTOCOL + 4,
    transient=True,
    reads=(BRIDGE_FDB_LATER,),
)


def examine_programming(view: HostView) -> Iterator[RawFinding]:
    """One finding where all is missing that EVPN gives the forwarding databases of a node."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    ours = [vxlan for vxlan in view.node.vxlans if view.is_ready(vxlan)]
    if view.moving or any(_is_programmed(view, vxlan) for vxlan in ours):
        return
    floods, macs = _expected(view, routes, ours)
    held = {(device, address) for device, found in view.floods.items() for address in found}
    if len(floods) + len(macs) < _ENOUGH or floods & held:
        return
    named = [vxlan for vxlan in ours if not vxlan.is_l3vni]
    paths = (path for vxlan in named for path in routes.imet.get(vxlan.vni, {}).values())
    yield KERNEL_NOT_PROGRAMMED.found(
        view.host,
        "kernel",
        "missing",
        [f"flood entries: {len(floods)}", f"MACs: {len(macs)}"],
        None,
        what="what EVPN routes ask for",
        evidence=lines(EVPN_TABLE, (path.text for path in paths), limit=_SHOWN),
        about=About(),
    )


def _is_programmed(view: HostView, vxlan: VxlanIntent) -> bool:
    entries = view.tunnels.get(vxlan.name, {})
    return any("extern_learn" in entry.flags for entry in entries.values())


def _expected(
    view: HostView, routes: Routes, ours: list[VxlanIntent]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """By device: the flood entries and the MACs of the VNIs that zebra has told BGP of."""
    announced = {vni for path in routes.originated_imet() for vni in routes.vnis_of(path)}
    floods: set[tuple[str, str]] = set()
    macs: set[tuple[str, str]] = set()
    for vxlan in ours:
        if vxlan.is_l3vni or vxlan.vni not in announced:
            continue
        vteps = routes.imet.get(vxlan.vni, {}).keys() - {vxlan.local}
        remote = routes.macs[vxlan.vni].keys() - routes.local_macs.get(vxlan.vni, set())
        floods |= {(vxlan.name, vtep) for vtep in vteps}
        macs |= {(vxlan.name, mac) for mac in remote if (vxlan.bridge, mac) not in view.housed}
    return floods, macs


PLANE = Plane(examine_programming, (KERNEL_NOT_PROGRAMMED,))
