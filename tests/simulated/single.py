"""A node with one VXLAN device for all VNIs: what it shows in the place of a device for each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from overlay.records import BridgeDetail, BridgePort, FdbEntry, Link, VxlanDetail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from overlay.expected import NodeIntent, SingleDevice

_INDEX = 900


def links_together(node: NodeIntent, links: Iterable[Link]) -> Iterator[Link]:
    """The links with one device and one bridge, and VLAN interfaces for gateways and L3VNIs."""
    single = node.single
    if single is None:
        yield from links
        return
    parts = {vxlan.name for vxlan in node.vxlans}
    networks = {bridge.name: bridge for bridge in node.bridges if bridge.vlan is not None}
    for link in links:
        if link.name in parts or (link.name in networks and not networks[link.name].has_device):
            continue
        if link.name in networks:
            vlan = networks[link.name].vlan
            yield replace(link, kind="vlan", bridge=None, parent=single.bridge, vlan=vlan)
        elif link.master in networks:
            yield replace(link, master=single.bridge)
        else:
            yield link
    yield from _device_and_bridge(single)


def _device_and_bridge(single: SingleDevice) -> Iterator[Link]:
    up = ("BROADCAST", "MULTICAST", "UP", "LOWER_UP")
    flags = single.flags
    yield Link(
        _INDEX,
        single.name,
        flags=up,
        mtu=single.mtu,
        master=single.bridge,
        kind="vxlan",
        vxlan=VxlanDetail(
            vni=0,
            local=single.local,
            dstport=single.dstport,
            learning=False,
            external=True,
            vnifilter=True,
        ),
        bridge_port=BridgePort(
            state="forwarding",
            learning=flags.learning,
            flood=flags.unicast_flood,
            mcast_flood=flags.multicast_flood,
            bcast_flood=True,
            neigh_suppress=flags.neigh_suppress,
            isolated=False,
            vlan_tunnel=True,
        ),
        text=f"{_INDEX}: {single.name}: <{','.join(up)}> mtu {single.mtu} vxlan",
    )
    yield Link(
        _INDEX + 1,
        single.bridge,
        flags=up,
        mtu=single.mtu,
        kind="bridge",
        mac="06:00:00:00:00:09",
        bridge=BridgeDetail(stp_state=0, vlan_filtering=True),
        text=f"{_INDEX + 1}: {single.bridge}: <{','.join(up)}> mtu {single.mtu} bridge",
    )


def fdb_together(node: NodeIntent, entries: Iterable[FdbEntry]) -> Iterator[FdbEntry]:
    """The forwarding entries on one device, by VNI and VLAN."""
    single = node.single
    if single is None:
        yield from entries
        return
    parts = {vxlan.name: vxlan for vxlan in node.vxlans}
    vlans = {vxlan.bridge: vxlan.vlan for vxlan in node.vxlans}
    for entry in entries:
        if entry.device in parts:
            vni = parts[entry.device].vni
            text = entry.text.replace(entry.device, single.name)
            yield replace(entry, device=single.name, src_vni=vni, text=text)
        elif entry.master in vlans:
            yield replace(entry, master=single.bridge, vlan=vlans[entry.master])
        else:
            yield entry


def printed_vlans(node: NodeIntent) -> dict[str, str]:
    """What `bridge -j vlan show`, `vlan tunnelshow` and `vni show` print, a line each."""
    single = node.single
    if single is None:
        return {}
    vlans = [{"vlan": vlan} for vlan, _ in single.vlans]
    untagged = ["PVID", "Egress Untagged"]
    ports = [
        {"ifname": single.name, "vlans": vlans},
        {"ifname": single.bridge, "vlans": [{"vlan": 1, "flags": untagged}, *vlans]},
        *(
            {"ifname": f"tap{vxlan.vni}i0", "vlans": [{"vlan": vxlan.vlan, "flags": untagged}]}
            for vxlan in node.vxlans
            if not vxlan.is_l3vni
        ),
    ]
    tunnels = [{"vlan": vlan, "tunid": vni} for vlan, vni in single.vlans]
    vnis = [{"vni": vni} for vni in single.vnis]
    shown = (
        ports,
        [{"ifname": single.name, "tunnels": tunnels}],
        [{"ifname": single.name, "vnis": vnis}],
    )
    return {"bridge_vlans": "".join(f"{json.dumps(it)}\n" for it in shown)}
