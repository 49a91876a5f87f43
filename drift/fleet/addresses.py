"""IP addresses that two guests of one VNI have."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from drift.applies import with_evpn_vnis
from drift.causes import Broken
from drift.evidence import lines
from drift.model import CRITICAL, About, Check
from drift.plane import Across
from drift.routes import MAC_IP, announces_gateway
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift.facts.shared import Shared
    from drift.model import Cause, Owner, RawFinding
    from drift.view import HostView
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath

    _Claim = tuple[int, str]
    # By VNI and address, the paths of those that have several MACs; None without a table.
    _Facts = Mapping[_Claim, list[EvpnPath]] | None


def _contests(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ADDRESS, raw.about.vni, raw.about.address


IP_DUPLICATE = Check(
    "ip-duplicate",
    CRITICAL,
    "address behind two MACs",
    "No IP address of a VNI is behind two MACs in the best type-2 routes; link-local addresses and "
    "those of anycast gateways aside.",
    "Two guests have one address: each gets some of the other's packets.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn_vnis,
    confirm="vtysh -c 'show bgp l2vpn evpn route type macip' | grep 10.0.2.5",
    remedy="The MACs say which guests: `bridge fdb show br vmbr2 | grep 02:00:00:00:00:77` on the "
    "VTEPs that are named shows their ports. Give one of them another address. A guest that is "
    "gone leaves a neighbour entry behind for some minutes: `ip neigh del 10.0.2.5 dev vmbr2`.",
    explains=_contests,
    transient=True,
)


def _contested(view: HostView, _shared: Shared) -> _Facts:
    """One pass over the MAC/IP routes; only addresses with two MACs are kept."""
    if view.routes is None or view.table is None:
        return None
    seen: dict[_Claim, list[EvpnPath]] = {}
    wanted = {vxlan.vni: _gateways(view, vxlan.bridge) for vxlan in view.l2_vxlans}
    first: dict[_Claim, EvpnPath] = {}
    # Routes of a VNI share their targets: a few different ones stand in the whole table.
    known: dict[tuple[bool, tuple[str, ...]], tuple[int, ...]] = {}
    for path in view.table.paths:
        ip = path.ip
        if ip is None or path.route_type != MAC_IP or ">" not in path.status:
            continue
        targets = path.local, path.route_targets
        if targets not in known:
            known[targets] = tuple(view.routes.vnis_of(path) & wanted.keys())
        for vni in known[targets]:
            other = first.setdefault((vni, ip), path)
            if other.mac != path.mac and _is_guests(path, other, wanted[vni]):
                seen.setdefault((vni, ip), [other]).append(path)
    return seen


class Addresses:
    """Which addresses have several MACs, as each node's own table says."""

    def __init__(self, intent: FabricIntent, _named: Mapping[bytes, object]) -> None:
        self._intent = intent
        self._seen: dict[_Claim, dict[str, list[EvpnPath]]] = {}
        self._added: set[str] = set()

    def add(self, host: str, facts: _Facts) -> None:
        if facts is None:
            return
        self._added.add(host)
        for claim, paths in facts.items():
            self._seen.setdefault(claim, {})[host] = paths

    def findings(self) -> Iterator[RawFinding]:
        for (vni, ip), seen in sorted(self._seen.items()):
            for host in self._witnesses(seen):
                paths = seen[host]
                vteps = sorted({str(path.next_hop) for path in paths})
                yield IP_DUPLICATE.found(
                    host,
                    f"VNI {vni} address {ip}",
                    "changed",
                    "one MAC",
                    sorted({str(path.mac) for path in paths}),
                    attribute="MACs",
                    what=f"MACs (routes of {', '.join(self._name(vtep) for vtep in vteps)})",
                    evidence=lines(EVPN_TABLE, (path.text for path in paths)),
                    about=About(vni=vni, address=ip, group=("ip-duplicate", vni, ip)),
                )

    def _name(self, vtep: str) -> str:
        return self._intent.owner.get(vtep, vtep)

    def _witnesses(self, seen: dict[str, list[EvpnPath]]) -> list[str]:
        """Those that announce it, if they see it so themselves; another node, if none was asked.

        What a node has that was asked a minute earlier may be over: who announces it knows.
        """
        announcing = {
            owner
            for paths in seen.values()
            for path in paths
            if (owner := self._intent.owner.get(path.next_hop or "")) is not None
        } | {host for host, paths in seen.items() if any(path.local for path in paths)}
        if announcing & self._added:
            return sorted(announcing & seen.keys())
        return [min(seen)]


def _gateways(view: HostView, bridge: str) -> frozenset[str]:
    found = view.bridges.get(bridge)
    return frozenset(a.partition("/")[0] for a in found.addresses) if found else frozenset()


def _is_guests(path: EvpnPath, other: EvpnPath, gateways: frozenset[str]) -> bool:
    ip = path.ip or ""
    if ip in gateways or announces_gateway(path) or announces_gateway(other):
        return False
    return not _is_link_local(ip)


@lru_cache(maxsize=4096)
def _is_link_local(ip: str) -> bool:
    return ipaddress.ip_address(ip).is_link_local


ACROSS = Across(IP_DUPLICATE, _contested, Addresses)
