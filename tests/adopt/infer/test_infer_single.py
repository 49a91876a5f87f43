"""One VXLAN device for all VNIs: its rendered files give its intent."""

from __future__ import annotations

from adopt.hostfiles import read_hosts
from adopt.infer import infer
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.rendering import render


def test_what_we_rendered_gives_its_intent_and_the_same_files() -> None:
    """Also with other names, and VLANs that are not the numbers of their VNIs."""
    for change in ({}, {"names": {"single_device": "vxlan48", "single_bridge": "br-all"}}):
        keys = load_inventory(EXAMPLES / "single-device").intent.fabric.model_dump(
            mode="json", exclude_none=True
        )
        keys["overlay"] |= change
        keys["vrfs"]["vrf1"]["vlan"] = 3999
        wanted = Fabric.model_validate(keys)
        files = render(derive(wanted))
        found = infer(read_hosts(files), "single-device")
        assert (found.remarks, found.unread) == ((), ())
        again = Fabric.model_validate(found.fabric)
        assert again == wanted
        assert render(derive(again)) == files
