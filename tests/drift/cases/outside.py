"""Cases of type-5 routes, of MACs that move, and of sessions with reflectors and routers outside."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.records import EvpnPath
from tests.drift.cases.case import Case
from tests.drift.worlds import (
    announcing,
    both,
    example,
    json,
    more_paths,
    paths,
    table,
    text,
    with_bfd,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drift.worlds import Mutation

SINGLE = partial(example, "exit-single-gateway")
MULTI = partial(example, "exit-multi-gateway")
UPSTREAM = partial(example, "exit-upstream-bgp")
PROBED = partial(with_bfd, "exit-upstream-bgp")
REFLECTORS = partial(example, "route-reflectors")
MAC_OF_2 = "02:00:02:00:02:00"


def _default_of_3() -> dict[str, Any]:
    """What FRR makes of such a route."""
    way = {"dst": "default", "gateway": "192.168.0.3", "dev": "vmbr4000", "flags": ["onlink"]}
    return way | {"table": "vrf1", "protocol": "bgp", "metric": 20}


def _probe(peer: str, status: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda sessions: [
        session | ({"status": status} if session["peer"] == peer else {}) for session in sessions
    ]


def _no_default(vtep: str, *ips: str) -> Callable[[EvpnPath], EvpnPath | None]:
    return lambda p: None if (p.route_type, p.next_hop) == (5, vtep) and p.ip in ips else p


def _type5(vtep: str, ip: str, length: int, **fields: Any) -> EvpnPath:
    return EvpnPath(
        rd=f"{vtep}:77",
        prefix=f"[5]:[0]:[{length}]:[{ip}]",
        route_type=5,
        ip=ip,
        prefix_length=length,
        status="*>",
        next_hop=vtep,
        route_targets=("1234:4000",),
        text="type-5",
        **fields,
    )


def _mac(vtep: str, moves: int | None, rd: str = "192.168.0.3:2") -> EvpnPath:
    return EvpnPath(
        rd=rd,
        prefix=f"[2]:[0]:[48]:[{MAC_OF_2}]",
        route_type=2,
        mac=MAC_OF_2,
        status="*>",
        next_hop=vtep,
        route_targets=("1234:2",),
        mobility_sequence=moves,
        text="type-2",
    )


def _moved(sequence: int) -> Callable[[EvpnPath], EvpnPath]:
    return lambda p: replace(p, mobility_sequence=sequence) if p.mac == MAC_OF_2 else p


def _routes(host: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Mutation:
    def mutate(listing: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [kept for entry in listing if (kept := change(entry)) is not None]

    return json(host, "ip_route", mutate)


def _session(address: str, state: str, *families: str) -> Callable[[Any], None]:
    def change(summary: Any) -> None:
        for family in families or ("ipv4Unicast", "ipv6Unicast"):
            summary[family]["peers"][address]["state"] = state

    return change


def _running(host: str, old: str, new: str) -> Mutation:
    def change(said: str) -> str:
        assert old in said
        return said.replace(old, new, 1)

    return text(host, "running_config", change)


OUTSIDE: dict[tuple[str, str], Case] = {
    ("type5-missing", "of the exit, on one node"): Case(
        paths("node2", _no_default("192.168.0.1", "0.0.0.0")),
        "node2",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.1",
        "type-5 route - Expected: 192.168.0.1 Actual: absent",
        SINGLE,
    ),
    ("type5-missing", "IPv4 and IPv6 of one of several exits"): Case(
        paths("node2", _no_default("192.168.0.3", "0.0.0.0", "::")),
        "node2",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.3",
        "Expected: 192.168.0.3 Actual: absent",
        MULTI,
        severity=WARNING,
    ),
    ("type5-missing", "the exit originates none"): Case(
        both(
            *(paths(h, _no_default("192.168.0.1", "0.0.0.0", "::")) for h in ("node1", "node2")),
            paths("node3", _no_default("192.168.0.1", "0.0.0.0", "::")),
            _running("node1", "  default-originate ipv4\n  default-originate ipv6\n", ""),
        ),
        "node1",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.1",
        "type-5 route of its own",
        SINGLE,
    ),
    ("type5-missing", "a subnet that a node announces"): Case(
        paths("node2", _no_default("192.168.0.1", "10.0.2.0")),
        "node2",
        "VRF vrf1 10.0.2.0/24 via 192.168.0.1",
        "type-5 route - Expected: 192.168.0.1 Actual: absent",
        announcing,
    ),
    ("type5-unexpected", "from a node that is no exit"): Case(
        both(
            more_paths("node1", _type5("192.168.0.2", "0.0.0.0", 0)),
            more_paths("node2", _type5("192.168.0.2", "0.0.0.0", 0, weight=32768)),
            more_paths("node3", _type5("192.168.0.2", "0.0.0.0", 0)),
        ),
        "node2",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.2",
        "type-5 route - Expected: absent Actual: 192.168.0.2",
        SINGLE,
    ),
    ("type5-unexpected", "a subnet of an exit"): Case(
        more_paths("node2", _type5("192.168.0.1", "10.0.2.0", 24)),
        "node2",
        "VRF vrf1 10.0.2.0/24 via 192.168.0.1",
        "Actual: 192.168.0.1",
        SINGLE,
    ),
    ("type5-unexpected", "in a VRF without an exit"): Case(
        both(
            more_paths("node2", _type5("192.168.0.3", "0.0.0.0", 0)),
            json("node2", "ip_route", lambda shown: shown.append(_default_of_3())),
        ),
        "node2",
        "VRF vrf1 0.0.0.0/0 via 192.168.0.3",
        "Expected: absent",
    ),
    ("mac-mobility", "two VTEPs claim it"): Case(
        more_paths("node1", _mac("192.168.0.3", None)),
        "node1",
        f"VNI 2 MAC {MAC_OF_2}",
        "VTEPs - Expected: one VTEP Actual: 192.168.0.2, 192.168.0.3",
    ),
    ("mac-mobility", "here and elsewhere, and not for the first time"): Case(
        more_paths(
            "node1",
            replace(_mac("192.168.0.1", 7, "192.168.0.1:2"), weight=32768),
        ),
        "node1",
        f"VNI 2 MAC {MAC_OF_2}",
        "Actual: 192.168.0.1, 192.168.0.2",
    ),
    ("mac-mobility", "pinned here"): Case(
        more_paths(
            "node1",
            replace(_mac("192.168.0.1", 1, "192.168.0.1:2"), weight=32768, sticky=True),
        ),
        "node1",
        f"VNI 2 MAC {MAC_OF_2}",
        "Actual: 192.168.0.1, 192.168.0.2",
    ),
    ("mac-mobility", "it keeps moving"): Case(
        both(paths("node1", _moved(20)), paths("node3", _moved(20))),
        "node1",
        f"VNI 2 MAC {MAC_OF_2}",
        "moves - Expected: fewer than 20 Actual: 20",
    ),
    ("evpn-empty", "on a reflector"): Case(
        table("rrserver1", paths=(), empty=True, said="No EVPN prefixes exist"),
        "rrserver1",
        "bgp",
        "EVPN table - Expected: routes",
        REFLECTORS,
    ),
    ("session-down", "a node is not among a reflector's clients"): Case(
        json("rrserver1", "evpn_summary", lambda s: s["peers"].pop("*192.168.0.2") and None),
        "rrserver1",
        "neighbor 192.168.0.2",
        "EVPN session - Expected: Established Actual: absent",
        REFLECTORS,
    ),
    ("session-down", "to one of two reflectors"): Case(
        both(
            json(
                "node2",
                "evpn_summary",
                lambda s: s["peers"]["192.168.0.200"].update(state="Active"),
            ),
            json("rrserver1", "evpn_summary", lambda s: s["peers"].pop("*192.168.0.2") and None),
        ),
        "node2",
        "neighbor 192.168.0.200",
        "Actual: Active",
        REFLECTORS,
    ),
    ("session-down", "to the router outside"): Case(
        both(
            json("node1", "bgp_summary", _session("192.168.0.254", "Active")),
            json("router", "bgp_summary", _session("192.168.0.1", "Idle (Admin)")),
            _routes("node1", lambda e: None if e["dst"] == "default" and "gateway" in e else e),
            _routes("router", lambda e: None if e["dst"].startswith("10.0.2.") else e),
        ),
        "router",
        "neighbor 192.168.0.1",
        "IPv4 and IPv6 unicast session - Expected: Established Actual: Idle (Admin)",
        UPSTREAM,
    ),
    ("session-down", "not activated for IPv6"): Case(
        json(
            "node1",
            "bgp_summary",
            lambda s: s["ipv6Unicast"]["peers"].clear(),
        ),
        "node1",
        "neighbor 192.168.0.254",
        "IPv6 unicast session - Expected: Established Actual: absent",
        UPSTREAM,
    ),
    ("session-unexpected", "a stranger outside"): Case(
        json(
            "router",
            "bgp_summary",
            lambda s: s["ipv4Unicast"]["peers"].update({"10.9.9.9": {"state": "Active"}}),
        ),
        "router",
        "neighbor 10.9.9.9",
        "IPv4 unicast session - Expected: absent Actual: Active",
        UPSTREAM,
    ),
    ("bfd-down", "the daemon does not run"): Case(
        json("router", "bfd_peers", lambda sessions: []),
        "router",
        "neighbor 192.168.0.1",
        "BFD session - Expected: up Actual: absent",
        PROBED,
    ),
    ("bfd-down", "it never came up"): Case(
        json("node1", "bfd_peers", _probe("192.168.0.2", "down")),
        "node1",
        "neighbor 192.168.0.2",
        "BFD session - Expected: up Actual: down",
        PROBED,
    ),
    ("bfd-down", "a client of a reflector"): Case(
        json("rrserver1", "bfd_peers", _probe("192.168.0.2", "init")),
        "rrserver1",
        "neighbor 192.168.0.2",
        "BFD session - Expected: up Actual: init",
        partial(with_bfd, "route-reflectors"),
    ),
}
