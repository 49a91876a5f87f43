"""Any fabric: healthy means no finding, and any one fault is found where it is.

Fabrics of every mode, routing and role: with reflectors, exits, a router outside (BGP or static
routes) and a floating address.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift.engine import audit
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift.worlds import (
    BY_RENDER,
    fdb,
    json,
    lacking,
    link,
    no_link,
    paths,
    unfolded,
    unreachable,
)
from tests.overlay.several_as import has_several, several_as, speaker
from tests.rendering import rendered_nodes
from tests.simulated.fleet import Fleet, healthy_states
from tests.tries import tries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import FabricIntent, NodeIntent
    from tests.drift.worlds import Mutation

    Fault = tuple[str, str, str, Mutation]

CALM = settings(
    max_examples=tries(150), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@st.composite
def fabrics(draw: Any) -> FabricIntent:
    """Fabrics of every mode and routing, IPv4 or IPv6 underlay, VNIs on some or all nodes."""
    mode = draw(st.sampled_from(["evpn", "evpn", "evpn", "unicast", "multicast"]))
    routing = (
        draw(st.sampled_from(["none", "asymmetric", "symmetric"])) if mode == "evpn" else "none"
    )
    v6 = draw(st.booleans())
    names = [f"pve{n}" for n in range(1, draw(st.integers(1, 5)) + 1)]
    vrfs = {
        f"vrf{n}": {"l3vni": 4000 + n} if routing == "symmetric" else {}
        for n in range(draw(st.integers(1, 2)) if routing != "none" else 0)
    }
    networks = [
        _network(draw, vni, routing, names, list(vrfs))
        for vni in draw(st.lists(st.integers(1, 3999), unique=True, max_size=4))
    ]
    fabric: dict[str, Any] = {
        "mode": mode,
        "routing": routing,
        "underlay": {"prefix": "fd00::/64" if v6 else "10.1.0.0/16", "mtu": 1600},
        "overlay": {
            "gateway_mac": "44:39:39:ff:40:94",
            "dstport": draw(st.sampled_from([4789, 8472])),
        },
        "vrfs": vrfs,
        "networks": networks,
        "nodes": {name: _node(n, v6=v6) for n, name in enumerate(names)},
    }
    if mode == "evpn":
        fabric["bgp"] = {"asn": draw(st.sampled_from([1234, 4_200_000_001]))}
        for n in range(draw(st.sampled_from([0, 0, 1, 2]))):
            fabric["nodes"][f"rr{n}"] = _node(100 + n, v6=v6) | {"role": "reflector"}
            fabric["bgp"]["cluster_id"] = "1.1.1.1"
        for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=2)):
            fabric["nodes"][name]["reflector"] = True
        several_as(draw, fabric)
        if draw(st.booleans()) and not has_several(fabric):
            fabric["bgp"]["listen"] = [{"range": "fd01::/64" if v6 else "10.2.0.0/24"}]
    vnis = [network["vni"] for network in networks]
    if draw(st.integers(0, 2)) == 0:
        fabric["nodes"]["switch"] = _external(draw, vnis, v6=v6)
        if mode == "evpn" and has_several(fabric):
            fabric["nodes"]["switch"]["asn"] = draw(st.sampled_from([1234, 65101, 65201]))
    if routing == "symmetric" and draw(st.booleans()):
        _add_exits(draw, fabric, names, v6=v6)
    for vrf in vrfs.values() if routing == "symmetric" else ():
        if draw(st.integers(0, 3)) == 0:
            vrf["advertise"] = draw(st.sampled_from([["subnets"], ["connected"]]))
    _route_vrfs(draw, fabric, names)
    for vrf in vrfs.values():
        if vrf.get("exits") and draw(st.booleans()):
            own = {name: [f"192.0.2.{n}"] for n, name in enumerate(vrf["exits"], 1)}
            vrf["snat"] = {"addresses": own} if v6 else True
    for place in (*networks, *(v for v in vrfs.values() if "l3vni" in v)) if mode == "evpn" else ():
        _name_routes(draw, place)
    if mode == "evpn" and draw(st.booleans()):
        fabric["overlay"]["unicast_flood"] = True
    if mode == "unicast" and not v6 and draw(st.booleans()):
        fabric["overlay"]["source_address"] = False
    if mode == "multicast":
        fabric["overlay"]["group"] = "ff05::1" if v6 else "225.20.1.1"
    _keep_by_hand(draw, fabric, names)
    return derive(Fabric.model_validate(fabric))


def _route_vrfs(draw: Any, fabric: dict[str, Any], names: list[str]) -> None:
    """Static routes of VRFs, leaks between them, and nodes that have one without a network."""
    subnets: dict[str, list[str]] = {name: [] for name in fabric["vrfs"]}
    for network in fabric["networks"]:
        for gateway in network.get("gateways", ()):
            subnets[network["vrf"]].append(gateway.replace(".254/24", ""))
    for number, (name, vrf) in enumerate(fabric["vrfs"].items()):
        symmetric = fabric["routing"] == "symmetric"
        if symmetric and draw(st.booleans()):
            vrf["nodes"] = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        routes = [
            {"prefix": f"172.{16 + number}.{place}.0/24", "via": f"{net}.7"}
            for place, net in enumerate(subnets[name])
            if draw(st.booleans())
        ]
        if routes and draw(st.booleans()):
            routes.append(routes[0] | {"via": routes[0]["via"].replace(".7", ".8")})
        if draw(st.booleans()):
            routes.append({"prefix": f"fd00:{number + 1:x}::/32", "via": "blackhole"})
        if routes:
            vrf["routes"] = routes
        if routes and symmetric and draw(st.booleans()):
            vrf["advertise"] = [*vrf.get("advertise", ()), "static"]
        others = [(other, net) for other, nets in subnets.items() if other != name for net in nets]
        if others and draw(st.booleans()):
            other, net = draw(st.sampled_from(others))
            vrf["leak"] = [{"from": other, "prefixes": [f"{net}.0/25"]}]


def _keep_by_hand(draw: Any, fabric: dict[str, Any], names: list[str]) -> None:
    """Statements and settings beside what is derived: of the fabric, a group, a node."""
    kept = {
        "frr_extra": "router ospf\n network 10.0.0.0/8 area 0\n",
        "daemons_extra": {"ospfd": True},
        "sysctl_extra": {"net.ipv4.tcp_mtu_probing": 1},
    }
    fabric["groups"] = {"left": {"nodes": [names[0]]}}
    for place in (fabric, fabric["groups"]["left"], fabric["nodes"][names[-1]]):
        for key in draw(st.lists(st.sampled_from(sorted(kept)), unique=True)):
            place[key] = kept[key]


def _name_routes(draw: Any, place: dict[str, Any]) -> None:
    """A route target and an RD by hand, of a network or a VRF with an L3VNI."""
    vni = place.get("vni") or place["l3vni"]
    own, other = f"65000:{100_000 + vni}", f"10.9.9.9:{20_000 + vni}"
    wild = f"*:{100_000 + vni}"
    rt = draw(
        st.sampled_from(
            [
                None,
                {"import": [own], "export": [own]},
                {"import": [wild], "export": [own]},
                {"import": [f"*:{vni}"]},
                {"import": [own, other], "export": [other, own]},
                {"import": [own, other], "export": [own], "outside": [other]},
                {"import": [f"*:{vni}", other], "outside": [other]},
                {"import": [own], "export": [own, other], "outside": [other]},
            ]
        )
    )
    place |= {"rt": rt} if rt else {}
    place |= {"rd": f"{{router_id}}:{30_000 + vni}"} if draw(st.booleans()) else {}


def _node(n: int, *, v6: bool) -> dict[str, Any]:
    return {
        "address": f"fd00::{n + 9}" if v6 else f"10.1.{n}.9",
        "router_id": f"10.255.0.{n + 1}",
    }


def _external(draw: Any, vnis: list[int], *, v6: bool) -> dict[str, Any]:
    """A node that is not ours, which reflects or carries something, or both."""
    carried = draw(st.lists(st.sampled_from(vnis), unique=True)) if vnis else []
    node = {
        "role": "external",
        "address": "fd00::feed" if v6 else "10.1.250.9",
        "vnis": carried,
        "reflector": draw(st.booleans()),
    }
    if draw(st.booleans()):
        node["vtep"] = "fd00::beef" if v6 else "10.1.251.9"
    return node


def _add_exits(draw: Any, fabric: dict[str, Any], names: list[str], *, v6: bool) -> None:
    """Exits of the VRFs, with a router outside that speaks BGP or has static routes."""
    router = _node(200, v6=v6) | {"role": "router"}
    if draw(st.booleans()):
        router["asn"] = 25253
    fabric["nodes"]["outside"] = router
    for vrf in fabric["vrfs"].values():
        exits = draw(st.lists(st.sampled_from(names), unique=True))
        vrf["exits"] = exits
        if exits and draw(st.booleans()) and not has_several(fabric):
            vrf["primary"] = exits[0]
        if exits and draw(st.booleans()):
            words = st.sampled_from(["underlay", "vrfs", "172.16.0.0/12", "fd99::/48"])
            vrf["unreachable"] = draw(st.lists(words, unique=True))
        for name in exits if "asn" not in router or draw(st.booleans()) else ():
            fabric["nodes"][name]["gateway"] = router["address"]
    if draw(st.booleans()):
        holders = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        address = "fd00::fe/64" if v6 else "10.1.9.254/16"
        priorities = {name: 200 - n for n, name in enumerate(holders)}
        fabric["vips"] = [{"address": address, "id": 7, "priorities": priorities}]


def _network(
    draw: Any, vni: int, routing: str, names: list[str], vrfs: list[str]
) -> dict[str, Any]:
    network: dict[str, Any] = {"vni": vni}
    if draw(st.booleans()):
        network["mtu"] = draw(st.sampled_from([1400, 1530]))
    if routing != "asymmetric" and draw(st.booleans()):
        network["nodes"] = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    if routing != "none" and draw(st.booleans()):
        network["vrf"] = draw(st.sampled_from(vrfs))
        network["gateways"] = [f"10.{64 + vni // 256}.{vni % 256}.254/24"]
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.sampled_from(network.get("nodes", names)))
        network["ports"] = {place: draw(st.sampled_from(_ways_out(vni)))}
    return network


def _ways_out(vni: int) -> list[list[str]]:
    """Ports to a LAN: a VLAN of a NIC of its own, of one that others use too, of the underlay's."""
    return [[f"lan{vni}"], [f"bond0.{vni}"], [f"eno1.{vni}", f"lan{vni}.20"]]


@pytest.mark.slow
@CALM
@given(fabrics(), st.integers(0, 3))
def test_a_healthy_fabric_has_no_finding(intent: FabricIntent, guests: int) -> None:
    rendered = rendered_nodes(intent)

    result = audit(
        intent, healthy_states(intent, guests=guests, rendered=rendered), rendered=rendered
    )

    assert result.findings == ()
    assert result.skipped == ()


@pytest.mark.slow
@CALM
@given(fabrics(), st.data())
def test_any_one_fault_is_found_where_it_is(intent: FabricIntent, data: Any) -> None:
    node = intent.nodes[data.draw(st.sampled_from(sorted(intent.nodes)))]
    states = healthy_states(intent)
    faults = [*_faults_of_links(node), *_faults_of_evpn(intent, node, states)]
    check, _, named, mutation = data.draw(st.sampled_from(faults), label="fault")
    mutation(states)

    result = audit(intent, states)

    assert (check, node.name, named) in unfolded(result)
    # No more than its own object, and at most one thing that follows from it, is in the open.
    assert all(host == node.name for _, host, _ in unfolded(result))


def _faults_of_links(node: NodeIntent) -> Iterator[Fault]:
    host = node.name
    for vxlan in node.vxlans:
        name = vxlan.name
        yield "vxlan-missing", host, name, no_link(host, name)
        yield "vxlan-vni", host, name, link(host, name, vxlan={"vni": 5001})
        yield "vxlan-local-ip", host, name, link(host, name, vxlan={"local": "10.66.66.66"})
        yield "vxlan-dstport", host, name, link(host, name, vxlan={"dstport": 1})
        yield "vxlan-learning", host, name, link(host, name, vxlan={"learning": not vxlan.learning})
        yield "mtu", host, name, link(host, name, mtu=1300)
        yield "bridge-membership", host, name, link(host, name, master="docker0")
        yield "bridge-port-isolated", host, name, link(host, name, bridge_port={"isolated": True})
        flags = {"learning": not vxlan.flags.learning}
        yield "bridge-port-learning", host, name, link(host, name, bridge_port=flags)
    for bridge in node.bridges:
        yield "bridge-missing", host, bridge.name, no_link(host, bridge.name)
        yield "link-down", host, bridge.name, link(host, bridge.name, flags=())
        yield "mtu", host, bridge.name, link(host, bridge.name, mtu=1300)
        yield "vrf-membership", host, bridge.name, link(host, bridge.name, master="elsewhere")
        if bridge.mac:
            yield "gateway-mac", host, bridge.name, link(host, bridge.name, mac="06:00:00:00:00:66")
    for vrf in node.vrfs:
        yield "vrf-missing", host, vrf.name, no_link(host, vrf.name)
        for route in vrf.routes:
            slug = "ip6_route" if ":" in route.prefix else "ip_route"
            drop = json(host, slug, lambda shown, it=route.prefix: _without(shown, it))
            yield "vrf-static-route", host, f"VRF {vrf.name} {route.prefix}", drop
    for port in node.lan_ports:
        yield "link-down", host, port.name, link(host, port.name, flags=())
        yield "link-down", host, port.name, no_link(host, port.name)
        yield "mtu", host, port.name, link(host, port.name, mtu=1300)
        if port.bridge:
            yield "bridge-membership", host, port.name, link(host, port.name, master="docker0")
            flags = {"learning": False}
            yield "bridge-port-learning", host, port.name, link(host, port.name, bridge_port=flags)
        if port.raw:
            yield "bridge-membership", host, port.name, link(host, port.name, vlan=4094)


def _without(shown: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    return [entry for entry in shown if entry["dst"] != prefix]


def _faults_of_evpn(intent: FabricIntent, node: NodeIntent, states: Any) -> Iterator[Fault]:
    host = node.name
    for entry in states[host].fdb:
        if entry.dst is None:
            continue
        routed = entry.device in {f"vxlan{vni}" for vni in intent.l3vnis}
        named = f"{entry.device} {'RMAC' if routed else 'MAC'} {entry.mac}"
        drop = fdb(host, lambda e, entry=entry: None if e == entry else e)
        if entry.is_flood:
            yield "flood-missing", host, f"{entry.device} VTEP {entry.dst}", drop
        elif intent.evpn:
            yield "fdb-missing", host, named, drop
            wrong = fdb(
                host, lambda e, entry=entry: replace(e, dst="10.66.66.66") if e == entry else e
            )
            yield "fdb-wrong-vtep", host, named, wrong
    if node.bgp is None:
        return
    for vxlan in node.vxlans:
        if vxlan.is_l3vni:
            continue
        for vtep in intent.vteps[vxlan.vni] - {node.address}:
            own = intent.targets.of(vxlan.vni, node.bgp.remote_as(speaker(intent, vtep)))
            drop = paths(host, lambda p, vtep=vtep, own=own: None if _is_imet(p, vtep, own) else p)
            yield "imet-missing", host, f"VNI {vxlan.vni} VTEP {vtep}", drop
    for path in states[host].evpn.paths:
        if path.route_type == 5:
            vnis = {intent.targets.exporting_vni(target) for target in path.route_targets}
            vrf = next((vrf for vrf in node.vrfs if vrf.l3vni in vnis), None)
            if vrf is None:  # of a VRF that this node does not have
                continue
            length = f"{path.ip}/{path.prefix_length}"
            drop = paths(host, lambda p, path=path: None if p == path else p)
            via = node.address if path.local else path.next_hop
            yield "type5-missing", host, f"VRF {vrf.name} {length} via {via}", drop
    for peer in node.bgp.peers:
        yield (
            "session-down",
            host,
            f"neighbor {peer}",
            json(host, "evpn_summary", lambda s, peer=peer: s["peers"].pop(peer) and None),
        )


def _is_imet(path: Any, vtep: str, targets: tuple[str, ...]) -> bool:
    return path.route_type == 3 and path.ip == vtep and path.route_targets == targets


@pytest.mark.slow
@CALM
@given(fabrics(), st.data())
def test_a_stopped_frr_is_one_finding_or_none_that_shows(intent: FabricIntent, data: Any) -> None:
    host = data.draw(st.sampled_from(sorted(intent.nodes)))
    if not intent.evpn:
        return
    states = Fleet(intent, stopped=frozenset({host})).states()

    result = audit(intent, states)

    own = {("evpn-empty", host, "bgp")}
    found = unfolded(result)
    assert found == own if intent.nodes[host].vxlans else len(found) <= 1, found


@CALM
@given(fabrics(), st.data())
def test_a_dead_node_is_at_most_one_finding_and_not_its_own(
    intent: FabricIntent, data: Any
) -> None:
    host = data.draw(st.sampled_from(sorted(intent.nodes)))
    states = Fleet(intent, cut_off=frozenset({host})).states()
    unreachable(host)(states)

    result = audit(intent, states, skip=BY_RENDER)

    assert all(finding.host != host for finding in result.findings)
    assert len(unfolded(result)) <= 1
    assert {skip.host for skip in lacking(result)} == {host}
