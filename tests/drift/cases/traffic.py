"""Cases of traffic control: queues and filters that lose packets of the overlay or of a guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.model import WARNING, Severity
from tests.drift.cases.case import Case
from tests.drift.cases.kernel import more
from tests.drift.worlds import both, json, text, without

if TYPE_CHECKING:
    from tests.drift.worlds import Mutation

GUEST = "tap2i0"


def qdisc(device: str, kind: str, **more_keys: object) -> Mutation:
    """Another discipline on node1, at the root if no other place is given."""
    place = {} if "parent" in more_keys else {"root": True}
    return json("node1", "tc_qdisc", more(kind=kind, dev=device, **place, **more_keys))


def filtered(device: str, place: str, *words: str) -> Mutation:
    """A place for filters on node1, with one of those words, as `tc filter show` prints it."""
    lines = "".join(f"{device} {place} {line}\n" for line in words)
    there = qdisc(device, "clsact", parent="ffff:fff1")
    return both(there, text("node1", "tc_filter", lambda said: said + lines))


MATCHALL = "filter protocol all pref 49152 matchall chain 0 handle 0x1 "
FLOWER = "filter protocol ip pref 49151 flower chain 0 handle 0x1 "
BPF = "filter protocol all pref 49152 bpf chain 0 handle 0x1 cil_from_netdev direct-action id 12"
U32 = "filter parent ffff: protocol all pref 50 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0"
DROP = ("\taction order 1: gact action drop", "\t random type none pass val 0")
SOME = ("  eth_type ipv4", "  dst_ip 10.0.0.1", "  not_in_hw", *DROP)
SHORT = "\taction order 1:  police 0x1 rate 10Kbit burst 1b mtu 64Kb action drop overhead 0b "
LIMIT = "\taction order 1:  police 0x1 rate 8Mbit burst 1Mb mtu 64Kb action drop overhead 0b "
ELSEWHERE = "\taction order 1: mirred (Egress Redirect to device ifb0) stolen"


def _case(mutation: Mutation, device: str, kind: str, severity: Severity | None = None) -> Case:
    says = f"queueing discipline - Expected: absent Actual: {kind}"
    return Case(mutation, "node1", f"{device} qdisc {kind}", says, severity=severity)


TRAFFIC: dict[tuple[str, str], Case] = {
    ("traffic-control", "the underlay's port loses packets"): _case(
        qdisc("eno1", "netem"), "eno1", "netem"
    ),
    ("traffic-control", "a filter of a VXLAN device drops"): _case(
        filtered("vxlan2", "ingress", FLOWER, *SOME), "vxlan2", "clsact"
    ),
    ("traffic-control", "what hangs at a VXLAN device was not collected"): _case(
        both(qdisc("vxlan2", "clsact", parent="ffff:fff1"), without("node1", "filters")),
        "vxlan2",
        "clsact",
        WARNING,
    ),
    ("traffic-control", "a program on the underlay's port"): _case(
        filtered("eno1", "ingress", BPF), "eno1", "clsact", WARNING
    ),
    ("traffic-control", "a filter of the underlay's port leads elsewhere"): _case(
        filtered("eno1", "ingress", MATCHALL, "  not_in_hw", ELSEWHERE), "eno1", "clsact", WARNING
    ),
    ("traffic-control", "the underlay's port is limited"): _case(
        filtered("eno1", "ingress", MATCHALL, LIMIT), "eno1", "clsact", WARNING
    ),
    ("traffic-control", "a bridge shapes"): _case(qdisc("vmbr2", "tbf"), "vmbr2", "tbf", WARNING),
    ("traffic-control", "a guest's port loses packets"): _case(
        qdisc(GUEST, "netem"), GUEST, "netem"
    ),
    ("traffic-control", "below a queue of a guest's port"): _case(
        qdisc(GUEST, "netem", parent="1:2"), GUEST, "netem"
    ),
    ("traffic-control", "a filter of a guest's port drops all"): _case(
        filtered(GUEST, "ingress", MATCHALL, "  not_in_hw", *DROP), GUEST, "clsact"
    ),
    ("traffic-control", "a filter of a guest's port drops what leaves"): _case(
        filtered(GUEST, "egress", FLOWER, "  eth_type ipv4", "  not_in_hw", *DROP), GUEST, "clsact"
    ),
    ("traffic-control", "a filter of a guest's port drops some"): _case(
        filtered(GUEST, "ingress", FLOWER, *SOME), GUEST, "clsact", WARNING
    ),
    ("traffic-control", "a program on a guest's port"): _case(
        filtered(GUEST, "ingress", BPF), GUEST, "clsact", Severity.INFO
    ),
    ("traffic-control", "a guest's limit passes no frame"): _case(
        filtered(GUEST, "ingress", U32, "  match 00000000/00000000 at 0", SHORT), GUEST, "clsact"
    ),
    ("traffic-control", "a guest's shaper passes no whole frame"): _case(
        qdisc(GUEST, "tbf", options={"rate": 125000, "burst": 600}), GUEST, "tbf"
    ),
}

# As Proxmox limits the rate of a guest, a place for filters without any, and what only counts.
HARMLESS: dict[str, Mutation] = {
    "a guest's limit": filtered(
        GUEST, "ingress", U32, "  match 00000000/00000000 at 0", LIMIT, "\tref 1 bind 1 "
    ),
    "a guest's shaper": qdisc(GUEST, "tbf", options={"rate": 1250000, "burst": 1048576}),
    "a guest's classes": qdisc(GUEST, "htb", options={"r2q": 10}),
    "a guest's queue": qdisc(GUEST, "fq_codel", options={"limit": 10240}),
    "a place on a VXLAN device": qdisc("vxlan2", "clsact", parent="ffff:fff1"),
    "a mirror on the underlay's port": filtered(
        "eno1", "ingress", MATCHALL, "\taction order 1: mirred (Egress Mirror to device mon0) pipe"
    ),
    "a count on the underlay's port": filtered(
        "eno1", "ingress", MATCHALL, "\taction order 1: gact action pass", DROP[1]
    ),
}
