"""What packets of the overlay's devices go through in the kernel: queues, and filters that drop."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.applies import with_vnis
from drift.causes import breaks_device
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Severity
from drift.plane import Plane
from drift.planes.links.filtering import Does, places_of, what_it_does
from overlay.expected import BridgeRole
from overlay.outputs import IP_LINK, TC_FILTER, TC_QDISC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.host_records import Qdisc
    from overlay.records import TrafficFilter

    Filters = Mapping[tuple[str, str], Sequence[TrafficFilter]]

# Plain queues, one of which is the kernel's or systemd's default.
_QUEUES = frozenset(
    {"cake", "codel", "fq", "fq_codel", "mq", "mqprio", "multiq", "noqueue", "pfifo", "pfifo_fast"}
    | {"fq_pie", "sfq"}
)
# Made to lose, delay and corrupt packets.
_IMPAIRS = "netem"
# Filters hang here, and may drop what they like.
_FILTERS = frozenset({"clsact", "ingress"})
# How bad it is on what all of a network goes through, and on the port of one guest, whose owner
# may well have limited or filtered it. What nobody has read may drop.
_OURS = {
    Does.DROPS_ALL: CRITICAL,
    Does.DROPS_SOME: CRITICAL,
    Does.CANNOT_BE_TOLD: WARNING,
    Does.LIMITS: WARNING,
}
_OF_A_GUEST = {
    Does.DROPS_ALL: CRITICAL,
    Does.DROPS_SOME: WARNING,
    Does.CANNOT_BE_TOLD: Severity.INFO,
}

TRAFFIC_CONTROL = Check(
    "traffic-control",
    CRITICAL,
    "queueing or filter not intended",
    "VXLAN devices, bridges and the underlay's port have a plain queue (`tc qdisc`) and no filter "
    "(`tc filter`) that drops, limits or leads elsewhere. No port of a guest has `netem`, a filter "
    "that drops, or a limit whose burst is smaller than the port's frames.",
    "Such a filter (on `clsact`, `ingress`) loses packets, `netem` is there to lose some, and no "
    "other output shows it. A guest's rate limit, as Proxmox sets it, is no finding. Another queue "
    "of ours, which shapes traffic, is a warning, and so is a filter of a guest that drops some of "
    "its packets. What a BPF program does cannot be told: a warning on our devices, information on "
    "a guest's port. A place for filters without any is nothing.",
    (TC_QDISC,),
    reads=(IP_LINK, TC_FILTER),
    applies=with_vnis,
    confirm="ip link show dev eno1 && tc -s qdisc show dev eno1 && tc -s filter show dev eno1 "
    "ingress && tc -s filter show dev eno1 egress",
    remedy="`tc qdisc del dev eno1 root`, or `tc qdisc del dev eno1 clsact` (`ingress`) with all "
    "its filters. One that is meant to be there (a BPF program, shaping) belongs into "
    "suppressions.yaml.",
    explains=breaks_device,
    depth=Depth.PLACE + 5,
)


def examine_qdiscs(view: HostView) -> Iterator[RawFinding]:
    """The disciplines of the overlay's devices, and of guests' ports those that lose packets."""
    ours = _subjects(view)
    guests = _guests_ports(view)
    filters = _filters_by_place(view)
    for qdisc in view.state.qdiscs or ():
        device = qdisc.device
        about = ours.get(device) or guests.get(device)
        if about is None:
            continue
        severity, shown = _judge(view, qdisc, filters, ours=device in ours)
        if severity is None:
            continue
        yield TRAFFIC_CONTROL.found(
            view.host,
            f"{device} qdisc {qdisc.kind}",
            "extra",
            None,
            qdisc.kind,
            what="queueing discipline",
            evidence=(
                *lines(TC_QDISC, [qdisc.text]),
                *lines(TC_FILTER, [it.text for it in shown]),
            ),
            severity=severity,
            about=about,
        )


def _filters_by_place(view: HostView) -> Filters | None:
    """The filters by device and place; None where they were not read."""
    if view.state.filters is None:
        return None
    found: dict[tuple[str, str], list[TrafficFilter]] = defaultdict(list)
    for it in view.state.filters:
        found[it.device, it.place].append(it)
    return found


def _judge(
    view: HostView, qdisc: Qdisc, filters: Filters | None, *, ours: bool
) -> tuple[Severity | None, list[TrafficFilter]]:
    """How bad a discipline with its filters is, None if it is not, and the filters that make it so.

    The queues below another one each belong to a queue of the hardware.
    """
    itself = None
    link = view.links.get(qdisc.device)
    frame = (link.mtu if link else None) or 0
    if qdisc.kind == _IMPAIRS or (qdisc.burst is not None and qdisc.burst < frame):
        itself = CRITICAL
    elif ours and qdisc.root and qdisc.kind not in _QUEUES:
        itself = WARNING
    severities = _OURS if ours else _OF_A_GUEST
    if filters is None and qdisc.kind in _FILTERS:
        return severities[Does.CANNOT_BE_TOLD], []
    found = {
        it: severities.get(what_it_does(it, frame))
        for place in places_of(qdisc)
        for it in (filters or {}).get((qdisc.device, place), ())
    }
    judged = [it for it in (itself, *found.values()) if it is not None]
    worst = min(judged, key=lambda it: it.rank, default=None)
    return worst, [it for it, severity in found.items() if severity is not None]


def _guests_ports(view: HostView) -> dict[str, About]:
    """The other ports of networks' bridges."""
    networks = {it.name for it in view.node.bridges if it.role is BridgeRole.NETWORK}
    return {
        link.name: About(device=link.name, bridge=bridge, vni=view.vni_by_bridge.get(bridge))
        for link in view.links.values()
        if (bridge := link.master or "") in networks
    }


def _subjects(view: HostView) -> dict[str, About]:
    """The devices that all of a network's or of the node's traffic goes through.

    Not the links of a routed underlay: without one its neighbour is missing, and there are others.
    """
    node = view.node
    found = {
        bridge.name: About(
            device=bridge.name,
            vni=view.vni_by_bridge.get(bridge.name),
            vrf=bridge.vrf,
            underlay=bridge.role is BridgeRole.UNDERLAY,
        )
        for bridge in node.owned_bridges
    }
    if node.single is not None:
        vnis = frozenset(node.single.vnis)
        for name in (node.single.name, node.single.bridge):
            found[name] = About(device=name, bridge=node.single.bridge, vnis=vnis)
    for vxlan in node.vxlans:
        found[vxlan.name] = About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni)
    for vrf in node.vrfs:
        found[vrf.name] = About(device=vrf.name, vrf=vrf.name)
    if node.owns_underlay and node.routed is None:
        found[node.underlay_port] = About(device=node.underlay_port, underlay=True)
    return found


PLANE = Plane(examine_qdiscs, (TRAFFIC_CONTROL,))
