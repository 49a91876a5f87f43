"""What packets of the overlay's devices go through in the kernel: queues, and filters that drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_vnis
from drift.causes import breaks_device
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth
from drift.plane import Plane
from overlay.expected import BridgeRole
from overlay.outputs import IP_LINK, TC_QDISC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import RawFinding
    from drift.view import HostView
    from overlay.host_records import Qdisc

# Plain queues, one of which is the kernel's or systemd's default.
_QUEUES = frozenset(
    {"cake", "codel", "fq", "fq_codel", "mq", "mqprio", "multiq", "noqueue", "pfifo", "pfifo_fast"}
    | {"fq_pie", "sfq"}
)
# Made to lose, delay and corrupt packets.
_IMPAIRS = "netem"
# Filters hang here, and may drop what they like.
_FILTERS = frozenset({"clsact", "ingress"})

TRAFFIC_CONTROL = Check(
    "traffic-control",
    CRITICAL,
    "queueing or filter not intended",
    "VXLAN devices, bridges and the underlay's port have a plain queue (`tc qdisc`) and no place "
    "for filters, and no port of a guest has `netem`.",
    "A filter (`clsact`, `ingress`) may drop any packet, `netem` is there to lose some, and no "
    "other output shows it. Another queue, which shapes traffic, is a warning.",
    (TC_QDISC,),
    reads=(IP_LINK,),
    applies=with_vnis,
    confirm="ip link show dev eno1 && tc -s qdisc show dev eno1 && tc -s filter show dev eno1 "
    "ingress",
    remedy="`tc qdisc del dev eno1 root`, or `tc qdisc del dev eno1 clsact` (`ingress`) with all "
    "its filters. One that is meant to be there (a BPF program, shaping) belongs into "
    "suppressions.yaml.",
    explains=breaks_device,
    depth=Depth.PLACE + 5,
)


def examine_qdiscs(view: HostView) -> Iterator[RawFinding]:
    """The disciplines of the overlay's devices, and of guests' ports those that impair."""
    ours = _subjects(view)
    networks = {it.name for it in view.node.bridges if it.role is BridgeRole.NETWORK}
    for qdisc in view.state.qdiscs or ():
        about = ours.get(qdisc.device)
        if about is None:
            link = view.links.get(qdisc.device)
            if link is None or link.master not in networks or qdisc.kind != _IMPAIRS:
                continue
            bridge = link.master or ""
            about = About(device=link.name, bridge=bridge, vni=view.vni_by_bridge.get(bridge))
        elif not _is_odd(qdisc):
            continue
        yield TRAFFIC_CONTROL.found(
            view.host,
            f"{qdisc.device} qdisc {qdisc.kind}",
            "extra",
            None,
            qdisc.kind,
            what="queueing discipline",
            evidence=lines(TC_QDISC, [qdisc.text]),
            severity=None if qdisc.kind in {_IMPAIRS, *_FILTERS} else WARNING,
            about=about,
        )


def _is_odd(qdisc: Qdisc) -> bool:
    """Not the queues below another one, which each belong to a queue of the hardware."""
    return qdisc.kind in _FILTERS or (qdisc.root and qdisc.kind not in _QUEUES)


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
    for vxlan in node.vxlans:
        found[vxlan.name] = About(device=vxlan.name, bridge=vxlan.bridge, vni=vxlan.vni)
    for vrf in node.vrfs:
        found[vrf.name] = About(device=vrf.name, vrf=vrf.name)
    if node.owns_underlay and node.routed is None:
        found[node.underlay_port] = About(device=node.underlay_port, underlay=True)
    return found


PLANE = Plane(examine_qdiscs, (TRAFFIC_CONTROL,))
