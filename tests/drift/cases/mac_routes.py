"""Cases of MAC/IP routes: lost on the way, of one address twice, of a gateway, frozen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from overlay.records import EvpnPath
from tests.drift.cases.case import Case
from tests.drift.worlds import GATEWAY_MAC, both, example, fdb, json, more_paths, paths, symmetric

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.records import FdbEntry

REFLECTORS = partial(example, "route-reflectors")

MAC_OF_1 = "02:00:01:00:02:00"  # node1's guest in VNI 2
MAC_OF_2 = "02:00:02:00:02:00"
_STRANGER = "02:ff:00:00:00:01"
_ADDRESS = "10.0.2.5"


def host_route(node: int, mac: str, ip: str | None, *, own: bool = True) -> EvpnPath:
    """A route of one of the nodes; its own one does not come over a session."""
    tail = f":[32]:[{ip}]" if ip else ""
    return EvpnPath(
        rd=f"192.168.0.{node}:2",
        prefix=f"[2]:[0]:[48]:[{mac}]{tail}",
        route_type=2,
        eth_tag=0,
        mac=mac,
        ip=ip,
        status="*>",
        next_hop=f"192.168.0.{node}",
        weight=32768 if own else None,
        route_targets=("1234:2",),
        extended=("ET:8",),
        text=f"*> [2]:[0]:[48]:[{mac}]{tail}",
    )


def _lost(mac: str) -> Callable[[EvpnPath], EvpnPath | None]:
    return lambda path: None if path.mac == mac and not path.local else path


def _not_remote(mac: str) -> Callable[[FdbEntry], FdbEntry | None]:
    return lambda entry: None if entry.mac == mac and entry.dst is not None else entry


def _lose(host: str, mac: str) -> Any:
    """The route is not there, and so zebra has put nothing of it into the kernel."""
    return both(paths(host, _lost(mac)), fdb(host, _not_remote(mac)))


def _frozen(slug: str, vni: int, shown: dict[str, Any]) -> Any:
    frozen = "router bgp 1234\n address-family l2vpn evpn\n  dup-addr-detection freeze permanent\n"
    return both(
        json("node1", slug, lambda _: {str(vni): shown}),
        json("node1", "running_config", lambda said: said.replace("end\n", f"{frozen}end\n")),
    )


MAC_ROUTES: dict[tuple[str, str], Case] = {
    ("mac-route-missing", "one MAC on one node"): Case(
        _lose("node3", MAC_OF_1),
        "node3",
        f"VNI 2 MAC {MAC_OF_1}",
        "route of node1 - Expected: [2]:[0]:[48]:[02:00:01:00:02:00]",
    ),
    ("mac-route-missing", "it is there, and not valid"): Case(
        both(
            paths("node3", lambda p: replace(p, status="") if p.mac == MAC_OF_1 else p),
            fdb("node3", _not_remote(MAC_OF_1)),
        ),
        "node3",
        f"VNI 2 MAC {MAC_OF_1}",
        "Actual: absent",
    ),
    ("mac-route-missing", "many of one VTEP"): Case(
        more_paths("node2", *(host_route(2, f"02:aa:00:00:00:{n:02x}", None) for n in range(8))),
        "node1",
        "VNI 2 MACs of VTEP 192.168.0.2",
        "02:aa:00:00:00:00, 02:aa:00:00:00:01",
    ),
    ("mac-route-missing", "behind reflectors"): Case(
        _lose("node3", MAC_OF_1),
        "node3",
        f"VNI 2 MAC {MAC_OF_1}",
        "route of node1",
        REFLECTORS,
    ),
    ("ip-duplicate", "on two nodes"): Case(
        both(
            more_paths("node1", host_route(1, MAC_OF_1, _ADDRESS)),
            more_paths("node1", host_route(2, MAC_OF_2, _ADDRESS, own=False)),
            more_paths("node2", host_route(1, MAC_OF_1, _ADDRESS, own=False)),
            more_paths("node2", host_route(2, MAC_OF_2, _ADDRESS)),
            more_paths("node3", host_route(1, MAC_OF_1, _ADDRESS, own=False)),
            more_paths("node3", host_route(2, MAC_OF_2, _ADDRESS, own=False)),
        ),
        "node1",
        f"VNI 2 address {_ADDRESS}",
        "MACs (routes of node1, node2) - Expected: one MAC Actual: 02:00:01:00:02:00, 02:00:02",
    ),
    ("ip-duplicate", "two guests of one node"): Case(
        more_paths("node1", host_route(1, _STRANGER, _ADDRESS), host_route(1, MAC_OF_1, _ADDRESS)),
        "node1",
        f"VNI 2 address {_ADDRESS}",
        "routes of node1",
        partial(symmetric, 1),
    ),
    ("gateway-advertised", "advertise-svi-ip"): Case(
        both(
            more_paths("node2", host_route(2, GATEWAY_MAC, "10.0.2.254")),
            more_paths("node1", host_route(2, GATEWAY_MAC, "10.0.2.254", own=False)),
            more_paths("node3", host_route(2, GATEWAY_MAC, "10.0.2.254", own=False)),
        ),
        "node2",
        "VNI 2 gateway",
        f"Expected: absent Actual: {GATEWAY_MAC} 10.0.2.254",
    ),
    ("gateway-advertised", "a guest has the gateway's address"): Case(
        both(
            more_paths("node2", host_route(2, MAC_OF_2, "10.0.2.254")),
            more_paths("node1", host_route(2, MAC_OF_2, "10.0.2.254", own=False)),
            more_paths("node3", host_route(2, MAC_OF_2, "10.0.2.254", own=False)),
        ),
        "node2",
        "VNI 2 gateway",
        f"{MAC_OF_2} 10.0.2.254",
    ),
    ("mac-frozen", "a MAC that was here"): Case(
        _frozen(
            "evpn_duplicate_macs",
            2,
            {"numMacs": 1, "macs": {MAC_OF_1: {"type": "local", "intf": "tap2i0"}}},
        ),
        "node1",
        f"VNI 2 MAC {MAC_OF_1}",
        "duplicate - Expected: absent Actual: frozen as a local one",
    ),
    ("mac-frozen", "an address that is elsewhere"): Case(
        _frozen(
            "evpn_duplicate_addresses",
            2,
            {
                "numArpNd": 1,
                _ADDRESS: {"type": "remote", "mac": MAC_OF_2, "remoteVtep": "192.168.0.2"},
            },
        ),
        "node1",
        f"VNI 2 address {_ADDRESS}",
        "Actual: frozen behind 192.168.0.2",
    ),
}
