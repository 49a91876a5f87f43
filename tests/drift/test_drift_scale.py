"""One fault of a fabric of 50 nodes is one root cause, whatever follows from it on the others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from drift.engine import audit
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift import worlds
from tests.drift.worlds import fdb, json, link, no_link, paths, unreachable
from tests.simulated.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift.model import Finding
    from drift.result import AuditResult
    from overlay.expected import FabricIntent
    from overlay.records import HostState

    States = dict[str, HostState]
    Fault = Callable[[FabricIntent], States]

# Thirty fabrics of fifty nodes.
pytestmark = pytest.mark.slow

NODES = 50
VNIS = 20
FEW_VNIS = 4
MOST_ROOTS = 3
RACK = [f"node{number:02d}" for number in range(17, 25)]
VNI = 3


@cache
def fabric(vnis: int, reflectors: int = 0) -> FabricIntent:
    """Symmetric routing, every VNI on every node; without reflectors a full mesh."""
    nodes: dict[str, Any] = {
        f"node{number:02d}": {"address": f"192.168.0.{number}"} for number in range(1, NODES + 1)
    }
    for number in range(1, reflectors + 1):
        nodes[f"rr{number}"] = {"address": f"192.168.0.{200 + number}", "role": "reflector"}
    networks = [
        {"vni": vni, "vrf": "vrf1", "gateways": [f"10.0.{vni}.254/24"]}
        for vni in range(2, vnis + 2)
    ]
    return derive(
        Fabric.model_validate(
            {
                "mode": "evpn",
                "routing": "symmetric",
                "bgp": {"asn": 65000},
                "underlay": {"prefix": "192.168.0.0/24"},
                "overlay": {"gateway_mac": worlds.GATEWAY_MAC},
                "vrfs": {"vrf1": {"l3vni": 4000}},
                "nodes": nodes,
                "networks": networks,
            }
        )
    )


def vteps(intent: FabricIntent) -> list[str]:
    return [name for name, node in intent.nodes.items() if node.vxlans]


def roots_of(intent: FabricIntent, states: States) -> list[Finding]:
    """The roots, the one to work on first at the head, as every report sorts them."""
    result = audit(intent, states, skip=worlds.BY_RENDER)
    worlds.unfolded(result)  # the promises of every audit
    below = followers(result)
    found = [finding for finding in result.findings if finding.caused_by is None]
    return sorted(found, key=lambda one: (one.severity.rank, -below[one.id]))


def followers(result: AuditResult) -> Counter[str | None]:
    return Counter(finding.caused_by for finding in result.findings)


def named(roots: list[Finding]) -> list[tuple[str, str, str]]:
    return [(root.check, root.host, root.object) for root in roots]


def stuck_zebra(intent: FabricIntent, host: str = "node07") -> States:
    """BGP goes on, and nothing of it is in the kernel."""
    states = Fleet(intent).states()
    empty_kernel(host)(states)
    return states


def empty_kernel(host: str) -> worlds.Mutation:
    def of_bgp(routes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [route for route in routes if route.get("protocol") != "bgp"]

    return worlds.both(
        fdb(host, lambda entry: None if entry.dst else entry),
        json(host, "ip_neigh", lambda _: []),
        json(host, "ip_route", of_bgp),
        json(host, "ip6_route", of_bgp),
    )


def dark(*names: str) -> Fault:
    """Powered off: they answer neither us nor any other node."""

    def fault(intent: FabricIntent) -> States:
        states = Fleet(intent, cut_off=frozenset(names)).states()
        for name in names:
            unreachable(name)(states)
        return states

    return fault


def stopped(*names: str) -> Fault:
    return lambda intent: Fleet(intent, stopped=frozenset(names)).states()


def cut_off(*names: str) -> Fault:
    """They answer us, and no node of the fabric."""
    return lambda intent: Fleet(intent, cut_off=frozenset(names)).states()


def vni_removed(intent: FabricIntent) -> States:
    """`ip link del vxlan3` on every node."""
    names = vteps(intent)
    states = Fleet(intent, muted=frozenset((name, VNI) for name in names)).states()
    for name in names:
        no_link(name, f"vxlan{VNI}")(states)
        fdb(name, lambda entry: None if entry.device == f"vxlan{VNI}" else entry)(states)
    return states


def links(changes: dict[str, dict[str, Any]], hosts: list[str] | None = None) -> Fault:
    """Changes links, those of every node or of `hosts`."""

    def fault(intent: FabricIntent) -> States:
        states = Fleet(intent).states()
        for host in hosts or vteps(intent):
            for name, change in changes.items():
                link(host, name, **change)(states)
        return states

    return fault


EACH_VXLAN = [f"vxlan{vni}" for vni in (*range(2, FEW_VNIS + 2), 4000)]
NO_CARRIER = {"flags": ("BROADCAST", "UP", "NO-CARRIER")}


def port_down(intent: FabricIntent) -> States:
    states = cut_off("node07")(intent)
    worlds.both(link("node07", "eno1", **NO_CARRIER), link("node07", "vmbr0", **NO_CARRIER))(states)
    return states


def address_lost(intent: FabricIntent) -> States:
    """The VTEP address is gone from vmbr0: FRR has no source for its sessions any more."""
    states = cut_off("node07")(intent)

    def change(shown: list[dict[str, Any]]) -> None:
        for one in shown:
            one["addr_info"] = [it for it in one["addr_info"] if it["local"] != "192.168.0.7"]

    json("node07", "ip_address", change)(states)
    return states


def session_to_one_reflector_down(intent: FabricIntent) -> States:
    states = Fleet(intent).states()
    set_session("node07", "192.168.0.201", "Active")(states)
    json("rr1", "evpn_summary", lambda shown: shown["peers"].pop("*192.168.0.7") and None)(states)
    return states


def family_off(intent: FabricIntent) -> States:
    """`no neighbor … activate` on one node: the sessions are up, EVPN is not negotiated."""
    states = cut_off("node07")(intent)
    for name in vteps(intent):
        if name != "node07":
            set_session(name, "192.168.0.7", "NoNeg")(states)
    json("node07", "evpn_summary", lambda shown: shown["peers"].clear())(states)
    return states


def set_session(host: str, peer: str, state: str) -> worlds.Mutation:
    return json(host, "evpn_summary", lambda shown: shown["peers"][peer].update(state=state))


def wrong_target_everywhere(intent: FabricIntent) -> States:
    """`vni 3` / `route-target both 65000:777` typed into every node: only they import it."""
    states = Fleet(intent).states()
    for host in vteps(intent):
        paths(host, _retarget)(states)
    return states


def wrong_export_on_one_node(intent: FabricIntent) -> States:
    states = Fleet(intent).states()
    for host in vteps(intent):
        paths(host, lambda path: _retarget(path) if path.next_hop == "192.168.0.7" else path)(
            states
        )
        if host != "node07":
            fdb(host, lambda e: None if (e.device, e.dst) == ("vxlan3", "192.168.0.7") else e)(
                states
            )
    return states


def _retarget(path: Any) -> Any:
    targets = tuple("65000:777" if it == f"65000:{VNI}" else it for it in path.route_targets)
    return replace(path, route_targets=targets)


def no_devices(intent: FabricIntent) -> States:
    """Rebooted with networking failed: FRR runs, and there is no bridge and no VXLAN device."""
    names = [vxlan.vni for vxlan in intent.nodes["node07"].vxlans]
    states = Fleet(intent, muted=frozenset(("node07", vni) for vni in names)).states()
    for vxlan in intent.nodes["node07"].vxlans:
        no_link("node07", vxlan.name)(states)
        no_link("node07", vxlan.bridge)(states)
    fdb("node07", lambda entry: None)(states)
    empty_kernel("node07")(states)
    return states


def silenced(*hosts: str) -> Fault:
    """advertise-all-vni off."""

    def fault(intent: FabricIntent) -> States:
        names = hosts or vteps(intent)
        each = {name: intent.nodes[name].vxlans for name in names}
        muted = frozenset((name, vxlan.vni) for name in names for vxlan in each[name])
        states = Fleet(intent, muted=muted).states()
        for name in names:
            empty_kernel(name)(states)
        return states

    return fault


def everywhere(intent: FabricIntent, mutation: Callable[[str], worlds.Mutation]) -> States:
    states = Fleet(intent).states()
    for host in vteps(intent):
        mutation(host)(states)
    return states


def device_down(intent: FabricIntent) -> States:
    states = Fleet(intent, muted=frozenset((name, VNI) for name in vteps(intent))).states()
    for host in vteps(intent):
        link(host, f"vxlan{VNI}", flags=("BROADCAST",))(states)
        fdb(host, lambda entry: None if entry.device == f"vxlan{VNI}" else entry)(states)
    return states


NAMED: dict[str, tuple[int, Fault, tuple[str, str, str]]] = {
    "a stuck zebra": (0, stuck_zebra, ("kernel-not-programmed", "node07", "kernel")),
    "a dead rack": (0, dark(*RACK), ("session-down", "node01", "neighbor 192.168.0.17")),
    "a dead rack under reflectors": (
        2, dark(*RACK), ("session-down", "rr1", "neighbor 192.168.0.17"),
    ),
    "one of two reflectors lost": (
        2, dark("rr1"), ("session-down", "node01", "neighbor 192.168.0.201"),
    ),
    "the only reflector lost": (
        1, dark("rr1"), ("session-down", "node01", "neighbor 192.168.0.201"),
    ),
    "a VNI removed everywhere": (0, vni_removed, ("vxlan-missing", "node01", "vxlan3")),
    "a wrong MTU everywhere": (
        0, links({"eno1": {"mtu": 1500}, "vmbr0": {"mtu": 1500}}), ("mtu", "node01", "eno1"),
    ),
}  # fmt: skip

OTHERS: dict[str, tuple[int, Fault, tuple[str, str, str]]] = {
    "FRR of a reflector stopped": (1, stopped("rr1"), ("evpn-empty", "rr1", "bgp")),
    "both reflectors lost": (
        2, dark("rr1", "rr2"), ("session-down", "node01", "neighbor 192.168.0.201"),
    ),
    "an underlay port without carrier": (0, port_down, ("link-down", "node07", "eno1")),
    "a VTEP address lost": (0, address_lost, ("underlay-address", "node07", "vmbr0 192.168.0.7/24")),
    "a VTEP address lost under reflectors": (
        2, address_lost, ("underlay-address", "node07", "vmbr0 192.168.0.7/24"),
    ),
    "the session with one of two reflectors": (
        2, session_to_one_reflector_down, ("session-down", "node07", "neighbor 192.168.0.201"),
    ),
    "the only session of a node": (
        1, cut_off("node07"), ("session-down", "node07", "neighbor 192.168.0.201"),
    ),
    "a node rebooted with FRR stopped": (0, stopped("node07"), ("evpn-empty", "node07", "bgp")),
    "FRR stopped on a rack": (0, stopped(*RACK), ("evpn-empty", "node17", "bgp")),
    "a rack without underlay": (
        0, cut_off(*RACK), ("session-down", "node17", "neighbor 192.168.0.1"),
    ),
    "a rack without underlay, with reflectors": (
        2, cut_off(*RACK), ("session-down", "rr1", "neighbor 192.168.0.17"),
    ),
    "EVPN not activated on one node": (
        0, family_off, ("session-down", "node07", "neighbor 192.168.0.1"),
    ),
    "a wrong route target everywhere": (
        0, wrong_target_everywhere, ("route-target", "node01", "VNI 3"),
    ),
    "a wrong route target on one node": (
        0, wrong_export_on_one_node, ("route-target", "node07", "VNI 3"),
    ),
    "a node without its devices": (0, no_devices, ("vxlan-missing", "node07", "vxlan2")),
    "advertise-all-vni off on one node": (
        0, silenced("node07"), ("imet-not-originated", "node07", "bgp"),
    ),
    "advertise-all-vni off everywhere": (
        0, silenced(), ("evpn-empty", "node01", "bgp"),
    ),
    "zebra stuck everywhere": (
        0, lambda intent: everywhere(intent, empty_kernel),
        ("kernel-not-programmed", "node01", "kernel"),
    ),
    "one VXLAN device down everywhere": (
        0, device_down, ("link-down", "node01", "vxlan3"),
    ),
    "a wrong UDP port on every device": (
        0, links({name: {"vxlan": {"dstport": 8472}} for name in EACH_VXLAN}),
        ("vxlan-dstport", "node01", "vxlan2"),
    ),
    "a wrong MTU of one network everywhere": (
        0, links({"vxlan3": {"mtu": 1400}, "vmbr3": {"mtu": 1400}}), ("mtu", "node01", "vxlan3"),
    ),
    "learning on each port of one node": (
        0, links({name: {"bridge_port": {"learning": True}} for name in EACH_VXLAN}, ["node07"]),
        ("bridge-port-learning", "node07", "vxlan2"),
    ),
    "each gateway of one node with another MAC": (
        0,
        links({f"vmbr{n}": {"mac": "02:00:00:00:aa:01"} for n in range(2, FEW_VNIS + 2)}, ["node07"]),
        ("gateway-mac", "node07", "vmbr2"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_fault_of_a_large_fabric_is_one_root_cause(name: str) -> None:
    reflectors, fault, wanted = NAMED[name]
    intent = fabric(VNIS, reflectors)

    assert named(roots_of(intent, fault(intent))) == [wanted]


@pytest.mark.parametrize("name", OTHERS)
def test_other_faults_are_few_root_causes_the_right_one_first(name: str) -> None:
    reflectors, fault, wanted = OTHERS[name]
    intent = fabric(FEW_VNIS, reflectors)

    roots = named(roots_of(intent, fault(intent)))

    assert roots[0] == wanted
    assert len(roots) <= MOST_ROOTS, roots
