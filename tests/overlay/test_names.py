"""Devices called as the fabric calls them: by pattern, one by one, and today's names otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from drift.engine import audit
from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.intent import Devices, Fabric
from overlay.unused.unused_keys import unused_keys
from tests.rendering import render
from tests.simulated.fleet import healthy_states

NET = "/etc/network/interfaces"
PROXMOX = {"device": "vxlan_{name}", "bridge": "{name}"}


def fabric(names: dict[str, str], vrf: dict[str, Any], *networks: dict[str, Any]) -> Fabric:
    return Fabric.model_validate(
        {
            "mode": "evpn",
            "routing": "symmetric",
            "underlay": {"prefix": "192.168.0.0/24"},
            "overlay": {"gateway_mac": "44:39:39:ff:40:94", "names": names},
            "bgp": {"asn": 1234},
            "vrfs": {"vrf_z1": {"l3vni": 4000} | vrf},
            "networks": [
                {"vrf": "vrf_z1", "gateways": [f"10.0.{net['vni']}.1/24"]} | net for net in networks
            ],
            "nodes": {f"n{n}": {"address": f"192.168.0.{n}"} for n in (1, 2, 3)},
        }
    )


NAMED = {
    "as ever": (fabric({}, {}, {"vni": 2}), {"vxlan2": "vmbr2", "vxlan4000": "vmbr4000"}),
    "by number": (
        fabric({"device": "vx{vni}", "l3vni_bridge": "br-{vni}"}, {}, {"vni": 2}),
        {"vx2": "vmbr2", "vxlan4000": "br-4000"},
    ),
    "as Proxmox does": (
        fabric(
            PROXMOX,
            {"device": "vrfvx_z1", "bridge": "vrfbr_z1"},
            {"vni": 2, "name": "red"},
            {"vni": 3, "name": "blue"},
        ),
        {"vxlan_red": "red", "vxlan_blue": "blue", "vrfvx_z1": "vrfbr_z1"},
    ),
    "by the VRF's name": (
        fabric({"l3vni_device": "x_{name}", "l3vni_bridge": "b_{name}"}, {}, {"vni": 2}),
        {"vxlan2": "vmbr2", "x_vrf_z1": "b_vrf_z1"},
    ),
    "VRFs by their names": (
        fabric(
            {"vrf": "t_{name}", "l3vni_device": "x_{name}", "l3vni_bridge": "b_{name}"},
            {},
            {"vni": 2},
        ),
        {"vxlan2": "vmbr2", "x_vrf_z1": "b_vrf_z1"},
    ),
    "one by one": (
        fabric(PROXMOX, {}, {"vni": 2, "device": "tunnel", "bridge": "lan"}),
        {"tunnel": "lan", "vxlan4000": "vmbr4000"},
    ),
}


@pytest.mark.parametrize("how", NAMED)
def test_devices_are_called_so_everywhere(how):
    intent, wanted = derive(NAMED[how][0]), NAMED[how][1]
    node = intent.nodes["n1"]
    assert {vxlan.name: vxlan.bridge for vxlan in node.vxlans} == wanted
    rendered = render(intent)
    text = rendered["n1"][NET]
    for device, bridge in wanted.items():
        assert f"auto {device}\niface {device} inet manual\n" in text
        assert f"iface {bridge} inet " in text
        assert f"        bridge-ports {device}\n" in text


@pytest.mark.parametrize("how", NAMED)
def test_such_a_fabric_audits_clean_and_a_lost_device_is_found_by_its_name(how):
    intent, wanted = derive(NAMED[how][0]), NAMED[how][1]
    states = healthy_states(intent)
    assert audit(intent, states).findings == ()
    device = next(iter(wanted))
    del states["n1"].links[device]
    found = audit(intent, states).findings
    assert ("vxlan-missing", "n1", device) in {(f.check, f.host, f.object) for f in found}


TENANTS = {
    "red": {"l3vni": 4000, "leak": [{"from": "blue", "prefixes": ["10.0.3.0/24"]}]},
    "blue": {"l3vni": 4001, "exits": ["n3"]},
    "green": {"l3vni": 4002, "vrf_device": "garden", "nodes": ["n1"]},
}


def tenants(names: dict[str, str], vrfs: dict[str, Any], called: dict[str, str]) -> Fabric:
    """Three VRFs by these keys in the intent."""
    networks = [
        {"vni": 2, "vrf": called["red"], "gateways": ["10.0.2.1/24"]},
        {"vni": 3, "vrf": called["blue"], "gateways": ["10.0.3.1/24"]},
    ]
    base = fabric(names, {}, {"vni": 9}).model_dump(mode="json", exclude_unset=True, by_alias=True)
    upstream = {"n3": {"address": "192.168.0.3", "gateway": "192.168.0.254"}}
    return Fabric.model_validate(
        base | {"vrfs": vrfs, "networks": networks, "nodes": base["nodes"] | upstream}
    )


def test_a_pattern_names_vrfs_as_their_own_keys_would() -> None:
    by_pattern = tenants({"vrf": "vrf_{name}"}, TENANTS, {name: name for name in TENANTS})
    names = {"red": "vrf_red", "blue": "vrf_blue", "green": "garden"}
    leak = [{"from": "vrf_blue", "prefixes": ["10.0.3.0/24"]}]
    by_key = {
        "vrf_red": {"l3vni": 4000, "leak": leak},
        "vrf_blue": {"l3vni": 4001, "exits": ["n3"]},
        "garden": {"l3vni": 4002, "nodes": ["n1"]},
    }
    for vrf in by_key.values():
        vrf |= {"device": f"vxlan{vrf['l3vni']}", "bridge": f"vmbr{vrf['l3vni']}"}
    intent = derive(by_pattern)
    assert intent == derive(tenants({}, by_key, names))
    assert [vrf.name for vrf in intent.nodes["n1"].vrfs] == list(names.values())
    assert list(unused_keys(by_pattern, intent.nodes)) == []


@pytest.mark.parametrize("device", ["per-vni", "single"])
def test_two_vrfs_of_one_name_and_one_that_is_too_long_are_refused(device: str) -> None:
    vrfs = {
        "red": {"l3vni": 4000},
        "blue": {"l3vni": 4001, "vrf_device": "vrf_red"},
        "of-a-customer": {"l3vni": 4002},
    }
    wrong = tenants({"vrf": "vrf_{name}"}, vrfs, {name: name for name in vrfs})
    overlay = wrong.overlay.model_copy(update={"device": Devices(device)})
    wrong = wrong.model_copy(update={"overlay": overlay})
    said = {key: reason for key, reason, _ in contradictions(wrong)}
    assert said["vrfs", "blue", "vrf_device"] == "vrf_red is already VRF red"
    assert "15" in said["vrfs", "of-a-customer"]
