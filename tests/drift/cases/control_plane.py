"""Cases of BGP EVPN: routes, targets, distinguishers, sessions and what zebra makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay import outputs
from overlay.records import ALL_ZERO_MAC, EvpnPath, FdbEntry
from tests.drift.cases.case import Case
from tests.drift.worlds import (
    both,
    by_hand,
    fdb,
    json,
    link,
    more_fdb,
    more_paths,
    paths,
    table,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def _flood_entry(device: str, vtep: str) -> FdbEntry:
    return FdbEntry(
        ALL_ZERO_MAC, device, dst=vtep, state="permanent", flags=("self",), text="flood"
    )


def _imet(vtep: str, vni: int) -> EvpnPath:
    return EvpnPath(
        rd=f"{vtep}:9",
        prefix=f"[3]:[0]:[32]:[{vtep}]",
        route_type=3,
        ip=vtep,
        status="*>",
        next_hop=vtep,
        route_targets=(f"1234:{vni}",),
        text="imet",
    )


def _no_imet(vtep: str, vni: int) -> Callable[[EvpnPath], EvpnPath | None]:
    def change(path: EvpnPath) -> EvpnPath | None:
        gone = path.route_type == 3 and path.ip == vtep and path.route_targets == (f"1234:{vni}",)
        return None if gone else path

    return change


def _retarget(vni: int, target: str, *, local: bool = True) -> Callable[[EvpnPath], EvpnPath]:
    def change(path: EvpnPath) -> EvpnPath:
        if path.local is not local or path.route_targets[:1] != (f"1234:{vni}",):
            return path
        return replace(path, route_targets=(target, *path.route_targets[1:]))

    return change


def _others_target(path: EvpnPath, old: str, new: str) -> EvpnPath:
    """A path of the node's own with another target in the place of one."""
    if not path.local:
        return path
    return replace(path, route_targets=tuple(new if t == old else t for t in path.route_targets))


def _rename_rd(old: str, new: str) -> Callable[[EvpnPath], EvpnPath]:
    return lambda path: replace(path, rd=new) if path.rd == old else path


def _peer_state(address: str, state: str) -> Callable[[Any], None]:
    return lambda summary: summary["peers"][address].update(state=state)


def _at(place: str, **values: Any) -> Callable[[Any], None]:
    return lambda listing: listing[place].update(values)


CONTROL_PLANE: dict[tuple[str, str], Case] = {
    ("rmac-conflict", "two nodes"): Case(
        both(
            link("node1", "vmbr4000", mac="06:aa:00:00:00:01"),
            link("node3", "vmbr4000", mac="06:aa:00:00:00:01"),
        ),
        "node1",
        "vmbr4000",
        "router MAC (also on node3)",
    ),
    ("evpn-empty", "no routes"): Case(
        table("node1", paths=(), empty=True, router_id=None, said="No EVPN prefixes exist"),
        "node1",
        "bgp",
        "EVPN table - Expected: routes Actual: No EVPN prefixes exist",
    ),
    ("imet-not-originated", "one VNI"): Case(
        paths("node1", lambda p: None if p.local and "1234:2" in p.route_targets else p),
        "node1",
        "VNI 2",
        "IMET route of its own - Expected: 192.168.0.1 Actual: absent",
    ),
    ("imet-not-originated", "none at all"): Case(
        paths("node1", lambda p: None if p.local else p),
        "node1",
        "bgp",
        "Expected: VNI 2, VNI 3 Actual: absent",
    ),
    ("imet-missing", "one VTEP of one VNI"): Case(
        paths("node1", _no_imet("192.168.0.3", 2)),
        "node1",
        "VNI 2 VTEP 192.168.0.3",
        "IMET route - Expected: 192.168.0.3 Actual: absent",
    ),
    ("imet-unexpected", "a stranger"): Case(
        both(
            more_paths("node1", _imet("192.168.0.66", 2)),
            more_fdb("node1", _flood_entry("vxlan2", "192.168.0.66")),
        ),
        "node1",
        "VNI 2 VTEP 192.168.0.66",
        "Expected: absent Actual: 192.168.0.66",
    ),
    ("imet-unexpected", "an unknown VNI"): Case(
        more_paths("node1", _imet("192.168.0.2", 99)),
        "node1",
        "VNI 99 VTEP 192.168.0.2",
        "IMET",
    ),
    ("imet-unexpected", "a VTEP without that VNI"): Case(
        both(
            more_paths("node1", _imet("192.168.0.3", 3)),
            more_fdb("node1", _flood_entry("vxlan3", "192.168.0.3")),
        ),
        "node1",
        "VNI 3 VTEP 192.168.0.3",
        "IMET",
    ),
    ("route-target", "another VNI's number"): Case(
        paths("node2", _retarget(2, "1234:777")),
        "node2",
        "VNI 2",
        "route target - Expected: 1234:2 Actual: 1234:777",
    ),
    ("route-target", "one too many"): Case(
        paths(
            "node2",
            lambda p: (
                replace(p, route_targets=(*p.route_targets, "1234:777"))
                if p.local and p.route_type == 3 and "1234:3" in p.route_targets
                else p
            ),
        ),
        "node2",
        "VNI 3",
        "Expected: 1234:3 Actual: 1234:3, 1234:777",
    ),
    ("route-target", "FRR's own where one is set by hand"): Case(
        paths("node2", lambda p: _others_target(p, "65000:102", "1234:2")),
        "node2",
        "VNI 2",
        "route target - Expected: 65000:102 Actual: 1234:2",
        by_hand,
    ),
    ("route-target", "another one imported"): Case(
        both(
            text(
                "node1",
                outputs.RUNNING_CONFIG,
                lambda said: said.replace("import 65000:102", "import 65000:103"),
            ),
            fdb("node1", lambda entry: None if entry.device == "vxlan2" and entry.dst else entry),
        ),
        "node1",
        "VNI 2",
        "imported route target - Expected: 65000:102 Actual: 65000:103",
        by_hand,
    ),
    ("route-target", "one imported into a VRF"): Case(
        text(
            "node3",
            outputs.RUNNING_CONFIG,
            lambda said: (
                said + "router bgp 1234 vrf vrf1\n address-family l2vpn evpn\n"
                "  route-target import 65000:1\n exit-address-family\nexit\n"
            ),
        ),
        "node3",
        "VRF vrf1",
        "imported route target - Expected: *:4000 Actual: 65000:1",
    ),
    ("route-target", "another one of a VRF"): Case(
        paths("node1", lambda p: _others_target(p, "65000:400", "65000:777")),
        "node1",
        "VRF vrf1",
        "Expected: 65000:102, 65000:400 Actual: 65000:102, 65000:777",
        by_hand,
    ),
    ("rd-duplicate", "two originators"): Case(
        both(
            paths("node2", _rename_rd("192.168.0.2:2", "10.0.3.254:4")),
            paths("node3", _rename_rd("192.168.0.3:2", "10.0.3.254:4")),
        ),
        "node2",
        "RD 10.0.3.254:4",
        "Actual: 192.168.0.2, 192.168.0.3",
    ),
    ("router-id", "another one"): Case(
        table("node2", router_id="10.0.3.254"),
        "node2",
        "bgp",
        "router-id - Expected: 192.168.0.2 Actual: 10.0.3.254",
        severity=WARNING,
    ),
    ("router-id", "that of another node"): Case(
        table("node2", router_id="192.168.0.1"),
        "node2",
        "bgp",
        "router-id (also on node1)",
    ),
    ("session-down", "Active on both ends"): Case(
        both(
            json("node1", "evpn_summary", _peer_state("192.168.0.2", "Active")),
            json("node2", "evpn_summary", _peer_state("192.168.0.1", "Active")),
        ),
        "node1",
        "neighbor 192.168.0.2",
        "EVPN session - Expected: Established Actual: Active",
    ),
    ("session-down", "shut on one end"): Case(
        both(
            json("node1", "evpn_summary", _peer_state("192.168.0.2", "Active")),
            json("node2", "evpn_summary", _peer_state("192.168.0.1", "Idle (Admin)")),
        ),
        "node2",
        "neighbor 192.168.0.1",
        "Actual: Idle (Admin)",
    ),
    ("session-down", "not activated"): Case(
        json("node1", "evpn_summary", lambda s: s["peers"].pop("192.168.0.2") and None),
        "node1",
        "neighbor 192.168.0.2",
        "Actual: absent",
    ),
    ("session-down", "no neighbour at all"): Case(
        json("node1", "evpn_summary", lambda s: {}),
        "node1",
        "neighbor 192.168.0.2",
        "absent",
    ),
    ("session-unexpected", "a stranger"): Case(
        json(
            "node1",
            "evpn_summary",
            lambda s: s["peers"].update({"*10.9.9.9": {"state": "Established"}}),
        ),
        "node1",
        "neighbor 10.9.9.9",
        "Expected: absent Actual: Established",
    ),
    ("l3vni", "of type L2"): Case(
        json("node1", "evpn_vni", _at("4000", type="L2")),
        "node1",
        "VNI 4000",
        "type - Expected: L3 Actual: L2",
    ),
    ("l3vni", "in another VRF"): Case(
        json("node1", "evpn_vni", _at("4000", tenantVrf="vrf9")),
        "node1",
        "VNI 4000",
        "VRF - Expected: vrf1 Actual: vrf9",
    ),
    ("l3vni", "unknown to zebra"): Case(
        json("node1", "evpn_vni", lambda s: s.pop("4000") and None),
        "node1",
        "VNI 4000",
        "L3VNI - Expected: L3VNI of vrf1 Actual: absent",
    ),
}
