"""Hosts of several AS: what we render for them gives the same nodes again."""

from __future__ import annotations

import pytest

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.rendering import render


def _without_server(keys: dict[str, object]) -> dict[str, object]:
    nodes = {name: node for name, node in keys["nodes"].items() if name != "rrserver2"}  # type: ignore[attr-defined]
    return keys | {"nodes": nodes}


@pytest.mark.parametrize("server", [True, False])
def test_each_host_has_its_own_as(*, server: bool) -> None:
    keys = load_inventory(EXAMPLES / "several-as").intent.fabric.model_dump(mode="json")
    fabric = Fabric.model_validate(keys if server else _without_server(keys))

    found = infer(read_hosts(render(derive(fabric))), "several-as")

    assert (found.remarks, found.unread) == ((), ())
    again = Fabric.model_validate(found.fabric)
    assert derive(again).nodes == derive(fabric).nodes
    assert {name: node.asn for name, node in again.nodes.items() if node.asn} == (
        {"node1": 65101, "rrserver2": 65000} if server else {"node1": 65101}
    )
