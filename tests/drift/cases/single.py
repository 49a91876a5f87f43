"""Cases of a node with one VXLAN device for all VNIs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from tests.drift.cases.case import Case
from tests.drift.cases.packet_filters import BRIDGED, DROP, asks, chain, filters
from tests.drift.worlds import both, example, fdb, link, no_link, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from overlay.records import FdbEntry
    from tests.drift.worlds import Mutation

_SHOWN, _TUNNELS, _FILTERS = range(3)
_UNTAGGED = ["PVID", "Egress Untagged"]


def SINGLE_DEVICE() -> FabricIntent:  # noqa: N802 - beside its like
    return example("single-device")


def _vlans(which: int, device: str, change: Callable[[list[Any]], list[Any]]) -> Mutation:
    """Changes what one of the three outputs says of a device."""
    key = ("vlans", "tunnels", "vnis")[which]

    def mutate(printed: str) -> str:
        lines = [json.loads(line) for line in printed.splitlines()]
        port = next(it for it in lines[which] if it["ifname"] == device)
        port[key] = change(port[key])
        return "".join(f"{json.dumps(it)}\n" for it in lines)

    return text("node1", "bridge_vlans", mutate)


def _without(key: str, number: int) -> Callable[[list[Any]], list[Any]]:
    return lambda found: [it for it in found if it[key] != number]


def _flag(**port: Any) -> Mutation:
    def mutate(states: Any) -> None:
        found = states["node1"].links["vxlan0"]
        link("node1", "vxlan0", bridge_port=replace(found.bridge_port, **port))(states)

    return mutate


def _detail(**vxlan: Any) -> Mutation:
    def mutate(states: Any) -> None:
        found = states["node1"].links["vxlan0"]
        link("node1", "vxlan0", vxlan=replace(found.vxlan, **vxlan))(states)

    return mutate


def _flood_of_vni_2(entry: FdbEntry) -> FdbEntry | None:
    gone = entry.is_flood and entry.src_vni == 2 and entry.dst == "192.168.0.2"
    return None if gone else entry


def _wrong_vtep(entry: FdbEntry) -> FdbEntry:
    if entry.src_vni == 10020 and entry.dst == "192.168.0.3" and not entry.is_flood:
        return replace(entry, dst="192.168.0.2")
    return entry


def _case(mutation: Mutation, subject: str, says: str, **more: Any) -> Case:
    return Case(mutation, "node1", subject, says, SINGLE_DEVICE, **more)


SINGLE = {
    ("vlan-vni-map", "a VLAN maps to nothing"): _case(
        _vlans(_TUNNELS, "vxlan0", _without("vlan", 20)),
        "vxlan0 VLAN 20",
        "vxlan0 VLAN 20: VNI of the VLAN - Expected: 10020 Actual: absent",
    ),
    ("vlan-vni-map", "a VLAN maps to another VNI"): _case(
        _vlans(_TUNNELS, "vxlan0", lambda it: [*_without("vlan", 2)(it), {"vlan": 2, "tunid": 7}]),
        "vxlan0 VLAN 2",
        "Expected: 2 Actual: 7",
    ),
    ("vlan-vni-map", "a range maps that nobody wants"): _case(
        _vlans(_TUNNELS, "vxlan0", lambda it: [*it, {"vlan": 77, "tunid": 7}]),
        "vxlan0 VLAN 77",
        "Expected: absent Actual: 7",
    ),
    ("vlan-vni-map", "nothing maps"): _case(
        _flag(vlan_tunnel=False), "vxlan0", "mapping of VLANs to VNIs - Expected: on Actual: off"
    ),
    ("vni-filter", "a VNI is not let in"): _case(
        _vlans(_FILTERS, "vxlan0", _without("vni", 3)),
        "vxlan0 VNI 3",
        "VNI in the filter - Expected: 3 Actual: absent",
    ),
    ("vni-filter", "one too many"): _case(
        _vlans(_FILTERS, "vxlan0", lambda it: [*it, {"vni": 99}]),
        "vxlan0 VNI 99",
        "Expected: absent Actual: 99",
        severity=WARNING,
    ),
    ("vni-filter", "no filter at all"): _case(
        _detail(vnifilter=False),
        "vxlan0",
        "VNI filter - Expected: on Actual: off",
        severity=WARNING,
    ),
    ("port-vlan", "a guest without a VLAN"): _case(
        _vlans(_SHOWN, "tap3i0", lambda _: [{"vlan": 1, "flags": _UNTAGGED}]),
        "tap3i0",
        "VLAN of the port on vmbr1 - Expected: a network's Actual: 1",
    ),
    ("port-vlan", "a guest that gets tags"): _case(
        _vlans(_SHOWN, "tap3i0", lambda _: [{"vlan": 3, "flags": ["PVID"]}]),
        "tap3i0",
        "3, tagged when it leaves",
    ),
    ("port-vlan", "a gateway that its bridge does not hear for"): _case(
        _vlans(_SHOWN, "vmbr1", _without("vlan", 2)),
        "vmbr1 VLAN 2",
        "VLAN of vmbr2 - Expected: 2 Actual: absent",
    ),
    ("port-vlan", "what has no VLAN comes out of the tunnel"): _case(
        _vlans(_SHOWN, "vxlan0", lambda it: [*it, {"vlan": 1, "flags": _UNTAGGED}]),
        "vxlan0",
        "VLAN of what has none (PVID) - Expected: absent Actual: 1",
        severity=WARNING,
    ),
    ("vxlan-missing", "the one device"): _case(
        no_link("node1", "vxlan0"), "vxlan0", "Expected: external: all VNIs Actual: absent"
    ),
    ("packet-filter", "what comes by the one device"): _case(
        filters(chain("bridge", "prerouting", [asks("meta", "iifname", "vxlan0"), DROP])),
        "nftables bridge lab c",
        "frames of other nodes to guests of vmbr2",
    ),
    ("packet-filter", "what enters the one device"): _case(
        filters(chain("netdev", "egress", policy="drop", dev="vxlan0")),
        "nftables netdev lab c",
        "all to vxlan0",
    ),
    ("packet-filter", "what the one bridge passes"): _case(
        filters(chain("bridge", "forward", [asks("meta", "ibrname", "vmbr1"), DROP])),
        "nftables bridge lab c",
        "frames of guests of vmbr2 to other nodes",
    ),
    ("packet-filter", "frames of the one bridge in the filters of IP"): _case(
        both(BRIDGED, filters(chain("ip", "forward", [asks("meta", "iifname", "vmbr1"), DROP]))),
        "nftables ip lab c",
        "frames between guests of vmbr2 and other nodes",
    ),
    ("bridge-missing", "the one bridge"): _case(
        both(no_link("node1", "vmbr1"), link("node1", "vxlan0", master=None, bridge_port=None)),
        "vmbr1",
        "Expected: present Actual: absent",
    ),
    ("bridge-missing", "a gateway's VLAN interface"): _case(
        no_link("node1", "vmbr3"), "vmbr3", "VLAN interface - Expected: present Actual: absent"
    ),
    ("bridge-membership", "the one device in another bridge"): _case(
        link("node1", "vxlan0", master="vmbr0"), "vxlan0", "Expected: vmbr1 Actual: vmbr0"
    ),
    ("vxlan-local-ip", "of the one device"): _case(
        _detail(local="192.0.2.7"), "vxlan0", "Expected: 192.168.0.1 Actual: 192.0.2.7"
    ),
    ("bridge-port-neigh-suppress", "of the one device"): _case(
        _flag(neigh_suppress=False), "vxlan0", "Expected: on Actual: off"
    ),
    ("gateway-mac", "of a VLAN interface"): _case(
        link("node1", "vmbr2", mac="02:00:00:00:00:07"), "vmbr2", "02:00:00:00:00:07"
    ),
    ("vrf-membership", "of a VLAN interface"): _case(
        link("node1", "vmbr3", master=None), "vmbr3", "Expected: vrf1 Actual: absent"
    ),
    ("flood-missing", "by the VNI of one device"): _case(
        fdb("node1", _flood_of_vni_2),
        "vxlan0 VNI 2 VTEP 192.168.0.2",
        "flood list entry - Expected: 192.168.0.2 Actual: absent",
    ),
    ("fdb-wrong-vtep", "by the VNI of one device"): _case(
        fdb("node1", _wrong_vtep),
        "vxlan0 VNI 10020 MAC 02:00:03:27:24:00",
        "Expected: 192.168.0.3 Actual: 192.168.0.2",
    ),
}
