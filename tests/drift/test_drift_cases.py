"""Each check fires on its fault, on that host, naming that object; and is silent otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from overlay.records import ALL_ZERO_MAC, EvpnPath, FdbEntry
from tests.drift import worlds
from tests.drift.case import Case
from tests.drift.cases_outside import OUTSIDE
from tests.drift.worlds import (
    both,
    fdb,
    json,
    link,
    more_fdb,
    more_paths,
    new_link,
    no_link,
    paths,
    table,
    unfolded,
)
from tests.rendering import render
from tests.simulated import healthy_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent


def _flood_entry(device: str, vtep: str) -> FdbEntry:
    return FdbEntry(
        ALL_ZERO_MAC, device, dst=vtep, state="permanent", flags=("self",), text="flood"
    )


def _not_flood(device: str, vtep: str) -> Callable[[FdbEntry], FdbEntry | None]:
    return lambda e: None if e.is_flood and (e.device, e.dst) == (device, vtep) else e


MAC_OF_2 = "02:00:02:00:02:00"  # node2's guest in VNI 2; its number is the address's last part
STRANGE_MAC = "02:ff:00:00:00:01"


def _fdb_of(mac: str, **changes: Any) -> Callable[[FdbEntry], FdbEntry | None]:
    def change(entry: FdbEntry) -> FdbEntry | None:
        if entry.mac != mac or entry.dst is None:
            return entry
        return replace(entry, **changes) if changes else None

    return change


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


def _rename_rd(old: str, new: str) -> Callable[[EvpnPath], EvpnPath]:
    return lambda path: replace(path, rd=new) if path.rd == old else path


def _peer_state(address: str, state: str) -> Callable[[Any], None]:
    return lambda summary: summary["peers"][address].update(state=state)


def _move_address(ip: str, to: str | None) -> Callable[[Any], None]:
    def change(listing: Any) -> None:
        for shown in listing:
            for info in list(shown["addr_info"]):
                if info["local"] == ip:
                    shown["addr_info"].remove(info)
                    if to:
                        next(s for s in listing if s["ifname"] == to)["addr_info"].append(info)

    return change


def _at(place: str, **values: Any) -> Callable[[Any], None]:
    return lambda listing: listing[place].update(values)


CASES: dict[tuple[str, str], Case] = OUTSIDE | {
    ("vxlan-missing", "device absent"): Case(
        no_link("node2", "vxlan2"),
        "node2",
        "vxlan2",
        "vxlan2: VXLAN device - Expected: VNI 2 Actual: absent",
    ),
    ("vxlan-missing", "its VNI is on a device of another name"): Case(
        both(new_link("node2", "vxlan2", "vx-two"), no_link("node2", "vxlan2")),
        "node2",
        "vxlan2",
        "Expected: VNI 2 Actual: VNI 2 on vx-two",
    ),
    ("vxlan-missing", "its name belongs to a bridge"): Case(
        link("node2", "vxlan2", kind="bridge"),
        "node2",
        "vxlan2",
        "a device of kind bridge",
    ),
    ("vxlan-unexpected", "a VNI of nobody"): Case(
        new_link("node1", "vxlan2", "vxlan99", vni=99),
        "node1",
        "vxlan99",
        "vxlan99: VXLAN device - Expected: absent Actual: VNI 99",
    ),
    ("vxlan-unexpected", "a VNI of other nodes"): Case(
        new_link("node3", "vxlan2", "vxlan3", vni=3),
        "node3",
        "vxlan3",
        "Actual: VNI 3",
    ),
    ("vxlan-vni", "another VNI"): Case(
        link("node2", "vxlan2", vxlan={"vni": 22}),
        "node2",
        "vxlan2",
        "VNI - Expected: 2 Actual: 22",
    ),
    ("vxlan-vni", "the VNI of nothing else here"): Case(
        link("node3", "vxlan2", vxlan={"vni": 3}),
        "node3",
        "vxlan2",
        "Expected: 2 Actual: 3",
    ),
    ("vxlan-local-ip", "another address"): Case(
        link("node2", "vxlan2", vxlan={"local": "192.168.0.99"}),
        "node2",
        "vxlan2",
        "local tunnel address - Expected: 192.168.0.2 Actual: 192.168.0.99",
    ),
    ("vxlan-local-ip", "no address in EVPN mode"): Case(
        link("node2", "vxlan4000", vxlan={"local": None}),
        "node2",
        "vxlan4000",
        "Actual: absent",
    ),
    ("vxlan-local-ip", "another node's address"): Case(
        link("node2", "vxlan2", vxlan={"local": "192.168.0.1"}),
        "node2",
        "vxlan2",
        "192.168.0.1",
    ),
    ("vxlan-local-ip", "another address in unicast mode"): Case(
        link("node2", "vxlan2", vxlan={"local": "192.168.0.99"}),
        "node2",
        "vxlan2",
        "192.168.0.99",
        worlds.unicast,
    ),
    ("vxlan-dstport", "8472"): Case(
        link("node2", "vxlan2", vxlan={"dstport": 8472}),
        "node2",
        "vxlan2",
        "UDP port - Expected: 4789 Actual: 8472",
    ),
    ("vxlan-learning", "on in EVPN mode"): Case(
        link("node1", "vxlan2", vxlan={"learning": True}),
        "node1",
        "vxlan2",
        "vxlan2: learning - Expected: off Actual: on",
    ),
    ("vxlan-learning", "off in unicast mode"): Case(
        link("node1", "vxlan2", vxlan={"learning": False}),
        "node1",
        "vxlan2",
        "vxlan2: learning - Expected: on Actual: off",
        worlds.unicast,
    ),
    ("vxlan-group", "another group"): Case(
        link("node1", "vxlan2", vxlan={"group": "225.1.1.1"}),
        "node1",
        "vxlan2",
        "multicast group - Expected: 225.20.1.1 Actual: 225.1.1.1",
        worlds.multicast,
    ),
    ("vxlan-group", "on the bridge's port"): Case(
        link("node1", "vxlan2", vxlan={"device": "eno1"}),
        "node1",
        "vxlan2",
        "physical device - Expected: vmbr0 Actual: eno1",
        worlds.multicast,
    ),
    ("link-down", "VXLAN device down"): Case(
        link("node1", "vxlan2", flags=("BROADCAST",)),
        "node1",
        "vxlan2",
        "state - Expected: up Actual: down",
    ),
    ("link-down", "cable out"): Case(
        link("node1", "eno1", flags=("UP", "NO-CARRIER")),
        "node1",
        "eno1",
        "Actual: no carrier",
    ),
    ("link-down", "underlay port absent"): Case(
        no_link("node1", "eno1"),
        "node1",
        "eno1",
        "underlay port - Expected: up Actual: absent",
    ),
    ("link-down", "bridge down"): Case(
        link("node1", "vmbr2", flags=("BROADCAST",)),
        "node1",
        "vmbr2",
        "Actual: down",
    ),
    ("link-down", "VRF down"): Case(
        link("node1", "vrf1", flags=("MASTER",)),
        "node1",
        "vrf1",
        "Actual: down",
    ),
    ("bridge-missing", "network's bridge absent"): Case(
        both(no_link("node1", "vmbr2"), link("node1", "vxlan2", master=None)),
        "node1",
        "vmbr2",
        "vmbr2: bridge - Expected: present Actual: absent",
    ),
    ("bridge-missing", "underlay bridge absent"): Case(
        both(no_link("node1", "vmbr0"), link("node1", "eno1", master=None)),
        "node1",
        "vmbr0",
        "absent",
    ),
    ("bridge-membership", "in no bridge"): Case(
        link("node1", "vxlan2", master=None, bridge_port=None),
        "node1",
        "vxlan2",
        "bridge - Expected: vmbr2 Actual: absent",
    ),
    ("bridge-membership", "in another bridge"): Case(
        link("node1", "vxlan2", master="vmbr3"),
        "node1",
        "vxlan2",
        "Actual: vmbr3",
    ),
    ("bridge-membership", "underlay port in no bridge"): Case(
        link("node1", "eno1", master=None, bridge_port=None),
        "node1",
        "eno1",
        "Expected: vmbr0",
    ),
    ("bridge-port-learning", "on"): Case(
        link("node1", "vxlan2", bridge_port={"learning": True}),
        "node1",
        "vxlan2",
        "vxlan2: bridge port learning - Expected: off Actual: on",
    ),
    ("bridge-port-neigh-suppress", "off"): Case(
        link("node1", "vxlan2", bridge_port={"neigh_suppress": False}),
        "node1",
        "vxlan2",
        "Expected: on Actual: off",
    ),
    ("bridge-port-flood", "unicast on"): Case(
        link("node1", "vxlan2", bridge_port={"flood": True}),
        "node1",
        "vxlan2",
        "unicast flooding",
    ),
    ("bridge-port-flood", "multicast on"): Case(
        link("node1", "vxlan3", bridge_port={"mcast_flood": True}),
        "node1",
        "vxlan3",
        "multicast flooding - Expected: off Actual: on",
    ),
    ("bridge-port-flood", "multicast off where IPv6 needs it"): Case(
        link("node1", "vxlan2", bridge_port={"mcast_flood": False}),
        "node1",
        "vxlan2",
        "multicast flooding - Expected: on Actual: off",
    ),
    ("bridge-port-flood", "off in unicast mode"): Case(
        link("node1", "vxlan2", bridge_port={"flood": False}),
        "node1",
        "vxlan2",
        "Expected: on Actual: off",
        worlds.unicast,
    ),
    ("bridge-port-isolated", "tunnel"): Case(
        link("node1", "vxlan2", bridge_port={"isolated": True}),
        "node1",
        "vxlan2",
        "isolation - Expected: off Actual: on",
    ),
    ("gateway-mac", "the kernel's own"): Case(
        link("node3", "vmbr2", mac="06:00:00:00:00:07"),
        "node3",
        "vmbr2",
        f"gateway MAC - Expected: {worlds.GATEWAY_MAC} Actual: 06:00:00:00:00:07",
    ),
    ("vrf-missing", "absent, its bridges in none"): Case(
        both(
            no_link("node3", "vrf1"),
            link("node3", "vmbr2", master=None),
            link("node3", "vmbr4000", master=None),
        ),
        "node3",
        "vrf1",
        "vrf1: VRF - Expected: present Actual: absent",
    ),
    ("vrf-membership", "in no VRF"): Case(
        link("node3", "vmbr2", master=None),
        "node3",
        "vmbr2",
        "VRF - Expected: vrf1 Actual: absent",
    ),
    ("vrf-membership", "in one where none is intended"): Case(
        link("node3", "vmbr2", master="vrf9"),
        "node3",
        "vmbr2",
        "Expected: absent Actual: vrf9",
        worlds.bridged,
    ),
    ("mtu", "underlay too small"): Case(
        both(link("node1", "eno1", mtu=1500), link("node1", "vmbr0", mtu=1500)),
        "node1",
        "eno1",
        "MTU - Expected: 1550 Actual: 1500",
    ),
    ("mtu", "VXLAN device and so its bridge"): Case(
        both(link("node1", "vxlan2", mtu=1450), link("node1", "vmbr2", mtu=1450)),
        "node1",
        "vxlan2",
        "Expected: 1500 Actual: 1450",
    ),
    ("mtu", "bridge"): Case(
        link("node1", "vmbr2", mtu=1400),
        "node1",
        "vmbr2",
        "Expected: 1500 Actual: 1400",
    ),
    ("rmac-conflict", "two nodes"): Case(
        both(
            link("node1", "vmbr4000", mac="06:aa:00:00:00:01"),
            link("node3", "vmbr4000", mac="06:aa:00:00:00:01"),
        ),
        "node1",
        "vmbr4000",
        "router MAC (also on node3)",
    ),
    ("flood-missing", "received IMET"): Case(
        fdb("node1", _not_flood("vxlan2", "192.168.0.3")),
        "node1",
        "vxlan2 VTEP 192.168.0.3",
        "Expected: 192.168.0.3 Actual: absent",
    ),
    ("flood-missing", "intended remote in unicast mode"): Case(
        fdb("node1", _not_flood("vxlan3", "192.168.0.3")),
        "node1",
        "vxlan3 VTEP 192.168.0.3",
        "absent",
        worlds.unicast,
    ),
    ("flood-missing", "the group in multicast mode"): Case(
        fdb("node1", _not_flood("vxlan3", "225.20.1.1")),
        "node1",
        "vxlan3 VTEP 225.20.1.1",
        "absent",
        worlds.multicast,
    ),
    ("flood-unexpected", "in EVPN mode"): Case(
        more_fdb("node1", _flood_entry("vxlan2", "192.168.0.77")),
        "node1",
        "vxlan2 VTEP 192.168.0.77",
        "Expected: absent Actual: 192.168.0.77",
    ),
    ("flood-unexpected", "itself"): Case(
        more_fdb("node1", _flood_entry("vxlan2", "192.168.0.1")),
        "node1",
        "vxlan2 VTEP 192.168.0.1",
        "Actual: 192.168.0.1",
        worlds.unicast,
    ),
    ("flood-unexpected", "a VTEP without this VNI"): Case(
        more_fdb("node1", _flood_entry("vxlan3", "192.168.0.3")),
        "node1",
        "vxlan3 VTEP 192.168.0.3",
        "Actual: 192.168.0.3",
    ),
    ("fdb-stale", "by hand"): Case(
        more_fdb(
            "node1",
            FdbEntry(STRANGE_MAC, "vxlan2", dst="192.168.0.3", state="permanent", text="stale"),
        ),
        "node1",
        f"vxlan2 MAC {STRANGE_MAC}",
        "Expected: absent Actual: 192.168.0.3",
    ),
    ("fdb-missing", "removed"): Case(
        fdb("node1", _fdb_of(MAC_OF_2)),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "Expected: 192.168.0.2 Actual: absent",
    ),
    ("fdb-wrong-vtep", "another VTEP"): Case(
        fdb("node1", _fdb_of(MAC_OF_2, dst="192.168.0.3")),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "VTEP - Expected: 192.168.0.2 Actual: 192.168.0.3",
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
    ("gateway-address", "absent"): Case(
        json("node1", "ip_address", _move_address("10.0.2.254", None)),
        "node1",
        "vmbr2 10.0.2.254/24",
        "gateway address",
    ),
    ("gateway-address", "on another interface"): Case(
        json("node1", "ip_address", _move_address("10.0.2.254", "vmbr3")),
        "node1",
        "vmbr2 10.0.2.254/24",
        "Actual: 10.0.2.254/24 on vmbr3",
    ),
    ("underlay-address", "absent"): Case(
        json("node1", "ip_address", _move_address("192.168.0.1", None)),
        "node1",
        "vmbr0 192.168.0.1/24",
        "Expected: 192.168.0.1/24 on vmbr0 Actual: absent",
    ),
}


@pytest.mark.parametrize(("check", "fault"), CASES, ids=lambda word: word.replace(" ", "-"))
def test_a_check_fires_on_its_fault_and_on_nothing_else(check: str, fault: str) -> None:
    case = CASES[check, fault]
    intent = case.fabric()
    rendered = render(intent)
    states = healthy_states(intent, rendered=rendered)
    case.mutation(states)

    result = audit(intent, states, rendered=rendered)

    assert unfolded(result) == {(check, case.host, case.object)}
    root = next(finding for finding in result.findings if finding.caused_by is None)
    assert case.says in root.message
    assert root.severity is CHECKS[check].severity
    assert check in result.checks_run


# A duplicate VTEP is always somebody's wrong tunnel source too, which is its root.
ONLY_WITHOUT_ITS_ROOT = {
    "vtep-duplicate": Case(
        link("node2", "vxlan2", vxlan={"local": "192.168.0.1"}),
        "node2",
        "VTEP 192.168.0.1",
        "users - Expected: node1 Actual: node1, node2",
    ),
}


@pytest.mark.parametrize("check", ONLY_WITHOUT_ITS_ROOT)
def test_a_check_stands_alone_when_its_root_is_not_asked_for(check: str) -> None:
    case = ONLY_WITHOUT_ITS_ROOT[check]
    intent = case.fabric()
    states = healthy_states(intent)
    case.mutation(states)

    result = audit(intent, states, only={check})

    assert unfolded(result) == {(check, case.host, case.object)}
    assert case.says in result.findings[0].message
    assert result.checks_run == (check,)


def test_every_check_has_a_case() -> None:
    assert {check for check, _ in CASES} | ONLY_WITHOUT_ITS_ROOT.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    "fabric", [worlds.symmetric, worlds.bridged, worlds.unicast, worlds.multicast]
)
@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_a_healthy_fabric_has_no_finding(fabric: Callable[[int], FabricIntent], nodes: int) -> None:
    intent = fabric(nodes)
    rendered = render(intent)

    result = audit(intent, healthy_states(intent, guests=2, rendered=rendered), rendered=rendered)

    assert result.findings == ()
    assert result.skipped == ()
