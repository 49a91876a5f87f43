"""Any fabric: any one fault of a host's addresses, settings and files, and any one thing too many,
is found and named.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drift.engine import audit
from overlay.outputs import file_slug
from overlay.records import ALL_ZERO_MAC, FdbEntry
from tests.drift.test_drift_properties import CALM, fabrics
from tests.drift.worlds import json, more_fdb, new_link, paths, text, unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from overlay.expected import FabricIntent, NodeIntent
    from tests.drift.worlds import Mutation

    Fault = tuple[str, str, Mutation]

STRANGER = "203.0.113.66"
STRANGE_MAC = "02:66:66:66:66:66"


@pytest.mark.slow
@CALM
@given(fabrics(), st.data())
def test_any_one_fault_of_a_host_is_found_and_named(intent: FabricIntent, data: Any) -> None:
    node = intent.nodes[data.draw(st.sampled_from(sorted(intent.nodes)))]
    rendered = rendered_nodes(intent)
    faults = [
        *_faults_of_addresses(node),
        *_faults_of_settings(node),
        *_faults_of_files(node, rendered[node.name].files),
    ]
    check, named, mutation = data.draw(st.sampled_from(faults), label="fault")
    states = healthy_states(intent, rendered=rendered)
    mutation(states)

    assert unfolded(audit(intent, states, rendered=rendered)) == {(check, node.name, named)}


@pytest.mark.slow
@CALM
@given(fabrics(), st.data())
def test_any_one_thing_too_many_is_found_and_named(intent: FabricIntent, data: Any) -> None:
    node = intent.nodes[data.draw(st.sampled_from(sorted(intent.nodes)))]
    faults = list(_strangers(intent, node))
    assume(faults)
    check, named, mutation = data.draw(st.sampled_from(faults), label="fault")
    states = healthy_states(intent)
    mutation(states)

    assert unfolded(audit(intent, states)) == {(check, node.name, named)}


def _faults_of_addresses(node: NodeIntent) -> Iterator[Fault]:
    for bridge in node.bridges:
        for address in bridge.addresses:
            check = "gateway-address" if bridge.routed else "underlay-address"
            named = f"{bridge.name} {address}"
            yield check, named, json(node.name, "ip_address", _without(bridge.name, address))


def _without(bridge: str, address: str) -> Any:
    def change(shown: list[dict[str, Any]]) -> None:
        for interface in shown:
            if interface["ifname"] == bridge:
                ip = address.partition("/")[0]
                kept = [info for info in interface["addr_info"] if info["local"] != ip]
                interface["addr_info"] = kept

    return change


def _faults_of_settings(node: NodeIntent) -> Iterator[Fault]:
    for key, value in node.kernel_settings:
        line = f"{key} = {value}"
        wrong = text(node.name, "sysctl", lambda old, line=line: old.replace(line, f"{line}7"))
        yield "sysctl", key, wrong
    for vrf in node.vrfs:
        for prefix in vrf.unreachable:
            slug = "ip6_route" if ":" in prefix else "ip_route"
            open_ = json(node.name, slug, _leads_on(vrf.name, prefix))
            yield "vrf-isolation", f"VRF {vrf.name} {prefix}", open_
        if vrf.l3vni is not None:
            gone = json(node.name, "evpn_vni", lambda s, vni=vrf.l3vni: s.pop(str(vni)) and None)
            yield "l3vni", f"VNI {vrf.l3vni}", gone


def _leads_on(vrf: str, prefix: str) -> Any:
    place = "default" if prefix in ("0.0.0.0/0", "::/0") else prefix
    return lambda shown: [
        e for e in shown if (e.get("type"), e["dst"], e.get("table")) != ("unreachable", place, vrf)
    ]


def _faults_of_files(node: NodeIntent, files: Mapping[str, str]) -> Iterator[Fault]:
    for path in files:
        yield "config-file", path, text(node.name, file_slug(path), lambda old: f"{old}# more\n")
        yield "config-file", path, text(node.name, file_slug(path), lambda _old: "")


def _strangers(intent: FabricIntent, node: NodeIntent) -> Iterator[Fault]:
    host = node.name
    for vxlan in node.vxlans:
        strange = new_link(host, vxlan.name, "vxlan5001", vni=5001)
        yield "vxlan-unexpected", "vxlan5001", strange
        if vxlan.is_l3vni or vxlan.group is not None:
            continue
        flood = FdbEntry(ALL_ZERO_MAC, vxlan.name, dst=STRANGER, flags=("self",), text="flood")
        yield "flood-unexpected", f"{vxlan.name} VTEP {STRANGER}", more_fdb(host, flood)
        if intent.evpn:
            stale = FdbEntry(STRANGE_MAC, vxlan.name, dst=STRANGER, flags=("self",), text="stale")
            yield "fdb-stale", f"{vxlan.name} MAC {STRANGE_MAC}", more_fdb(host, stale)
            yield from _wrong_targets(intent, node, vxlan.vni)
    if node.bgp is not None:
        peer = {f"*{STRANGER}": {"state": "Established"}}
        new = json(host, "evpn_summary", lambda s: s["peers"].update(peer))
        yield "session-unexpected", f"neighbor {STRANGER}", new


def _wrong_targets(intent: FabricIntent, node: NodeIntent, vni: int) -> Iterator[Fault]:
    def change(path: Any) -> Any:
        ours = path.local and path.route_type == 3
        if ours and path.route_targets == intent.targets.of(vni, node.bgp.asn if node.bgp else 0):
            return replace(path, route_targets=("1234:5001",))
        return path

    # Alone on its VNI, nobody else tells by the route's VNI whose it was.
    if len(intent.vteps[vni]) > 1:
        yield "route-target", f"VNI {vni}", paths(node.name, change)
