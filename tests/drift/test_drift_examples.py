"""The topologies, and what the lab's tests deploy besides: as intended they are in sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift.catalogue import CHECKS
from drift.engine import audit
from overlay.loading import load_inventory
from tests.drift import applicable
from tests.drift.worlds import ROOT
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/fabric.yaml"))
LAB_TESTS = sorted(path.parent for path in (ROOT / "tests" / "live").glob("*/fabric.yaml"))


# What a topology has nothing for, written down by hand.
# Nobody has asked with `--probe`; BFD is off but where the underlay is routed.
_NOT_ASKED = frozenset({"vtep-unreachable", "path-mtu"})
_UNROUTED = frozenset({"bfd-down", "underlay-adjacency", "underlay-route"})
# Each VNI has a device of its own, in a bridge without VLANs.
_NO_VLAN = frozenset({"port-vlan", "vlan-vni-map", "vni-filter"})
# Addresses are translated in tests/drift/cases/nat.py.
_NO_VIP = _UNROUTED | _NO_VLAN | {"vrrp", "vxlan-group", "vrf-static-route", "snat"}
_NO_EXIT = _NO_VIP | {"exit-route", "type5-missing"}
_NO_L3VNI = _NO_EXIT | {"l3vni", "rmac-conflict", "vrf-route-missing", "vrf-route-stale"}
_NO_VRF = _NO_L3VNI | applicable.VRF_TABLES | {"vrf-rule"}
_NO_ROUTING = _NO_VRF | {
    "bridge-diverted",
    "gateway-address",
    "gateway-advertised",
    "gateway-mac",
    "gateway-route",
    "neighbor-static",
}
_NO_EVPN = (
    _NO_ROUTING
    | applicable.MACS
    | applicable.NEIGHBOURS
    | applicable.ROUTES
    | {"config-running", "mac-frozen", "session-as", "session-down", "session-unexpected"}
)
NOT_THERE = {
    "exit-multi-gateway": _NO_VIP,
    "exit-single-gateway": _NO_VIP,
    "exit-upstream-bgp": _NO_VIP,
    "exit-vrrp": _NO_VIP - {"vrrp"},
    "l2-evpn": _NO_ROUTING,
    "l2-multicast": _NO_EVPN - {"vxlan-group"},
    "l2-unicast": _NO_EVPN,
    "l3-asymmetric": _NO_VRF,
    "l3-symmetric": _NO_EXIT,
    "route-reflectors": _NO_EXIT,
    "single-device": _NO_EXIT - _NO_VLAN,
    "several-as": _NO_EXIT,
    "leaf-spine": _NO_EXIT - _UNROUTED,
    "ipv6-evpn": _NO_EXIT,
    "ipv6-underlay": _NO_EVPN,
    # Its VRFs announce prefixes, and have static routes.
    "overlay-scope": _NO_EXIT - {"type5-missing", "vrf-static-route"},
    "roles": _NO_VIP,
    "sessions": _NO_VIP,
}


@pytest.mark.parametrize("folder", [*EXAMPLES, *LAB_TESTS], ids=lambda path: path.name)
def test_a_topology_as_intended_has_no_finding(folder: Path) -> None:
    intent = load_inventory(folder).intent
    rendered = rendered_nodes(intent)

    result = audit(intent, healthy_states(intent, guests=2, rendered=rendered), rendered=rendered)

    assert result.findings == ()
    assert result.skipped == ()
    # BFD is off unless it is asked for: tests/drift/cases/outside.py has fabrics with it.
    assert CHECKS.keys() - set(result.checks_run) == NOT_THERE[folder.name] | _NOT_ASKED


def test_all_are_there() -> None:
    assert len(EXAMPLES) == 13
