"""Cases of router MACs: what a VRF routes by, against its L3VNI's forwarding database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.drift.cases.case import Case
from tests.drift.worlds import fdb

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.records import FdbEntry

RMAC_OF_2 = "06:00:02:a3:00:01"  # node2's bridge of the L3VNI in `worlds.symmetric`
RMAC_OF_1 = "06:00:01:a3:00:01"


def rmac_entry(mac: str, **changes: Any) -> Callable[[FdbEntry], FdbEntry | None]:
    """Changes the tunnel's entry of a router MAC, or drops it."""

    def change(entry: FdbEntry) -> FdbEntry | None:
        if entry.mac != mac or entry.dst is None:
            return entry
        return replace(entry, **changes) if changes else None

    return change


ROUTER_MACS: dict[tuple[str, str], Case] = {
    ("fdb-missing", "router MAC lost"): Case(
        fdb("node1", rmac_entry(RMAC_OF_2)),
        "node1",
        f"vxlan4000 RMAC {RMAC_OF_2}",
        "forwarding entry - Expected: 192.168.0.2 Actual: absent",
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
