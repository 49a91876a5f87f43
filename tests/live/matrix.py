"""Which fault is proven on which nodes: the lab's tests go by it, and docs/faults.md shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drift.catalogue import CHECKS
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
Where the table names a ping, a guest of the broken node loses all such pings to a guest of the same
VNI on another node while the fault is there. `path-mtu` and `vtep-unreachable` are in the switch
that a node is plugged into, not in the node; only `audit --probe` sees them.
`python run.py lab fault NAME` injects a fault into a lab of your own, and `lab fault NAME --heal`
removes it.

Some checks have no fault here. `mac-mobility` and `mac-frozen` take two nodes: `tests/live/test_two_claims.py`
has them claim one MAC until its sequence number says so, and until FRR freezes it. `ip-duplicate` needs two
nodes that both keep announcing an address, and FRR takes back one of the two routes by itself within seconds;
BFD (`bfd-down`) is off in every example. Recorded states with those faults are in `tests/drift/cases/`.

This table is generated from the catalogue that the tests run.
"""


def rounds(fault: Fault, spec: LabSpec) -> list[list[str]]:
    """The nodes on which the fault is proven: its own, and one of each other release.

    Those of one round are broken at once; what changes the routes of others breaks one at a time.
    """
    chosen: dict[str, str] = {spec.nodes[fault.node].release: fault.node}
    if not fault.bound:
        for node in spec.nodes.values():
            if node.name.startswith("node"):
                chosen.setdefault(node.release, node.name)
    nodes = list(chosen.values())
    return [[node] for node in nodes] if fault.shared else [nodes]


def _severity(fault: Fault) -> str:
    """What stops guests is critical, of a check that is else a warning, too."""
    return Severity.CRITICAL.value if fault.stops else CHECKS[fault.check].severity.value


def table() -> str:
    """The text of docs/faults.md."""
    lines = [
        _INTRODUCTION,
        "| fault | what it breaks | severity | guest's ping that is lost | topology | "
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
            _severity(fault),
            f"`ping {fault.stops}`" if fault.stops else "",
            f"`{fault.topology}`",
            *(found.get(release, "") for release in _FRR),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
