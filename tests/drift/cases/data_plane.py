"""Cases of devices, VRFs, addresses, flood lists and forwarding databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drift.model import CRITICAL
from overlay.records import ALL_ZERO_MAC, FdbEntry
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.worlds import both, fdb, json, link, more_fdb, new_link, no_link

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.records import HostState

MAC_OF_2 = "02:00:02:00:02:00"  # node2's guest in VNI 2; its number is the address's last part
STRANGE_MAC = "02:ff:00:00:00:01"


def _flood_entry(device: str, vtep: str) -> FdbEntry:
    return FdbEntry(
        ALL_ZERO_MAC, device, dst=vtep, state="permanent", flags=("self",), text="flood"
    )


def _bridged_but_one(states: dict[str, HostState]) -> None:
    """The bridges' lines for remote MACs: one has moved from the tunnel's port to the bridge."""
    entries = states["node1"].fdb or ()
    behind = [e for e in entries if e.dst and not e.is_flood and e.device != "vxlan4000"]
    bridged = [FdbEntry("02:00:00:00:00:aa", "vxlan2", master="vmbr2", state="permanent")]
    for entry in behind:
        bridge = entry.device.replace("vxlan", "vmbr")
        device, state = (bridge, "permanent") if entry.mac == MAC_OF_2 else (entry.device, "")
        bridged.append(FdbEntry(entry.mac, device, master=bridge, state=state or None))
    more_fdb("node1", *bridged)(states)


def _not_flood(device: str, vtep: str) -> Callable[[FdbEntry], FdbEntry | None]:
    return lambda e: None if e.is_flood and (e.device, e.dst) == (device, vtep) else e


def fdb_of(mac: str, **changes: Any) -> Callable[[FdbEntry], FdbEntry | None]:
    def change(entry: FdbEntry) -> FdbEntry | None:
        if entry.mac != mac or entry.dst is None:
            return entry
        return replace(entry, **changes) if changes else None

    return change


def _move_address(ip: str, to: str | None) -> Callable[[Any], None]:
    def change(listing: Any) -> None:
        for shown in listing:
            for info in list(shown["addr_info"]):
                if info["local"] == ip:
                    shown["addr_info"].remove(info)
                    if to:
                        next(s for s in listing if s["ifname"] == to)["addr_info"].append(info)

    return change


def _duplicate(ip: str) -> Callable[[Any], None]:
    """As iproute2 prints an address that failed IPv6 duplicate address detection."""

    def change(listing: Any) -> None:
        for shown in listing:
            for info in shown["addr_info"]:
                if info["local"] == ip:
                    info |= {"dadfailed": True, "tentative": True}

    return change


DATA_PLANE: dict[tuple[str, str], Case] = {
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
    ("vxlan-unexpected", "a second device of an intended VNI, on another UDP port"): Case(
        new_link("node1", "vxlan2", "vx-two", dstport=4790),
        "node1",
        "vx-two",
        "vx-two: VXLAN device - Expected: absent Actual: VNI 2 beside vxlan2",
        severity=CRITICAL,
    ),
    ("vxlan-unexpected", "a second device of an L3VNI"): Case(
        new_link("node3", "vxlan4000", "vx-l3", dstport=4790),
        "node3",
        "vx-l3",
        "Actual: VNI 4000 beside vxlan4000",
        severity=CRITICAL,
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
    ("vtep-duplicate", "another node's address"): Case(
        link("node2", "vxlan2", vxlan={"local": "192.168.0.1"}),
        "node2",
        "VTEP 192.168.0.1",
        "users - Expected: node1 Actual: node1, node2",
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
    ("link-down", "tunnel down, its port disabled"): Case(
        link("node1", "vxlan2", flags=("BROADCAST",), bridge_port={"state": "disabled"}),
        "node1",
        "vxlan2",
        "state - Expected: up Actual: down",
    ),
    ("link-down", "bridge down, its ports disabled"): Case(
        both(
            link("node1", "vmbr2", flags=("BROADCAST",)),
            link("node1", "vxlan2", bridge_port={"state": "disabled"}),
        ),
        "node1",
        "vmbr2",
        "state - Expected: up Actual: down",
    ),
    ("link-down", "underlay without carrier, its port disabled"): Case(
        both(
            link("node1", "eno1", flags=("UP", "NO-CARRIER"), bridge_port={"state": "disabled"}),
            link("node1", "vmbr0", flags=("UP", "NO-CARRIER")),
        ),
        "node1",
        "eno1",
        "state - Expected: up Actual: no carrier",
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
        fdb("node1", fdb_of(MAC_OF_2)),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "Expected: 192.168.0.2 Actual: absent",
    ),
    ("fdb-missing", "the bridge takes it for its own"): Case(
        _bridged_but_one,
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "forwarding entry of vmbr2 - Expected: vxlan2 Actual: absent",
    ),
    ("fdb-wrong-vtep", "another VTEP"): Case(
        fdb("node1", fdb_of(MAC_OF_2, dst="192.168.0.3")),
        "node1",
        f"vxlan2 MAC {MAC_OF_2}",
        "VTEP - Expected: 192.168.0.2 Actual: 192.168.0.3",
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
    ("gateway-address", "there, but not in use: duplicate address detection failed"): Case(
        json("node1", "ip_address", _duplicate("fd00:2::1")),
        "node1",
        "vmbr2 fd00:2::1/64",
        "gateway address",
    ),
    ("underlay-address", "absent"): Case(
        json("node1", "ip_address", _move_address("192.168.0.1", None)),
        "node1",
        "vmbr0 192.168.0.1/24",
        "Expected: 192.168.0.1/24 on vmbr0 Actual: absent",
    ),
}
