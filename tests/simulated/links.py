"""Links, addresses and L3VNIs of a simulated node, as its kernel and zebra would show them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from overlay.expected import BridgeRole
from overlay.records import BridgeDetail, BridgePort, Link, VxlanDetail
from tests.simulated.single import links_together
from tests.simulated.underlay import addressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import BridgeIntent, LanPort, NodeIntent, VxlanIntent

FIRST_TABLE = 1001  # that of a node's first VRF, as ifupdown2 numbers them
FIRST_BRIDGE = 100000  # the index of a node's first bridge
_UP = ("BROADCAST", "MULTICAST", "UP", "LOWER_UP")


def number_of(node: NodeIntent) -> int:
    """The host part of its address: enough to tell the nodes of one underlay apart."""
    return int(ipaddress.ip_address(node.address)) & 0xFFFF


def port_of(node: NodeIntent) -> str:
    """The NIC below the underlay; in the overlay scope the intent does not know it."""
    return node.underlay_port or "eno1"


def links_of(node: NodeIntent) -> Iterator[Link]:
    """A node's links: those of the intent, and a management NIC, docker0 and taps."""
    return links_together(node, _links_of(node))


def _links_of(node: NodeIntent) -> Iterator[Link]:
    yield _link(1, "lo", flags=("LOOPBACK", "UP", "LOWER_UP"), mtu=65536)
    yield _link(2, "mgmt", mtu=1500)
    yield _link(3, "docker0", kind="bridge", mtu=1500, flags=("BROADCAST", "UP", "NO-CARRIER"))
    yield from _routed(node) if node.routed else _below_the_bridge(node)
    for index, port in enumerate(node.lan_ports, start=500):
        yield _lan_port(index, port)
    for index, vrf in enumerate(node.vrfs, start=10):
        yield _link(
            index,
            vrf.name,
            kind="vrf",
            mtu=65575,
            vrf_table=FIRST_TABLE + index - 10,
            flags=("NOARP", "MASTER", "UP", "LOWER_UP"),
        )
    for index, vxlan in enumerate(node.vxlans, start=1000):
        yield _vxlan(index, vxlan)
    vnis = {vxlan.bridge: vxlan.vni for vxlan in node.vxlans}
    for index, bridge in enumerate(node.bridges, start=FIRST_BRIDGE):
        if node.routed and bridge.role is BridgeRole.UNDERLAY:
            continue  # the loopback, which is there already
        yield _bridge(index, bridge, node)
        if bridge.role is BridgeRole.NETWORK:
            yield _link(
                index + 100000,
                f"tap{vnis[bridge.name]}i0",
                mtu=bridge.mtu,
                master=bridge.name,
                bridge_port=BridgePort(learning=True, flood=True),
            )


def _below_the_bridge(node: NodeIntent) -> Iterator[Link]:
    yield _link(
        4,
        port_of(node),
        mtu=node.underlay_mtu,
        master=node.underlay_bridge.name,
        bridge_port=BridgePort(state="forwarding", learning=True, flood=True, isolated=False),
    )


def _routed(node: NodeIntent) -> Iterator[Link]:
    assert node.routed is not None
    names = (*node.routed.nics, *(link.name for link in node.routed.links))
    for index, name in enumerate(names, start=300):
        yield _link(index, name, mtu=node.underlay_mtu)
    if node.routed.loopback != "lo":
        yield _link(299, node.routed.loopback, kind="dummy", mtu=1500)


def _lan_port(index: int, port: LanPort) -> Link:
    slave = BridgePort(
        state="forwarding",
        learning=True,
        flood=True,
        mcast_flood=True,
        neigh_suppress=False,
        isolated=False,
    )
    return _link(
        index,
        port.name,
        kind="vlan" if port.raw else None,
        parent=port.raw or None,
        vlan=port.vlan,
        mtu=port.mtu,
        master=port.bridge or None,
        bridge_port=slave if port.bridge else None,
    )


def _vxlan(index: int, vxlan: VxlanIntent) -> Link:
    return _link(
        index,
        vxlan.name,
        kind="vxlan",
        mtu=vxlan.mtu,
        master=vxlan.bridge,
        vxlan=VxlanDetail(
            vni=vxlan.vni,
            local=vxlan.local if vxlan.bound else None,
            group=vxlan.group,
            device=vxlan.physdev,
            dstport=vxlan.dstport,
            learning=vxlan.learning,
        ),
        bridge_port=BridgePort(
            state="forwarding",
            learning=vxlan.flags.learning,
            flood=vxlan.flags.unicast_flood,
            mcast_flood=vxlan.flags.multicast_flood,
            bcast_flood=True,
            neigh_suppress=vxlan.flags.neigh_suppress,
            isolated=False,
        ),
    )


def _bridge(index: int, bridge: BridgeIntent, node: NodeIntent) -> Link:
    return _link(
        index,
        bridge.name,
        kind="bridge",
        mtu=bridge.mtu,
        mac=bridge.mac or kernel_mac(node, index),
        master=bridge.vrf,
        bridge=BridgeDetail(stp_state=0, vlan_filtering=False),
    )


def kernel_mac(node: NodeIntent, index: int) -> str:
    """The MAC that the kernel gives a node's bridge with this index."""
    number = number_of(node)
    return f"06:{number >> 8:02x}:{number & 255:02x}:{index & 255:02x}:00:01"


def _link(index: int, name: str, *, flags: tuple[str, ...] = _UP, **fields: object) -> Link:
    kind = fields.get("kind") or ""
    text = f"{index}: {name}: <{','.join(flags)}> mtu {fields.get('mtu')} {kind}".rstrip()
    return Link(index, name, flags=flags, text=text, **fields)  # type: ignore[arg-type]


def addresses(node: NodeIntent) -> list[dict[str, object]]:
    """What `ip -j address show` prints, as far as checks read it."""
    shown: list[dict[str, object]] = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]}
    ]
    routed = addressed(node.routed) if node.routed else {}
    for name, held in (*((b.name, b.addresses) for b in node.bridges), *routed.items()):
        infos: list[dict[str, object]] = [
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}
        ]
        if name == "lo":
            infos = [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}]
            shown.clear()
        for address in held:
            ip, _, length = address.partition("/")
            family = "inet6" if ":" in ip else "inet"
            info = {"local": ip, "prefixlen": int(length), "scope": "global"}
            infos.append({"family": family, **info})
        shown.append({"ifname": name, "addr_info": infos})
    return shown


def vni_listing(node: NodeIntent) -> dict[str, object]:
    """What `show evpn vni json` prints, as far as checks read it."""
    vrf_of = {bridge.name: bridge.vrf or "default" for bridge in node.bridges}
    return {
        str(vxlan.vni): {
            "vni": vxlan.vni,
            "type": "L3" if vxlan.is_l3vni else "L2",
            "vxlanIf": node.single.name if node.single else vxlan.name,
            "tenantVrf": vrf_of[vxlan.bridge],
        }
        for vxlan in node.vxlans
    }
