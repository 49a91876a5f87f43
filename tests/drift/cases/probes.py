"""Paths that were asked for with `--probe`."""

from __future__ import annotations

from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.worlds import both, probed
from tests.simulated.fleet import guest_macs
from tests.simulated.routing import router_macs

_NODE1 = worlds.symmetric().nodes["node1"]
RMAC_OF_1 = router_macs(_NODE1)[4000]
GUEST_OF_1 = next(guest_macs(_NODE1, _NODE1.vxlans[0], 1))

PROBES = {
    ("vtep-unreachable", "no ping comes back"): Case(
        probed("node1", "path 192.168.0.2 1550 lost", "path 192.168.0.3 1550 ok"),
        "node1",
        "VTEP 192.168.0.2",
        "pings - Expected: an answer Actual: absent",
    ),
    ("vtep-unreachable", "pings pass, UDP port 4789 does not"): Case(
        both(
            probed("node1", "path 192.168.0.2 1550 ok", f"vxlan 192.168.0.2 4000 lost {RMAC_OF_1}"),
            probed("node2", "path 192.168.0.1 1550 ok"),
        ),
        "node1",
        "VTEP 192.168.0.2",
        "VXLAN packets, though pings are answered - Expected: an answer Actual: absent",
    ),
    ("vtep-unreachable", "the same, asked for a guest"): Case(
        both(
            probed(
                "node1",
                "path 192.168.0.2 1550 ok",
                "vxlan 192.168.0.2 4000 lost 02:00:00:00:00:99",
                f"vxlan 192.168.0.2 2 lost {GUEST_OF_1}",
            ),
            probed("node2", "path 192.168.0.1 1550 ok"),
        ),
        "node1",
        "VTEP 192.168.0.2",
        "VXLAN packets, though pings are answered - Expected: an answer Actual: absent",
    ),
    ("path-mtu", "a switch's port is too small"): Case(
        probed("node1", "path 192.168.0.2 1550 short 1500", "path 192.168.0.3 1550 ok"),
        "node1",
        "VTEP 192.168.0.2",
        "path MTU - Expected: 1550 Actual: 1500",
    ),
}
