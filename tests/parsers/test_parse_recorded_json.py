"""The recordings of each release, read: what the next checks build on is really in them."""

from __future__ import annotations

import pytest

from overlay.host_records import DuplicateAddress, DuplicateMac, Neighbour, NextHop, Route
from overlay.records import NatChain, NatRule
from parsers.readers import READERS
from tests.parsers.shapes import DRIFTED, PARSED, RECORDED_JSON

RELEASES = sorted(path.name for path in RECORDED_JSON.iterdir() if path.is_dir())
# A guest behind another VTEP: its address, the VTEP's and its router MAC.
REMOTE = {
    "bookworm": ("10.0.3.3", "192.168.0.3", "5e:e6:49:f0:e1:45"),
    "forky": ("10.0.2.1", "192.168.0.1", "4e:53:94:4a:c0:8f"),
    "trixie": ("10.0.3.3", "192.168.0.3", "5e:e6:49:f0:e1:45"),
}


def _read(folder, slug, suffix="json"):
    return READERS[slug].read((folder / f"{slug}.{suffix}").read_text(encoding="utf-8"))


@pytest.mark.parametrize("release", RELEASES)
def test_a_vrf_routes_to_a_vtep_whose_mac_is_a_neighbour(release):
    guest, vtep, rmac = REMOTE[release]
    hops = (NextHop(vtep, "vmbr4000"),)
    route = Route("vrf1", f"{guest}/32", metric=20, protocol="bgp", hops=hops)
    assert route in _read(RECORDED_JSON / release, "ip_route")
    neighbour = Neighbour(vtep, "vmbr4000", rmac, ("NOARP",), ("extern_learn",), "zebra")
    assert neighbour in _read(RECORDED_JSON / release, "ip_neigh")


@pytest.mark.parametrize("release", RELEASES)
def test_all_tables_hold_both_families(release):
    both = _read(RECORDED_JSON / release, "ip_route")
    six = _read(RECORDED_JSON / release, "ip6_route")
    assert six
    assert sorted(map(repr, six)) == sorted(repr(route) for route in both if ":" in route.prefix)


@pytest.mark.parametrize("release", RELEASES)
def test_sessions_settings_and_configuration(release):
    families = _read(RECORDED_JSON / release, "bgp_summary")
    assert list(families) == ["l2VpnEvpn"]
    assert all(peer.established for peer in families["l2VpnEvpn"].values())
    assert len(families["l2VpnEvpn"]) == 2
    assert _read(RECORDED_JSON / release, "sysctl", "txt") == {
        "net.ipv4.ip_forward": "1",
        "net.ipv6.conf.all.forwarding": "1",
    }
    assert ("vrf vrf1", "vni 4000") in _read(RECORDED_JSON / release, "running_config", "txt")


MOVED = "02:00:00:00:77:77"


def test_what_moved_too_often_is_a_duplicate_on_both_sides():
    assert {
        release: (
            _read(RECORDED_JSON / release, "evpn_duplicate_macs"),
            _read(RECORDED_JSON / release, "evpn_duplicate_addresses"),
        )
        for release in RELEASES
    } == {
        "bookworm": (
            (DuplicateMac(2, MOVED, local=False, vtep="192.168.0.2", moves=5),),
            (
                DuplicateAddress(
                    2, "10.0.2.77", local=False, mac=MOVED, vtep="192.168.0.2", moves=0
                ),
            ),
        ),
        "forky": (
            (DuplicateMac(2, MOVED, local=True, device="dmy0", moves=5),),
            (DuplicateAddress(2, "10.0.2.77", local=True, mac=MOVED, moves=0),),
        ),
        "trixie": (
            (DuplicateMac(2, MOVED, local=True, device="tap708944i0", moves=5),),
            (DuplicateAddress(2, "10.0.2.77", local=True, mac=MOVED, moves=0),),
        ),
    }


def test_bfd_sessions():
    sessions = {release: _read(RECORDED_JSON / release, "bfd_peers") for release in RELEASES}
    assert {
        release: {(peer.address, peer.status, peer.configured) for peer in peers}
        for release, peers in sessions.items()
    } == {
        "bookworm": {("192.168.0.2", "up", None), ("192.168.0.3", "down", None)},
        "forky": {("192.168.0.1", "up", False), ("192.168.0.2", "down", False)},
        "trixie": {("192.168.0.1", "up", False), ("192.168.0.3", "down", False)},
    }
    assert {
        (peer.multiplier, peer.receive_interval, peer.transmit_interval, peer.interface)
        for peers in sessions.values()
        for peer in peers
    } == {(3, 300, 300, "vmbr0")}


@pytest.mark.parametrize("release", ["bookworm", "bookworm-node3", "trixie"])
def test_vnis_addresses_and_summaries_of_the_older_recordings(release):
    vnis = _read(PARSED / release, "evpn_vni")
    assert {vni.vni: (vni.type, vni.vrf, vni.device) for vni in vnis.values()} == {
        2: ("L2", "vrf1", "vxlan2"),
        3: ("L2", "vrf1", "vxlan3"),
        4000: ("L3", "vrf1", "vxlan4000"),
    }
    assert len(vnis[2].remote_vteps) == 2
    links = _read(PARSED / release, "ip_address")
    assert "10.0.2.254/24" in [address.interface for address in links["vmbr2"].addresses]
    assert all(peer.established for peer in _read(PARSED / release, "evpn_summary").values())


def test_outside_and_reflected_neighbours():
    families = _read(DRIFTED / "exit-upstream-bgp-node1", "bgp_summary")
    assert {name: set(peers) for name, peers in families.items()} == {
        "ipv4Unicast": {"192.168.0.254"},
        "ipv6Unicast": {"192.168.0.254"},
        "l2VpnEvpn": {"192.168.0.2", "192.168.0.3"},
    }
    clients = _read(DRIFTED / "route-reflectors-rrserver1", "evpn_summary")
    assert {(peer.address, peer.state, peer.dynamic) for peer in clients.values()} == {
        ("192.168.0.2", "Established", True),
        ("192.168.0.3", "Established", True),
    }


def test_defaults_of_both_families():
    routes = _read(DRIFTED / "exit-upstream-bgp-node1", "ip_route")
    found = {r.prefix: r.hops for r in routes if r.prefix in {"0.0.0.0/0", "::/0"}}
    assert found == {
        "0.0.0.0/0": (NextHop("192.168.0.254", "vmbr0"),),
        "::/0": (NextHop("fe80::4cf:a5ff:fef5:d5fe", "vmbr0"),),
    }


def test_vrrp_groups():
    groups = {n: _read(DRIFTED / f"exit-vrrp-{n}", "vrrp")[1] for n in ("node1", "node2")}
    assert {n: (g.ipv4.status, g.ipv4.priority, g.ipv4.addresses) for n, g in groups.items()} == {
        "node1": ("Master", 200, ("192.168.0.10",)),
        "node2": ("Backup", 100, ("192.168.0.10",)),
    }
    assert [group.priority for group in groups.values()] == [None, 100]


@pytest.mark.parametrize("release", RELEASES)
def test_each_release_lists_the_rules_that_were_loaded_whatever_it_makes_of_their_sets(release):
    chains = _read(RECORDED_JSON / release, "nat")
    guests = ("10.0.2.0/23", "10.0.4.0/24")
    assert chains == {
        "postrouting": NatChain(
            "postrouting",
            "nat postrouting 100 accept",
            (
                NatRule("accept", devices=("vmbr2",)),
                NatRule("accept", targets=(*guests, "10.9.0.0/16")),
                NatRule("accept", targets=("fd00:2::/64",)),
                NatRule("snat", sources=guests, address="192.168.0.1"),
                NatRule("snat", sources=("fd00:2::/64",), address="2001:db8::1"),
            ),
        )
    }
