"""Type-5 routes of the intended VRFs: defaults of their exits, announced subnets, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.applies import with_evpn, with_prefixes
from drift.causes import Broken, at_its_origin, from_exchange, peer_of
from drift.evidence import lines
from drift.model import CRITICAL, WARNING, About, Check, Depth, Pairwise
from drift.plane import Plane
from overlay.expected import EVERYTHING
from overlay.outputs import EVPN_TABLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drift.model import Cause, Owner, RawFinding
    from drift.routes import Routes
    from drift.view import HostView
    from overlay.records import EvpnPath

    # VRF, prefix and the address of the node that originates it.
    Key = tuple[str, str, str]

# The statements of the exit that these routes come from.
_TOPICS = frozenset(
    ("bgp", word) for word in ("default-originate", "advertise", "advertise-all-vni")
)


def _from_origin(raw: RawFinding, owner: Owner) -> Iterator[Cause]:
    host, peer, about = raw.finding.host, peer_of(raw, owner), raw.about
    yield Broken.UNDERLAY, peer
    yield Broken.BGP, peer
    yield Broken.VRF, peer, about.vrf
    yield Broken.VNI, peer, about.vni
    yield Broken.L3VNI, peer, about.vni
    yield Broken.INSTANCE_ROUTES, peer
    yield Broken.ORIGIN, raw.finding.check, raw.finding.object
    yield from from_exchange(raw, owner)
    yield Broken.ROUTER_ID, peer
    yield Broken.UNDERLAY, host
    yield Broken.ROUTER_ID, host


def _from_its_origin(raw: RawFinding, _owner: Owner) -> Iterator[Cause]:
    yield Broken.ORIGIN, raw.finding.check, raw.finding.object


TYPE5_MISSING = Check(
    "type5-missing",
    CRITICAL,
    "type-5 route missing",
    "Every node of a VRF has a default route (type-5, IPv4 and IPv6) of each of its exits, and the "
    "prefixes that its nodes announce (`advertise`).",
    "This node does not use that exit, or does not know that prefix; without any default the VRF "
    "has no way out from here. It is a warning while another exit's is there.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_prefixes,
    confirm="vtysh -c 'show bgp l2vpn evpn route type prefix'",
    remedy="On the exit: `vtysh -c 'configure terminal' -c 'router bgp 1234 vrf vrf1' -c "
    "'address-family l2vpn evpn' -c 'default-originate ipv4' -c 'default-originate "
    "ipv6'`; for another prefix `advertise ipv4 unicast` there with its route-map, and "
    "`redistribute connected` or `redistribute static` in its `address-family ipv4 unicast`. "
    "`plan` shows which of them is not as rendered.",
    explains=at_its_origin,
    follows=_from_origin,
    depth=Depth.ROUTE + 1,
    pairwise=Pairwise.ROUTE,
    with_others=True,
)

TYPE5_UNEXPECTED = Check(
    "type5-unexpected",
    WARNING,
    "type-5 route not intended",
    "Each type-5 route of an intended VRF is the default route of one of its exits, or a prefix "
    "that the node announces (`advertise`); of `connected` any but a default.",
    "It draws traffic of the VRF to a node that should not route it.",
    (EVPN_TABLE,),
    by_vni=True,
    applies=with_evpn,
    confirm="vtysh -c 'show bgp l2vpn evpn route type prefix'",
    remedy="On the node that it comes from, take `default-originate`, `advertise ipv4 unicast` "
    "or `advertise ipv6 unicast` out of its `router bgp 1234 vrf vrf1`. A new exit "
    "belongs under `exits:` of the VRF in fabric.yaml, what it means to announce under "
    "its `advertise:`.",
    explains=at_its_origin,
    follows=_from_its_origin,
)


def examine_prefixes(view: HostView) -> Iterator[RawFinding]:
    """Default routes of each exit on the nodes of its VRF; any other type-5 route is strange."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    found = _found(view, routes)
    here = {vrf.name for vrf in view.node.vrfs if vrf.l3vni is not None}
    wanted = set(_wanted(view))
    for key in sorted(wanted - found.keys()):
        if key[0] in here:
            others = [path for k, path in found.items() if k[0] == key[0]]
            yield _missing(view, key, others, harmless=_has_other_exit(key, found))
    for key in sorted(found.keys() - wanted):
        if not _is_connected(view, key):
            yield _unexpected(view, key, found[key])


def _is_connected(view: HostView, key: Key) -> bool:
    """Whether the node announces whatever is connected in that VRF: what is, only it knows."""
    vrf, prefix, vtep = key
    node = view.intent.nodes.get(view.intent.owner.get(vtep, ""))
    return prefix not in EVERYTHING and any(
        it.name == vrf and it.open for it in (node.vrfs if node else ())
    )


def _has_other_exit(key: Key, found: Collection[Key]) -> bool:
    """True for a default route of one exit while there is that of another."""
    return key[1] in EVERYTHING and any(other[:2] == key[:2] for other in found)


def _wanted(view: HostView) -> Iterator[Key]:
    # An exit originates them by `default-originate`, whether or not it has such a route itself.
    # Other prefixes are announced only where a VRF says so: hosts are known by type-2 routes.
    intent = view.intent
    announcing = [name for name, vrf in intent.fabric.vrfs.items() if vrf.advertise]
    for node in intent.nodes.values() if announcing else ():
        yield from ((v.name, prefix, node.address) for v in node.vrfs for prefix in v.advertised)
    for name, vrf in intent.fabric.vrfs.items():
        for node in (intent.nodes[exit_name] for exit_name in vrf.exits):
            ways = node.bgp.exits if node.bgp else ()
            defaults = [prefix for way in ways if way.vrf == name for prefix in way.defaults]
            yield from ((name, prefix, node.address) for prefix in defaults)


def _found(view: HostView, routes: Routes) -> dict[Key, EvpnPath]:
    """The type-5 paths of intended VRFs, received and own."""
    vrfs = {vrf.l3vni: name for name, vrf in view.intent.fabric.vrfs.items()}
    found: dict[Key, EvpnPath] = {}
    for path in (*routes.prefixes, *routes.originated_prefixes()):
        if not path.local and (routes.from_outside(path) or view.intent.is_external(path.next_hop)):
            continue  # who announces what there is not ours to know
        prefix = f"{path.ip}/{path.prefix_length}"
        vtep = view.node.address if path.local else path.next_hop
        for vni in routes.vnis_of(path):
            if vni in vrfs and vtep is not None:
                found.setdefault((vrfs[vni], prefix, vtep), path)
    return found


def _missing(view: HostView, key: Key, others: list[EvpnPath], *, harmless: bool) -> RawFinding:
    vrf, prefix, vtep = key
    return TYPE5_MISSING.found(
        view.host,
        f"VRF {vrf} {prefix} via {vtep}",
        "missing",
        vtep,
        None,
        what="type-5 route" if vtep != view.node.address else "type-5 route of its own",
        severity=WARNING if harmless else None,
        evidence=lines(EVPN_TABLE, (path.text for path in others), limit=3),
        # The IPv4 and the IPv6 default of one exit go together.
        about=_about(view, key, group=("type5-missing", view.host, vrf, vtep)),
    )


def _unexpected(view: HostView, key: Key, path: EvpnPath) -> RawFinding:
    vrf, prefix, vtep = key
    return TYPE5_UNEXPECTED.found(
        view.host,
        f"VRF {vrf} {prefix} via {vtep}",
        "extra",
        None,
        vtep,
        what="type-5 route",
        evidence=lines(EVPN_TABLE, [path.text]),
        about=_about(view, key, group=("type5-unexpected", vrf, vtep)),
    )


def _about(view: HostView, key: Key, group: tuple[object, ...]) -> About:
    vrf, _, vtep = key
    vni = view.intent.fabric.vrfs[vrf].l3vni
    own = vtep == view.node.address
    return About(vrf=vrf, vni=vni, peer=vtep, topics=_TOPICS if own else frozenset(), group=group)


PLANE = Plane(examine_prefixes, (TYPE5_MISSING, TYPE5_UNEXPECTED))
