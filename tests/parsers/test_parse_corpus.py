"""Real outputs of real machines: exact counts.

They are other people's data and stay out of the repository: `shared/corpus` beside the project, or
where EVPN_FLEET_CORPUS points. Without it these tests say so and are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import parsers

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("EVPN_FLEET_CORPUS", ROOT.parent / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus of outputs at {CORPUS}")

FDB = {
    "21-suzieq-dual-evpn-leaf01": 41,
    "22-suzieq-dual-evpn-exit02": 44,
    "23-suzieq-dual-evpn-edge01": 9,
    "24-suzieq-dual-evpn-spine01": 0,
    "25-suzieq-dual-attach-evpn-distributed-leaf03": 27,
    "26-suzieq-dual-attach-evpn-centralized-exit01": 44,
    "27-suzieq-single-attach-evpn-centralized-leaf02": 12,
    "28-suzieq-single-attach-evpn-distributed-leaf02": 22,
    "29-suzieq-ospf-ibgp-leaf02": 41,
    "30-suzieq-ospf-ibgp-exit01": 6,
    "31-suzieq-dual-bgp-leaf01": 9,
    "32-suzieq-panos-leaf01": 25,
    "33-suzieq-panos-exit01": 8,
    "34-suzieq-eos-firewall01": 34,
    "35-suzieq-junos-server101": 12,
    "36-suzieq-ospf-ibgp-edge01": 9,
    "37-suzieq-texttfsm-linux-fdb": 44,
    "38-hotsos-openstack-s-s-d-t": 107,
    "39-hotsos-kubernetes-s-s-d-t": 8,
    "40-hotsos-pacemaker-s-s-d-t": 15,
}
LINKS = {
    "address-01-suzieq-dual-evpn-leaf01": 18,
    "address-02-suzieq-dual-evpn-exit01": 21,
    "address-03-suzieq-ospf-ibgp-leaf02": 23,
    "address-04-suzieq-dual-bgp-leaf01": 16,
    "address-05-suzieq-panos-leaf01": 21,
    "address-06-suzieq-dual-attach-evpn-distributed-leaf03": 23,
    "address-07-suzieq-dual-attach-bgp-docker-leaf01": 9,
    "address-08-suzieq-dual-evpn-edge01": 10,
    "address-09-suzieq-eos-firewall01": 10,
    "address-10-suzieq-nxos-server101": 5,
    "address-11-suzieq-dual-attach-bgp-docker-server101": 5,
    "address-12-hotsos-openstack": 24,
    "address-13-hotsos-pacemaker": 4,
    "stats-02-hotsos-openstack": 24,
    "stats-03-hotsos-kubernetes": 3,
    "stats-04-hotsos-pacemaker": 4,
}
KINDS = {
    "bond", "bridge", "macvlan", "openvswitch", "tun", "veth", "vlan", "vrf", "vxlan", None,
}  # fmt: skip


def _read(kind: str, name: str) -> str:
    return (CORPUS / kind / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "entries"), FDB.items())
def test_fdb(name, entries):
    found = parsers.parse_fdb(_read("bridge-fdb", name))
    assert len(found) == entries
    assert all(entry.device for entry in found)
    assert all(entry.state in {"", "permanent", "static", "stale"} for entry in found)


@pytest.mark.parametrize(("name", "entries"), LINKS.items())
def test_links(name, entries):
    found = parsers.parse_links(_read("ip-link", name))
    assert len(found) == entries
    assert found[0].name == "lo"
    assert {link.kind for link in found} <= KINDS
    assert all(link.vxlan.vni is not None or link.vxlan.external for link in found if link.vxlan)
    assert all(link.mtu and link.state and link.link_type for link in found)


def test_no_file_of_the_corpus_is_left_out():
    assert {path.stem for path in (CORPUS / "bridge-fdb").glob("*.txt")} <= set(FDB)
    assert {path.stem for path in (CORPUS / "ip-link").glob("*.txt")} <= set(LINKS)
