"""A fleet as its intent says, in observed records; and the same with FRR down, a node cut off, or
a VNI that is not advertised, with all that follows on the other nodes. An audit of
`healthy_states(intent)` finds nothing. Each node also has what no intent owns, such as docker0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from drift.applies import session_slugs, with_bfd
from overlay.intent import Mode, Role
from overlay.outputs import file_slug
from overlay.records import CommandResult, EvpnPath, EvpnTable, FdbEntry
from tests.simulated.guests import (
    flood_entry,
    guest_address,
    guest_macs,
    network_paths,
    remote_entry,
)
from tests.simulated.kernel import RULES, connected, neighbours, vrf_routes
from tests.simulated.links import FIRST_TABLE, addresses, links_of, port_of, vni_listing
from tests.simulated.outputs import PrintedState, planes_of
from tests.simulated.outside import (
    ends_of,
    external_vteps,
    listed,
    outside_peers,
    running_config,
    shown_group,
    shown_route,
    static_of,
)
from tests.simulated.routing import (
    default_route,
    heard_through,
    prefix_route,
    router_macs,
    routes_to,
)
from tests.simulated.single import fdb_together, printed_vlans
from tests.simulated.underlay import bfd_of, neighbours_of, ways_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.expected import (
        ExitIntent,
        FabricIntent,
        NodeIntent,
        RenderedNode,
        RouterIntent,
        VipIntent,
        VxlanIntent,
    )
    from overlay.records import HostState

TEXT_SLUGS = ("ip_link", "bridge_fdb", "bgp_l2vpn_evpn")


def healthy_states(
    intent: FabricIntent,
    *,
    guests: int = 1,
    rendered: Mapping[str, RenderedNode] | None = None,
) -> dict[str, HostState]:
    """Every node's state as intended, with so many guests per node and VNI.

    With `rendered` files (tests.rendering) the nodes also hold those, and run what they say.
    """
    return Fleet(intent, guests=guests, rendered=rendered or {}).states()


@dataclass(frozen=True)
class Fleet:
    """An intent and what is wrong with the fleet: whose FRR is stopped, who is cut off from all
    others, and which (node, VNI) is not advertised. Records are shared between nodes where equal.
    """

    intent: FabricIntent
    guests: int = 1
    stopped: frozenset[str] = frozenset()
    cut_off: frozenset[str] = frozenset()
    muted: frozenset[tuple[str, int]] = frozenset()
    rendered: Mapping[str, RenderedNode] = field(default_factory=dict)

    def states(self) -> dict[str, HostState]:
        return {name: self._state(node) for name, node in self.intent.nodes.items()}

    @cached_property
    def _everybody(self) -> tuple[NodeIntent, ...]:
        return (*self.intent.nodes.values(), *external_vteps(self.intent))

    def _state(self, node: NodeIntent) -> HostState:
        slugs = TEXT_SLUGS if node.bgp is not None else TEXT_SLUGS[:2]
        printed, files = self._printed(node), self._files(node)
        return PrintedState(
            host=node.name,
            commands={slug: CommandResult(slug, "ok", 1) for slug in (*slugs, *printed, *files)},
            links={link.name: link for link in links_of(node)},
            fdb=tuple(fdb_together(node, self._fdb(node))),
            evpn=self._table(node) if node.bgp is not None else None,
            files=files,
            printed=printed,
            **planes_of(printed),
        )

    def _printed(self, node: NodeIntent) -> dict[str, object]:
        printed: dict[str, Any] = {"ip_address": addresses(node), **printed_vlans(node)}
        if node.carries:
            printed["tc_qdisc"] = [
                {"kind": "noqueue", "handle": "0:", "dev": link.name, "root": True, "refcnt": 2}
                for link in links_of(node)
            ]
            printed |= {"tc_filter": "", "ipsec_policies": ""}
            printed["packet_filters"] = {"nftables": []}
        routed = any(bridge.routed for bridge in node.bridges)
        printed["ip_route"] = [*self._routes(node), *connected(node, 4)]
        printed["ip6_route"] = [*ends_of(node, 6), *connected(node, 6)]
        if node.vrfs or routed or (node.carries and ":" in node.address):
            printed["ip_neigh"] = []
        if node.vrfs:
            printed |= {"ip_rule": RULES, "ip6_rule": RULES}
            printed["ip6_route"] = [*printed["ip6_route"], *self._static(node, 6)]
        if any(vxlan.is_l3vni for vxlan in node.vxlans):
            for version, slug in ((4, "ip_route"), (6, "ip6_route")):
                printed[slug] = [*printed[slug], *self._learnt(node, version)]
        if node.bgp is not None and node.vxlans:
            heard = list(self._hears(node))
            printed["ip_neigh"] = list(neighbours(node, heard, self._announced))
        if node.sysctls:
            printed["sysctl"] = "".join(f"{key} = {value}\n" for key, value in node.kernel_settings)
        if node.routed:
            ways = ways_of(self.intent, node, self._silent())
            printed["ip_route"] = [*printed.get("ip_route", []), *ways]  # type: ignore[misc]
        if node.snat and node.is_written:
            printed["nat"] = listed(node.snat)
        if node.name in self.stopped:
            return printed
        printed |= neighbours_of(self.intent, node, self._silent())
        if node.name in self.rendered:
            files = self.rendered[node.name].files
            printed["running_config"] = running_config(files["/etc/frr/frr.conf"])
        if node.bgp is not None:
            printed["evpn_summary"] = self._summary(node)
            printed["evpn_vni"] = vni_listing(node)
            printed |= {"evpn_duplicate_macs": {}, "evpn_duplicate_addresses": {}}
        outside = outside_peers(node)
        if "bgp_summary" in session_slugs(node):
            printed["bgp_summary"] = {
                family: {"peers": {peer: {"state": self._session(node, peer)} for peer in outside}}
                for family in ("ipv4Unicast", "ipv6Unicast")
            }
        if with_bfd(self.intent, node):
            peers = [*self._inside(node), *outside] if node.bfd else []
            printed["bfd_peers"] = [
                *(self._probes(node, peer) for peer in peers),
                *bfd_of(node, self._silent()),
            ]
        if node.vips:
            printed["vrrp"] = [
                shown_group(node, vip, master=self._is_master(node, vip)) for vip in node.vips
            ]
        return printed

    def _files(self, node: NodeIntent) -> dict[str, str]:
        if node.name not in self.rendered:
            return {}
        files = self.rendered[node.name].files
        return {file_slug(path): text for path, text in files.items()}

    def _inside(self, node: NodeIntent) -> list[str]:
        if node.bgp is None:
            return []
        return [*node.bgp.peers, *self._clients(node)]

    def _clients(self, node: NodeIntent) -> list[str]:
        """The dynamic neighbours of a reflector, which are listed while they are there."""
        clients = self.intent.clients(node)
        return [peer for peer in clients if self._session(node, peer) == "Established"]

    def _probes(self, node: NodeIntent, peer: str) -> dict[str, object]:
        up = self._session(node, peer) == "Established"
        return {"peer": peer, "multihop": False, "status": "up" if up else "down"}

    def _silent(self) -> frozenset[str]:
        return self.stopped | self.cut_off

    def _session(self, node: NodeIntent, peer: str) -> str:
        up = not {node.name, self.intent.owner[peer]} & self._silent()
        return "Established" if up else "Active"

    def _hears(self, node: NodeIntent) -> Iterator[NodeIntent]:
        """The VTEPs whose routes it has: of its peers, or of all while a reflector lives."""
        silent = self._silent()
        if node.bgp is None or node.name in silent:
            return
        if node.bgp.systems:
            through = heard_through(self.intent, node, silent)
            yield from (it for it in self._everybody if it.carries and it.name in through)
            return
        reflectors = self.intent.reflectors
        if reflectors and node.role is Role.VTEP and not set(reflectors) - silent:
            return
        for other in self._everybody:
            if other is not node and other.role is Role.VTEP and other.name not in silent:
                yield other

    def _summary(self, node: NodeIntent) -> dict[str, object]:
        assert node.bgp is not None
        peers = {
            peer: {
                "remoteAs": node.bgp.remote_as(peer),
                "localAs": node.bgp.asn,
                "state": self._session(node, peer),
            }
            for peer in node.bgp.peers
        }
        clients = {
            f"*{peer}": {"state": "Established", "dynamicPeer": True}
            for peer in self._clients(node)
        }
        return {"routerId": node.bgp.router_id, "peers": peers | clients}

    def _is_master(self, node: NodeIntent, vip: VipIntent) -> bool:
        others = [
            other.priority
            for name, n in self.intent.nodes.items()
            for other in n.vips
            if other.id == vip.id and name not in self._silent()
        ]
        return node.name in self.cut_off or vip.priority == max(others)

    def _routes(self, node: NodeIntent) -> list[dict[str, object]]:
        """What `ip -j route show table all` prints, as far as checks read it."""
        bridge = node.underlay_bridge.name
        shown: list[dict[str, object]] = [
            {"dst": "10.0.0.0/8", "dev": "mgmt", "flags": []},
            {"type": "unreachable", "dst": "default", "table": "7", "metric": 4278198272},
            *ends_of(node, 4),
            *self._static(node, 4),
        ]
        if node.router is not None:
            return shown + self._routes_back(node, node.router, bridge)
        exits = node.bgp.exits if node.bgp else ()
        upstreams = [upstream.address for upstream in node.bgp.upstreams] if node.bgp else []
        told = [peer for peer in upstreams if self._session(node, peer) == "Established"]
        hops = {exit_.gateway for exit_ in exits if exit_.gateway} | set(told)
        shown += [shown_route("default", bridge, hop) for hop in sorted(hops)]
        places = {vrf.name: number for number, vrf in enumerate(node.vrfs)}
        for exit_ in exits:
            table = str(FIRST_TABLE + places[exit_.vrf])
            if exit_.backup:
                hop = exit_.gateway or next(iter(upstreams), "")
                primary = "2001:db8::1" if ":" in hop else "192.0.2.1"
                shown.append(
                    shown_route("default", f"vmbr{self._l3vni(node, exit_)}", primary, table)
                )
            elif exit_.gateway:
                shown.append(shown_route("default", bridge, exit_.gateway, table))
            else:  # imported from the main table, where the router outside has told it
                shown += [shown_route("default", bridge, hop, table) for hop in told]
        return shown

    def _static(self, node: NodeIntent, version: int) -> list[dict[str, object]]:
        return [] if node.name in self.stopped else static_of(node, version)

    def _learnt(self, node: NodeIntent, version: int) -> list[dict[str, object]]:
        return list(vrf_routes(node, list(self._hears(node)), self._announced, version))

    @cached_property
    def _announced(self) -> dict[tuple[str, int], list[tuple[str, str]]]:
        return {
            (node.name, vxlan.vni): [
                (guest_address(node, vxlan, guest), mac)
                for guest, mac in enumerate(guest_macs(node, vxlan, self.guests))
            ]
            for node in self._everybody
            for vxlan in node.vxlans
            if not vxlan.is_l3vni and (node.name, vxlan.vni) not in self.muted
        }

    def _l3vni(self, node: NodeIntent, exit_: ExitIntent) -> int | None:
        return next(vrf.l3vni for vrf in node.vrfs if vrf.name == exit_.vrf)

    def _routes_back(
        self, node: NodeIntent, router: RouterIntent, bridge: str
    ) -> list[dict[str, object]]:
        hops: dict[str, list[str]] = {}
        for route in router.routes:
            hops.setdefault(route.prefix, []).append(route.next_hop)
        for exit_ in router.exits if router.asn is not None else ():
            if self._session(node, exit_) != "Established":
                continue
            told = self.intent.nodes[self.intent.owner[exit_]].bgp
            for prefix in told.advertised if told else ():
                hops.setdefault(prefix, []).append(exit_)
        return [
            shown_route(prefix, bridge, found[0])
            if len(found) == 1
            else {"dst": prefix, "nexthops": [shown_route("", bridge, hop) for hop in found]}
            for prefix, found in hops.items()
        ]

    def _table(self, node: NodeIntent) -> EvpnTable:
        assert node.bgp is not None
        if node.name in self.stopped:
            return EvpnTable(said="% BGP instance not found")
        paths = [path for _, path in self._own[node.name]]
        for other in self._hears(node):
            paths += self._sent[other.name]
        if not paths:
            return EvpnTable(said="No prefixes displayed, 0 exist")
        return EvpnTable(tuple(paths), node.bgp.router_id, empty=False)

    @cached_property
    def _own(self) -> dict[str, list[tuple[int, EvpnPath]]]:
        return {node.name: list(self._paths(node, weight=32768)) for node in self._everybody}

    @cached_property
    def _sent(self) -> dict[str, list[EvpnPath]]:
        return {
            node.name: [path for _, path in self._paths(node, weight=None)]
            for node in self._everybody
        }

    def _paths(self, node: NodeIntent, *, weight: int | None) -> Iterator[tuple[int, EvpnPath]]:
        if node.bgp is None:
            return
        of = partial(self.intent.targets.of, asn=node.bgp.asn)
        bridges = {bridge.name: bridge for bridge in node.bridges}
        l3vnis = {vrf.name: vrf.l3vni for vrf in node.vrfs}
        for index, vxlan in enumerate(node.vxlans, start=2):
            if vxlan.is_l3vni or (node.name, vxlan.vni) in self.muted:
                continue
            rd = vxlan.by_hand.rd or f"{node.bgp.router_id}:{index}"
            l3vni = l3vnis.get(bridges[vxlan.bridge].vrf or "")
            for path in network_paths(node, vxlan, rd, of, l3vni, weight, self.guests):
                yield vxlan.vni, path
        for index, exit_ in enumerate(node.bgp.exits, start=500):
            vni = self._l3vni(node, exit_)
            assert vni is not None
            rd = self._rd(node, exit_.vrf, index)
            for ip in (prefix.partition("/")[0] for prefix in exit_.defaults):
                yield vni, default_route(node, rd, ip, of(vni), weight, exit_)

        for index, vrf in enumerate(node.vrfs, start=600):
            for prefix in vrf.advertised:
                rd, targets = self._rd(node, vrf.name, index), of(vrf.l3vni or 0)
                yield vrf.l3vni or 0, prefix_route(node, rd, prefix, targets, weight, vrf.l3vni)

    @staticmethod
    def _rd(node: NodeIntent, name: str, index: int) -> str:
        assert node.bgp is not None
        by_hand = next(vrf.by_hand.rd for vrf in node.vrfs if vrf.name == name)
        return by_hand or f"{node.bgp.router_id}:{index}"

    def _fdb(self, node: NodeIntent) -> Iterator[FdbEntry]:
        yield FdbEntry("33:33:00:00:00:01", port_of(node), flags=("self",), state="permanent")
        heard = {other.address: other for other in self._hears(node)}
        for vxlan in node.vxlans:
            if vxlan.is_l3vni:
                yield from self._router_macs(node, vxlan, list(heard.values()))
                continue
            tap = f"tap{vxlan.vni}i0"
            for mac in guest_macs(node, vxlan, self.guests):
                yield FdbEntry(mac, tap, master=vxlan.bridge, text=f"{mac} dev {tap}")
            for vtep in self._flood_list(vxlan, heard):
                yield flood_entry(vxlan.name, vtep)
            for address, other in heard.items():
                for theirs in other.vxlans:
                    if theirs.vni == vxlan.vni and (other.name, vxlan.vni) not in self.muted:
                        for mac in guest_macs(other, theirs, self.guests):
                            yield remote_entry(mac, vxlan.name, address)

    def _router_macs(
        self, node: NodeIntent, vxlan: VxlanIntent, heard: list[NodeIntent]
    ) -> Iterator[FdbEntry]:
        for other in heard:
            shown = {v for v in other.vxlans if (other.name, v.vni) not in self.muted}
            announced = any(v.l3vni == vxlan.vni and v.advertised for v in other.vrfs)
            guests = shown if self.guests else ()
            if announced or routes_to(node, other, vxlan.vni, heard, guests):
                yield remote_entry(router_macs(other)[vxlan.vni], vxlan.name, other.address)

    def _flood_list(self, vxlan: VxlanIntent, heard: dict[str, NodeIntent]) -> list[str]:
        mode = self.intent.fabric.mode
        if mode is Mode.MULTICAST:
            return [str(vxlan.group)]
        if mode is Mode.UNICAST:
            return list(vxlan.remotes)
        return [
            address
            for address, other in heard.items()
            if address in self.intent.vteps[vxlan.vni] and (other.name, vxlan.vni) not in self.muted
        ]
