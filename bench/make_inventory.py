#!/usr/bin/env python3
"""Writes an inventory of any size, the same bytes each time: `make_inventory.py DIR -n 1000 -m 50`.

Symmetric EVPN. Node i is `pveNNNN` on 10.240.0.0/12; VNI j is 1000 + j with one IPv4 and one IPv6
gateway, in VRF j mod V; VRF k has L3VNI 900000 + k. All nodes carry all VNIs; with groups of so
many nodes each, each group has its own M VNIs and its own VRFs. With reflectors, at 10.255.255.1
onwards, nodes peer with those; without, with each other.
"""

from __future__ import annotations

import argparse
import ipaddress
from pathlib import Path

UNDERLAY = ipaddress.ip_network("10.240.0.0/12")
_REFLECTORS = ipaddress.ip_address("10.255.255.1")
_TENANTS = int(ipaddress.ip_address("10.0.0.0"))


def fabric_yaml(nodes: int, vnis: int, vrfs: int, reflectors: int = 0, group: int = 0) -> str:
    """The intent of that size; `group` is how many nodes share VNIs, 0 for all of them."""
    size = group or nodes
    members = [range(at, min(at + size, nodes)) for at in range(0, nodes, size)]
    cluster = ", cluster_id: 1.1.1.1" if reflectors else ""
    lines = [
        "name: bench",
        "mode: evpn",
        "routing: symmetric",
        f"underlay: {{prefix: {UNDERLAY}}}",
        "overlay: {gateway_mac: '44:39:39:ff:40:94'}",
        f"bgp: {{asn: 65000{cluster}}}",
        "vrfs:",
        *(
            f"  vrf{k}: {{l3vni: {900_000 + k}, bridge: brl3-{k}}}"
            for k in range(vrfs * len(members))
        ),
        "networks:",
        *(
            network_line(number * vnis + j, number * vrfs + j % vrfs, its if group else None)
            for number, its in enumerate(members)
            for j in range(vnis)
        ),
        "nodes:",
        *(f"  {node_name(i)}: {{address: {UNDERLAY[i + 1]}}}" for i in range(nodes)),
        *(
            f"  {reflector_name(k)}: {{role: reflector, address: {_REFLECTORS + k}}}"
            for k in range(reflectors)
        ),
    ]
    return "\n".join(lines) + "\n"


def node_name(index: int) -> str:
    return f"pve{index + 1:04d}"


def reflector_name(index: int) -> str:
    return f"rr{index + 1}"


def network_line(index: int, vrf: int, carriers: range | None = None) -> str:
    """One network of the intent, with a gateway of each family."""
    v4 = ipaddress.ip_address(_TENANTS + index * 256 + 254)
    nodes = "" if carriers is None else f", nodes: [{', '.join(map(node_name, carriers))}]"
    return (
        f"  - {{vni: {1000 + index}, vrf: vrf{vrf}, "
        f"gateways: [{v4}/24, '2001:db8:{index:x}::fe/64']{nodes}}}"
    )


def write_inventory(
    folder: Path, *, nodes: int, vnis: int, vrfs: int, reflectors: int = 0, group: int = 0
) -> None:
    """Writes fabric, hosts, groups and defaults into `folder`, which is made if need be."""
    names = (*map(node_name, range(nodes)), *map(reflector_name, range(reflectors)))
    write_files(folder, fabric_yaml(nodes, vnis, vrfs, reflectors, group), names)


def write_files(folder: Path, fabric: str, names: tuple[str, ...]) -> None:
    """The files of an inventory; its hosts are on the simulated fleet's, 127.1.0.1 onwards."""
    folder.mkdir(parents=True, exist_ok=True)
    first = ipaddress.ip_address("127.1.0.1")
    texts = {
        "fabric.yaml": fabric,
        "hosts.yaml": "".join(
            f"{name}: {{hostname: {first + i}, groups: [bench]}}\n" for i, name in enumerate(names)
        ),
        "groups.yaml": "bench:\n  username: root\n",
        "defaults.yaml": "data: {}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", "--nodes", type=int, default=1000)
    parser.add_argument("-m", "--vnis", type=int, default=50)
    parser.add_argument("-V", "--vrfs", type=int, default=4)
    parser.add_argument("-R", "--reflectors", type=int, default=0)
    parser.add_argument("-G", "--group", type=int, default=0, help="nodes that share VNIs")
    given = parser.parse_args()
    if not (0 < given.nodes < UNDERLAY.num_addresses - 1 and 0 < given.vrfs <= given.vnis):
        parser.error("at least one node and one VRF, no more VRFs than VNIs")
    write_inventory(
        given.folder,
        nodes=given.nodes,
        vnis=given.vnis,
        vrfs=given.vrfs,
        reflectors=given.reflectors,
        group=given.group,
    )


if __name__ == "__main__":
    main()
