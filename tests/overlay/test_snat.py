"""Translated addresses: which guests', to which address, at which exits, and what is told outside."""

from __future__ import annotations

from typing import Any

import pytest

from overlay.derive import derive
from overlay.intent import Fabric
from overlay.outputs import FRR_FILE, INTERFACES_FILE, SNAT_FILE
from overlay.snat.intended import Translated, merged, without_hidden
from tests.rendering import render

NETWORKS = (
    {"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24", "fd00:2::1/64"]},
    {"vni": 3, "vrf": "vrf1", "gateways": ["10.0.3.254/24"]},
    {"vni": 4, "vrf": "vrf2", "gateways": ["10.0.4.254/24"]},
)


def fabric(vrf1: Any, *, asn: int | None = None, **vrf2: Any) -> Fabric:
    """Two exits of vrf1, one of which exits vrf2, too, and a router outside."""
    router = {"address": "192.168.0.254", "role": "router"} | ({"asn": asn} if asn else {})
    return Fabric.model_validate(
        {
            "mode": "evpn",
            "routing": "symmetric",
            "underlay": {"prefix": "192.168.0.0/24"},
            "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
            "bgp": {"asn": 1234},
            "vrfs": {
                "vrf1": {"l3vni": 4000, "exits": ["node1", "node2"], "snat": vrf1},
                "vrf2": {"l3vni": 4001, "exits": ["node1"], **vrf2},
            },
            "networks": NETWORKS,
            "nodes": {
                **{
                    f"node{n}": {"address": f"192.168.0.{n}", "gateway": "192.168.0.254"}
                    for n in (1, 2, 3)
                },
                "router": router,
            },
        }
    )


def translated(snat: Any, node: str = "node1", **vrf2: Any) -> tuple[Translated, ...]:
    found = derive(fabric(snat, **vrf2)).nodes[node].snat
    return found.translated if found else ()


def test_by_itself_an_exit_translates_the_ipv4_subnets_to_its_own_address() -> None:
    own = ("10.0.2.0/23",)
    assert translated(True) == (Translated("vrf1", own, "192.168.0.1"),)
    assert translated(True, "node2") == (Translated("vrf1", own, "192.168.0.2"),)
    assert translated(True, "node3") == ()
    assert translated(False) == ()


def test_prefixes_and_addresses_can_be_chosen_of_both_versions() -> None:
    snat = {
        "prefixes": ["10.0.2.128/25", "fd00:2::/64"],
        "addresses": {"node1": ["203.0.113.7", "2001:db8::7"], "node2": ["2001:db8::8"]},
    }
    assert translated(snat) == (
        Translated("vrf1", ("10.0.2.128/25",), "203.0.113.7"),
        Translated("vrf1", ("fd00:2::/64",), "2001:db8::7"),
    )
    assert translated(snat, "node2") == (Translated("vrf1", ("fd00:2::/64",), "2001:db8::8"),)


def test_what_goes_to_any_guest_is_left_alone_whatever_its_vrf() -> None:
    rendered = render(derive(fabric(True, snat=True)))
    text = rendered["node1"][SNAT_FILE]
    chain = [line.strip() for line in text.splitlines() if "accept" in line or "snat" in line][3:]
    assert chain == [
        "type nat hook postrouting priority 100; policy accept;",
        'oifname { "vmbr2", "vmbr3", "vmbr4", "vmbr4000", "vmbr4001", "vrf1", "vrf2" } accept',
        "ip daddr { 10.0.2.0/23, 10.0.4.0/24 } accept",
        "ip6 daddr { fd00:2::/64 } accept",
        'ip saddr { 10.0.2.0/23 } snat ip to 192.168.0.1 comment "vrf1"',
        'ip saddr { 10.0.4.0/24 } snat ip to 192.168.0.1 comment "vrf2"',
    ]
    assert SNAT_FILE not in rendered["node3"]


def test_a_network_that_is_only_a_vlan_is_no_device_to_leave_by() -> None:
    keys = fabric(True).model_dump(mode="json", exclude_unset=True)
    keys["overlay"]["device"] = "single"
    keys["bgp"]["frr"] = "10.3"
    keys["networks"].append({"vni": 20})
    text = render(derive(Fabric.model_validate(keys)))["node1"][SNAT_FILE]
    assert (
        'oifname { "vmbr2", "vmbr3", "vmbr4", "vmbr4000", "vmbr4001", "vrf1", "vrf2" } accept'
        in text
    )


def test_the_stanza_of_each_vrf_that_is_translated_loads_the_rules() -> None:
    rendered = render(derive(fabric(True)))
    loads = f"        post-up /usr/sbin/nft --file {SNAT_FILE}\n"
    stanzas = rendered["node1"][INTERFACES_FILE].split("\nauto ")
    assert [text.split()[0] for text in stanzas if loads in text] == ["vrf1"]
    assert loads not in rendered["node3"][INTERFACES_FILE]


@pytest.mark.parametrize("asn", [None, 65001], ids=["static routes", "BGP"])
def test_the_outside_has_no_route_to_who_is_translated(asn: int | None) -> None:
    def told(snat: Any) -> set[str]:
        intent = derive(fabric(snat, asn=asn))
        assert intent.nodes["node1"].bgp is not None
        assert intent.nodes["router"].router is not None
        routes = {route.prefix for route in intent.nodes["router"].router.routes}
        return routes if asn is None else set(intent.nodes["node1"].bgp.advertised)

    rest = {"10.0.4.0/24"} | ({"fd00:2::/64"} if asn else set())
    assert told(False) == rest | {"10.0.2.0/24", "10.0.3.0/24"}
    assert told(True) == rest
    # One who is translated in part has guests that are not.
    assert told({"prefixes": ["10.0.2.0/25", "10.0.3.0/24"]}) == rest | {"10.0.2.0/24"}


def test_the_exits_keep_the_way_back_to_their_guests() -> None:
    """What is translated back is looked up in the main table."""
    rendered = render(derive(fabric(True)))
    assert "import vrf vrf1\n" in rendered["node1"][FRR_FILE]


def test_prefixes_are_merged_as_nftables_does() -> None:
    assert merged(["10.0.3.0/24", "10.0.2.0/24", "fd00::/64", "10.0.2.7/32"]) == (
        "10.0.2.0/23",
        "fd00::/64",
    )


def test_what_is_translated_as_a_whole_is_not_told() -> None:
    subnets = ("10.0.2.0/23", "10.0.2.0/24", "10.0.9.0/24", "fd00:2::/64")
    both = ["10.0.2.0/24", "10.0.3.0/24"]
    assert without_hidden(subnets, both) == ("10.0.9.0/24", "fd00:2::/64")
    assert without_hidden(subnets, both[:1]) == ("10.0.2.0/23", "10.0.9.0/24", "fd00:2::/64")
    assert without_hidden(subnets, ["10.0.0.0/8", "fd00:2::/65"]) == ("fd00:2::/64",)
    assert without_hidden(subnets, []) == subnets
