"""Which fault is proven on which nodes: the lab's tests go by it, and docs/faults.md shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drift.model import Severity
from lab.fault_catalogue import CATALOGUE
from lab.spec import load_lab

if TYPE_CHECKING:
    from lab.fault_catalogue import Fault
    from lab.spec import LabSpec

ROOT = Path(__file__).resolve().parent.parent.parent
_FRR = {
    "bookworm": "Debian 12, FRR 8.4",
    "trixie": "Debian 13, FRR 10.3",
    "forky": "Debian testing, FRR 10.7",
}

_INTRODUCTION = """# Every check, proven by breaking what it checks

The tests inject these faults into a fabric of real nodes, each on all three Debian releases where it
applies: on three nodes at once, or, if it changes what other nodes receive, on one node after the
other. Each must yield exactly its finding, as the only root cause, on the node that was broken (or, if
only other nodes can show it, on those). Once it is removed the finding must be gone: the next fault
must be the only one that is found, and after the last one the audit must be clean.
`path-mtu` and `vtep-unreachable` are in the switch that a node is plugged into, not in the node; only
`audit --probe` sees them.
`python run.py lab fault NAME` injects a fault into a lab of your own, and `lab fault NAME --heal`
removes it.

Every fault that is critical names the ping by which it shows: a guest of the broken node, which reached
guests of other nodes before, loses all such pings to one of them while the fault is there (or gets an
answer that it must not get, where that is said). A difference that stops no guest is a warning.
Critical without a ping here:

NO_PING
Some checks have no fault here. `vrf-static-route` needs a VRF with static routes, which `type5-routes` alone has:
`tests/live/beyond/test_type5_routes.py` takes one away, and a declared leak. `mac-mobility` and `mac-frozen` take two nodes: `tests/live/test_two_claims.py`
has them claim one MAC until its sequence number says so, and until FRR freezes it. `next-hop` needs somebody who passes routes on:
`tests/live/bgp/test_several_as.py` has a route server rewrite it. The lab's kernels filter
packets on bridges alone (`NF_TABLES_BRIDGE`), so what is dropped by other families of nftables is in `tests/drift/cases/packet_filters.py`,
not broken here. For `snat` they lack NAT of nf_tables:
`tests/tasks/test_snat_packets.py` takes its rules away in the kernel of the computer that runs the tests, where a guest then loses the outside.

`ip-duplicate` needs two nodes that both keep announcing an address. Of two that run FRR one takes its route back, unless
it hears nothing of the other's, or has announced its guest with a higher sequence number (a guest that has migrated once).
`tests/live/test_two_claims.py` has both: a VTEP that is not ours, whose guest takes the addresses of guests of three nodes, one
of each release. Each of them then loses what a guest of another node answers, as soon as the taker has asked for that one's MAC.

This table is generated from the catalogue that the tests run.
"""
NO_PING = {
    "vrf-isolation-ipv6": "no ping is answered over IPv6, since a node's answer finds no way back into "
    "the VRF; the packets leave all the same, which `tests/live/test_isolation.py` captures.",
    "vrf-leak": "nobody is stopped; `tests/live/beyond/test_type5_routes.py` has a guest reach another VRF by such a route.",
}
"""Faults that are critical, and why no guest of their topology loses a ping."""


def rounds(fault: Fault, spec: LabSpec) -> list[list[str]]:
    """The nodes on which the fault is proven: its own, and one of each other release.

    Those of one round are broken at once; what changes the routes of others breaks one at a time.
    """
    chosen: dict[str, str] = {spec.nodes[fault.node].release: fault.node}
    if not fault.bound:
        for node in spec.nodes.values():
            if node.name.startswith(("node", "leaf")):
                chosen.setdefault(node.release, node.name)
    nodes = list(chosen.values())
    return [[node] for node in nodes] if fault.shared else [nodes]


def severity(fault: Fault) -> str:
    """That of its finding: of what stops guests critical, of a check that is else a warning, too.

    And a warning where the difference that it makes is harmless, of a check that is else critical.
    """
    critical = fault.stops or fault.name in NO_PING
    return (Severity.CRITICAL if critical else Severity.WARNING).value


def table() -> str:
    """The text of docs/faults.md."""
    reasons = "".join(f"- `{name}`: {reason}\n" for name, reason in NO_PING.items())
    lines = [
        _INTRODUCTION.replace("NO_PING\n", f"{reasons}\n"),
        "| fault | what it breaks | severity | guest's ping that it stops | topology | "
        + " | ".join(_FRR.values())
        + " |",
        "|---|---|---|---|---|" + "---|" * len(_FRR),
    ]
    for fault in CATALOGUE.values():
        spec = load_lab(ROOT / "examples" / fault.topology)
        nodes = [node for broken in rounds(fault, spec) for node in broken]
        found: dict[str, str] = {spec.nodes[node].release: node for node in nodes}
        cells = [
            f"`{fault.name}`",
            fault.breaks.replace("|", "\\|"),
            severity(fault),
            str(fault.stops or ""),
            f"`{fault.topology}`",
            *(found.get(release, "") for release in _FRR),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
