"""Anycast gateways that a node announces as a host of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis, with_gateways
from drift.causes import Broken
from drift.evidence import lines
from drift.model import WARNING, About, Check
from drift.plane import Plane
from drift.routes import MAC_IP, announces_gateway
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent, NodeIntent
    from overlay.records import EvpnPath


def _has_gateways(intent: FabricIntent, node: NodeIntent) -> bool:
    return with_evpn_vnis(intent, node) and with_gateways(intent, node)


def _evicts(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.MAC, raw.about.vni, raw.about.mac
    yield Broken.ADDRESS, raw.about.vni, raw.about.address


GATEWAY_ADVERTISED = Check(
    "gateway-advertised",
    WARNING,
    "gateway announced as a host",
    "No node announces the MAC or an address of an anycast gateway as a host of its own.",
    "Every node has that gateway: each that hears of it elsewhere gives up its own, and they evict "
    "each other in turn.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=_has_gateways,
    confirm="vtysh -c 'show bgp l2vpn evpn route type macip self-originate'",
    remedy="With `advertise-svi-ip` in the running configuration: `vtysh -c 'configure terminal' "
    "-c 'router bgp 1234' -c 'address-family l2vpn evpn' -c 'no advertise-svi-ip'`, and under `vni "
    "2` there as well, if it was typed there. Without it a guest uses the gateway's MAC or "
    "address: `bridge fdb show br vmbr2 | grep 44:39:39:ff:40:94` and `ip neigh show dev vmbr2` "
    "show its port; give it others.",
    explains=_evicts,
)


def examine_gateway_routes(view: HostView) -> Iterator[RawFinding]:
    """The node's own MAC/IP routes against the gateways of their VNIs, one finding for each VNI.

    A route that says `Default Gateway` (`advertise-default-gw`) is no host's.
    """
    routes = view.routes
    if routes is None:
        return
    macs: dict[int, str | None] = {}
    addresses: dict[int, set[str]] = {}
    for vxlan in view.l2_vxlans:
        bridge = view.bridges[vxlan.bridge]
        if bridge.routed:
            macs[vxlan.vni] = bridge.mac
            addresses[vxlan.vni] = {a.partition("/")[0] for a in bridge.addresses}
    found: dict[int, list[EvpnPath]] = {}
    for path in routes.local:
        if path.route_type != MAC_IP or announces_gateway(path):
            continue
        for vni in routes.vnis_of(path) & macs.keys():
            if path.ip in addresses[vni] or (path.mac is not None and path.mac == macs[vni]):
                found.setdefault(vni, []).append(path)
    for vni, paths in sorted(found.items()):
        yield _finding(view, vni, paths)


def _finding(view: HostView, vni: int, paths: list[EvpnPath]) -> RawFinding:
    shown = {f"{path.mac} {path.ip}" if path.ip else str(path.mac) for path in paths}
    return GATEWAY_ADVERTISED.found(
        view.host,
        f"VNI {vni} gateway",
        "extra",
        None,
        sorted(shown),
        what="route of its own for the anycast gateway",
        evidence=lines(EVPN_TABLE, (path.text for path in paths), limit=5),
        about=About(
            vni=vni,
            mac=next((path.mac for path in paths), None),
            address=next((path.ip for path in paths if path.ip), None),
            topics=frozenset({("bgp", "advertise"), ("vni", vni)}),
            # Typed once, it is there for every VNI of the node.
            group=("gateway-advertised", view.host),
        ),
    )


PLANE = Plane(examine_gateway_routes, (GATEWAY_ADVERTISED,))
