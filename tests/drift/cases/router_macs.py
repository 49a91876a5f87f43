"""Cases of router MACs: what a VRF routes by, against its L3VNI's forwarding database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.records import FdbEntry
from tests.drift.cases.case import Case
from tests.drift.worlds import both, fdb, more_fdb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drift.worlds import Mutation

RMAC_OF_2 = "06:00:02:a3:00:01"  # node2's bridge of the L3VNI in `worlds.symmetric`
RMAC_OF_1 = "06:00:01:a3:00:01"


def rmac_entry(mac: str, **changes: Any) -> Callable[[FdbEntry], FdbEntry | None]:
    """Changes the tunnel's entry of a router MAC, or drops it."""

    def change(entry: FdbEntry) -> FdbEntry | None:
        if entry.mac != mac or entry.dst is None:
            return entry
        return replace(entry, **changes) if changes else None

    return change


def bridged(host: str, device: str, bridge: str, *macs: str) -> Mutation:
    """What a kernel shows of a VXLAN port beside the tunnel's lines: its own MAC, and those."""
    own = "02:00:00:00:00:aa"
    entries = [FdbEntry(own, device, master=bridge, state="permanent")]
    entries += [FdbEntry(mac, device, master=bridge, flags=("extern_learn",)) for mac in macs]
    return more_fdb(host, *entries)


ROUTER_MACS: dict[tuple[str, str], Case] = {
    ("fdb-missing", "router MAC lost"): Case(
        fdb("node1", rmac_entry(RMAC_OF_2)),
        "node1",
        f"vxlan4000 RMAC {RMAC_OF_2}",
        "forwarding entry - Expected: 192.168.0.2 Actual: absent",
    ),
    ("fdb-missing", "router MAC lost by the bridge alone"): Case(
        bridged("node1", "vxlan4000", "vmbr4000", "06:00:03:a2:00:01"),
        "node1",
        f"vxlan4000 RMAC {RMAC_OF_2}",
        "forwarding entry of vmbr4000 - Expected: vxlan4000 Actual: absent",
    ),
    ("fdb-missing", "lost by the bridge alone"): Case(
        bridged("node1", "vxlan2", "vmbr2", "02:00:03:00:02:00"),
        "node1",
        "vxlan2 MAC 02:00:02:00:02:00",
        "forwarding entry of vmbr2 - Expected: vxlan2 Actual: absent",
    ),
    ("fdb-missing", "lost by the tunnel alone"): Case(
        both(
            bridged("node1", "vxlan2", "vmbr2", "02:00:02:00:02:00", "02:00:03:00:02:00"),
            fdb("node1", rmac_entry("02:00:02:00:02:00")),
        ),
        "node1",
        "vxlan2 MAC 02:00:02:00:02:00",
        "forwarding entry - Expected: 192.168.0.2 Actual: absent",
        severity=WARNING,
    ),
    ("fdb-wrong-vtep", "router MAC at another VTEP"): Case(
        fdb("node1", rmac_entry(RMAC_OF_2, dst="192.168.0.3")),
        "node1",
        f"vxlan4000 RMAC {RMAC_OF_2}",
        "VTEP - Expected: 192.168.0.2 Actual: 192.168.0.3",
    ),
    ("fdb-wrong-vtep", "router MAC at a stranger"): Case(
        fdb("node3", rmac_entry(RMAC_OF_1, dst="10.66.66.66")),
        "node3",
        f"vxlan4000 RMAC {RMAC_OF_1}",
        "Actual: 10.66.66.66",
    ),
}
