"""What a node sends to another VTEP leaves by its underlay: nothing on the node diverts it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from drift.applies import with_vnis
from drift.causes import Broken, from_interface, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Plane
from drift.planes.vrfs.rules import rule_name
from drift.planes.vrfs.tables import LOCAL_TABLE, MAIN_TABLE, shows_ipv6, usable
from overlay.intent import VXLAN_OVERHEAD
from overlay.outputs import IP6_ROUTE, IP6_RULE, IP_ADDRESS, IP_NEIGH, IP_ROUTE, IP_RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from drift.model import Cause, Evidence, Owner, RawFinding
    from drift.view import HostView
    from overlay.host_records import Neighbour, Route, Rule

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The kernel's own rules look there in any case.
_USUAL = frozenset({LOCAL_TABLE, MAIN_TABLE, "default"})


def _cuts_off(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    if raw.about.underlay:
        yield Broken.UNDERLAY, raw.finding.host
    else:
        yield Broken.PATH, *sorted((raw.finding.host, peer_of(raw, owner)))


def _from_rule_or_interface(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host = raw.finding.host
    yield from from_interface(raw, owner)
    yield Broken.DOWN, host, raw.about.device
    for topic in raw.about.topics:  # a rule that takes guests' packets, too
        yield Broken.OVERTAKEN, host, topic[1]


UNDERLAY_DIVERTED = Check(
    "underlay-diverted",
    CRITICAL,
    "packets for a VTEP diverted",
    "Nothing on the node diverts what it sends to another VTEP: no routing rule, no route that "
    "ends it, keeps it, leads past the underlay's interface or has too small an MTU, no static "
    "neighbour entry whose MAC is not there.",
    "What guests send to that VTEP is lost, at once; BGP's session may stay up until its hold time "
    "is over, or for good where the rule takes UDP alone.",
    (IP_ROUTE,),
    reads=(IP_RULE, IP6_RULE, IP6_ROUTE, IP_NEIGH, IP_ADDRESS),
    applies=with_vnis,
    confirm="ip rule show; ip route show table all | grep 192.168.0; ip neigh show to 192.168.0.2",
    remedy="Take away what is shown: `ip rule del pref 500`, `ip route del 192.168.0.2`, `ip "
    "address del 192.168.0.2/32 dev lo`, `ip neigh del 192.168.0.2 dev vmbr0`. If the network's "
    "own route is missing: `ifup --force vmbr0`, on the console if that was the way in.",
    explains=_cuts_off,
    follows=_from_rule_or_interface,
    depth=Depth.PROTOCOL + 1,
    pairwise=Pairwise.PATH,
)


class _Diverted(NamedTuple):
    """What a packet meets instead of the underlay; `rule` is the name of the rule that it takes."""

    actual: str | None
    evidence: tuple[Evidence, ...]
    rule: str | None = None
    harmless: bool = False


class _Table:
    """A routing table to look an address up in, as the kernel does: the longest prefix counts."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._best: dict[tuple[int, int], Route] = {}
        for route in routes:
            try:
                prefix = ipaddress.ip_network(route.prefix)
            except ValueError:  # an MPLS label
                continue
            key = prefix.prefixlen, int(prefix.network_address)
            best = self._best.setdefault(key, route)
            if route.metric < best.metric:
                self._best[key] = route
        self._lengths = sorted({length for length, _ in self._best}, reverse=True)

    def look_up(self, address: Address) -> Route | None:
        for length in self._lengths:
            host_bits = address.max_prefixlen - length
            key = length, int(address) >> host_bits << host_bits
            if key in self._best:
                return self._best[key]
        return None


def examine_ways(view: HostView) -> Iterator[RawFinding]:
    """How the kernel sends to each VTEP that has a VNI of the node's."""
    vteps = {vtep for vxlan in view.node.vxlans for vtep in view.intent.vteps.get(vxlan.vni, ())}
    vteps.discard(view.node.address)
    if not vteps or not _has_its_address(view):
        return
    if ":" in view.node.address and not shows_ipv6(view):
        return
    ways = _Ways(view)
    diverted = {vtep: it for vtep in sorted(vteps) if (it := ways.to(vtep)) is not None}
    if len(vteps) > 1 and len(diverted) == len(vteps):
        same = {it.actual: it for it in diverted.values()}
        if len(same) == 1:
            yield _finding(view, "all VTEPs", next(iter(same.values())), None)
            return
    for vtep, it in diverted.items():
        yield _finding(view, f"VTEP {vtep}", it, vtep)


def _has_its_address(view: HostView) -> bool:
    """False where `underlay-address` says enough, or what stands there was not read."""
    link = (view.state.addresses or {}).get(view.node.underlay_bridge.name)
    return link is not None and any(one.ip == view.node.address for one in link.addresses)


class _Ways:
    """The rules, tables and static neighbours of one node."""

    def __init__(self, view: HostView) -> None:
        self._view = view
        self._source = ipaddress.ip_address(view.node.address)
        six = self._source.version == 6
        overhead = VXLAN_OVERHEAD[self._source.version]
        self._largest = max(vxlan.mtu for vxlan in view.node.vxlans) + overhead
        # Each is read when it is first looked into: VRFs may have thousands of host routes.
        self._tables: dict[str, _Table] = {}
        rules = view.state.ipv6_rules if six else view.state.rules
        self._rules = tuple(rule for rule in rules or () if self._may_take(rule))
        self._rule_slug, self._route_slug = (
            (IP6_RULE, IP6_ROUTE if view.state.ipv6_routes is not None else IP_ROUTE)
            if six
            else (IP_RULE, IP_ROUTE)
        )
        on_underlay = view.neighbours.get(view.node.underlay_bridge.name, ())
        self._by_hand = {entry.address: entry for entry in on_underlay if self._is_odd(entry)}

    def to(self, vtep: str) -> _Diverted | None:
        """What diverts packets to that VTEP; None if nothing does."""
        address = ipaddress.ip_address(vtep)
        for rule in self._rules:
            if rule.table == MAIN_TABLE:
                break
            if not _holds(rule.target, address):
                continue
            if found := self._by_rule(rule, address):
                return found
        for name in (LOCAL_TABLE, MAIN_TABLE):
            route = self._look_up(name, address)
            if route is not None:
                return self._by_route(route, vtep) or self._by_neighbour(vtep)
        # In a routed underlay it is `underlay-route` that says what is missing.
        return _Diverted(None, ()) if self._is_flat else None

    @property
    def _is_flat(self) -> bool:
        return self._view.node.owns_underlay and self._view.node.routed is None

    def _look_up(self, table: str, address: Address) -> Route | None:
        if table not in self._tables:
            told = self._view.kernel.of_kind(lambda name, *_: name == table)
            six = self._source.version == 6
            self._tables[table] = _Table(
                route for route in usable(told) if (":" in route.prefix) is six
            )
        route = self._tables[table].look_up(address)
        return None if route is None or route.type == "throw" else route

    def _may_take(self, rule: Rule) -> bool:
        """Whether it may take what the node itself sends from its VTEP address."""
        if rule.to_vrf or rule.action == "nop" or rule.narrowed or rule.device not in {None, "lo"}:
            return False
        if rule.table in _USUAL and rule.table != MAIN_TABLE:
            return False
        return _holds(rule.source, self._source)

    def _by_rule(self, rule: Rule, address: Address) -> _Diverted | None:
        name = rule_name(f"IPv{address.version}", rule)
        evidence = lines(self._rule_slug, [rule.text])
        if rule.table is None:
            return _Diverted(f"{rule.action} by {name}", evidence, name)
        route = self._look_up(rule.table, address)
        found = route and self._by_route(route, str(address))
        if not found:
            return None
        return found._replace(
            actual=f"{found.actual} by {name}", evidence=evidence + found.evidence, rule=name
        )

    def _by_route(self, route: Route, vtep: str) -> _Diverted | None:
        evidence = lines(self._route_slug, [route.text])
        if not route.carries(self._largest):
            return _Diverted(f"mtu {route.mtu}", evidence)
        if self._view.node.routed is not None and route.table == MAIN_TABLE:
            return None
        if route.type != "unicast":
            return _Diverted(route.type, evidence)
        node = self._view.node
        bridge = node.underlay_bridge.name
        inner = {"lo"} | {vxlan.name for vxlan in node.vxlans} | {vrf.name for vrf in node.vrfs}
        inner |= {it.name for it in node.bridges if it.name != bridge}
        inner |= {node.single.name, node.single.bridge} if node.single else set()
        for hop in route.hops:
            if hop.device in inner or (self._is_flat and hop.device != bridge):
                return _Diverted(f"dev {hop.device}", evidence)
            if hop.gateway is not None and self._is_on_link(vtep):
                # Whoever is there may pass it on.
                return _Diverted(f"via {hop.gateway}", evidence, harmless=True)
        return None

    def _is_on_link(self, vtep: str) -> bool:
        texts = self._view.node.underlay_bridge.addresses if self._is_flat else ()
        address = ipaddress.ip_address(vtep)
        return any(address in ipaddress.ip_interface(text).network for text in texts)

    def _by_neighbour(self, vtep: str) -> _Diverted | None:
        entry = self._by_hand.get(vtep)
        if entry is None:
            return None
        return _Diverted(f"static neighbour {entry.mac}", lines(IP_NEIGH, [entry.text]))

    def _is_odd(self, entry: Neighbour) -> bool:
        bridge = self._view.node.underlay_bridge.name
        return (
            self._is_flat
            and "PERMANENT" in entry.states
            and "proxy" not in entry.flags
            and (bridge, entry.mac) not in self._view.housed
        )


def _holds(prefix: str | None, address: Address) -> bool:
    """True for everybody, and for a prefix with that address."""
    return prefix is None or address in ipaddress.ip_network(prefix)


def _finding(view: HostView, subject: str, found: _Diverted, vtep: str | None) -> RawFinding:
    bridge = view.node.underlay_bridge.name
    return UNDERLAY_DIVERTED.found(
        view.host,
        subject,
        "missing" if found.actual is None else "changed",
        f"dev {bridge}" if view.node.routed is None else "by the underlay",
        found.actual,
        what="way in the kernel",
        evidence=found.evidence,
        severity=WARNING if found.harmless else None,
        about=About(
            device=bridge,
            peer=vtep,
            underlay=vtep is None,
            topics=frozenset({("rule", found.rule)} if found.rule else ()),
            group=("underlay-diverted", view.host),
        ),
    )


PLANE = Plane(examine_ways, (UNDERLAY_DIVERTED,))
