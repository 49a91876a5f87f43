"""Which fault is proven on which nodes: the lab's tests go by it, and docs/faults.md shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drift.catalogue import CHECKS
from lab.fault_catalogue import CATALOGUE
from lab.spec import load_lab

if TYPE_CHECKING:
    from lab.fault_catalogue import Fault
    from lab.spec import LabSpec

ROOT = Path(__file__).resolve().parent.parent.parent
_FRR = {"bookworm": "Debian 12, FRR 8.4", "trixie": "Debian 13, FRR 10.3"}

_INTRODUCTION = """# Every check, proven by breaking what it watches

The tests move a fabric of real machines through these faults. Each must yield exactly its finding,
as the only root cause, on the node that was broken (or, where that node explains itself, on the
others). Once it is mended it must be gone: the next fault must be the only one that is found, and
after the last of them the audit must be clean. `python run.py lab fault NAME` does the same to a lab
of your own, and `lab fault NAME --heal` takes it back.

Two checks have no fault here. `mac-mobility` takes two nodes: `tests/live/test_two_claims.py` has them
claim one MAC until its sequence number says so. `vtep-duplicate` is proven on records: on one fabric
it always follows from a wrong tunnel address (`vxlan-local-ip`), under which it is folded.

This table is made from the catalogue that the tests run; a test holds it to that.
"""


def victims(fault: Fault, spec: LabSpec) -> list[str]:
    """The nodes on which the fault is proven, at once: its own, and one of the other release.

    One alone where the topology has the object only there, or the fault touches what nodes share.
    """
    nodes = [fault.node]
    if fault.topology == "l3-symmetric" and not fault.shared:
        mine = spec.nodes[fault.node].release
        nodes += [n.name for n in spec.nodes.values() if n.release != mine][:1]
    return nodes


def table() -> str:
    """The text of docs/faults.md."""
    lines = [
        _INTRODUCTION,
        "| fault | what it breaks | severity | topology | " + " | ".join(_FRR.values()) + " |",
        "|---|---|---|---|" + "---|" * len(_FRR),
    ]
    for fault in CATALOGUE.values():
        spec = load_lab(ROOT / "examples" / fault.topology)
        found = {spec.nodes[node].release: node for node in victims(fault, spec)}
        cells = [
            f"`{fault.name}`",
            fault.breaks.replace("|", "\\|"),
            CHECKS[fault.check].severity.value,
            f"`{fault.topology}`",
            *(found.get(release, "") for release in _FRR),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
