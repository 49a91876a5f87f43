"""Cases of what zebra and the kernel make of EVPN: local MACs, VRF routes, neighbours, all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.records import FdbEntry
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.cases.data_plane import MAC_OF_2
from tests.drift.cases.router_macs import RMAC_OF_2
from tests.drift.worlds import both, fdb, json, more_fdb, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath
    from tests.drift.worlds import Mutation

GUEST_OF_2 = "fd00:9::2:2:0"  # node2's guest in VNI 2
ANOTHER_MAC = "02:00:00:00:00:99"
NEXT_HOP_OF_2 = "::ffff:192.168.0.2"


def _without_mac(path: EvpnPath) -> EvpnPath | None:
    return None if path.mac == MAC_OF_2 else path


def nobody_announces_2() -> Mutation:
    """node2's guest in VNI 2 is in no table; its entries behind tunnels are gone with it."""
    tunnels = [
        fdb(host, lambda e: None if e.mac == MAC_OF_2 and e.dst else e)
        for host in ("node1", "node3")
    ]
    return both(*(paths(host, _without_mac) for host in ("node1", "node2", "node3")), *tunnels)


def each(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[Any], list[Any]]:
    """Changes each entry of a listing, or drops those that become None."""
    return lambda listing: [new for old in listing if (new := change(old)) is not None]


def without(dst: str) -> Callable[[Any], list[Any]]:
    return each(lambda entry: None if entry["dst"] == dst else entry)


def altered(dst: str, **changes: Any) -> Callable[[Any], list[Any]]:
    return each(lambda entry: entry | changes if entry["dst"] == dst else entry)


def more(**entry: Any) -> Callable[[Any], list[Any]]:
    return lambda listing: [*listing, entry]


def _neighbour(dst: str, device: str, **changes: Any) -> Callable[[Any], list[Any]]:
    return each(lambda e: e | changes if (e["dst"], e["dev"]) == (dst, device) else e)


def _rule_before_main(**rule: Any) -> Callable[[Any], list[Any]]:
    def change(rules: Any) -> list[Any]:
        place = next(at for at, shown in enumerate(rules) if shown.get("table") == "main")
        return [*rules[:place], {"priority": 1500, "src": "all"} | rule, *rules[place:]]

    return change


def _no_learnt_default(entry: dict[str, Any]) -> dict[str, Any] | None:
    learnt = entry.get("dst") == "default" and entry.get("type") != "unreachable"
    return None if learnt else entry


def _one_way_elsewhere(entry: dict[str, Any]) -> dict[str, Any]:
    ways = [dict(way) for way in entry.get("nexthops", ())]
    if ways:
        ways[1]["gateway"] = "192.168.0.77"
        return entry | {"nexthops": ways}
    return entry


def _one_exit() -> FabricIntent:
    return worlds.exits("node1")


def _two_exits() -> FabricIntent:
    return worlds.exits("node1", "node2")


_HOST_ROUTE = f"VRF vrf1 {GUEST_OF_2}/128"
_LOST = "Expected: via 192.168.0.2 dev vmbr4000 Actual: absent"

KERNEL: dict[tuple[str, str], Case] = {
    ("mac-not-advertised", "a guest that nobody announces"): Case(
        nobody_announces_2(),
        "node2",
        f"VNI 2 MAC {MAC_OF_2}",
        "type-2 route of its own for a MAC on tap2i0 - Expected: 192.168.0.2 Actual: absent",
    ),
    ("mac-not-advertised", "the same after a migration, the tunnel's entry left"): Case(
        both(
            *(paths(host, _without_mac) for host in ("node1", "node2", "node3")),
            *(fdb(host, lambda e: None if e.mac == MAC_OF_2 else e) for host in ("node2", "node3")),
            more_fdb("node1", FdbEntry(MAC_OF_2, "tap2i0", master="vmbr2", text="moved")),
        ),
        "node1",
        f"VNI 2 MAC {MAC_OF_2}",
        "Expected: 192.168.0.1 Actual: absent",
    ),
    ("mac-not-advertised", "on a bond, with and without a VLAN"): Case(
        more_fdb(
            "node3",
            FdbEntry(ANOTHER_MAC, "bond0", master="vmbr2", state="static", text="bond"),
            FdbEntry(ANOTHER_MAC, "bond0", vlan=1, master="vmbr2", text="bond vlan 1"),
        ),
        "node3",
        f"VNI 2 MAC {ANOTHER_MAC}",
        "for a MAC on bond0",
        worlds.bridged,
    ),
    ("vrf-route-missing", "a host's, not in the kernel"): Case(
        json("node1", "ip6_route", without(GUEST_OF_2)), "node1", _HOST_ROUTE, _LOST
    ),
    ("vrf-route-missing", "a blackhole before it"): Case(
        json("node1", "ip6_route", more(type="blackhole", dst=GUEST_OF_2, table="vrf1", metric=5)),
        "node1",
        _HOST_ROUTE,
        "route in the kernel - Expected: via 192.168.0.2 dev vmbr4000 Actual: blackhole metric 5",
    ),
    ("vrf-route-missing", "to another VTEP"): Case(
        json("node1", "ip6_route", altered(GUEST_OF_2, gateway="::ffff:192.168.0.3")),
        "node1",
        _HOST_ROUTE,
        "Actual: via 192.168.0.3 dev vmbr4000",
    ),
    ("vrf-leak", "a route of EVPN, out of the overlay"): Case(
        json("node1", "ip6_route", altered(GUEST_OF_2, dev="vmbr0")),
        "node1",
        _HOST_ROUTE,
        "Actual: dev vmbr0",
    ),
    ("vrf-route-missing", "its only way dead"): Case(
        json("node1", "ip6_route", altered(GUEST_OF_2, flags=["onlink", "dead"])),
        "node1",
        _HOST_ROUTE,
        _LOST,
    ),
    ("vrf-route-missing", "a prefix's, not in the kernel"): Case(
        json("node2", "ip_route", each(_no_learnt_default)),
        "node2",
        "VRF vrf1 0.0.0.0/0",
        "Expected: via 192.168.0.1 dev vmbr4000 Actual: unreachable metric 4278198272",
        _one_exit,
    ),
    ("vrf-route-missing", "one way of several leads elsewhere"): Case(
        json("node3", "ip_route", each(_one_way_elsewhere)),
        "node3",
        "VRF vrf1 0.0.0.0/0",
        "via 192.168.0.77 dev vmbr4000",
        _two_exits,
    ),
    ("underlay-diverted", "a blackhole for another VTEP"): Case(
        json("node1", "ip_route", more(type="blackhole", dst="192.168.0.2")),
        "node1",
        "VTEP 192.168.0.2",
        "way in the kernel - Expected: dev vmbr0 Actual: blackhole",
    ),
    ("underlay-diverted", "another VTEP's address is the node's own, too"): Case(
        json("node1", "ip_route", more(type="local", dst="192.168.0.2", table="local", dev="lo")),
        "node1",
        "VTEP 192.168.0.2",
        "Actual: local",
    ),
    ("underlay-diverted", "a route with a small MTU of its own"): Case(
        json("node1", "ip_route", more(dst="192.168.0.2", dev="vmbr0", metrics=[{"mtu": 1500}])),
        "node1",
        "VTEP 192.168.0.2",
        "Actual: mtu 1500",
    ),
    ("underlay-diverted", "a broadcast route"): Case(
        json(
            "node1",
            "ip_route",
            more(type="broadcast", dst="192.168.0.2", dev="vmbr0", table="local"),
        ),
        "node1",
        "VTEP 192.168.0.2",
        "Actual: broadcast",
    ),
    ("underlay-diverted", "by way of a third node"): Case(
        json("node1", "ip_route", more(dst="192.168.0.2", gateway="192.168.0.3", dev="vmbr0")),
        "node1",
        "VTEP 192.168.0.2",
        "Actual: via 192.168.0.3",
        severity=WARNING,
    ),
    ("underlay-diverted", "the network's own route is gone"): Case(
        json("node1", "ip_route", without("192.168.0.0/24")),
        "node1",
        "all VTEPs",
        "Expected: dev vmbr0 Actual: absent",
    ),
    ("underlay-diverted", "a rule of the node's own packets"): Case(
        json("node1", "ip_rule", _rule_before_main(src="192.168.0.1", action="blackhole")),
        "node1",
        "all VTEPs",
        "Actual: blackhole by IPv4 rule 1500 from 192.168.0.1/32",
    ),
    ("underlay-diverted", "a rule to a table that ends there"): Case(
        both(
            json("node1", "ip_rule", _rule_before_main(dst="192.168.0.2", table="77")),
            json("node1", "ip_route", more(type="prohibit", dst="default", table="77")),
        ),
        "node1",
        "VTEP 192.168.0.2",
        "Actual: prohibit by IPv4 rule 1500 to 192.168.0.2/32",
    ),
    ("underlay-diverted", "a static neighbour with a MAC that is nowhere"): Case(
        json(
            "node1",
            "ip_neigh",
            more(dst="192.168.0.2", dev="vmbr0", lladdr=ANOTHER_MAC, state=["PERMANENT"]),
        ),
        "node1",
        "VTEP 192.168.0.2",
        f"Actual: static neighbour {ANOTHER_MAC}",
    ),
    ("neighbor-static", "one that is never asked for again"): Case(
        json(
            "node1",
            "ip_neigh",
            more(dst="10.0.2.1", dev="vmbr2", lladdr=ANOTHER_MAC, state=["NOARP"]),
        ),
        "node1",
        "vmbr2 guest 10.0.2.1",
        f"Actual: {ANOTHER_MAC}",
    ),
    ("neighbor-static", "a guest's, with a MAC that is nowhere"): Case(
        json(
            "node1",
            "ip_neigh",
            more(dst="10.0.2.1", dev="vmbr2", lladdr=ANOTHER_MAC, state=["PERMANENT"]),
        ),
        "node1",
        "vmbr2 guest 10.0.2.1",
        f"static neighbour entry - Expected: absent Actual: {ANOTHER_MAC}",
    ),
    ("neighbor-static", "with the MAC of another node's guest"): Case(
        json(
            "node1", "ip_neigh", more(dst="10.0.2.1", dev="vmbr2", lladdr=MAC_OF_2, state=["NOARP"])
        ),
        "node1",
        "vmbr2 guest 10.0.2.1",
        f"Actual: {MAC_OF_2}",
    ),
    ("neighbor-static", "with the gateway's own MAC"): Case(
        json(
            "node1",
            "ip_neigh",
            more(dst="10.0.2.1", dev="vmbr2", lladdr="44:39:39:ff:40:94", state=["PERMANENT"]),
        ),
        "node1",
        "vmbr2 guest 10.0.2.1",
        "Actual: 44:39:39:ff:40:94",
    ),
    ("neighbor-static", "one that EVPN tells just so"): Case(
        json(
            "node1",
            "ip_neigh",
            lambda listing: [
                *without(GUEST_OF_2)(listing),
                {"dst": GUEST_OF_2, "dev": "vmbr2", "lladdr": MAC_OF_2, "state": ["PERMANENT"]},
            ],
        ),
        "node1",
        f"vmbr2 guest {GUEST_OF_2}",
        f"Actual: {MAC_OF_2}",
        severity=WARNING,
    ),
    ("neighbor-missing", "a next hop with another MAC"): Case(
        json(
            "node1",
            "ip_neigh",
            _neighbour(NEXT_HOP_OF_2, "vmbr4000", lladdr=ANOTHER_MAC, state=["PERMANENT"]),
        ),
        "node1",
        "vmbr4000 VTEP 192.168.0.2 for IPv6",
        f"MAC of the neighbour on vmbr4000 - Expected: {RMAC_OF_2} Actual: {ANOTHER_MAC}",
    ),
    ("neighbor-missing", "a next hop without an entry"): Case(
        json("node1", "ip_neigh", without(NEXT_HOP_OF_2)),
        "node1",
        "vmbr4000 VTEP 192.168.0.2 for IPv6",
        f"Expected: {RMAC_OF_2} Actual: absent",
    ),
    ("neighbor-missing", "a next hop of a default that does not answer"): Case(
        json("node2", "ip_neigh", _neighbour("192.168.0.1", "vmbr4000", state=["FAILED"])),
        "node2",
        "vmbr4000 VTEP 192.168.0.1",
        "Actual: FAILED",
        _one_exit,
    ),
    ("neighbor-missing", "a guest with another MAC"): Case(
        json("node1", "ip_neigh", _neighbour(GUEST_OF_2, "vmbr2", lladdr=ANOTHER_MAC)),
        "node1",
        f"vmbr2 guest {GUEST_OF_2}",
        f"Expected: {MAC_OF_2} Actual: {ANOTHER_MAC}",
        worlds.bridged,
    ),
    ("neighbor-missing", "a guest without an entry"): Case(
        json("node1", "ip_neigh", without(GUEST_OF_2)),
        "node1",
        f"vmbr2 guest {GUEST_OF_2}",
        f"Expected: {MAC_OF_2} Actual: absent",
        severity=WARNING,
    ),
    ("neighbor-missing", "a guest with a third one's MAC, by which ARP is answered"): Case(
        json("node1", "ip_neigh", _neighbour(GUEST_OF_2, "vmbr2", lladdr="02:00:03:00:02:00")),
        "node1",
        f"vmbr2 guest {GUEST_OF_2}",
        f"Expected: {MAC_OF_2} Actual: 02:00:03:00:02:00",
    ),
    ("kernel-not-programmed", "no entry at all"): Case(
        both(
            fdb("node1", lambda e: None if e.dst else e),
            *(
                json(
                    "node1",
                    slug,
                    each(lambda e: e if "via" not in e and "gateway" not in e else None),
                )
                for slug in ("ip_route", "ip6_route")
            ),
            json("node1", "ip_neigh", each(lambda e: None if "extern_learn" in e else e)),
        ),
        "node1",
        "kernel",
        "Expected: MACs: 3, flood entries: 3 Actual: absent",
    ),
}
