"""Any fabric: what is inferred from its rendered files derives to the same nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from adopt.infer_sessions import PASSWORD
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.kept.extras import Extras
from overlay.unused.unused_keys import unused_keys
from tests.drift.planes.test_single_properties import CALM as CALM_OF_SINGLE
from tests.drift.planes.test_single_properties import single_fabrics
from tests.drift.test_drift_properties import fabrics
from tests.rendering import render
from tests.tries import tries

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

CALM = settings(
    max_examples=tries(150), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TUNNEL_STANZA = (
    "auto vmbr0\niface vmbr0 inet static\n address {}/{}\n bridge-ports eno1\n mtu 1600\n"
)


@st.composite
def dressed(draw: Any) -> FabricIntent:
    """Fabrics in which any key may have another value than its default."""
    keys = draw(fabrics()).fabric.model_dump(mode="json", exclude_none=True, by_alias=True)
    # What is kept by hand an import does not tell from what it does not understand.
    keys.pop("groups")
    keys["nodes"].pop("switch", None)  # no file tells what is not ours
    for place in (keys, *keys["nodes"].values()):
        for kept in Extras.model_fields:
            place.pop(kept, None)
    evpn = keys["mode"] == "evpn"
    if draw(st.booleans()):
        keys["underlay"] |= {"bridge": "br-under", "port": "enp1s0", "mtu": 9000}
        keys["overlay"]["mtu"] = draw(st.sampled_from([1500, 8900]))
    if draw(st.booleans()):
        keys["overlay"]["guest_ports"] = "^tap[0-9]+"
    if draw(st.booleans()) and keys["routing"] == "none":
        keys["underlay"]["forwarding"] = draw(st.booleans())
    if evpn and ":" in keys["underlay"]["prefix"]:
        keys["bgp"]["frr"] = "10.6"  # no older one goes over IPv6; its file says nothing else
    if evpn and draw(st.booleans()):
        keys["bgp"]["coalesce_time"] = 50
    if evpn and draw(st.booleans()):
        keys["bgp"]["bfd"] = {
            "interval": draw(st.sampled_from([300, 1000])),
            "multiplier": draw(st.sampled_from([3, 5])),
        }
    if evpn and draw(st.booleans()):
        keys["bgp"]["timers"] = draw(
            st.sampled_from([{"hold": 30}, {"keepalive": 60, "hold": 180}])
        )
    if draw(st.booleans()):
        _flag(draw, keys["mode"], keys["overlay"])
    if not evpn and ":" not in keys["underlay"]["prefix"] and draw(st.booleans()):
        keys["overlay"]["source_address"] = False
    if draw(st.booleans()):
        keys["overlay"]["dstport"] = draw(st.sampled_from([4789, 4790]))
    for name, vrf in keys["vrfs"].items():
        if "l3vni" in vrf and draw(st.booleans()):
            vrf["bridge"] = f"transit{vrf['l3vni']}"
        if "l3vni" in vrf and draw(st.booleans()):
            vrf["dstport"] = draw(st.sampled_from([4789, 6000]))
        routed = any(n.get("vrf") == name and n["gateways"] for n in keys["networks"])
        if "l3vni" in vrf and routed and not vrf["advertise"] and draw(st.booleans()):
            vrf["advertise"] = ["subnets"]
    named = draw(st.sampled_from(["number", "word", "ever"]))
    if named == "number":
        keys["overlay"]["names"] = {"device": "vx{vni}", "l3vni_bridge": "tr{vni}"}
    if named == "word":
        keys["overlay"]["names"] = {"device": "vx_{name}", "bridge": "{name}"}
    for number, network in enumerate(keys["networks"]):
        network["name"] = f"lan{chr(97 + number)}"
        _dress(draw, keys["mode"], network)
    for node in keys["nodes"].values():
        if draw(st.integers(0, 3)) == 0:
            node["port"] = "eno7"
    return derive(Fabric.model_validate(_in_order(keys)))


def _dress(draw: Any, mode: str, network: dict[str, Any]) -> None:
    if draw(st.booleans()):
        network["bridge"] = f"br-{network['vni']}"
    if network["gateways"] and draw(st.booleans()):
        network["gateway_mac"] = "02:00:00:00:00:01"
    if network["gateways"] and draw(st.booleans()):
        network["gateways"].append(f"fd00:{network['vni']:x}::1/64")
    if draw(st.booleans()):
        _flag(draw, mode, network)
    if draw(st.booleans()):
        network["dstport"] = draw(st.sampled_from([4789, 4790, 6000]))
    if mode == "multicast" and draw(st.booleans()):
        network["group"] = "ff05::2"


def _flag(draw: Any, mode: str, keys: dict[str, Any]) -> None:
    """What a VXLAN device floods and answers; without EVPN it must flood and cannot answer."""
    for key, without_evpn in (
        ("arp_suppression", False),
        ("unicast_flood", True),
        ("multicast_flood", True),
    ):
        if draw(st.booleans()):
            keys[key] = draw(st.booleans()) if mode == "evpn" else without_evpn


def _in_order(keys: dict[str, Any]) -> dict[str, Any]:
    """Networks, VRFs, nodes and exits sorted, as an import writes them."""
    names = sorted(keys["nodes"], key=lambda name: (name.rstrip("0123456789"), name))
    keys["nodes"] = {name: keys["nodes"][name] for name in names}
    keys["networks"].sort(key=lambda network: network["vni"])
    for vrf in keys["vrfs"].values():
        vrf["exits"].sort(key=names.index)
    return keys


def again(intent: FabricIntent) -> FabricIntent:
    inferred = infer(read_hosts(render(intent)), "again")
    assert inferred.remarks == ()
    assert inferred.unread == ()
    return derive(Fabric.model_validate(inferred.fabric))


@pytest.mark.slow
@CALM_OF_SINGLE
@given(single_fabrics())
def test_one_vxlan_device_for_all_vnis_is_read_back(intent: FabricIntent) -> None:
    keys = intent.fabric.model_dump(mode="json", exclude_none=True, by_alias=True)
    keys.pop("groups")
    keys["nodes"].pop("switch", None)  # no file tells what is not ours
    for place in (keys, *keys["nodes"].values()):
        for kept in Extras.model_fields:
            place.pop(kept, None)
    wanted = derive(Fabric.model_validate(_in_order(keys)))
    found = derive(Fabric.model_validate(infer(read_hosts(render(wanted)), "again").fabric))
    assert render(found) == render(wanted)


@st.composite
def with_sessions(draw: Any) -> FabricIntent:
    """Fabrics whose sessions have options, of all and of some nodes."""
    keys = draw(dressed()).fabric.model_dump(mode="json", exclude_none=True, by_alias=True)
    restarts = st.sampled_from([True, {"restart_time": 90}, {"restart_time": 90, "stale_time": 60}])
    session = keys["bgp"]["session"] if keys["mode"] == "evpn" else {}
    if draw(st.booleans()):
        session["password"] = {"env": PASSWORD}
    if draw(st.booleans()):
        session["graceful_restart"] = draw(restarts)
    if draw(st.booleans()):
        session["update_source"] = draw(st.sampled_from([True, keys["underlay"]["bridge"]]))
    session["descriptions"] = draw(st.booleans())
    for name, node in keys["nodes"].items() if keys["mode"] == "evpn" else ():
        router = node["role"] == "router"
        if router and "asn" not in node:
            continue
        if draw(st.integers(0, 2)) == 0:
            node["session"]["graceful_restart"] = draw(st.one_of(restarts, st.just(False)))
        if draw(st.integers(0, 2)) == 0:
            node["session"]["update_source"] = draw(st.booleans())
        if draw(st.integers(0, 2)) == 0:
            node["session"]["description"] = f"rack 7 of {name}"
        if router and draw(st.booleans()):
            node["session"]["password"] = {"env": f"{PASSWORD}_{name.upper()}"}
        if router and draw(st.booleans()):
            limit = st.sampled_from([12, {"prefixes": 12, "warn_only": True}])
            node["session"]["maximum_prefix"] = draw(limit)
    return derive(Fabric.model_validate(_in_order(keys)))


@pytest.mark.slow
@CALM
@given(with_sessions())
def test_import_of_sessions_says_all_but_the_passwords(intent: FabricIntent) -> None:
    inferred = infer(read_hosts(render(intent)), "again")
    found = derive(Fabric.model_validate(inferred.fabric))

    assert all("environment variable" in remark.what for remark in inferred.remarks)
    assert render(found) == render(intent)
    for name, node in found.nodes.items():
        assert node.passwords <= intent.nodes[name].passwords
    assert not any(unused_keys(found.fabric, found.nodes))


@pytest.mark.slow
@CALM
@given(dressed())
def test_import_of_render_is_the_intent(intent: FabricIntent) -> None:
    found = again(intent)

    assert found.nodes == intent.nodes
    assert render(found) == render(intent)
    assert not any(unused_keys(found.fabric, found.nodes))
