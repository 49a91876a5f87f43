"""Type-5 routes of the intended VRFs: the default routes of their exits, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift.check import B
from drift.draft import About, Draft, draft, lines
from drift.routes import vnis_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift.routes import Routes
    from drift.view import HostView
    from overlay.records import EvpnPath

    # VRF, prefix and the address of the node that originates it.
    Key = tuple[str, str, str]

PREFIX_CHECKS = frozenset({"type5-missing", "type5-unexpected"})

# The statements of the exit that these routes come from.
_TOPICS = frozenset(
    ("bgp", word) for word in ("default-originate", "advertise", "advertise-all-vni")
)


def examine_prefixes(view: HostView) -> Iterator[Draft]:
    """Default routes of each exit on the nodes of its VRF; any other type-5 route is strange."""
    routes = view.routes
    if routes is None or view.table_empty:
        return
    found = _found(view, routes)
    here = {vrf.name for vrf in view.node.vrfs if vrf.l3vni is not None}
    wanted = set(_wanted(view))
    for key in sorted(wanted - found.keys()):
        if key[0] in here:
            yield _missing(view, key, [path for k, path in found.items() if k[0] == key[0]])
    for key in sorted(found.keys() - wanted):
        yield _unexpected(view, key, found[key])


def _wanted(view: HostView) -> Iterator[Key]:
    # An exit originates them by `default-originate`, whether or not it has such a route itself.
    # It advertises no subnet of the VRF: hosts are known by their type-2 routes.
    intent = view.intent
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
        prefix = f"{path.ip}/{path.prefix_length}"
        vtep = view.node.address if path.local else path.next_hop
        for vni in vnis_of(path):
            if vni in vrfs and vtep is not None:
                found.setdefault((vrfs[vni], prefix, vtep), path)
    return found


def _missing(view: HostView, key: Key, others: list[EvpnPath]) -> Draft:
    vrf, prefix, vtep = key
    return draft(
        "type5-missing",
        view.host,
        f"VRF {vrf} {prefix} via {vtep}",
        "missing",
        vtep,
        None,
        what="type-5 route" if vtep != view.node.address else "type-5 route of its own",
        evidence=lines(B, (path.text for path in others), limit=3),
        # The IPv4 and the IPv6 default of one exit go together.
        about=_about(view, key, group=("type5-missing", view.host, vrf, vtep)),
    )


def _unexpected(view: HostView, key: Key, path: EvpnPath) -> Draft:
    vrf, prefix, vtep = key
    return draft(
        "type5-unexpected",
        view.host,
        f"VRF {vrf} {prefix} via {vtep}",
        "extra",
        None,
        vtep,
        what="type-5 route",
        evidence=lines(B, [path.text]),
        about=_about(view, key, group=("type5-unexpected", vrf, vtep)),
    )


def _about(view: HostView, key: Key, group: tuple[object, ...]) -> About:
    vrf, _, vtep = key
    vni = view.intent.fabric.vrfs[vrf].l3vni
    own = vtep == view.node.address
    return About(vrf=vrf, vni=vni, peer=vtep, topics=_TOPICS if own else frozenset(), group=group)
