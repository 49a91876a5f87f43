"""What a VRF announces: asked of those hosts that have something of it, and of no others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adopt.hostfiles import FRR_CONF, read_hosts
from adopt.infer import infer
from overlay.derive import derive
from overlay.intent import Fabric
from tests.rendering import render

NODES = [f"pve{number}" for number in range(1, 5)]
BEHIND_TWO = {"prefix": "172.16.1.0/24", "via": "10.64.2.7"}
HERE = "pve1/etc/frr/frr.conf"


def intent_of(advertise: list[str], *, everywhere: tuple[int, ...] = (1,)) -> Fabric:
    """VNIs 1 and 2 in one VRF, on all nodes or on pve1 alone; behind VNI 2 is a static route."""
    networks: list[dict[str, Any]] = [
        {"vni": vni, "vrf": "vrf0", "gateways": [f"10.64.{vni}.254/24"]}
        | ({} if vni in everywhere else {"nodes": ["pve1"]})
        for vni in (1, 2)
    ]
    vrf = {"l3vni": 4000, "advertise": advertise, "routes": [BEHIND_TWO]}
    return Fabric.model_validate({
        "name": "some",
        "mode": "evpn",
        "routing": "symmetric",
        "underlay": {"prefix": "10.1.0.0/16", "mtu": 1600},
        "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
        "bgp": {"asn": 1234},
        "vrfs": {"vrf0": vrf},
        "networks": networks,
        "nodes": {name: {"address": f"10.1.0.{n}"} for n, name in enumerate(NODES, 1)},
    })  # fmt: skip


@pytest.mark.parametrize("everywhere", [(1,), (2,), (1, 2), ()])
@pytest.mark.parametrize(
    "advertise",
    [["static"], ["subnets"], ["connected"], ["subnets", "static"], ["10.64.2.0/24"]],
    ids=" ".join,
)
def test_who_has_nothing_of_what_is_announced_does_not_differ(advertise, everywhere):
    intent = intent_of(advertise, everywhere=everywhere)

    found = infer(read_hosts(render(derive(intent))), "some")

    assert (found.remarks, found.unread) == ((), ())
    again = Fabric.model_validate(found.fabric)
    assert again.vrfs == intent.vrfs
    assert render(derive(again)) == render(derive(intent))


ANNOUNCES = re.compile(r"  advertise ipv[46] unicast .*\n")
# What: advertise, VNIs that all carry, the nodes whose files announce it, what is inferred, who
# says otherwise and what of.
DIFFER = {
    "a static route": (["static"], (2,), ["pve1"], [], "VRF vrf0: whether it announces static"),
    "a subnet that others have": (
        ["subnets"], (1,), ["pve1"], [], "VRF vrf0: whether it announces subnets"
    ),
    "a subnet of its own": (
        ["10.64.2.0/24"], (1,), ["pve1"], ["10.64.2.0/24"], None
    ),
    "all but one": (
        ["subnets", "static"], (1, 2), NODES[1:], ["subnets", "static"],
        "VRF vrf0: whether it announces subnets, static",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DIFFER)
def test_who_announces_what_others_keep_to_themselves_is_named(what):
    advertise, everywhere, saying, wanted, remark = DIFFER[what]
    files = render(derive(intent_of(advertise, everywhere=everywhere)))
    for name in set(NODES) - set(saying):
        files[name][FRR_CONF] = ANNOUNCES.sub("", files[name][FRR_CONF])

    found = infer(read_hosts(files), "some")

    assert found.fabric["vrfs"]["vrf0"].get("advertise", []) == wanted
    said = [re.sub(r":\d+", "", str(it)).partition(" is ")[0] for it in found.remarks]
    assert said == ([f"{HERE}: {remark}"] if remark else [])
