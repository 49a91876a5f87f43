"""Cases of the tables of VRFs: static routes, leaks, the networks of gateways, and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.records import EvpnPath
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.cases.kernel import GUEST_OF_2, altered, each, more, without
from tests.drift.worlds import both, json, link, more_paths, paths

if TYPE_CHECKING:
    from collections.abc import Callable

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


def _first_rule(**rule: Any) -> Callable[[Any], list[Any]]:
    return lambda rules: [{"priority": 500, "src": "all"} | rule, *rules]


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
        severity=WARNING,
    ),
    ("gateway-route", "a network's own, gone"): Case(
        json("node1", "ip_route", without("10.0.2.0/24")),
        "node1",
        "VRF vrf1 10.0.2.0/24",
        "Expected: dev vmbr2 Actual: absent",
    ),
    ("gateway-route", "a prohibit before it"): Case(
        json(
            "node2",
            "ip_route",
            lambda routes: [{"type": "prohibit", "dst": "10.0.2.0/24", "table": "vrf1"}, *routes],
        ),
        "node2",
        "VRF vrf1 10.0.2.0/24",
        "Expected: dev vmbr2 Actual: prohibit",
    ),
    ("gateway-route", "a local guest's, by hand, out of the overlay"): Case(
        json("node1", "ip_route", more(dst="10.0.2.1", dev="vmbr0", table="1001", protocol="boot")),
        "node1",
        "VRF vrf1 10.0.2.1/32",
        "Expected: dev vmbr2 Actual: dev vmbr0",
    ),
    ("gateway-route", "a local guest's, by way of another one"): Case(
        json(
            "node1",
            "ip_route",
            more(dst="10.0.2.1", gateway="10.0.2.77", dev="vmbr2", table="vrf1"),
        ),
        "node1",
        "VRF vrf1 10.0.2.1/32",
        "Expected: dev vmbr2 Actual: via 10.0.2.77 dev vmbr2",
    ),
    ("gateway-route", "a local guest's, as if it were another interface's network"): Case(
        json(
            "node1", "ip_route", more(dst="10.0.2.1", dev="vmbr3", table="1001", protocol="kernel")
        ),
        "node1",
        "VRF vrf1 10.0.2.1/32",
        "Expected: dev vmbr2 Actual: dev vmbr3",
    ),
    ("gateway-route", "a local guest's, as if it were everybody's"): Case(
        json(
            "node1",
            "ip_route",
            more(type="broadcast", dst="10.0.2.1", dev="vmbr2", table="1001", protocol="boot"),
        ),
        "node1",
        "VRF vrf1 10.0.2.1/32",
        "Actual: broadcast dev vmbr2",
    ),
    ("vrf-route-stale", "a guest's that is on the node itself"): Case(
        json(
            "node1",
            "ip_route",
            more(
                dst="10.0.2.1",
                gateway="192.168.0.2",
                dev="vmbr4000",
                flags=["onlink"],
                table="1001",
                protocol="bgp",
                metric=20,
            ),
        ),
        "node1",
        "VRF vrf1 10.0.2.1/32",
        "route in the kernel - Expected: absent Actual: via 192.168.0.2 dev vmbr4000",
    ),
    ("vrf-route-missing", "a blackhole before it that says it is the kernel's"): Case(
        json(
            "node1",
            "ip6_route",
            more(type="blackhole", dst=GUEST_OF_2, table="vrf1", metric=1, protocol="kernel"),
        ),
        "node1",
        f"VRF vrf1 {GUEST_OF_2}/128",
        "Actual: blackhole metric 1",
    ),
    ("gateway-address", "the kernel does not take what is for it"): Case(
        json("node1", "ip_route", without("10.0.2.254")),
        "node1",
        "vmbr2 10.0.2.254/24",
        "route in the kernel - Expected: local 10.0.2.254 dev vmbr2 Actual: absent",
    ),
    ("underlay-address", "the kernel does not take what is for it"): Case(
        json("node1", "ip_route", without("192.168.0.1")),
        "node1",
        "vmbr0 192.168.0.1/24",
        "route in the kernel - Expected: local 192.168.0.1 dev vmbr0 Actual: absent",
    ),
    ("gateway-route", "with a small MTU of its own"): Case(
        json("node1", "ip_route", altered("10.0.2.0/24", metrics=[{"mtu": 1400}])),
        "node1",
        "VRF vrf1 10.0.2.0/24",
        "Expected: dev vmbr2 Actual: dev vmbr2 mtu 1400",
    ),
    ("vrf-route-missing", "with a small MTU of its own"): Case(
        json("node1", "ip6_route", altered(GUEST_OF_2, metrics=[{"mtu": 1400}])),
        "node1",
        f"VRF vrf1 {GUEST_OF_2}/128",
        "Actual: via 192.168.0.2 dev vmbr4000 mtu 1400",
    ),
    ("gateway-address", "IPv6 neighbours' multicasts have no route"): Case(
        json(
            "node1",
            "ip6_route",
            each(lambda e: None if (e["dst"], e.get("dev")) == ("ff00::/8", "vmbr2") else e),
        ),
        "node1",
        "vmbr2 fd00:2::1/64",
        "Expected: multicast ff00::/8 dev vmbr2 Actual: absent",
    ),
    ("gateway-route", "an address of the node's own that nobody has"): Case(
        json(
            "node1",
            "ip_route",
            more(type="local", dst="10.0.2.200", table="vrf1", dev="vmbr2", protocol="kernel"),
        ),
        "node1",
        "VRF vrf1 10.0.2.200/32",
        "Actual: local dev vmbr2",
        severity=WARNING,
    ),
    ("gateway-route", "half of it goes on to the next table"): Case(
        json("node1", "ip_route", more(type="throw", dst="10.0.2.0/25", table="vrf1")),
        "node1",
        "VRF vrf1 10.0.2.0/25",
        "Actual: throw",
    ),
    ("vrf-rule", "the kernel's own is gone"): Case(
        json("node1", "ip_rule", lambda rules: rules[1:]),
        "node1",
        "IPv4 rule l3mdev",
        "Expected: lookup [l3mdev-table] Actual: absent",
    ),
    ("vrf-rule", "one before it drops a network"): Case(
        json("node1", "ip_rule", _first_rule(dst="10.0.2.0", dstlen=24, action="blackhole")),
        "node1",
        "IPv4 rule 500 to 10.0.2.0/24",
        "Expected: absent Actual: blackhole",
    ),
    ("vrf-rule", "that of the node's own addresses is before it"): Case(
        json("node1", "ip_rule", _first_rule(priority=0, table="local")),
        "node1",
        "IPv4 rule 0",
        "Expected: absent Actual: lookup local",
    ),
    ("vrf-rule", "one before it leads to an empty table"): Case(
        json("node1", "ip6_rule", _first_rule(table="99")),
        "node1",
        "IPv6 rule 500",
        "Actual: lookup 99",
        severity=WARNING,
    ),
    ("vrf-rule", "one before it takes what a gateway's bridge receives"): Case(
        both(
            json("node1", "ip6_rule", _first_rule(iif="vmbr2", table="77")),
            json("node1", "ip6_route", more(type="unreachable", dst="default", table="77")),
        ),
        "node1",
        "IPv6 rule 500 iif vmbr2",
        "Actual: lookup 77",
    ),
    ("vrf-rule", "one before it takes what is for the management network"): Case(
        json("node1", "ip_rule", _first_rule(dst="10.255.0.0", dstlen=24, table="mgmt")),
        "node1",
        "IPv4 rule 500 to 10.255.0.0/24",
        "Actual: lookup mgmt",
        severity=WARNING,
    ),
    ("vrf-rule", "one before it takes the node's own packets, too"): Case(
        json("node1", "ip_rule", _first_rule(ipproto="udp", action="blackhole")),
        "node1",
        "IPv4 rule 500",
        "Actual: blackhole",
    ),
}  # fmt: skip
