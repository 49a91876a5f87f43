"""BGP sessions: what a node says of them, and which are asked for after a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from overlay.loading import load_inventory
from overlay.records import RawOutput
from tasks.bgp_sessions import Peers, intended_peers, read_sessions, required_sessions

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "drift" / "recordings"
CONF = "router bgp 1\n neighbor A.B remote-as 1\n".replace("A.B", "10.0.0.2")
NONE: frozenset[str] = frozenset()
PEER = frozenset({"10.0.0.2"})


def output(text: str, rc: int = 0) -> RawOutput:
    return RawOutput(text, rc)


def test_the_recorded_summaries_of_real_nodes_are_read() -> None:
    unicast = (RECORDED / "exit-upstream-bgp-node1" / "bgp_summary.json").read_text()
    evpn = (RECORDED / "route-reflectors-rrserver1" / "evpn_summary.json").read_text()
    found = read_sessions({"sessions:evpn": output(evpn), "sessions:unicast": output(unicast)})
    assert found is not None
    assert found["192.168.0.254"]
    assert found["192.168.0.2"]


def test_a_session_is_up_when_all_its_families_are() -> None:
    two = '{"ipv4Unicast": {"peers": {"10.0.0.2": {"state": "Established"}}}}'
    one = '{"peers": {"10.0.0.2": {"state": "Active"}}}'
    found = read_sessions({"sessions:evpn": output(one), "sessions:unicast": output(two)})
    assert found == {"10.0.0.2": False}


@pytest.mark.parametrize("text", ["bgpd is not running\n", "", "[" * 9999])
def test_no_bgpd_is_not_no_sessions(text: str) -> None:
    assert read_sessions({"sessions:evpn": output(text)}) is None
    assert read_sessions({"sessions:evpn": output("{}", 1)}) is None
    assert read_sessions({"sessions:evpn": output("{}")}) == {}


def required(
    before: dict[str, bool] | None,
    peers: Peers | None = None,
    after: str = CONF,
    *,
    clients: frozenset[str] = frozenset(),
) -> frozenset[str]:
    return required_sessions(
        PEER, before, peers or Peers(), frr_before=CONF, frr_after=after, clients=clients
    )


READY, OPEN, LOST = Peers(ready=PEER), Peers(still_open=PEER), Peers(lost=PEER)


def test_what_was_up_must_come_back() -> None:
    assert required({"10.0.0.2": True}) == PEER
    assert required({"10.0.0.2": False}, READY) == NONE, "down before proves nothing"


def test_nothing_is_asked_of_a_peer_that_is_being_deployed_or_was_lost() -> None:
    assert required({"10.0.0.2": True}, LOST) == NONE


def test_a_new_neighbour_must_come_up_when_its_other_end_is_ready() -> None:
    assert required({}, READY) == PEER
    assert required(None, READY) == PEER
    assert required(None) == NONE, "a blank fabric: nobody is there yet"
    assert required(None, READY, clients=PEER) == NONE


def test_two_ends_that_disagree_by_plan_are_not_asked() -> None:
    changed = CONF.replace("remote-as 1", "remote-as 2")
    up = {"10.0.0.2": True}
    assert required(up, OPEN, after=changed) == NONE
    assert required(up, OPEN) == PEER, "a change of something else must not break it"
    assert required(up, after=changed) == PEER, "its other end is as intended already"
    other = CONF + " neighbor 10.0.0.20 remote-as 3\n"
    assert required(up, OPEN, after=other) == PEER, "10.0.0.20 is not 10.0.0.2"


def test_intended_peers_by_role() -> None:
    mesh = load_inventory(ROOT / "examples" / "l3-symmetric").intent
    assert intended_peers(mesh, mesh.nodes["node1"]) == {"192.168.0.2", "192.168.0.3"}
    reflected = load_inventory(ROOT / "examples" / "route-reflectors").intent
    reflectors = [n for n in reflected.nodes.values() if n.bgp and n.bgp.reflector]
    clients = [n for n in reflected.nodes.values() if n.bgp and not n.bgp.reflector]
    assert reflectors
    for client in clients:
        assert intended_peers(reflected, client) == {n.address for n in reflectors}
    for reflector in reflectors:
        assert {n.address for n in clients} <= intended_peers(reflected, reflector)
    outside = load_inventory(ROOT / "examples" / "exit-upstream-bgp").intent
    router = outside.nodes["router"]
    assert router.router is not None
    assert intended_peers(outside, router) == set(router.router.exits)
    plain = load_inventory(ROOT / "examples" / "l2-multicast").intent
    assert all(intended_peers(plain, node) == NONE for node in plain.nodes.values())
