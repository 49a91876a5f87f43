"""VLANs, what they map to and what is let in, as iproute2 6.15 and 7.2 print them."""

from __future__ import annotations

import pytest

from overlay.errors import ParseError
from overlay.vlan_records import BridgeVlans
from parsers.traffic.vlans import parse_bridge_vlans

PRINTED = """\
[{"ifname":"vxlan0","vlans":[{"vlan":2},{"vlan":3},{"vlan":20}]},{"ifname":"tap100i0","vlans":[{"vlan":2,"flags":["PVID","Egress Untagged"]}]}]
[{"ifname":"vxlan0","tunnels":[{"vlan":2,"vlanEnd":3,"tunid":2,"tunidEnd":3},{"vlan":20,"tunid":10020}]}]
[{"ifname":"vxlan0","vnis":[{"vni":2,"vniEnd":3},{"vni":10020}]}]
"""
NOTHING = frozenset[str]()


def test_ranges_are_read_one_by_one() -> None:
    found = parse_bridge_vlans(PRINTED)
    assert found == BridgeVlans(
        ports={
            "vxlan0": {2: NOTHING, 3: NOTHING, 20: NOTHING},
            "tap100i0": {2: frozenset({"PVID", "Egress Untagged"})},
        },
        tunnels={"vxlan0": {2: 2, 3: 3, 20: 10020}},
        filters={"vxlan0": frozenset({2, 3, 10020})},
    )
    assert (found.pvid("tap100i0"), found.pvid("vxlan0"), found.pvid("gone")) == (2, None, None)
    assert len(found) == 2
    assert '"vlan": 20' in found.tunnel_text["vxlan0"]


def test_a_node_without_any_says_so() -> None:
    assert parse_bridge_vlans("[]\n[]\n[]\n") == BridgeVlans({}, {}, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines"),
        ("[]\n[]\n", "2 lines"),
        (PRINTED + "[]\n", "4 lines"),
        ("[]\n{}\n[]\n", "bridge -j vlan tunnelshow: not a list"),
        ('[{"vlans":[]}]\n[]\n[]\n', "bridge -j vlan show"),
        ('[{"ifname":"a","vlans":[{"vlan":9,"vlanEnd":3}]}]\n[]\n[]\n', "not a range"),
        ('[{"ifname":"a","vlans":[{"vlan":1,"vlanEnd":99999999}]}]\n[]\n[]\n', "not a range"),
        (
            '[]\n[{"ifname":"a","tunnels":[{"vlan":1,"vlanEnd":3,"tunid":5}]}]\n[]\n',
            "as many VLANs as VNIs",
        ),
        ("[]\n[]\nError: no such command\n", "bridge -j vni show: not JSON"),
    ],
)
def test_what_is_not_the_three_is_refused(text: str, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        parse_bridge_vlans(text)
