"""The ten topologies: each onto blank nodes, and one lab moved through all of them in turn."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from lab import fabric, guests
from lab.fault_catalogue import CATALOGUE
from lab.ssh import run_on
from overlay.loading import load_inventory
from parsers.interfaces import parse_interfaces
from tests.live.conftest import CONVERGE, ROOT, Lab
from tests.live.tools import witnesses
from tests.live.tools.isolation import TWO_TENANTS, become_two_tenants
from tests.live.tools.probes import eventually, on
from tests.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from overlay.expected import FabricIntent, NodeIntent

pytestmark = pytest.mark.lab

OUTSIDE = witnesses.OUTSIDE[0]


def reaches(lab: Lab, guest: str, address: str, timeout: float = CONVERGE) -> None:
    def probe() -> bool:
        sent, received = guests.ping(lab.spec, guest, address)
        return bool(sent) and sent == received

    eventually(f"{guest} does not reach {address}", probe, timeout)


def outside(lab: Lab) -> None:
    on(
        lab,
        "router",
        "ip link show outside >/dev/null 2>&1 || ip link add outside type dummy; "
        "ip link set outside up; for address in "
        f"{' '.join(witnesses.OUTSIDE)}; do ip address replace $address/32 dev outside; done",
    )


def assert_no_loop(lab: Lab, guest: str) -> None:
    """The way outside ends there, within four hops, and no address stands on it twice."""
    said = guests.run(lab.spec, guest, f"traceroute -n -w 2 -q 2 -m 8 {OUTSIDE}").check()
    way = [set(re.findall(r"\d+\.\d+\.\d+\.\d+", line)) for line in said.splitlines()[1:]]
    assert way, said
    assert way[-1] == {OUTSIDE}, said
    assert len(way) <= 4, said
    answered = [address for hop in way for address in hop]
    assert len(answered) == len(set(answered)), said


def shows_layer2(lab: Lab) -> None:
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm4")


def shows_multicast(lab: Lab) -> None:
    shows_layer2(lab)
    fdb = on(lab, "node1", "bridge fdb show dev vxlan2")
    assert "00:00:00:00:00:00 dst 225.20.1.1 via vmbr0" in fdb
    # Learned from traffic: the entry is dynamic, nobody has programmed it.
    mac = lab.spec.guest("vm2").mac
    assert any(
        line.startswith(mac) and "dst 192.168.0.2" in line and "extern_learn" not in line
        for line in fdb.splitlines()
    ), fdb


def shows_unicast(lab: Lab) -> None:
    shows_layer2(lab)
    fdb = on(lab, "node3", "bridge fdb show dev vxlan3").splitlines()
    flood = sorted(line.split()[2] for line in fdb if line.startswith("00:00:00:00:00:00"))
    assert flood == ["192.168.0.1", "192.168.0.2"]


def shows_evpn(lab: Lab) -> None:
    shows_layer2(lab)
    detail = on(lab, "node2", "ip -d link show vxlan2")
    assert "nolearning" in detail
    assert "neigh_suppress on" in detail


def shows_routing(lab: Lab) -> None:
    lab.ping("vm1", "vm2")
    lab.ping("vm1", "vm3")
    lab.ping("vm3", "vm2")
    macs = {
        on(lab, node, "cat /sys/class/net/vmbr2/address")
        for node in lab.spec.nodes
        if node.startswith("node")
    }
    assert macs == {"44:39:39:ff:40:94\n"}


def shows_single_exit(lab: Lab) -> None:
    shows_routing(lab)
    outside(lab)
    reaches(lab, "vm2", OUTSIDE)
    # Through node1: the second hop is its leg in the L3VNI, whatever address that answers with.
    evpn = on(lab, "node2", "vtysh -c 'show bgp l2vpn evpn route type prefix'")
    assert "[5]:[0]:[0]:[0.0.0.0]" in evpn
    assert "192.168.0.1" in on(lab, "node2", "ip route show vrf vrf1 default")


def shows_several_exits(lab: Lab) -> None:
    shows_routing(lab)
    outside(lab)
    for guest in ("vm1", "vm2", "vm3"):
        reaches(lab, guest, OUTSIDE)
        assert_no_loop(lab, guest)
    routes = on(lab, "router", "ip route show 10.0.2.0/24")
    assert all(f"192.168.0.{n}" in routes for n in (1, 2, 3)), routes
    assert on(lab, "node1", "sysctl -n net.ipv4.conf.all.rp_filter") == "0\n"
    fabric.power_off(lab.spec, "node1")
    try:
        # The router takes no way whose neighbour does not answer.
        reaches(lab, "vm2", OUTSIDE, timeout=30)
        reaches(lab, "vm3", OUTSIDE, timeout=30)
    finally:
        fabric.power_on(lab.spec, "node1")
    guests.start_all(lab.spec)


def shows_floating_address(lab: Lab) -> None:
    shows_routing_of_two(lab)
    outside(lab)
    reaches(lab, "vm2", OUTSIDE)

    def answers() -> bool:
        done = run_on(lab.spec.node("router"), "ping -c 2 -i 0.2 -W 1 192.168.0.10")
        return done.rc == 0

    eventually("192.168.0.10 does not answer", answers)
    assert "Master" in on(lab, "node1", "vtysh -c 'show vrrp 1'")
    fabric.power_off(lab.spec, "node1")
    try:
        on(lab, "router", "ip neigh flush dev vmbr0")
        eventually("node2 did not take 192.168.0.10 over", answers, timeout=15)
        assert "Master" in on(lab, "node2", "vtysh -c 'show vrrp 1'")
        reaches(lab, "vm2", OUTSIDE, timeout=30)
    finally:
        fabric.power_on(lab.spec, "node1")
    guests.start_all(lab.spec)


def shows_routing_of_two(lab: Lab) -> None:
    lab.ping("vm1", "vm2")
    lab.ping("vm1", "vm4")


def shows_upstream(lab: Lab) -> None:
    shows_routing(lab)
    outside(lab)

    def learned() -> bool:
        routes = on(lab, "router", "ip -4 route show proto bgp")
        return "10.0.2.0/24" in routes and "10.0.3.0/24" in routes

    eventually("the router does not learn the networks", learned)
    routes = on(lab, "router", "ip -4 route show proto bgp").splitlines()
    assert all("/" in line.split()[0] for line in routes), "no host route leaves the fabric"
    eventually(
        "node1 has no default", lambda: "192.168.0.254" in on(lab, "node1", "ip route show default")
    )
    reaches(lab, "vm2", OUTSIDE)
    reaches(lab, "vm1", OUTSIDE)


def shows_reflectors(lab: Lab) -> None:
    shows_routing(lab)
    peers = on(lab, "node1", "vtysh -c 'show bgp l2vpn evpn summary'")
    assert "192.168.0.200" in peers
    assert "192.168.0.2 " not in peers
    fabric.power_off(lab.spec, "rrserver1")
    try:
        shows_routing(lab)
    finally:
        fabric.power_on(lab.spec, "rrserver1")


@dataclass(frozen=True)
class Topology:
    """One topology; `fresh` ones are deployed onto blank nodes, others onto the one before.

    All must audit clean when they are deployed, and again after what they show where `ends_clean`.
    """

    slug: str
    shows: Callable[[Lab], None]
    fresh: bool = False
    ends_clean: bool = True


TOPOLOGIES = (
    Topology("l2-multicast", shows_multicast, fresh=True),
    Topology("l2-unicast", shows_unicast),
    Topology("l2-evpn", shows_evpn),
    Topology("l3-asymmetric", shows_routing),
    Topology("l3-symmetric", shows_routing),
    Topology("exit-single-gateway", shows_single_exit),
    Topology("exit-multi-gateway", shows_several_exits),
    Topology("exit-vrrp", shows_floating_address),
    Topology("exit-upstream-bgp", shows_upstream),
    # When one of two reflectors is back, FRR 8.4 loses router MACs, which is real drift that the
    # audit names (docs/troubleshooting.md).
    Topology("route-reflectors", shows_reflectors, ends_clean=False),
)


def leftovers(lab: Lab, name: str, node: NodeIntent) -> list[str]:
    """What a node holds of an earlier topology: devices and FRR statements that no intent names."""
    intended = {bridge.name for bridge in node.bridges} | {vxlan.name for vxlan in node.vxlans}
    intended |= {vrf.name for vrf in node.vrfs}
    intended |= {node.single.name, node.single.bridge} if node.single else set()
    kept = (parse_interfaces(text).stanzas for text in node.interfaces_extra)
    intended |= {stanza.name for stanzas in kept for stanza in stanzas}
    listed = "for k in bridge vxlan vrf; do ip -br link show type $k; done"
    if node.single:  # its VLAN interfaces: others have the underlay, and LANs
        listed += f"; ip -br link show type vlan | grep @{node.single.bridge} || :"
    kinds = on(lab, name, listed)
    devices = {line.split()[0].partition("@")[0] for line in kinds.splitlines() if line}
    left = sorted(devices - intended)
    proposal = on(
        lab, name, "/usr/lib/frr/frr-reload.py --test --stdout /etc/frr/frr.conf 2>/dev/null || :"
    )
    return left + [line for line in proposal.splitlines() if line and "INFO" not in line]


def assert_as_intended(lab: Lab) -> None:
    """On no node is anything left, and ifupdown2 and FRR have nothing to add."""

    def look(name: str, node: NodeIntent) -> tuple[list[str], str]:
        # Of one device for all VNIs ifquery knows no map: it calls every one wrong.
        skip = f"--exclude {node.single.name}" if node.single else ""
        check = run_on(lab.spec.node(name), f"ifquery --all --check {skip}")
        return leftovers(lab, name, node), check.out

    nodes = load_inventory(lab.inventory).intent.nodes
    with ThreadPoolExecutor() as pool:
        for left, said in pool.map(look, nodes, nodes.values()):
            assert left == []
            assert "[fail]" not in said


def assert_imported(
    lab: Lab, *, of_others: int = 0, kept: int = 0, kept_statements: int = 0
) -> None:
    """What `import hosts` reads on the nodes is the intent that was deployed there.

    `of_others` are the statements of an underlay that somebody else wrote, which no intent says;
    `kept` are the devices that the intent keeps text of, `kept_statements` those of FRR.
    """
    folder = lab.work / f"imported-{lab.inventory.name}"
    shutil.rmtree(folder, ignore_errors=True)
    done = lab.run("import", "hosts", "--output", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    # Nothing differs, nothing is left over, and nothing would be added: statement by statement.
    counts = [line.split()[0] for line in done.stdout.splitlines()[-7:]]
    wanted_counts = ["0", "0", "0", *map(str, (kept, kept_statements, of_others)), "0"]
    assert counts == wanted_counts, (folder / "import.md").read_text()
    wanted, found = (load_inventory(it).intent for it in (lab.inventory, folder))
    assert _but_kept_text(found) == _but_kept_text(wanted)
    assert render(found) == render(wanted)
    deployed, lab.inventory = lab.inventory, folder
    try:
        lab.audit_clean()
    finally:
        lab.inventory = deployed


def _but_kept_text(intent: FabricIntent) -> dict[str, NodeIntent]:
    """Which comes back with a heading of its own, and makes the same files."""
    return {
        name: replace(node, interfaces_extra=(), frr_extra=())
        for name, node in intent.nodes.items()
    }


# Onto blank nodes, too, go the first of the chain below, and these in test_main_job.py.
ELSEWHERE = {"l2-evpn", "l3-symmetric"}
# With the most nodes first: none of a lab that has just been booted needs to be made blank.
OTHERS = [t.slug for t in reversed(TOPOLOGIES) if not t.fresh and t.slug not in ELSEWHERE]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("slug", OTHERS)
def test_onto_blank_nodes_and_with_two_tenants(lab: Lab, tmp_path: Path, slug: str) -> None:
    lab.use(ROOT / "examples" / slug)
    lab.blank()
    lab.deploy()
    guests.start_all(lab.spec)
    lab.audit_clean()
    if slug in TWO_TENANTS:
        become_two_tenants(lab, tmp_path, slug)


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=lambda topology: topology.slug)
def test_one_after_the_other(lab: Lab, topology: Topology) -> None:
    lab.use(ROOT / "examples" / topology.slug)
    if topology.fresh:
        lab.blank()
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    lab.audit_clean()
    assert_imported(lab)
    topology.shows(lab)
    if topology.ends_clean:
        lab.audit_clean()
    own = [name for name, fault in CATALOGUE.items() if fault.topology == topology.slug]
    if own and topology.slug != "l3-symmetric":
        for name in own:
            lab.prove(name)
        lab.audit_clean()
    done = lab.deploy()
    assert "Plan: 0 to change" in done.stdout
