"""Hosts whose VTEP addresses stand alone on a loopback: whoever routes below them, it is imported."""

from __future__ import annotations

import pytest

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from overlay.derive import derive
from overlay.intent import Fabric, Scope
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.rendering import render

NET = "/etc/network/interfaces"


@pytest.mark.parametrize("holder", ["lo", "dummy1"])
@pytest.mark.parametrize("topology", ["l3-symmetric", "route-reflectors"])
def test_a_routed_underlay_has_the_prefix_that_holds_all_its_loopbacks(topology, holder):
    fabric = load_inventory(EXAMPLES / topology).intent.fabric
    keys = fabric.model_dump(mode="json") | {"scope": "overlay"}
    keys["underlay"] |= {"prefix": "192.168.0.0/24", "bridge": holder}
    part = Fabric.model_validate(keys)
    files = render(derive(part))
    for host, node in part.nodes.items():
        files[host][NET] = (
            f"auto lo\niface lo inet loopback\niface {holder}\n address {node.address}/32\n"
            f"auto eno1\niface eno1\n address 172.16.{str(node.address).split('.')[-1]}.1/31\n"
            " mtu 1600\nsource interfaces.d/*\n"
        )

    found = infer(read_hosts(files), topology)

    said = Fabric.model_validate(found.fabric)
    assert all(node.address in said.underlay.prefix for node in part.nodes.values())
    assert "the underlay is routed" in str(found.remarks[0])
    (model,) = {node.scope or said.scope for node in said.nodes.values()}
    assert model is Scope.OVERLAY
    wanted, again = derive(part).nodes, derive(said).nodes
    for name, node in wanted.items():
        assert again[name].vxlans == node.vxlans
        assert again[name].address == node.address
        assert again[name].underlay_bridge.name == holder
