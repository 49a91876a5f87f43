"""Cases of static routes in VRFs, of prefixes that they announce, and of leaks between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.model import Severity
from overlay.records import EvpnPath
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.cases.kernel import altered, each, more, without
from tests.drift.worlds import both, json, link, more_paths, paths

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

_BEHIND = "VRF vrf1 10.9.0.0/16"


def _routed() -> FabricIntent:
    return worlds.routed()


def _connected() -> FabricIntent:
    return worlds.routed(advertise=["connected"])


def _one_exit() -> FabricIntent:
    return worlds.exits("node1")


def _typed(table: str, dst: str, **way: Any) -> dict[str, Any]:
    return {"dst": dst, "table": table, "protocol": "boot", "flags": []} | way


def _another_prefix(path: EvpnPath) -> EvpnPath | None:
    return None if path.prefix_length == 16 else path


VRF_ROUTES: dict[tuple[str, str], Case] = {
    ("vrf-static-route", "not in the kernel"): Case(
        json("node2", "ip_route", without("10.9.0.0/16")),
        "node2",
        _BEHIND,
        "static route - Expected: via 10.0.2.7 Actual: absent",
        _routed,
    ),
    ("vrf-static-route", "not in the kernel, so not announced"): Case(
        both(
            json("node1", "ip_route", without("10.9.0.0/16")),
            *(paths(host, _another_prefix) for host in ("node1", "node2", "node3")),
        ),
        "node1",
        _BEHIND,
        "Actual: absent",
        lambda: worlds.routed(on=["node1"]),
    ),
    ("vrf-static-route", "by another next hop"): Case(
        json("node2", "ip_route", altered("10.9.0.0/16", gateway="10.0.2.8")),
        "node2",
        _BEHIND,
        "Expected: via 10.0.2.7 Actual: via 10.0.2.8 dev vmbr2",
        _routed,
    ),
    ("vrf-static-route", "IPv6, and no longer dropped"): Case(
        json("node1", "ip6_route", altered("fd00:9::/32", type="unicast", dev="vmbr2")),
        "node1",
        "VRF vrf1 fd00:9::/32",
        "Expected: blackhole Actual: dev vmbr2",
        _routed,
    ),
    ("vrf-static-route", "a declared leak that is not there"): Case(
        json("node3", "ip_route", each(lambda e: None if e.get("dev") == "vrf1" else e)),
        "node3",
        "VRF vrf2 10.0.2.0/24",
        "leak into another VRF - Expected: dev vrf1 Actual: absent",
        _routed,
    ),
    ("vrf-route-unexpected", "typed in"): Case(
        json("node2", "ip_route", more(**_typed("vrf1", "10.7.0.0/16", gateway="10.0.2.9",
                                                dev="vmbr2"))),
        "node2",
        "VRF vrf1 10.7.0.0/16",
        "static route - Expected: absent Actual: via 10.0.2.9 dev vmbr2",
    ),
    ("vrf-route-unexpected", "of FRR, which drops"): Case(
        json("node2", "ip6_route", more(type="blackhole", dst="fd00:7::/32", table="1001",
                                        protocol="static", flags=[])),
        "node2",
        "VRF vrf1 fd00:7::/32",
        "Actual: blackhole",
    ),
    ("vrf-leak", "into another VRF"): Case(
        json("node2", "ip_route", more(**_typed("vrf1", "10.0.3.128/25", dev="vrf2"))),
        "node2",
        "VRF vrf1 10.0.3.128/25",
        "leak - Expected: absent Actual: dev vrf2",
        _routed,
    ),
    ("vrf-leak", "into the network of another VRF, by BGP"): Case(
        json("node2", "ip_route", more(dst="10.0.3.4", table="vrf1", protocol="bgp", flags=[],
                                       gateway="10.0.3.4", dev="vmbr3")),
        "node2",
        "VRF vrf1 10.0.3.4/32",
        "Actual: dev vmbr3 in VRF vrf2",
        _routed,
    ),
    ("vrf-leak", "into the main table"): Case(
        json("node1", "ip_route", more(**_typed("vrf1", "192.168.0.0/24", dev="vmbr0"))),
        "node1",
        "VRF vrf1 192.168.0.0/24",
        "Actual: dev vmbr0",
    ),
    ("vrf-leak", "by a device of the node itself"): Case(
        both(
            link("node1", "mgmt", master=None),
            json("node1", "ip_route", more(**_typed("vrf1", "default", gateway="10.255.0.254",
                                                    dev="mgmt"))),
        ),
        "node1",
        "VRF vrf1 0.0.0.0/0",
        "Actual: dev mgmt",
    ),
    ("vrf-leak", "out of the main table"): Case(
        json("node1", "ip6_route", more(dst="fd00:2::/64", protocol="bgp", dev="vrf1", flags=[])),
        "node1",
        "the main table fd00:2::/64",
        "Actual: dev vrf1",
    ),
    ("vrf-leak", "of an exit, beside its default"): Case(
        json("node1", "ip_route", more(**_typed("vrf1", "198.51.100.0/24", gateway="192.168.0.254",
                                                dev="vmbr0"))),
        "node1",
        "VRF vrf1 198.51.100.0/24",
        "Actual: dev vmbr0",
        _one_exit,
    ),
    ("type5-missing", "a static route that is not announced"): Case(
        both(*(paths(host, _another_prefix) for host in ("node1", "node2", "node3"))),
        "node1",
        "VRF vrf1 10.9.0.0/16 via 192.168.0.1",
        "type-5 route of its own",
        lambda: worlds.routed(on=["node1"]),
    ),
    ("type5-unexpected", "a default of one that announces what is connected"): Case(
        both(
            more_paths(
                "node3",
                EvpnPath(
                    rd="192.168.0.2:99",
                    prefix="[5]:[0]:[0]:[0.0.0.0]",
                    route_type=5,
                    ip="0.0.0.0",
                    prefix_length=0,
                    status="*>",
                    next_hop="192.168.0.2",
                    route_targets=("1234:4000",),
                    text="*> [5]:[0]:[0]:[0.0.0.0] 192.168.0.2",
                ),
            ),
            json("node3", "ip_route", more(dst="default", table="vrf1", protocol="bgp", metric=20,
                                           gateway="192.168.0.2", dev="vmbr4000", flags=[])),
        ),
        "node3",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.2",
        "Actual: 192.168.0.2",
        _connected,
        severity=Severity.WARNING,
    ),
}  # fmt: skip
