"""Any fabric of EVPN over IPv4 with one VXLAN device for all VNIs: healthy and broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drift.engine import audit
from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift.test_drift_properties import fabrics
from tests.drift.worlds import link, no_link, unfolded
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from overlay.expected import FabricIntent

# Two of three fabrics are of another mode, or over IPv6.
CALM = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def single_fabrics(draw: Any) -> FabricIntent:
    """Any fabric whose networks have nothing that belongs to their one device."""
    fabric = draw(fabrics()).fabric
    assume(fabric.mode == "evpn" and fabric.underlay.prefix.version == 4)
    keys = fabric.model_dump(mode="json", exclude_none=True, by_alias=True)
    keys["overlay"]["device"] = "single"
    keys["bgp"]["frr"] = "10.3"
    vlans = draw(st.permutations(range(2, 40)))
    for network in keys["networks"]:
        for word in ("mtu", "ports", "dstport", "multicast_flood"):
            network.pop(word, None)
        if network["vni"] == 1 or draw(st.booleans()):
            network["vlan"] = 4050 + vlans.pop()
    for vrf in keys["vrfs"].values():
        if "l3vni" in vrf and draw(st.booleans()):
            vrf["vlan"] = 4010 + vlans.pop()
    changed = Fabric.model_validate(keys)
    # As two networks that get one VLAN, or one that is called as the bridge of all.
    assume(not any(key[-1] in {"vlan", "bridge"} for key, _, _ in contradictions(changed)))
    return derive(changed)


@pytest.mark.slow
@CALM
@given(single_fabrics(), st.integers(0, 3))
def test_a_healthy_fabric_has_no_finding(intent: FabricIntent, guests: int) -> None:
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, guests=guests, rendered=rendered)
    assert audit(intent, states, rendered=rendered).findings == ()


@pytest.mark.slow
@CALM
@given(single_fabrics(), st.data())
def test_a_broken_device_is_one_finding(intent: FabricIntent, data: Any) -> None:
    carrying = sorted(name for name, node in intent.nodes.items() if node.single)
    assume(carrying)
    host = data.draw(st.sampled_from(carrying))
    breaks = {
        "vxlan-missing": no_link(host, "vxlan0"),
        "link-down": link(host, "vxlan0", flags=()),
        "bridge-membership": link(host, "vxlan0", master="docker0"),
        "vxlan-local-ip": link(host, "vxlan0", vxlan={"local": "10.66.66.66"}),
        "vxlan-dstport": link(host, "vxlan0", vxlan={"dstport": 1}),
        "bridge-port-isolated": link(host, "vxlan0", bridge_port={"isolated": True}),
        "vlan-vni-map": link(host, "vxlan0", bridge_port={"vlan_tunnel": False}),
    }
    check = data.draw(st.sampled_from(sorted(breaks)))
    states = healthy_states(intent)
    breaks[check](states)
    assert unfolded(audit(intent, states)) == {(check, host, "vxlan0")}
