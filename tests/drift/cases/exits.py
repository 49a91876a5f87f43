"""Cases of the routes by which VRFs get out, and of what ends their lookups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from tests.drift.cases.case import Case
from tests.drift.worlds import both, example, json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drift.worlds import Mutation

SINGLE = partial(example, "exit-single-gateway")
MULTI = partial(example, "exit-multi-gateway")
UPSTREAM = partial(example, "exit-upstream-bgp")


def _routes(host: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Mutation:
    def mutate(listing: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [kept for entry in listing if (kept := change(entry)) is not None]

    return json(host, "ip_route", mutate)


def _is_default(entry: dict[str, Any], table: str | None = None) -> bool:
    return entry["dst"] == "default" and entry.get("table") == table and "gateway" in entry


def _elsewhere(entry: dict[str, Any]) -> dict[str, Any]:
    """The route that ends a lookup, in the table of another VRF."""
    return entry | {"table": "vrf9"} if entry.get("type") == "unreachable" else entry


def _ends(entry: dict[str, Any], prefix: str) -> bool:
    return entry.get("type") == "unreachable" and (entry["dst"], entry["table"]) == (prefix, "vrf1")


EXITS: dict[tuple[str, str], Case] = {
    ("exit-route", "no default route"): Case(
        _routes("node1", lambda e: None if _is_default(e) else e),
        "node1",
        "main table",
        "default route - Expected: via 192.168.0.254 Actual: absent",
        SINGLE,
        severity=WARNING,
    ),
    ("exit-route", "another default route only"): Case(
        _routes("node1", lambda e: e | {"gateway": "10.0.0.1"} if _is_default(e) else e),
        "node1",
        "main table",
        "Actual: via 10.0.0.1 dev vmbr0",
        SINGLE,
        severity=WARNING,
    ),
    ("exit-route", "the VRF's leads to another exit"): Case(
        _routes(
            "node1",
            lambda e: (
                e | {"gateway": "192.168.0.2", "dev": "vmbr4000"} if _is_default(e, "1001") else e
            ),
        ),
        "node1",
        "VRF vrf1",
        "default route - Expected: via 192.168.0.254 Actual: via 192.168.0.2 dev vmbr4000",
        MULTI,
    ),
    ("exit-route", "the VRF's table is printed by name"): Case(
        _routes(
            "node1",
            lambda e: (
                e | {"gateway": "192.168.0.2", "dev": "vmbr4000", "table": "vrf1"}
                if _is_default(e, "1001")
                else e
            ),
        ),
        "node1",
        "VRF vrf1",
        "Actual: via 192.168.0.2 dev vmbr4000",
        MULTI,
    ),
    ("exit-route", "an imported default wins in the main table"): Case(
        _routes(
            "node1",
            lambda e: e | {"gateway": "192.168.0.2", "dev": "vmbr4000"} if _is_default(e) else e,
        ),
        "node1",
        "main table",
        "Actual: via 192.168.0.2 dev vmbr4000",
        UPSTREAM,
    ),
    ("exit-route", "the router lost one of its next hops"): Case(
        _routes(
            "router",
            lambda e: e | {"nexthops": e["nexthops"][:2]} if e["dst"] == "10.0.2.0/24" else e,
        ),
        "router",
        "route 10.0.2.0/24",
        "Expected: 192.168.0.1, 192.168.0.2, 192.168.0.3 Actual: 192.168.0.1, 192.168.0.2",
        MULTI,
    ),
    ("exit-route", "the router was told of no network"): Case(
        _routes("router", lambda e: None if e["dst"].startswith("10.0.2.") else e),
        "router",
        "route 10.0.2.0/24",
        "Actual: absent",
        UPSTREAM,
    ),
    ("exit-route", "the VRF has lost its way out, the node has not"): Case(
        _routes("node1", lambda e: None if _is_default(e, "1001") else e),
        "node1",
        "VRF vrf1",
        "default route - Expected: via 192.168.0.254 Actual: absent",
        MULTI,
    ),
    ("exit-route", "what the router outside tells does not come into the VRF"): Case(
        _routes("node1", lambda e: None if _is_default(e, "1001") else e),
        "node1",
        "VRF vrf1",
        "default route - Expected: via 192.168.0.254 Actual: absent",
        UPSTREAM,
    ),
    ("vrf-isolation", "no IPv4 default that ends the lookup"): Case(
        _routes("node2", lambda e: None if _ends(e, "default") else e),
        "node2",
        "VRF vrf1 0.0.0.0/0",
        "route that ends the lookup - Expected: unreachable 0.0.0.0/0 Actual: absent",
    ),
    ("vrf-isolation", "no IPv6 one, beside that of another table"): Case(
        json("node2", "ip6_route", lambda shown: [_elsewhere(e) for e in shown]),
        "node2",
        "VRF vrf1 ::/0",
        "Actual: absent",
    ),
    ("vrf-isolation", "an exit's own default stands where the end should be"): Case(
        _routes("node1", lambda e: None if _ends(e, "default") else e),
        "node1",
        "VRF vrf1 0.0.0.0/0",
        "Actual: absent",
        SINGLE,
    ),
    ("vrf-isolation", "an exit leads to the underlay"): Case(
        _routes("node1", lambda e: None if _ends(e, "192.168.0.0/24") else e),
        "node1",
        "VRF vrf1 192.168.0.0/24",
        "Expected: unreachable 192.168.0.0/24 Actual: absent",
        SINGLE,
    ),
    ("vrf-isolation", "all of them are gone"): Case(
        both(
            _routes("node3", lambda e: None if e.get("type") == "unreachable" else e),
            json(
                "node3",
                "ip6_route",
                lambda shown: [e for e in shown if e.get("type") != "unreachable"],
            ),
        ),
        "node3",
        "VRF vrf1 0.0.0.0/0",
        "Actual: absent",
        UPSTREAM,
    ),
}
