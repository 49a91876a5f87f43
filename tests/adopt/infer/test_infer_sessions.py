"""What an import says of sessions: a password is named, and never taken over."""

from __future__ import annotations

import re

from adopt.difference import difference
from adopt.hostfiles import read_hosts
from adopt.infer import infer
from adopt.inventory_text import inventory_files, report
from adopt.lint import lint
from overlay.derive import derive
from overlay.intent import Fabric
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES
from tests.live.matrix import ROOT
from tests.rendering import render

FRR = "/etc/frr/frr.conf"


def test_a_password_is_named_and_not_taken_over():
    files = render(derive(load_inventory(EXAMPLES / "l2-evpn").intent.fabric))
    for node in files.values():
        node[FRR] = re.sub(
            r"( neighbor \S+) remote-as .*\n", r"\g<0>\1 password s3cret\n", node[FRR]
        )
    hosts = read_hosts(files)
    found = infer(hosts, "l2-evpn")
    written = inventory_files(found)
    written |= {"import.md": report(found, lint(hosts), {}, *_compared(files, found), {})}

    assert found.fabric["bgp"]["session"] == {"password": {"env": "EVPN_FLEET_BGP_PASSWORD"}}
    (remark,) = map(str, found.remarks)
    assert remark == (
        "node1/etc/frr/frr.conf:15: its sessions have a password, which the intent does not hold: "
        "`plan` and `deploy` take it from the environment variable EVPN_FLEET_BGP_PASSWORD"
    )
    assert "s3cret" not in str(written)
    assert _compared(files, found) == ({node: [] for node in files},) * 2


def _compared(files, found):
    again = render(derive(Fabric.model_validate(found.fabric)))
    pairs = {node: difference(node, files[node], again[node]) for node in files}
    return tuple({node: pair[n] for node, pair in pairs.items()} for n in (0, 1))


def test_each_option_is_read_back():
    intent = load_inventory(ROOT / "examples" / "bgp-sessions").intent
    found = infer(read_hosts(render(intent)), "sessions")

    assert found.fabric["bgp"]["session"] == {
        "password": {"env": "EVPN_FLEET_BGP_PASSWORD"},
        "graceful_restart": {"restart_time": 90, "stale_time": 240},
        "update_source": True,
        "descriptions": True,
    }
    own = {name: node.get("session") for name, node in found.fabric["nodes"].items()}
    assert own == {
        "node1": None,
        "node2": {"update_source": "vmbr0"},
        "node3": {"graceful_restart": False},
        "router": {
            "password": {"env": "EVPN_FLEET_BGP_PASSWORD_ROUTER"},
            "maximum_prefix": {"prefixes": 100, "restart": 5},
            "description": "the edge of the site",
        },
        "rrserver1": None,
    }
    assert render(derive(Fabric.model_validate(found.fabric))) == render(intent)
