"""Packet filters as nft prints them, and policies of IPsec as `ip` does."""

from __future__ import annotations

import pytest

from overlay.errors import ParseError
from overlay.records import IpsecPolicy, PacketChain, PacketRule, PacketTest
from parsers.traffic.ipsec import parse_ipsec_policies
from parsers.traffic.nftables import parse_packet_filters
from tests.parsers.shapes import RECORDED_JSON

STRANGE = PacketTest()


def asks(field: str, *values: str, differs: bool = False) -> PacketTest:
    return PacketTest(field, values, differs)


def test_each_rule_of_a_real_listing_is_read() -> None:
    """Loaded from a file and listed by nft 1.0.6, Debian 12."""
    forward, dns, bridge, netdev, arp = parse_packet_filters(
        (RECORDED_JSON / "bookworm" / "packet_filters.json").read_text()
    )
    of_dns = asks("meta l4proto", "tcp", "udp"), asks("th dport", "53")
    assert forward.rules == (
        # The elements of one verdict map.
        PacketRule((asks("ct state", "invalid"),), "drop"),
        PacketRule((asks("ct state", "established"),), "accept"),
        PacketRule((asks("ct state", "related"),), "accept"),
        PacketRule(
            (asks("meta iifname", "vrf*"), asks("meta oifname", "vmbr2", "vmbr3")), "accept"
        ),
        PacketRule(
            (
                asks("ip saddr", "10.0.2.0/24"),
                asks("ip daddr", "10.0.3.1", "10.0.4.0-10.0.4.9", differs=True),
            ),
            "drop",
        ),
        # A limit may let it pass, or not.
        PacketRule(
            (asks("meta l4proto", "icmp"), asks("icmp type", "echo-request"), STRANGE), "reject"
        ),
        PacketRule((asks("meta l4proto", "ipv6-icmp"),), "accept"),
        PacketRule((STRANGE,), "accept"),  # a set that has a name
        PacketRule(of_dns, "goto", "dns"),
        PacketRule((STRANGE,), "queue"),  # a map that has a name
        PacketRule((asks("meta mark", "16"),), "return"),
        PacketRule((asks("tcp dport", "1024-65535"), STRANGE), "jump", "dns"),
        PacketRule((), "jump", "dns"),
    )
    assert (forward.family, forward.hook, forward.policy) == ("inet", "forward", "drop")
    assert (dns.hook, dns.policy) == ("", "accept")
    assert bridge.rules[1] == PacketRule((asks("ether saddr", "02:00:00:00:09:05"),), "drop")
    # This nft does not say of which device.
    assert netdev == PacketChain("netdev", "n", "i", "ingress", (), "drop")
    assert arp.rules == (PacketRule((asks("arp operation", "request"),), "drop"),)


def test_a_rule_of_a_chain_that_is_not_listed_is_refused() -> None:
    rule = '{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "c", "expr": []}}]}'
    with pytest.raises(ParseError, match="a rule of a chain that is not listed"):
        parse_packet_filters(rule)


# As iproute2 6.1 and 6.15 print them; the first without names of protocols on the node.
POLICIES = """\
src 0.0.0.0/0 dst 0.0.0.0/0 proto 17 dport 4789\x20
\tdir out action block priority 0\x20
src 192.168.0.2/32 dst 192.168.0.1/32 proto udp\x20
\tdir out priority 0 ptype main\x20
\ttmpl src 192.168.0.2 dst 192.168.0.1
\t\tproto esp reqid 0 mode transport
src 10.0.0.0/16 dst 10.0.0.0/16 dev eno1\x20
\tdir fwd action block priority 0 ptype main\x20
src 0.0.0.0/0 dst 0.0.0.0/0\x20
\tsocket in priority 0 ptype main\x20
"""


def test_each_policy_is_read_but_those_of_single_sockets() -> None:
    assert parse_ipsec_policies(POLICIES) == (
        IpsecPolicy("0.0.0.0/0", "0.0.0.0/0", "out", blocks=True, protocol="udp", port="4789"),
        IpsecPolicy("192.168.0.2/32", "192.168.0.1/32", "out", unmet=True, protocol="udp"),
        IpsecPolicy("10.0.0.0/16", "10.0.0.0/16", "fwd", blocks=True, narrowed=True),
    )


ASKS = """\
src 192.168.0.2/32 dst 192.168.0.0/24\x20
\tdir out priority 7\x20
\ttmpl src {} dst {}
\t\tproto esp reqid 0 mode transport{}
"""
ASSOCIATION = """\
src 192.168.0.2 dst 192.168.0.1
\tproto {} spi {} reqid 1 mode transport
\treplay-window 0\x20
\tauth-trunc hmac(sha256) <<Keys hidden>> 96
\tsel src 0.0.0.0/0 dst 0.0.0.0/0\x20
"""


@pytest.mark.parametrize(
    ("asked", "there", "unmet"),
    [
        (("192.168.0.2", "192.168.0.1", ""), None, True),
        (("192.168.0.2", "192.168.0.1", ""), ("esp", "0x0000c0de"), False),
        (("0.0.0.0", "0.0.0.0", ""), ("esp", "0x0000c0de"), False),
        (("0.0.0.0", "0.0.0.0", ""), None, True),
        (("192.168.0.2", "192.168.0.3", ""), ("esp", "0x0000c0de"), True),
        (("192.168.0.2", "192.168.0.1", ""), ("ah", "0x0000c0de"), True),
        # The kernel is asking for one.
        (("192.168.0.2", "192.168.0.1", ""), ("esp", "0x00000000"), True),
        (("192.168.0.2", "192.168.0.1", " level use"), None, False),
    ],
)
def test_a_policy_may_ask_for_an_association(
    asked: tuple[str, str, str],
    there: tuple[str, str] | None,
    unmet: bool,  # noqa: FBT001 - of the table
) -> None:
    text = ASKS.format(*asked) + (ASSOCIATION.format(*there) if there else "")
    (policy,) = parse_ipsec_policies(text)
    wanted = IpsecPolicy("192.168.0.2/32", "192.168.0.0/24", "out", unmet=unmet, priority=7)
    assert policy == wanted


def test_a_policy_without_a_direction_is_refused() -> None:
    with pytest.raises(ParseError, match=r"0 read; not understood: 'src ::/0 dst ::/0'"):
        parse_ipsec_policies("src ::/0 dst ::/0\n\tlifetime config:\n")
