"""Nodes that are not ours, read back from the files of those that peer with them."""

from __future__ import annotations

from typing import Any

import pytest

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.rendering import render

FRR = "/etc/frr/frr.conf"
SWITCH = {"role": "external", "address": "192.168.0.9"}


def fabric_with(external: dict[str, Any], **bgp: Any) -> Fabric:
    """Three VTEPs and one that is not ours."""
    keys = load_inventory(EXAMPLES / "l2-evpn").intent.fabric.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    keys["nodes"]["switch1"] = external
    keys["bgp"] |= bgp
    return Fabric.model_validate(keys)


@pytest.mark.parametrize(
    ("external", "is_said"),
    [
        (SWITCH, "a VTEP. What it carries no file says: name its VNIs under `vnis`"),
        (SWITCH | {"reflector": True}, "a reflector, since they do not peer with each other"),
    ],
)
@pytest.mark.parametrize("descriptions", [True, False])
def test_whom_all_peer_with_is_a_node_that_is_not_ours(external, is_said, descriptions):
    fabric = fabric_with(external, session={"descriptions": descriptions})
    files = render(derive(fabric))
    found = infer(read_hosts(files), "l2-evpn")
    name = "switch1" if descriptions else "external-192-168-0-9"
    assert found.fabric["nodes"][name] == external
    (remark,) = found.remarks
    assert str(remark).startswith(f"{name}: all hosts that it would peer with have a session")
    assert is_said in str(remark)
    assert render(derive(Fabric.model_validate(found.fabric))) == files


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("remote-as 1234", "remote-as 65009"),
        ("  neighbor 192.168.0.9 activate\n", ""),
        ("192.168.0.9", "10.9.0.9"),
    ],
)
def test_another_session_than_those_that_the_intent_has_is_a_remark(old, new):
    files = render(derive(fabric_with(SWITCH)))
    for host in files:
        text = files[host][FRR]
        lines = [
            line.replace(old, new) if "192.168.0.9" in line else line
            for line in text.splitlines(keepends=True)
        ]
        files[host][FRR] = "".join(lines)
    found = infer(read_hosts(files), "l2-evpn")
    assert set(found.fabric["nodes"]) == {"node1", "node2", "node3"}
    assert len([r for r in found.remarks if "is none of these hosts" in r.what]) == 3


def test_one_that_only_some_peer_with_is_a_remark():
    files = render(derive(fabric_with(SWITCH)))
    files["node1"] = render(derive(load_inventory(EXAMPLES / "l2-evpn").intent.fabric))["node1"]
    found = infer(read_hosts(files), "l2-evpn")
    assert "external-192-168-0-9" not in found.fabric["nodes"]
    assert {remark.host for remark in found.remarks} == {"node2", "node3"}
