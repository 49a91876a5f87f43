"""Translated addresses are read back from what we rendered."""

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

NET = "/etc/network/interfaces"

TRANSLATIONS: dict[str, Any] = {
    "all of its guests": True,
    "some of them": {"prefixes": ["10.0.2.0/25"]},
    "to another address": {"addresses": {"node2": ["203.0.113.2"]}},
}


@pytest.mark.parametrize("snat", TRANSLATIONS.values(), ids=TRANSLATIONS)
@pytest.mark.parametrize("scope", ["whole", "overlay"])
def test_translated_addresses_are_read_back(snat: Any, scope: str) -> None:
    keys = load_inventory(EXAMPLES / "exit-multi-gateway").intent.fabric.model_dump(
        mode="json", exclude_none=True
    )
    keys["vrfs"]["vrf1"]["snat"] = snat
    wanted = Fabric.model_validate(keys | {"scope": scope})
    files = render(derive(wanted))
    if scope == "overlay":
        whole = render(derive(Fabric.model_validate(keys)))
        for host, texts in files.items():
            texts[NET] = "".join(
                f"auto{part}" for part in whole[host][NET].split("auto")[1:] if "vmbr0" in part
            )
    found = infer(read_hosts(files), "exit-multi-gateway")
    again = derive(Fabric.model_validate(found.fabric))
    assert {name: node.snat for name, node in again.nodes.items()} == {
        name: node.snat for name, node in derive(wanted).nodes.items()
    }
    if scope == "whole":
        assert (found.remarks, found.unread) == ((), ())
        assert render(again) == files
        assert again.fabric == wanted
