"""The ten topologies as the seed writes them: each of its fifteen errors, on its line; no other."""

from __future__ import annotations

import shutil

import pytest

from adopt.hostfiles import read_hosts
from adopt.lint import lint
from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES, SEED, hosts
from tests.rendering import render

NET = "/etc/network/interfaces"
FRR = "/etc/frr/frr.conf"
COMMENT = "comment-behind-statement"

# Number of the error in the list of the seed's errors: where it stands, and by which rule.
ERRORS = {
    1: {
        ("l2-unicast", "node1", NET, (29,), "stanza-names-another-device"),
        ("l2-unicast", "node2", NET, (28,), "stanza-names-another-device"),
        ("l2-unicast", "node3", NET, (28,), "stanza-names-another-device"),
    },
    2: {
        ("l2-unicast", "node3", NET, (17,), "own-address-in-flood-list"),
        ("l2-unicast", "node3", NET, (31,), "own-address-in-flood-list"),
    },
    3: {
        ("l2-unicast", "node1", NET, (17, 18, 31, 32), "attribute-spelling"),
        ("l2-unicast", "node2", NET, (16, 17, 30, 31), "attribute-spelling"),
        ("l2-unicast", "node3", NET, (16, 17, 30, 31), "attribute-spelling"),
    },
    4: {("l2-evpn", "node3", NET, (7,), "address-used-twice")},
    5: {("exit-multi-gateway", "node2", FRR, (26,), "vrf-instance-missing")},
    6: {
        ("exit-upstream-bgp", "node1", FRR, (10,), "neighbor-never-activated"),
        ("exit-upstream-bgp", "node1", FRR, (24,), "neighbor-without-remote-as"),
        ("exit-upstream-bgp", "node1", FRR, (26,), "family-on-one-side"),
    },
    7: {
        ("l3-symmetric", "node1", NET, (33, 55), COMMENT),
        ("l3-symmetric", "node2", NET, (33, 55), COMMENT),
        ("l3-symmetric", "node3", NET, (33, 55), COMMENT),
        ("exit-single-gateway", "node1", NET, (36, 58), COMMENT),
        ("exit-single-gateway", "node2", NET, (33, 55), COMMENT),
        ("exit-single-gateway", "node3", NET, (33, 55), COMMENT),
        ("exit-multi-gateway", "node1", NET, (36, 58), COMMENT),
        ("exit-multi-gateway", "node2", NET, (36, 58), COMMENT),
        ("exit-multi-gateway", "node3", NET, (36, 58), COMMENT),
        ("exit-upstream-bgp", "router", FRR, (12,), COMMENT),
        ("exit-upstream-bgp", "router", FRR, (17,), COMMENT),
    },
    8: {
        ("exit-vrrp", "node1", NET, (9, 10, 11), "vrrpd-is-gone"),
        ("exit-vrrp", "node2", NET, (9, 10, 11), "vrrpd-is-gone"),
    },
    9: {
        ("route-reflectors", "rrserver1", FRR, (1,), "line-breaks-lost"),
        ("route-reflectors", "proxmoxnode", FRR, (1,), "line-breaks-lost"),
        ("route-reflectors", "proxmoxnode", FRR, (1,), "address-placeholder"),
    },
    10: {("exit-upstream-bgp", "router", FRR, (17,), "prefix-list-of-the-other-family")},
    11: {
        ("exit-upstream-bgp", "node1", FRR, (11,), "ebgp-without-policy"),
        ("exit-upstream-bgp", "router", FRR, (7,), "ebgp-without-policy"),
    },
    12: {
        ("l2-multicast", "node1", NET, (17, 29), "group-joined-on-a-bridge-port"),
        ("l2-multicast", "node2", NET, (17, 30), "group-joined-on-a-bridge-port"),
        ("l2-multicast", "node3", NET, (17, 30), "group-joined-on-a-bridge-port"),
        # "Set the tunnel source explicitly in every mode."
        ("l2-multicast", "node1", NET, (15, 27), "no-tunnel-source"),
        ("l2-multicast", "node2", NET, (15, 28), "no-tunnel-source"),
        ("l2-multicast", "node3", NET, (15, 28), "no-tunnel-source"),
        ("l2-unicast", "node1", NET, (16, 30), "no-tunnel-source"),
        ("l2-unicast", "node2", NET, (15, 29), "no-tunnel-source"),
        ("l2-unicast", "node3", NET, (15, 29), "no-tunnel-source"),
    },
    13: {
        ("exit-multi-gateway", "node1", FRR, (37, 38), "exits-loop"),
        ("exit-multi-gateway", "node2", FRR, (35, 36), "exits-loop"),
        ("exit-multi-gateway", "node3", FRR, (37, 38), "exits-loop"),
    },
    14: {
        ("exit-multi-gateway", "node1", FRR, (26,), "one-rd-for-all-exits"),
        ("exit-multi-gateway", "node3", FRR, (26,), "one-rd-for-all-exits"),
    },
    15: {("exit-upstream-bgp", "node1", FRR, (14, 19), "import-brings-defaults")},
}
TOPOLOGIES = sorted(folder.name for folder in SEED.iterdir())


def test_there_are_ten_topologies_and_fifteen_errors():
    assert len(TOPOLOGIES) == 10
    assert sorted(ERRORS) == list(range(1, 16))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_each_error_of_the_seed_is_named_on_its_line_and_nothing_else_is(topology):
    found = [
        (topology, f.host, f.file, (f.line, *f.also), f.rule) for f in lint(hosts(SEED / topology))
    ]
    wanted = {place for places in ERRORS.values() for place in places if place[0] == topology}
    assert set(found) == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize("topology", sorted(it.parent.name for it in EXAMPLES.glob("*/lab.yaml")))
def test_what_we_render_ourselves_has_no_fault(topology):
    files = render(load_inventory(EXAMPLES / topology).intent)
    assert [str(finding) for finding in lint(read_hosts(files))] == []


@pytest.mark.parametrize(
    ("topology", "written", "instead"),
    [
        ("leaf-spine", "protocol: ospf", "protocol: ebgp-unnumbered"),
        ("exit-upstream-bgp", "exits: [node1]", "exits: [node1, node2, node3]"),
    ],
)
def test_nor_has_a_change_of_an_example(topology, written, instead, tmp_path):
    shutil.copytree(EXAMPLES / topology, tmp_path / topology)
    fabric = tmp_path / topology / "fabric.yaml"
    text = fabric.read_text()
    assert text.count(written) == 1
    fabric.write_text(text.replace(written, instead))
    files = render(load_inventory(tmp_path / topology).intent)
    assert [str(finding) for finding in lint(read_hosts(files))] == []


def test_a_finding_says_where_what_and_what_to_write():
    found = lint(hosts(SEED / "l2-evpn"))
    assert [str(finding) for finding in found] == [
        (
            "node3/etc/network/interfaces:7: error: 192.168.0.2 is also the address of node2 "
            "[address-used-twice]\n  next: write node3's own address: its tunnels leave from 192.168.0.3"
        )
    ]
