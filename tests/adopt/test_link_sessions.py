"""Which sessions on links are an underlay of eBGP, and which are not."""

from __future__ import annotations

import pytest

from adopt.bgp import apart, instances
from parsers.frr import read_frr_config

LEAF = """
router bgp 65000
 bgp router-id 10.255.1.1
 no bgp default ipv4-unicast
 neighbor eno1.11 interface v6only remote-as external
 neighbor eno1.11 local-as 4216711937 no-prepend replace-as
 neighbor eno1.11 description spine1
 neighbor 10.255.1.2 remote-as 65000
 !
 address-family ipv4 unicast
  network 10.255.1.1/32
  neighbor eno1.11 activate
 exit-address-family
 !
 address-family l2vpn evpn
  neighbor 10.255.1.2 activate
  advertise-all-vni
 exit-address-family
exit
"""
SPINE = LEAF.replace(" neighbor 10.255.1.2 remote-as 65000\n", "").partition(
    " !\n address-family l2"
)


def test_what_is_left_of_a_leaf_is_its_evpn() -> None:
    (main,), links = apart(instances(read_frr_config(LEAF)))
    assert links is not None
    assert (links.announced, links.router_id) == ({"10.255.1.1/32"}, "10.255.1.1")
    assert ["description", "spine1"] in links.options["eno1.11"]
    assert list(main.neighbors) == ["10.255.1.2"]
    assert not any("eno1.11" in line.words or "network" in line.words for line in main.lines)


def test_nothing_is_left_of_a_spine() -> None:
    found, links = apart(instances(read_frr_config(SPINE[0])))
    assert found == ()
    assert links is not None
    assert list(links.options) == ["eno1.11"]


@pytest.mark.parametrize(
    "text",
    [
        # EVPN from hop to hop, as on many switches.
        LEAF.replace("  advertise-all", "  neighbor eno1.11 activate\n  advertise-all"),
        LEAF.replace("remote-as external", "remote-as internal"),
        LEAF.replace("  neighbor eno1.11 activate\n", ""),
        LEAF.replace("neighbor eno1.11", "neighbor 10.9.0.1").replace(" interface v6only", ""),
    ],
)
def test_other_sessions_are_no_underlay(text: str) -> None:
    before = instances(read_frr_config(text))
    found, links = apart(before)
    assert links is None
    assert [instance.neighbors.keys() for instance in found] == [
        instance.neighbors.keys() for instance in before
    ]
