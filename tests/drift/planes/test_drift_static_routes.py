"""Static routes of VRFs whose next hop is a guest of another node."""

from __future__ import annotations

import pytest

from drift.engine import audit
from tests.drift import worlds
from tests.drift.cases.kernel import altered, more
from tests.drift.worlds import json
from tests.rendering import rendered_nodes
from tests.simulated.fleet import healthy_states

OVER_THE_L3VNI = {"gateway": "192.168.0.1", "dev": "vmbr4000"}


@pytest.mark.parametrize(("host_route", "found"), [(True, set()), (False, {"vrf-static-route"})])
def test_it_follows_the_route_to_its_next_hop(host_route: bool, found: set[str]) -> None:  # noqa: FBT001
    """FRR resolves it by what EVPN tells of that guest; without that it leads astray."""
    intent = worlds.routed()
    rendered = rendered_nodes(intent)
    states = healthy_states(intent, rendered=rendered)
    json("node2", "ip_route", altered("10.9.0.0/16", **OVER_THE_L3VNI))(states)
    if host_route:
        told = {"dst": "10.0.2.7", "table": "vrf1", "protocol": "bgp", "metric": 20, "flags": []}
        json("node2", "ip_route", more(**told, **OVER_THE_L3VNI))(states)

    result = audit(intent, states, rendered=rendered)

    assert {it.check for it in result.findings if it.check.startswith("vrf-static")} == found
