"""Who peers with whom in a fabric of several AS, and what each end says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from overlay.crosscheck.fabric import contradictions
from overlay.derive import derive
from overlay.intent import Fabric

if TYPE_CHECKING:
    from overlay.expected import BgpIntent


def _fabric(nodes: dict[str, dict[str, Any]], **bgp: Any) -> Fabric:
    addressed = {
        name: {"address": f"10.0.0.{number}"} | keys
        for number, (name, keys) in enumerate(nodes.items(), start=1)
    }
    fabric = Fabric.model_validate(
        {
            "underlay": {"prefix": "10.0.0.0/24"},
            "bgp": {"asn": 65000} | bgp,
            "networks": [{"vni": 2}],
            "nodes": addressed,
        }
    )
    assert list(contradictions(fabric)) == []
    return fabric


def _bgp(fabric: Fabric, name: str) -> BgpIntent:
    found = derive(fabric).nodes[name].bgp
    assert found is not None
    return found


def _peers(fabric: Fabric, name: str) -> dict[str, int]:
    """The names of a node's peers, each with the AS that it takes it for."""
    intent, bgp = derive(fabric), _bgp(fabric, name)
    return {intent.owner[peer]: bgp.remote_as(peer) for peer in bgp.peers}


SITES = {
    "a1": {"asn": 65001},
    "a2": {"asn": 65001},
    "b1": {"asn": 65002},
}
REFLECTED = SITES | {
    "ra": {"asn": 65001, "role": "reflector"},
    "rb": {"asn": 65002, "role": "reflector"},
}


def test_without_reflectors_all_vteps_peer() -> None:
    fabric = _fabric(SITES)
    assert _peers(fabric, "a1") == {"a2": 65001, "b1": 65002}
    assert [_bgp(fabric, "a1").is_external(f"10.0.0.{n}") for n in (2, 3)] == [False, True]


def test_a_site_with_a_reflector_meets_the_others_there() -> None:
    fabric = _fabric(REFLECTED, cluster_id="1.1.1.1")
    assert _peers(fabric, "a1") == {"ra": 65001}
    assert _peers(fabric, "ra") == {"a1": 65001, "a2": 65001, "rb": 65002}
    systems = _bgp(fabric, "ra").systems
    assert systems is not None
    assert systems.clients == ("10.0.0.1", "10.0.0.2")
    assert systems.passes_on
    assert not any(_bgp(fabric, name).systems.own_as_returns for name in fabric.nodes)  # type: ignore[union-attr]


def test_a_route_server_has_no_clients_and_needs_no_cluster() -> None:
    fabric = _fabric(SITES | {"server": {"role": "reflector"}})
    assert _peers(fabric, "server") == {"a1": 65001, "a2": 65001, "b1": 65002}
    assert _bgp(fabric, "server").systems.clients == ()  # type: ignore[union-attr]
    returns = {n: _bgp(fabric, n).systems.own_as_returns for n in SITES}  # type: ignore[union-attr]
    assert returns == {"a1": True, "a2": True, "b1": False}


def test_a_session_is_named_at_both_ends() -> None:
    both = {"both": {"asn": 65001, "reflector": True}, "c1": {"asn": 65003}}
    fabric = _fabric(REFLECTED | both, cluster_id="1.1.1.1")
    intent = derive(fabric)
    for name, node in intent.nodes.items():
        assert node.bgp is not None
        assert node.bgp.listen is None
        for peer in node.bgp.peers:
            assert node.address in _bgp(fabric, intent.owner[peer]).peers, (name, peer)


def test_an_external_node_may_be_of_another_as() -> None:
    fabric = _fabric({"a1": {}, "a2": {}, "fw": {"role": "external", "asn": 65009}})
    assert _peers(fabric, "a1") == {"a2": 65000, "fw": 65009}


@pytest.mark.parametrize("own", [None, 65077])
def test_a_group_gives_its_nodes_an_as_but_for_those_with_their_own(own: int | None) -> None:
    fabric = _fabric({"a1": {}, "b1": {"asn": own}}).model_dump()
    fabric["groups"] = {"all": {"nodes": ["*"], "asn": 65055}}
    found = derive(Fabric.model_validate(fabric))
    assert [node.bgp and node.bgp.asn for node in found.nodes.values()] == [65055, own or 65055]
