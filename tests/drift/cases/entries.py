"""Cases of single forwarding entries: where they lead besides a VTEP, and who made them."""

from __future__ import annotations

from dataclasses import replace

from overlay.records import FdbEntry
from tests.drift.cases.case import Case
from tests.drift.cases.data_plane import MAC_OF_2, STRANGE_MAC, fdb_of
from tests.drift.worlds import GATEWAY_MAC, fdb, more_fdb

ENTRIES = {
    ("fdb-wrong-vtep", "the right VTEP, another VNI"): Case(
        fdb("node1", fdb_of(MAC_OF_2, vni=77)),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "VTEP - Expected: 192.168.0.2 Actual: 192.168.0.2 VNI 77",
    ),
    ("fdb-wrong-vtep", "the right VTEP, another UDP port"): Case(
        fdb("node1", fdb_of(MAC_OF_2, port="4444")),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "VTEP - Expected: 192.168.0.2 Actual: 192.168.0.2 port 4444",
    ),
    ("flood-missing", "copies go to another VNI"): Case(
        fdb(
            "node1",
            lambda entry: (
                replace(entry, vni=77)
                if entry.is_flood and (entry.device, entry.dst) == ("vxlan2", "192.168.0.2")
                else entry
            ),
        ),
        "node1",
        "vxlan2 VTEP 192.168.0.2",
        "flood list entry - Expected: 192.168.0.2 Actual: absent",
    ),
    ("fdb-static", "a guest's MAC is the bridge's own"): Case(
        more_fdb(
            "node1", FdbEntry(STRANGE_MAC, "vmbr2", master="vmbr2", state="permanent", text="own")
        ),
        "node1",
        f"vmbr2 MAC {STRANGE_MAC}",
        "forwarding entry by hand - Expected: absent Actual: permanent on vmbr2",
    ),
    ("fdb-static", "the gateway's MAC is behind the tunnel"): Case(
        more_fdb(
            "node1",
            FdbEntry(GATEWAY_MAC, "vxlan2", master="vmbr2", state="static", text="elsewhere"),
        ),
        "node1",
        f"vmbr2 MAC {GATEWAY_MAC}",
        "forwarding entry by hand - Expected: absent Actual: static on vxlan2",
    ),
    ("fdb-static", "a guest's MAC is held on the tunnel's port"): Case(
        more_fdb(
            "node1",
            FdbEntry(
                STRANGE_MAC,
                "vxlan2",
                master="vmbr2",
                state="static",
                flags=("sticky",),
                text="held",
            ),
        ),
        "node1",
        f"vmbr2 MAC {STRANGE_MAC}",
        "Actual: static on vxlan2",
    ),
}
