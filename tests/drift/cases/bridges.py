"""Cases of bridges and their ports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drift.model import CRITICAL, WARNING
from overlay.records import BridgePort, Link
from tests.drift import worlds
from tests.drift.cases.case import Case
from tests.drift.worlds import both, link, new_link, no_link

if TYPE_CHECKING:
    from overlay.records import HostState
    from tests.drift.worlds import Mutation


def _isolated_guest(states: dict[str, HostState]) -> None:
    port = BridgePort(state="forwarding", isolated=True)
    tap = Link(99, "tap9i0", flags=("UP",), mtu=1500, master="vmbr2", bridge_port=port)
    states["node1"] = replace(
        states["node1"], links={**(states["node1"].links or {}), tap.name: tap}
    )


def _one_device_for_all(states: dict[str, HostState]) -> None:
    """As a host whose bridge maps VLANs to VNIs: none of the intended devices and bridges."""
    links = dict(states["node1"].links or {})
    single = replace(links["vxlan2"], name="vxlan0", master="vmbr1")
    assert single.vxlan is not None
    single = replace(single, vxlan=replace(single.vxlan, vni=0, external=True))
    bridge = replace(links["vmbr2"], name="vmbr1")
    guests = {name for name in links if name.startswith("tap")}
    for name in {"vxlan2", "vxlan3", "vmbr2", "vmbr3"} | guests:
        del links[name]
    states["node1"] = replace(
        states["node1"], links={**links, single.name: single, bridge.name: bridge}
    )


def _guest_port(**port: Any) -> Mutation:
    def mutate(states: dict[str, HostState]) -> None:
        flags = ("BROADCAST", "UP", "LOWER_UP")
        tap = Link(99, "tap9i0", flags=flags, master="vmbr2", bridge_port=BridgePort(**port))
        states["node1"] = replace(
            states["node1"], links={**(states["node1"].links or {}), tap.name: tap}
        )

    return mutate


def _above(bridge: str, kind: str) -> Mutation:
    def mutate(states: dict[str, HostState]) -> None:
        up = ("BROADCAST", "UP", "LOWER_UP")
        taker = Link(98, "mv0", parent=bridge, flags=up, kind=kind, macvlan="passthru")
        states["node1"] = replace(
            states["node1"], links={**(states["node1"].links or {}), taker.name: taker}
        )

    return mutate


BRIDGES = {
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
    ("vxlan-unexpected", "one device in the place of all"): Case(
        _one_device_for_all,
        "node1",
        "vxlan0",
        "VXLAN device - Expected: absent Actual: external: several VNIs, those of VLANs of vmbr1",
        worlds.bridged,
        CRITICAL,
    ),
    ("vxlan-unexpected", "one for several VNIs, in no bridge"): Case(
        new_link("node1", "vxlan2", "cilium_vxlan", vni=0, external=True, master=None),
        "node1",
        "cilium_vxlan",
        "external: several VNIs",
        severity=WARNING,
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
    ("bridge-membership", "port to a LAN in no bridge"): Case(
        link("node2", "bond0", master=None, bridge_port=None),
        "node2",
        "bond0",
        "bridge - Expected: vmbr2 Actual: absent",
        worlds.led_out,
    ),
    ("bridge-membership", "another VLAN of the LAN"): Case(
        link("node1", "eno2.20", vlan=30),
        "node1",
        "eno2.20",
        "VLAN - Expected: 20 Actual: 30",
        worlds.led_out,
    ),
    ("bridge-membership", "VLAN of another device"): Case(
        link("node1", "eno2.20", parent="eno3"),
        "node1",
        "eno2.20",
        "device of its VLAN - Expected: eno2 Actual: eno3",
        worlds.led_out,
    ),
    ("bridge-port-learning", "off towards a LAN"): Case(
        link("node2", "bond0", bridge_port={"learning": False}),
        "node2",
        "bond0",
        "bridge port learning - Expected: on Actual: off",
        worlds.led_out,
    ),
    ("bridge-port-state", "port to a LAN blocked"): Case(
        link("node2", "bond0", bridge_port={"state": "blocking"}),
        "node2",
        "bond0",
        "bridge port state - Expected: forwarding Actual: blocking",
        worlds.led_out,
    ),
    ("link-down", "no VLAN of the LAN"): Case(
        no_link("node1", "eno2.20"),
        "node1",
        "eno2.20",
        "eno2.20: port to a LAN - Expected: up Actual: absent",
        worlds.led_out,
    ),
    ("link-down", "NIC below a VLAN"): Case(
        both(
            link("node1", "eno2", flags=("UP", "NO-CARRIER")),
            link("node1", "eno2.20", flags=("UP", "NO-CARRIER"), bridge_port={"state": "disabled"}),
        ),
        "node1",
        "eno2",
        "eno2: state - Expected: up Actual: no carrier",
        worlds.led_out,
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
        severity=CRITICAL,
    ),
    ("bridge-port-flood", "off in unicast mode"): Case(
        link("node1", "vxlan2", bridge_port={"flood": False}),
        "node1",
        "vxlan2",
        "Expected: on Actual: off",
        worlds.unicast,
        severity=CRITICAL,
    ),
    ("bridge-port-broadcast", "kept out of the tunnel"): Case(
        link("node1", "vxlan2", bridge_port={"bcast_flood": False}),
        "node1",
        "vxlan2",
        "broadcast flooding - Expected: on Actual: off",
    ),
    ("bridge-diverted", "above a gateway"): Case(
        _above("vmbr2", "macvlan"),
        "node1",
        "vmbr2",
        "device that takes its frames - Expected: absent Actual: mv0 (macvlan, passthru)",
    ),
    ("bridge-diverted", "above the bridge of an L3VNI"): Case(
        _above("vmbr4000", "macvtap"), "node1", "vmbr4000", "Actual: mv0 (macvtap, passthru)"
    ),
    ("guest-port-blocked", "disabled"): Case(
        _guest_port(state="disabled"),
        "node1",
        "tap9i0",
        "state of the port on vmbr2 - Expected: forwarding Actual: disabled",
    ),
    ("guest-port-blocked", "down"): Case(
        both(_guest_port(state="disabled"), link("node1", "tap9i0", flags=(), kind="tun")),
        "node1",
        "tap9i0",
        "state of the port on vmbr2 - Expected: forwarding Actual: down",
    ),
    ("guest-port-blocked", "locked"): Case(
        _guest_port(state="forwarding", locked=True),
        "node1",
        "tap9i0",
        "Expected: forwarding Actual: locked",
    ),
    ("guest-port-blocked", "without broadcasts"): Case(
        _guest_port(state="forwarding", bcast_flood=False),
        "node1",
        "tap9i0",
        "Expected: forwarding Actual: without broadcasts",
    ),
    ("guest-port-blocked", "learns nothing, and has no static MAC"): Case(
        _guest_port(state="forwarding", learning=False),
        "node1",
        "tap9i0",
        "Expected: forwarding Actual: without learning",
    ),
    ("bridge-port-state", "locked"): Case(
        link("node1", "vxlan2", bridge_port={"locked": True}),
        "node1",
        "vxlan2",
        "bridge port lock - Expected: off Actual: on",
        severity=WARNING,
    ),
    ("bridge-port-state", "the underlay's port locked"): Case(
        link("node1", "eno1", bridge_port={"locked": True}),
        "node1",
        "eno1",
        "bridge port lock - Expected: off Actual: on",
    ),
    ("bridge-port-broadcast", "the underlay's port"): Case(
        link("node1", "eno1", bridge_port={"bcast_flood": False}),
        "node1",
        "eno1",
        "bridge port broadcast flooding - Expected: on Actual: off",
    ),
    ("bridge-settings", "a gateway's bridge without ARP"): Case(
        link("node1", "vmbr2", flags=("BROADCAST", "MULTICAST", "NOARP", "UP", "LOWER_UP")),
        "node1",
        "vmbr2",
        "ARP - Expected: on Actual: off",
    ),
    ("bridge-settings", "has learnt as many MACs as it may"): Case(
        link("node1", "vmbr2", bridge={"learnt": 3, "most_learnt": 3}),
        "node1",
        "vmbr2",
        "limit of learnt MACs (0: none) - Expected: 0 Actual: 3",
    ),
    ("bridge-settings", "may learn some more MACs"): Case(
        link("node1", "vmbr2", bridge={"learnt": 3, "most_learnt": 100}),
        "node1",
        "vmbr2",
        "limit of learnt MACs (0: none) - Expected: 0 Actual: 100",
        severity=WARNING,
    ),
    ("bridge-settings", "forgets MACs at once"): Case(
        link("node1", "vmbr2", bridge={"ageing_time": 0}),
        "node1",
        "vmbr2",
        "ageing time - Expected: 1000 Actual: 0",
    ),
    ("vxlan-settings", "answers ARP itself"): Case(
        link("node1", "vxlan2", vxlan={"proxy": True}),
        "node1",
        "vxlan2",
        "ARP proxy - Expected: off Actual: on",
    ),
    ("vxlan-settings", "a TTL that ends at the first router"): Case(
        link("leaf1", "vxlan2", vxlan={"ttl": "1"}),
        "leaf1",
        "vxlan2",
        "TTL - Expected: 16 Actual: 1",
        lambda: worlds.example("leaf-spine"),
    ),
    ("bridge-port-isolated", "tunnel"): Case(
        link("node1", "vxlan2", bridge_port={"isolated": True}),
        "node1",
        "vxlan2",
        "isolation - Expected: off Actual: on",
        severity=WARNING,
    ),
    ("bridge-port-isolated", "tunnel, from an isolated guest"): Case(
        both(
            link("node1", "vxlan2", bridge_port={"isolated": True}),
            _isolated_guest,
        ),
        "node1",
        "vxlan2",
        "isolation - Expected: off Actual: on",
    ),
    ("bridge-settings", "VLANs are filtered"): Case(
        link("node1", "vmbr2", bridge={"vlan_filtering": True}),
        "node1",
        "vmbr2",
        "VLAN filtering - Expected: off Actual: on",
    ),
    ("bridge-settings", "STP on the underlay's"): Case(
        link("node2", "vmbr0", bridge={"stp_state": 2}),
        "node2",
        "vmbr0",
        "spanning tree (STP) - Expected: off Actual: on",
        worlds.unicast,
    ),
    ("bridge-settings", "STP holds its port"): Case(
        both(
            link("node1", "vmbr2", bridge={"stp_state": 1}, flags=("UP", "NO-CARRIER")),
            link("node1", "vxlan2", bridge_port={"state": "listening"}),
        ),
        "node1",
        "vmbr2",
        "spanning tree (STP) - Expected: off Actual: on",
    ),
    ("bridge-port-state", "tunnel blocked"): Case(
        link("node1", "vxlan2", bridge_port={"state": "blocking"}),
        "node1",
        "vxlan2",
        "bridge port state - Expected: forwarding Actual: blocking",
    ),
    ("bridge-port-state", "underlay disabled, so its bridge has no carrier"): Case(
        both(
            link("node3", "eno1", bridge_port={"state": "disabled"}),
            link("node3", "vmbr0", flags=("UP", "NO-CARRIER")),
        ),
        "node3",
        "eno1",
        "bridge port state - Expected: forwarding Actual: disabled",
        worlds.unicast,
    ),
}
