"""Nodes whose underlay is somebody else's, and an underlay that speaks IPv6."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lab import fabric, guests
from lab.ssh import run_on
from overlay.loading import load_inventory
from tests.live.conftest import ROOT
from tests.live.tenants import answering, furnish, nodes_themselves, strip
from tests.live.test_topologies import assert_as_intended, assert_imported, leftovers, reaches
from tests.live.tools.probes import on
from tests.live.tools.singles import as_single, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

HERE = ROOT / "tests" / "live"
MAIN = "/etc/network/interfaces"
OURS = "/etc/network/interfaces.d/evpn-fleet"
SOURCE = "source /etc/network/interfaces.d/*"
RELIED_ON = {"node1": "192.168.0.1", "node2": "192.168.0.2"}


def start(lab: Lab, name: str) -> None:
    """Blank nodes under that inventory."""
    lab.use(HERE / name)
    lab.blank()


def write_underlay(lab: Lab, name: str) -> None:
    """What the node's owner has written by hand and put into force, with a guest on it."""
    text = (HERE / "overlay-scope" / "interfaces").read_text()
    text = text.replace("ADDRESS", RELIED_ON[name])
    on(
        lab,
        name,
        f"cat > {MAIN} <<'EOF'\n{text}EOF\n"
        "install -d -m 755 /etc/iproute2/rt_tables.d; ifreload --all && "
        "ip link add tap900i0 type veth peer name guest900 && "
        "ip link set tap900i0 master vmbr0 up",
    )


def refusals(lab: Lab) -> str:
    done = lab.run("plan")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def test_the_overlay_scope(lab: Lab) -> None:
    start(lab, "overlay-scope")
    for name in RELIED_ON:
        write_underlay(lab, name)
    said = refusals(lab)
    for name in RELIED_ON:
        assert f"{name}: {MAIN} does not source /etc/network/interfaces.d/*" in said
    for name in RELIED_ON:
        on(lab, name, f"echo '{SOURCE}' >> {MAIN}")
    before = {name: on(lab, name, f"sha256sum {MAIN}") for name in RELIED_ON}

    lab.deploy()

    for name, node in load_inventory(lab.inventory).intent.nodes.items():
        assert leftovers(lab, name, node) == []
        # Ours alone: of a bridge with a guest that it does not condone, ifquery says that it fails.
        ours = [device.name for device in (*node.vxlans, *node.vrfs)]
        ours += [bridge.name for bridge in node.owned_bridges]
        ours += [port.name for port in node.lan_ports if port.written]
        said = run_on(lab.spec.node(name), f"ifquery --check {' '.join(ours)}").out
        assert "[pass]" in said
        assert "[fail]" not in said
    for name, sum_ in before.items():
        assert on(lab, name, f"sha256sum {MAIN}") == sum_
        # A full reload would have taken it off: nothing in that file condones it.
        assert "master vmbr0" in on(lab, name, "ip link show tap900i0")
    assert on(lab, "node3", f"ls {MAIN}; [ ! -e {OURS} ]").strip() == MAIN
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm1")
    lab.audit_clean()
    assert_imported(lab, of_others=9 * len(RELIED_ON))
    assert "Plan: 0 to change" in lab.deploy().stdout


def test_ipv6_neighbours_find_each_other_across_nodes(lab: Lab) -> None:
    """Follows the overlay scope's test: with a gateway, and without one."""
    reaches(lab, "vm1", "fd00:2::2")
    reaches(lab, "vm5", "fd00:5::2")


def test_a_port_to_a_lan_is_a_vlan_in_our_own_file(lab: Lab) -> None:
    """Follows the overlay scope's test; the NIC below it is somebody else's."""
    lab.ping("plc1", "vm2")
    on(lab, "node1", "ip link del eno2.20")
    wanted = [("node1", "link-down", "eno2.20")]
    audit = lab.audit_until(lambda audit: audit.brief == wanted)
    assert audit.brief == wanted, audit.text
    on(lab, "node1", "ifreload --allow evpn")
    lab.ping("plc1", "vm2")
    lab.audit_clean()


def test_its_guests_reach_no_node(lab: Lab) -> None:
    """Follows the overlay scope's test: the VRF's unreachable defaults are in our own file, too."""
    furnish(lab)
    try:
        for guest, own in (("vm1", {"10.0.2.254", "fd00:2::254"}), ("vm3", {"10.0.3.254"})):
            assert answering(lab, guest, own | nodes_themselves(lab)) == own
        # That is not because nothing could answer.
        route = "route del vrf vrf1 unreachable default metric 4278198272"
        on(lab, "node1", f"ip {route} && ip -6 {route}")
        # The node's answers to IPv6 find no way back into the VRF, so its routes are asked.
        asked = "ip -6 route get fd00:255::1 from fd00:2::1 iif vmbr2 2>&1 || :"
        assert {"192.168.0.1", "10.255.0.1"} <= answering(lab, "vm1", nodes_themselves(lab))
        assert on(lab, "node1", asked).startswith("local fd00:255::1 ")
        on(lab, "node1", "ifup vrf1")
        assert answering(lab, "vm1", nodes_themselves(lab)) == set()
        assert "No route to host" in on(lab, "node1", asked)
    finally:
        strip(lab)
    lab.audit_clean()


def test_what_is_not_ours_is_no_drift_and_what_we_rely_on_is(lab: Lab) -> None:
    """Follows the overlay scope's test."""
    on(lab, "node2", "ip link set vmbr0 mtu 1549")
    audit = lab.audit_until(lambda audit: bool(audit.report["findings"]))
    assert audit.brief == [("node2", "mtu", "vmbr0")], audit.text
    on(lab, "node2", "ip link set vmbr0 mtu 1550")
    on(lab, "node2", "ip address add 198.51.100.7/32 dev vmbr0; ip link set vmbr0 mtu 1560")
    lab.audit_clean()
    on(lab, "node2", "ip address del 198.51.100.7/32 dev vmbr0; ip link set vmbr0 mtu 1550")


# On which node, where it is typed, what is taken away and typed in its place, and what is found.
WRONG_TARGETS = (
    ("node1", "router bgp 1234 vrf vrf1", (), "export 65000:4999", "VRF vrf1"),
    ("node2", "router bgp 1234", ("vni 2",), "export 65000:1002", "VNI 2"),
    ("node3", "router bgp 1234 vrf vrf1", (), "import 0:4999", "VRF vrf1"),
    ("node1", "router bgp 1234", ("vni 2",), "import 65000:1002", "VNI 2"),
)


def test_a_route_target_that_is_not_the_one_by_hand(lab: Lab) -> None:
    """Follows the overlay scope's test: one on each node, then what its file says again."""
    for name, instance, block, target, named in WRONG_TARGETS:
        way = target.partition(" ")[0]
        words = ["configure terminal", instance, "address-family l2vpn evpn", *block]
        words += [f"no route-target {target}", f"route-target {way} 65000:777"]
        on(lab, name, "vtysh " + " ".join(f"-c '{word}'" for word in words))
        wanted = [(name, "route-target", named)]
        audit = lab.audit_until(lambda audit, wanted=wanted: audit.brief == wanted)
        assert audit.brief == wanted, audit.text
        on(lab, name, "/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf")
        lab.audit_clean()
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm1")


def test_a_device_that_both_files_define_is_refused(lab: Lab) -> None:
    """Follows the overlay scope's test."""
    on(lab, "node1", f"cp {MAIN} /root/kept; printf 'iface vmbr2 inet manual\\n' >> {MAIN}")
    assert f"node1: {MAIN} defines vmbr2 already" in refusals(lab)
    # Synced: the power failure of the next test may come before the kernel writes it by itself.
    on(lab, "node1", f"cp /root/kept {MAIN} && sync")
    assert lab.run("plan").returncode == 0


def test_the_overlay_comes_back_after_a_power_failure(lab: Lab) -> None:
    """Follows the overlay scope's test: at boot both files are read."""
    fabric.power_off(lab.spec, "node1")
    fabric.power_on(lab.spec, "node1")
    on(lab, "node1", "ifreload --allow evpn")  # the lab's NIC was not there yet when it booted
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.audit_clean()


def test_one_device_for_all_vnis_beside_somebody_elses_underlay(lab: Lab, tmp_path: Path) -> None:
    """Follows the overlay scope's test: on node2 and node3, for Debian 12 knows no such device."""
    with lab.using(of_two_nodes(tmp_path / "single")):
        before = on(lab, "node2", f"sha256sum {MAIN}")
        lab.deploy()
        for name, node in load_inventory(lab.inventory).intent.nodes.items():
            assert leftovers(lab, name, node) == []
        assert on(lab, "node2", f"sha256sum {MAIN}") == before
        assert "master vmbr0" in on(lab, "node2", "ip link show tap900i0")
        guests.start_all(lab.spec)
        lab.ping("vm3", "vm2")
        reaches(lab, "vm6", "fd00:5::1")
        on(lab, "node2", "ifreload --allow evpn")
        lab.audit_clean()
        assert_imported(lab, of_others=9)
        assert "Plan: 0 to change" in lab.deploy().stdout


def of_two_nodes(folder: Path) -> Path:
    """The overlay scope's fabric with one device for all VNIs: what node1 had is node3's."""
    shutil.copytree(HERE / "overlay-scope", folder)
    with changed(folder, "fabric.yaml") as intent:
        del intent["nodes"]["node1"], intent["networks"][2]["multicast_flood"]
        for network in intent["networks"]:
            network.pop("ports", None)
    with changed(folder, "hosts.yaml") as hosts:
        del hosts["node1"]
    with changed(folder, "lab.yaml") as lab:
        del lab["nodes"]["node1"], lab["machines"]["plc1"]
        for number, node in enumerate(lab["nodes"].values(), start=2):
            node["number"] = number
        for guest in lab["machines"].values():
            if guest["node"] == "node1":
                guest["node"] = "node3"
    return as_single(folder)


def flooded(lab: Lab, node: str, device: str) -> list[str]:
    lines = on(lab, node, f"bridge fdb show dev {device}").splitlines()
    return sorted(line.split()[2] for line in lines if line.startswith("00:00:00:00:00:00"))


def test_an_ipv6_underlay(lab: Lab) -> None:
    start(lab, "ipv6-underlay")
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm4")
    assert flooded(lab, "node1", "vxlan2") == ["fd00:77::2", "fd00:77::3"]
    # Full frames: 1500 bytes of a virtual machine and 70 of the tunnel.
    full = guests.run(lab.spec, "vm1", "ping -c 2 -W 1 -M do -s 1472 10.0.2.2")
    assert " 2 received" in full.out, full.out
    lab.audit_clean()
    assert_imported(lab)
    assert "Plan: 0 to change" in lab.deploy().stdout


def test_the_flood_list_over_ipv6_is_audited_and_fixed(lab: Lab) -> None:
    """Follows the IPv6 underlay's test."""
    on(
        lab,
        "node1",
        "bridge fdb del 00:00:00:00:00:00 dev vxlan2 dst fd00:77::2; "
        "bridge fdb append 00:00:00:00:00:00 dev vxlan3 dst fd00:77::99",
    )
    audit = lab.audit_until(lambda audit: len(audit.roots) == 2)
    assert {check for _, check, _ in audit.brief} == {"flood-missing", "flood-unexpected"}
    on(lab, "node1", "ip link del vxlan3; ifreload --all")
    lab.audit_clean()


def test_devices_over_ipv6_come_back_after_a_power_failure(lab: Lab) -> None:
    """Follows the IPv6 underlay's test: their commands make them at boot."""
    fabric.power_off(lab.spec, "node2")
    fabric.power_on(lab.spec, "node2")
    guests.start_all(lab.spec)
    lab.ping("vm1", "vm2")
    lab.audit_clean()
