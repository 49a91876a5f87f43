"""What each kind of finding explains, and what it may follow from: the knowledge behind folding.

A scope is a tuple such as `("vni", "node1", 2)`: all that node1 does in VNI 2. A finding that
explains a scope is a possible cause of every finding that follows from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.evpn import WHOLE_INSTANCE
from drift.routes import vni_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drift.draft import Draft, Scope

    Owner = Mapping[str, str]
    Scopes = Callable[[Draft, Owner], Iterator[Scope]]


def explained_by(draft: Draft, owner: Owner) -> Iterator[Scope]:
    """The scopes that a finding explains; `owner` maps a VTEP address to its node."""
    rule = _EXPLAINS.get(draft.finding.check)
    if rule is not None:
        yield from rule(draft, owner)
    if draft.finding.check != "config-running":
        yield from (("config", draft.finding.host, topic) for topic in draft.about.topics)


def followed_by(draft: Draft, owner: Owner) -> Iterator[Scope]:
    """The scopes that a finding may follow from, the likeliest first."""
    rule = _FOLLOWS.get(draft.finding.check)
    if rule is not None:
        yield from rule(draft, owner)


def between(host: str, peer: str) -> Scope:
    """The scope of all that two nodes exchange."""
    return ("between", *sorted((host, peer)))


def _breaks_device(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    # A device that is missing, down or misplaced takes with it all that runs over it.
    host, about = draft.finding.host, draft.about
    if about.underlay:
        yield "underlay", host
    elif about.vni is not None:
        yield "vni", host, about.vni
    elif about.vrf is not None:
        yield "vrf", host, about.vrf
    if about.bridge:
        yield "below", host, about.bridge
    if draft.finding.kind == "missing":
        yield "gone", host, about.device


def _breaks_traffic(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "vni", draft.finding.host, draft.about.vni


def _breaks_address(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield from _breaks_traffic(draft, owner)
    yield "source", str(draft.finding.actual)


def _takes_address(draft: Draft, owner: Owner) -> Iterator[Scope]:
    # That the address is another node's says more than that it is not this one's own.
    address = draft.about.peer
    if address in owner:
        yield "taken", draft.finding.host, address
        yield "source", address


def _changes_vni(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield from _breaks_traffic(draft, owner)
    yield "foreign", draft.finding.host, draft.finding.actual


def _adds_vni(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "foreign", draft.finding.host, draft.about.vni


def _changes_target(draft: Draft, owner: Owner) -> Iterator[Scope]:
    host = draft.finding.host
    yield from _renews_routes(draft, owner)
    if draft.about.vni is not None:
        yield "imet", host, draft.about.vni
    else:
        yield from (("imet", host, vni_of(target)) for target in draft.finding.expected or ())
    yield from (("foreign", host, vni_of(target)) for target in draft.finding.actual or ())


def _renews_routes(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "renewed", draft.finding.host


def _stops_imet(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    if draft.finding.object == WHOLE_INSTANCE:
        yield "origination", draft.finding.host
    else:
        yield "imet", draft.finding.host, draft.about.vni


def _stops_bgp(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "bgp", draft.finding.host


def _renames_router(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield from _renews_routes(draft, owner)
    yield "router-id", draft.finding.host
    yield "router-id in use", draft.finding.actual


def _stops_exchange(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield between(draft.finding.host, _peer(draft, owner))
    if draft.about.alone:
        yield "alone", draft.finding.host


def _stops_routing(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "foreign", draft.finding.host, draft.about.vni
    yield "l3vni", draft.finding.host, draft.about.vni


def _at_its_origin(draft: Draft, owner: Owner) -> Iterator[Scope]:
    # The others miss, or receive, what this node itself does not originate, or does.
    if _peer(draft, owner) == draft.finding.host:
        yield draft.finding.check, draft.finding.object
        yield "routed", draft.finding.host, draft.about.vni


def _stops_group(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    if draft.finding.attribute != "master":
        yield "vip", draft.finding.object


def _keeps_moving(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    # Where a MAC is that moves to and fro, each node knows at another time, and some lose it.
    yield "mac", draft.about.vni, _last_word(draft)


def _hides_route(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "route", draft.finding.host, draft.about.vni, draft.about.peer


def _lowers_mtu(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    if draft.about.bridge:
        yield "mtu", draft.finding.host, draft.about.bridge, draft.finding.actual


def _learns(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "learned", draft.finding.host, draft.about.vni


def _leaves_vrf(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "routing", draft.finding.host, draft.about.vni


_EXPLAINS: dict[str, Scopes] = {
    "vxlan-missing": _breaks_device,
    "vxlan-vni": _changes_vni,
    "vxlan-local-ip": _breaks_address,
    "vxlan-group": _breaks_traffic,
    "vtep-duplicate": _takes_address,
    "vxlan-learning": _learns,
    "vxlan-unexpected": _adds_vni,
    "link-down": _breaks_device,
    "bridge-missing": _breaks_device,
    "bridge-membership": _breaks_device,
    "vrf-missing": _breaks_device,
    "vrf-membership": _leaves_vrf,
    "mtu": _lowers_mtu,
    "underlay-address": _breaks_device,
    "evpn-empty": _stops_bgp,
    "imet-not-originated": _stops_imet,
    "imet-missing": _hides_route,
    "route-target": _changes_target,
    "rd-duplicate": _renews_routes,
    "router-id": _renames_router,
    "session-down": _stops_exchange,
    "l3vni": _stops_routing,
    "type5-missing": _at_its_origin,
    "mac-mobility": _keeps_moving,
    "type5-unexpected": _at_its_origin,
    "vrrp": _stops_group,
}


def _last_word(draft: Draft) -> str:
    """Of `vxlan2 MAC 02:00:00:00:00:01` and `VNI 2 MAC 02:00:00:00:00:01`: the MAC."""
    return draft.finding.object.rpartition(" ")[2]


def _peer(draft: Draft, owner: Owner) -> str:
    """The node behind the address that a finding is about; the address when nobody owns it."""
    address = draft.about.peer or ""
    return owner.get(address, address)


def _carrier(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    # A bridge has carrier while one of its ports has; taken down by hand it is its own cause.
    if draft.finding.actual == "no carrier":
        yield "below", draft.finding.host, draft.about.device


def _own_bridge(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "gone", draft.finding.host, draft.about.bridge


def _own_vrf(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "vrf", draft.finding.host, draft.about.vrf


def _own_interface(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "gone", draft.finding.host, draft.about.device
    if draft.about.vrf is not None:
        yield "vrf", draft.finding.host, draft.about.vrf


def _own_ports(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "mtu", draft.finding.host, draft.about.device, draft.finding.actual


def _own_vni(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "vni", draft.finding.host, draft.about.vni


def _l3vni(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    host, about = draft.finding.host, draft.about
    yield "vrf", host, about.vrf
    yield "vni", host, about.vni
    yield "routing", host, about.vni
    yield "bgp", host
    yield "origination", host


def _source(draft: Draft, owner: Owner) -> Iterator[Scope]:
    if draft.about.peer not in owner:
        yield "source", draft.about.peer


def _taken(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield "taken", draft.finding.host, draft.finding.actual


def _router_id(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    rd = draft.finding.object.removeprefix("RD ")
    yield "router-id in use", rd.rpartition(":")[0]
    yield "router-id", draft.finding.host


def _session(draft: Draft, owner: Owner) -> Iterator[Scope]:
    for host in (_peer(draft, owner), draft.finding.host):
        yield "underlay", host
        yield "bgp", host
        yield "router-id", host


def _imet(draft: Draft, owner: Owner) -> Iterator[Scope]:
    host, peer, vni = draft.finding.host, _peer(draft, owner), draft.about.vni
    yield "underlay", peer
    yield "bgp", peer
    yield "vni", peer, vni
    yield "origination", peer
    yield "imet", peer, vni
    # A route from an address that is the node's own too is thrown away.
    yield "taken", host, draft.about.peer
    yield from _exchange(draft, owner)
    yield "router-id", peer
    yield "underlay", host
    yield "router-id", host


def _exchange(draft: Draft, owner: Owner) -> Iterator[Scope]:
    """The session between two nodes; with reflectors, the last one that one of them had."""
    host, peer = draft.finding.host, _peer(draft, owner)
    yield between(host, peer)
    yield "alone", peer
    yield "alone", host


def _type5(draft: Draft, owner: Owner) -> Iterator[Scope]:
    host, peer, about = draft.finding.host, _peer(draft, owner), draft.about
    yield "underlay", peer
    yield "bgp", peer
    yield "vrf", peer, about.vrf
    yield "vni", peer, about.vni
    yield "l3vni", peer, about.vni
    yield "origination", peer
    yield draft.finding.check, draft.finding.object
    yield from _exchange(draft, owner)
    yield "router-id", peer
    yield "underlay", host
    yield "router-id", host


def _foreign_type5(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    yield draft.finding.check, draft.finding.object


def _way_out(draft: Draft, owner: Owner) -> Iterator[Scope]:
    host = draft.finding.host
    yield from _own_interface(draft, owner)
    yield "underlay", host
    yield "bgp", host
    if draft.about.peer is not None:
        yield between(host, _peer(draft, owner))


def _group(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield "gone", draft.finding.host, draft.about.device
    yield "underlay", draft.finding.host
    if draft.finding.attribute == "master":
        yield "vip", draft.finding.object
    if draft.about.peer is not None:
        yield "underlay", _peer(draft, owner)
        yield between(draft.finding.host, _peer(draft, owner))


def _configured(draft: Draft, _owner: Owner) -> Iterator[Scope]:
    # What was typed into vtysh shows in two ways: the statement that differs, and what it breaks.
    # The latter says more, so it is the root; but only where all that differs is about one thing.
    if len(draft.about.topics) == 1:
        yield from (("config", draft.finding.host, topic) for topic in draft.about.topics)


def _foreign_imet(draft: Draft, owner: Owner) -> Iterator[Scope]:
    yield "foreign", _peer(draft, owner), draft.about.vni
    yield "source", draft.about.peer


def _forwarding(draft: Draft, owner: Owner) -> Iterator[Scope]:
    host, about = draft.finding.host, draft.about
    yield "vni", host, about.vni
    yield "mac", about.vni, _last_word(draft)
    yield "learned", host, about.vni
    if about.vrf is not None:
        # A router MAC: zebra takes it back with the VRF or its L3VNI.
        yield "vrf", host, about.vrf
        yield "routing", host, about.vni
        yield "l3vni", host, about.vni
        # FRR 8.4 drops a VTEP's router MAC with one of its prefixes, while others still lead there,
        # and where that VTEP announces its routes with other attributes.
        yield "routed", _peer(draft, owner), about.vni
        yield "renewed", _peer(draft, owner)
    # Without advertise-all-vni zebra takes back all that it had put into the kernel.
    yield "origination", host
    if about.peer is not None and draft.finding.kind == "extra":
        # An entry outlives its route where the VTEP behind it fell silent.
        peer = _peer(draft, owner)
        yield "underlay", peer
        yield "bgp", peer
        yield "vni", peer, about.vni
        yield from _exchange(draft, owner)
        yield "route", host, about.vni, about.peer


_FOLLOWS: dict[str, Scopes] = {
    "link-down": _carrier,
    "bridge-membership": _own_bridge,
    "vrf-membership": _own_vrf,
    "mtu": _own_ports,
    "vtep-duplicate": _source,
    "vxlan-local-ip": _taken,
    "flood-missing": _forwarding,
    "flood-unexpected": _forwarding,
    "fdb-stale": _forwarding,
    "fdb-missing": _forwarding,
    "fdb-wrong-vtep": _forwarding,
    "imet-not-originated": _own_vni,
    "imet-missing": _imet,
    "imet-unexpected": _foreign_imet,
    "route-target": _own_vni,
    "rd-duplicate": _router_id,
    "session-down": _session,
    "type5-missing": _type5,
    "type5-unexpected": _foreign_type5,
    "l3vni": _l3vni,
    "exit-route": _way_out,
    "vrrp": _group,
    "sysctl": _own_interface,
    "config-running": _configured,
    "gateway-address": _own_interface,
    "underlay-address": _own_interface,
}
