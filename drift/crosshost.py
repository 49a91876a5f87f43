"""What only shows across nodes: what two of them use, or none holds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from drift.check import B, L
from drift.draft import About, Draft, draft, lines
from drift.routes import vnis_of
from drift.vrrp import Masters
from overlay.expected import BridgeRole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.view import HostView
    from overlay.expected import FabricIntent
    from overlay.records import EvpnPath, Link

CROSS_CHECKS = frozenset({"vtep-duplicate", "rmac-conflict", "rd-duplicate", "router-id", "vrrp"})

_FEW = 5


class Census:
    """What nodes must not share, gathered node by node so that no node's table is kept."""

    def __init__(self, intent: FabricIntent) -> None:
        self._intent = intent
        self._sources: dict[str, dict[str, Link]] = defaultdict(dict)
        self._router_macs: dict[tuple[int, str], dict[str, Link]] = defaultdict(dict)
        self._router_ids: dict[str, list[str]] = defaultdict(list)
        self._heads: dict[str, str] = {}
        self._hops: dict[str, str | None] = {}
        self._shared: dict[str, set[str | None]] = {}
        self._witness: dict[str, str] = {}
        self._own: dict[tuple[str, str], EvpnPath] = {}
        self._masters = Masters(intent)

    def add(self, view: HostView, usable: Collection[str]) -> None:
        """Counts one node, for those checks whose outputs it has."""
        if "vtep-duplicate" in usable:
            self._add_sources(view)
        if "rmac-conflict" in usable:
            self._add_router_macs(view)
        if "router-id" in usable and view.table and view.table.router_id:
            self._router_ids[view.table.router_id].append(view.host)
            self._heads[view.host] = view.table.head
        if "rd-duplicate" in usable:
            self._add_rds(view)
        if "vrrp" in usable:
            self._masters.add(view)

    def _add_sources(self, view: HostView) -> None:
        for vxlan in view.node.vxlans:
            link = view.links.get(vxlan.name)
            if link is not None and link.vxlan is not None and link.vxlan.local is not None:
                self._sources[link.vxlan.local].setdefault(view.host, link)

    def _add_router_macs(self, view: HostView) -> None:
        for bridge in view.node.bridges:
            link = view.links.get(bridge.name)
            if bridge.role is BridgeRole.L3VNI and link is not None and link.mac is not None:
                vni = view.vni_by_bridge[bridge.name]
                self._router_macs[vni, link.mac][view.host] = link

    def _add_rds(self, view: HostView) -> None:
        routes = view.routes
        if routes is None:
            return
        for path in routes.local:
            self._own.setdefault((view.host, path.rd), path)
        for rd, hop in routes.hops.items():
            if self._hops.setdefault(rd, hop) != hop:
                self._share(rd, {self._hops[rd], hop}, view.host)
        for rd, hops in routes.shared.items():
            self._share(rd, hops, view.host)

    def _share(self, rd: str, hops: Collection[str | None], witness: str) -> None:
        self._shared.setdefault(rd, set()).update(hops)
        self._witness.setdefault(rd, witness)

    def findings(self, selected: Collection[str]) -> Iterator[Draft]:
        """All that is used twice; one fact on several nodes is one group."""
        if "vtep-duplicate" in selected:
            yield from self._duplicate_vteps()
        if "rmac-conflict" in selected:
            yield from self._conflicting_macs()
        if "rd-duplicate" in selected:
            yield from self._duplicate_rds()
        if "router-id" in selected:
            yield from self._wrong_router_ids()
        if "vrrp" in selected:
            yield from self._masters.findings()

    def _duplicate_vteps(self) -> Iterator[Draft]:
        for address, users in sorted(self._sources.items()):
            if len(users) < 2:
                continue
            owner = self._intent.owner.get(address)
            for host, link in sorted(users.items()):
                if host == owner:
                    continue
                others = [user for user in users if user != host]
                yield draft(
                    "vtep-duplicate",
                    host,
                    f"VTEP {address}",
                    "changed",
                    [owner] if owner else [host],
                    [host, *others[:_FEW]],
                    attribute="users",
                    evidence=lines(L, [link.text]),
                    about=About(device=link.name, peer=address, group=("vtep-duplicate", address)),
                )

    def _conflicting_macs(self) -> Iterator[Draft]:
        for (vni, mac), users in sorted(self._router_macs.items()):
            if len(users) < 2:
                continue
            for host, link in sorted(users.items()):
                yield draft(
                    "rmac-conflict",
                    host,
                    link.name,
                    "changed",
                    "a MAC of its own",
                    mac,
                    attribute="router MAC",
                    what=f"router MAC (also on {_few(users, host)})",
                    evidence=lines(L, [link.text]),
                    about=About(device=link.name, vni=vni, group=("rmac-conflict", vni, mac)),
                )

    def _duplicate_rds(self) -> Iterator[Draft]:
        for rd, hops in sorted(self._shared.items()):
            owners = {
                owner
                for owner in (self._intent.owner.get(hop or "") for hop in hops)
                if owner is not None and (owner, rd) in self._own
            }
            for host in sorted(owners or {self._witness[rd]}):
                own = self._own.get((host, rd))
                yield draft(
                    "rd-duplicate",
                    host,
                    f"RD {rd}",
                    "changed",
                    "one originator",
                    sorted(str(hop) for hop in hops)[:_FEW],
                    attribute="originators",
                    evidence=lines(B, [own.text] if own else []),
                    about=About(group=("rd-duplicate", rd), topics=_rd_topics(own)),
                )

    def _wrong_router_ids(self) -> Iterator[Draft]:
        for router_id, hosts in sorted(self._router_ids.items()):
            for host in sorted(hosts):
                bgp = self._intent.nodes[host].bgp
                if bgp is None or bgp.router_id == router_id:
                    continue
                shared = f" (also on {_few(hosts, host)})" if len(hosts) > 1 else ""
                yield draft(
                    "router-id",
                    host,
                    "bgp",
                    "changed",
                    bgp.router_id,
                    router_id,
                    attribute="router-id",
                    what=f"router-id{shared}",
                    evidence=lines(B, [self._heads[host]]),
                    about=About(topics=frozenset({("bgp", "router-id")})),
                )


def _rd_topics(own: EvpnPath | None) -> frozenset[tuple[object, ...]]:
    """An RD is set for a whole instance, or for the VNI of its routes."""
    vnis = vnis_of(own) if own is not None else frozenset()
    return frozenset({("bgp", "rd"), *(("vni", vni) for vni in vnis)})


def _few(hosts: Collection[str], but: str) -> str:
    others = sorted(host for host in hosts if host != but)
    more = f" and {len(others) - _FEW} more" if len(others) > _FEW else ""
    return ", ".join(others[:_FEW]) + more
