"""Faults of one VXLAN device for all VNIs, by the names that `single-device` gives: data only."""

from __future__ import annotations

from lab.fault import Fault, Ping, To

_TOPOLOGY = "single-device"
# The port of the guest in VLAN $1.
_PORT_IN = """port_in() {
    for port in $(ls /sys/class/net/vmbr1/brif); do
        bridge vlan show dev "$port" | grep -q "[[:space:]]$1 PVID" && echo "$port"
    done | head -n 1
}
"""
_REMOTE = "s/^\\([^ ]*\\) dst \\([^ ]*\\) src_vni 2 self extern_learn.*/\\1 \\2/p"

SINGLE_FAULTS = (
    Fault(
        "vlan-vni-map",
        "A VLAN of the one VXLAN device maps to no VNI any more.",
        "vlan-vni-map",
        inject="bridge vlan del dev vxlan0 vid 2 tunnel_info id 2",
        heal="bridge vlan add dev vxlan0 vid 2 tunnel_info id 2",
        shared=True,
        stops=Ping(),
        topology=_TOPOLOGY,
    ),
    Fault(
        "vlan-missing",
        "A VLAN is taken off the one VXLAN device, and its mapping goes with it.",
        "vlan-vni-map",
        inject="bridge vlan del dev vxlan0 vid 2",
        heal="bridge vlan add dev vxlan0 vid 2; bridge vlan add dev vxlan0 vid 2 tunnel_info id 2",
        shared=True,
        stops=Ping(),
        topology=_TOPOLOGY,
    ),
    Fault(
        "vni-filter",
        "A VNI is taken out of the filter of the one VXLAN device, which drops its packets.",
        "vni-filter",
        inject="bridge vni del dev vxlan0 vni 2",
        heal="bridge vni add dev vxlan0 vni 2",
        shared=True,
        stops=Ping(),
        topology=_TOPOLOGY,
    ),
    Fault(
        "vni-filter-extra",
        "The one VXLAN device takes packets of a VNI that is not the node's.",
        "vni-filter",
        inject="bridge vni add dev vxlan0 vni 99",
        heal="bridge vni del dev vxlan0 vni 99",
        topology=_TOPOLOGY,
    ),
    Fault(
        "port-vlan",
        "A guest's port has lost the VLAN of its network.",
        "port-vlan",
        inject=f'{_PORT_IN}port=$(port_in 2); need "port in VLAN 2" "$port"; save port "$port"; '
        'bridge vlan add dev "$port" vid 1 pvid untagged; bridge vlan del dev "$port" vid 2',
        heal='port=$(saved port); bridge vlan add dev "$port" vid 2 pvid untagged; '
        'bridge vlan del dev "$port" vid 1',
        bound=True,
        shared=True,
        stops=Ping(),
        topology=_TOPOLOGY,
    ),
    Fault(
        "port-vlan-gateway",
        "The bridge itself is not in the VLAN of a gateway, which hears no guest.",
        "port-vlan",
        inject="bridge vlan del dev vmbr1 vid 2 self",
        heal="bridge vlan add dev vmbr1 vid 2 self",
        shared=True,
        stops=Ping(To.GATEWAY),
        topology=_TOPOLOGY,
    ),
    Fault(
        "single-device-missing",
        "The one VXLAN device is deleted, so the node is cut off from all VNIs.",
        "vxlan-missing",
        inject="ip link del vxlan0",
        heal="ifreload -a",
        shared=True,
        stops=Ping(),
        topology=_TOPOLOGY,
    ),
    Fault(
        "fdb-missing-of-vni",
        "A remote MAC of one VNI is gone from the one VXLAN device: its frames go to all VTEPs.",
        "fdb-missing",
        inject=f"remote=$(bridge fdb show dev vxlan0 | sed -n '{_REMOTE}' | head -n 1); "
        'need "remote MAC" "$remote"; save remote "$remote"; '
        'bridge fdb del "${remote% *}" dev vxlan0 dst "${remote#* }" src_vni 2 self',
        heal='remote=$(saved remote); bridge fdb replace "${remote% *}" dev vxlan0 '
        'dst "${remote#* }" src_vni 2 self extern_learn',
        bound=True,
        topology=_TOPOLOGY,
    ),
)
