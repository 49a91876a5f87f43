"""Cases of a routed underlay."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from drift.model import WARNING
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift.cases.case import Case
from tests.drift.worlds import both, example, json, link
from tests.simulated.underlay import ways_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation

LEAF_SPINE = partial(example, "leaf-spine")
VTEP = {"leaf1": "10.255.1.1", "leaf2": "10.255.1.2", "leaf3": "10.255.1.3"}
ROUTER_ID = {**VTEP, "spine1": "10.255.1.101", "spine2": "10.255.1.102"}


def _routed_by(protocol: str) -> FabricIntent:
    """The same, routed by another protocol."""
    keys = example("leaf-spine").fabric.model_dump(mode="json", exclude_none=True)
    keys["underlay"]["protocol"] = protocol
    return derive(Fabric.model_validate(keys))


by_isis = partial(_routed_by, "isis")
by_ebgp = partial(_routed_by, "ebgp-unnumbered")


def without(
    leaf: str, spine: str, *mutations: Mutation, of: Callable[[], FabricIntent] = LEAF_SPINE
) -> Mutation:
    """Everybody routes as when nothing passes between these two; and what is seen besides."""
    intent = of()
    edge = (leaf, spine, 0)
    routed = [
        json(name, "ip_route", partial(_instead, ways_of(intent, node, (), {edge})))
        for name, node in intent.nodes.items()
    ]
    return both(*routed, *mutations)


def _instead(ways: list[dict[str, Any]], routes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    learnt = ("ospf", "bgp")
    of_vrfs = [it for it in routes if it.get("protocol") not in learnt or "table" in it]
    return [*of_vrfs, *ways]


def dead(leaf: str, spine: str) -> Mutation:
    """The link between the two passes nothing: both have lost the neighbour and its BFD."""
    device = f"eno1.{leaf[-1]}{spine[-1]}"

    def lose(document: dict[str, Any], peer: str) -> None:
        del document["neighbors"][ROUTER_ID[peer]]

    ends = ((leaf, spine), (spine, leaf))
    return without(
        leaf,
        spine,
        *(json(host, "ospf_neighbors", partial(lose, peer=peer)) for host, peer in ends),
        *(json(host, "bfd_peers", partial(_forget, device)) for host, _ in ends),
    )


def _without_leg(routes: list[dict[str, Any]], device: str, to: str | None = None) -> None:
    for route in routes:
        hops = route.get("nexthops", ())
        if to in (None, route.get("dst")) and any(hop["dev"] == device for hop in hops):
            route["nexthops"] = [hop for hop in hops if hop["dev"] != device]


def _no_route(to: str) -> Callable[[Any], Any]:
    return lambda routes: [route for route in routes if route.get("dst") != to]


def _state(host: str, peer: str, state: str) -> Mutation:
    return json(
        host,
        "ospf_neighbors",
        lambda it: it["neighbors"][ROUTER_ID[peer]][0].update(nbrState=f"{state}/-"),
    )


def _link_session(host: str, device: str, **words: object) -> Mutation:
    """What a node shows of its session of eBGP on a link."""
    return json(host, "bgp_summary", lambda it: it["ipv4Unicast"]["peers"][device].update(**words))


def _with_evpn_on_a_link(summary: dict[str, Any]) -> None:
    shown = {"remoteAs": 4216712037, "state": "Established", "idType": "interface"}
    summary["peers"]["eno1.21"] = shown


def _forget(device: str, sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [session for session in sessions if session["interface"] != device]


def _renamed(documents: dict[str, Any]) -> None:
    """The neighbour on the first link is another spine than it should be."""
    neighbors = documents["neighbors"]
    wrong = dict(neighbors[ROUTER_ID["spine1"]][0])
    del neighbors[ROUTER_ID["spine1"]]
    neighbors[ROUTER_ID["spine2"]].append(wrong)


ROUTED_UNDERLAY: dict[tuple[str, str], Case] = {
    ("underlay-adjacency", "a dead link, seen from both ends"): Case(
        dead("leaf1", "spine1"),
        "spine1",
        "eno1.11",
        "ospf adjacency - Expected: Full with leaf1 Actual: absent",
        LEAF_SPINE,
        WARNING,
    ),
    ("underlay-adjacency", "two MTUs"): Case(
        without(
            "leaf2",
            "spine2",
            _state("leaf2", "spine2", "ExStart"),
            _state("spine2", "leaf2", "Exchange"),
        ),
        "spine2",
        "eno1.22",
        "Expected: Full with leaf2 Actual: Exchange with leaf2",
        LEAF_SPINE,
        WARNING,
    ),
    ("underlay-adjacency", "two cables swapped"): Case(
        without("leaf3", "spine1", json("leaf3", "ospf_neighbors", _renamed)),
        "leaf3",
        "eno1.31",
        "Expected: Full with spine1 Actual: Full with spine2",
        LEAF_SPINE,
        WARNING,
    ),
    ("underlay-adjacency", "the last one"): Case(
        both(
            json("leaf3", "ospf_neighbors", lambda it: it["neighbors"].clear()),
            *(
                json(name, "ip_route", _no_route(to))
                for name, to in (
                    *((name, VTEP["leaf3"]) for name in ROUTER_ID if name != "leaf3"),
                    ("leaf3", VTEP["leaf1"]),
                    ("leaf3", VTEP["leaf2"]),
                )
            ),
        ),
        "leaf3",
        "eno1.32",
        "Expected: Full with spine2 Actual: absent",
        LEAF_SPINE,
    ),
    ("underlay-adjacency", "IS-IS on the way"): Case(
        without(
            "leaf1",
            "spine1",
            json(
                "leaf1",
                "isis_neighbors",
                lambda it: it["areas"][0]["circuits"][1].update(state="Initializing"),
            ),
        ),
        "leaf1",
        "eno1.11",
        "isis adjacency - Expected: Up with spine1 Actual: Initializing with spine1",
        by_isis,
        WARNING,
    ),
    ("underlay-adjacency", "a session of eBGP that is down, seen from both ends"): Case(
        without(
            "leaf1",
            "spine1",
            _link_session("leaf1", "eno1.11", state="Active", remoteAs=0),
            _link_session("spine1", "eno1.11", state="Idle", remoteAs=4216711937),
            *(json(host, "bfd_peers", partial(_forget, "eno1.11")) for host in ("leaf1", "spine1")),
            of=by_ebgp,
        ),
        "spine1",
        "eno1.11",
        "ebgp-unnumbered adjacency - Expected: Established with leaf1 Actual: Idle with leaf1",
        by_ebgp,
        WARNING,
    ),
    ("underlay-adjacency", "a cable of eBGP in another spine"): Case(
        without(
            "leaf3", "spine1", _link_session("leaf3", "eno1.31", remoteAs=4216712038), of=by_ebgp
        ),
        "leaf3",
        "eno1.31",
        "Expected: Established with spine1 Actual: Established with spine2",
        by_ebgp,
        WARNING,
    ),
    ("session-unexpected", "EVPN on a link of the underlay"): Case(
        json("leaf2", "evpn_summary", _with_evpn_on_a_link),
        "leaf2",
        "neighbor eno1.21",
        "EVPN session - Expected: absent Actual: Established",
        by_ebgp,
        WARNING,
    ),
    ("underlay-route", "a leg lost whose next hops are of IPv6"): Case(
        json("leaf1", "ip_route", partial(_without_leg, device="eno1.12", to="10.255.1.2")),
        "leaf1",
        "VTEP 10.255.1.2",
        "equal ways - Expected: eno1.11, eno1.12 Actual: eno1.11",
        by_ebgp,
        WARNING,
    ),
    ("underlay-route", "no route"): Case(
        json("leaf1", "ip_route", _no_route("10.255.1.3")),
        "leaf1",
        "VTEP 10.255.1.3",
        "route - Expected: eno1.11, eno1.12 Actual: absent",
        LEAF_SPINE,
    ),
    ("underlay-route", "a leg lost though its link is there"): Case(
        json("leaf1", "ip_route", partial(_without_leg, device="eno1.12", to="10.255.1.2")),
        "leaf1",
        "VTEP 10.255.1.2",
        "equal ways - Expected: eno1.11, eno1.12 Actual: eno1.11",
        LEAF_SPINE,
        WARNING,
    ),
    ("bfd-down", "on a link of the underlay"): Case(
        json("leaf1", "bfd_peers", lambda sessions: sessions[0].update(status="down")),
        "leaf1",
        "eno1.11",
        "BFD session - Expected: up Actual: down",
        LEAF_SPINE,
    ),
    ("link-down", "a link of the underlay"): Case(
        both(
            link("leaf1", "eno1.11", flags=("BROADCAST", "MULTICAST")),
            dead("leaf1", "spine1"),
        ),
        "leaf1",
        "eno1.11",
        "state - Expected: up Actual: down",
        LEAF_SPINE,
    ),
    ("mtu", "a link of the underlay"): Case(
        without(
            "leaf2",
            "spine1",
            link("spine1", "eno1.21", mtu=1500),
            _state("spine1", "leaf2", "ExStart"),
            _state("leaf2", "spine1", "Exchange"),
        ),
        "spine1",
        "eno1.21",
        "MTU - Expected: 1550 Actual: 1500",
        LEAF_SPINE,
    ),
    ("underlay-address", "the loopback"): Case(
        json(
            "leaf2",
            "ip_address",
            lambda links: (
                next(it for it in links if it["ifname"] == "lo")["addr_info"].pop() and None
            ),
        ),
        "leaf2",
        "lo 10.255.1.2/32",
        "VTEP address - Expected: 10.255.1.2/32 on lo",
        LEAF_SPINE,
    ),
}
