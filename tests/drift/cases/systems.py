"""Cases of a fabric of several AS: the AS of both ends of a session, and next hops on the way."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.drift.cases.case import Case
from tests.drift.worlds import both, example, json, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.records import EvpnPath

_SEVERAL = partial(example, "several-as")
_SERVER = "192.168.0.201"


def _peer(address: str, **fields: Any) -> Callable[[Any], None]:
    return lambda summary: summary["peers"][address].update(fields)


def _speaks_as(asn: int) -> Callable[[Any], None]:
    def change(summary: Any) -> None:
        for peer in summary["peers"].values():
            peer.update(localAs=asn, state="Active")

    return change


def _by_way_of_server(*vteps: str) -> Callable[[EvpnPath], EvpnPath]:
    return lambda p: replace(p, next_hop=_SERVER) if p.next_hop in vteps else p


SEVERAL_AS: dict[tuple[str, str], Case] = {
    ("session-as", "the peer taken for one of another AS"): Case(
        both(
            json("node1", "evpn_summary", _peer(_SERVER, remoteAs=65009, state="Idle")),
            json("rrserver2", "evpn_summary", _peer("192.168.0.1", state="Idle")),
        ),
        "node1",
        f"neighbor {_SERVER}",
        "remote AS - Expected: 65000 Actual: 65009",
        _SEVERAL,
    ),
    ("session-as", "another AS in dots"): Case(
        json("rrserver2", "evpn_summary", _peer("192.168.0.3", remoteAs="64086.60007")),
        "rrserver2",
        "neighbor 192.168.0.3",
        "remote AS - Expected: 4200000102 Actual: 64086.60007",
        _SEVERAL,
    ),
    ("session-as", "the node speaks as another AS"): Case(
        both(
            json("node1", "evpn_summary", _speaks_as(65199)),
            json("rrserver2", "evpn_summary", _peer("192.168.0.1", state="Idle")),
        ),
        "node1",
        "bgp",
        "AS - Expected: 65101 Actual: 65199",
        _SEVERAL,
    ),
    ("session-as", "within one AS"): Case(
        json("node1", "evpn_summary", _peer("192.168.0.2", remoteAs=65009)),
        "node1",
        "neighbor 192.168.0.2",
        "remote AS - Expected: 1234 Actual: 65009",
    ),
    ("next-hop", "of one VTEP"): Case(
        paths("node1", _by_way_of_server("192.168.0.2")),
        "node1",
        f"next hop {_SERVER}",
        f"next hop - Expected: 192.168.0.2 Actual: {_SERVER}",
        _SEVERAL,
    ),
    ("next-hop", "of all"): Case(
        paths("node1", _by_way_of_server("192.168.0.2", "192.168.0.3")),
        "node1",
        f"next hop {_SERVER}",
        f"next hop - Expected: 192.168.0.2, 192.168.0.3 Actual: {_SERVER}",
        _SEVERAL,
    ),
}
