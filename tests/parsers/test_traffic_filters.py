"""What `tc filter show` prints, of devices that a node names before each line."""

from __future__ import annotations

import pytest

from overlay.errors import ParseError
from overlay.records import TrafficFilter
from parsers.traffic.filters import parse_traffic_filters

# As iproute2 6.1, 6.15 and 7.0 of the lab's nodes print it.
PRINTED = """\
tap2i0 ingress filter protocol ip pref 49151 u32 chain 0 
tap2i0 ingress filter protocol ip pref 49151 u32 chain 0 fh 800: ht divisor 1 
tap2i0 ingress filter protocol ip pref 49151 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 terminal flowid not_in_hw 
tap2i0 ingress   match 00110000/00ff0000 at 8
tap2i0 ingress \taction order 1: gact action drop
tap2i0 ingress \t random type none pass val 0
tap2i0 ingress 
tap2i0 egress filter protocol ip pref 49152 flower chain 0 handle 0x1 
tap2i0 egress   eth_type ipv4
tap2i0 egress   not_in_hw
tap2i0 egress \taction order 1: gact action pass
tap2i0 egress \t random type netrand drop val 5
tap2i0 egress \taction order 2: mirred (Egress Redirect to device ifb0) stolen
eno1 root filter parent 1: protocol all pref 50 basic chain 0 handle 0x1 flowid :1 
eno1 root  police 0x1 rate 10Kbit burst 1b mtu 64Kb action drop overhead 0b 
eno1 root 
"""  # noqa: W291 - as printed


def test_each_filter_is_a_record_with_its_actions() -> None:
    assert parse_traffic_filters(PRINTED) == (
        TrafficFilter("tap2i0", "ingress", "u32"),
        TrafficFilter("tap2i0", "ingress", "u32"),
        TrafficFilter(
            "tap2i0",
            "ingress",
            "u32",
            narrowed=True,
            actions=("gact action drop random type none pass val 0",),
        ),
        TrafficFilter(
            "tap2i0",
            "egress",
            "flower",
            actions=(
                "gact action pass random type netrand drop val 5",
                "mirred (Egress Redirect to device ifb0) stolen",
            ),
        ),
        TrafficFilter(
            "eno1",
            "root",
            "basic",
            actions=("police 0x1 rate 10Kbit burst 1b mtu 64Kb action drop overhead 0b",),
        ),
    )


def test_evidence_is_the_very_lines() -> None:
    last = parse_traffic_filters(PRINTED)[-1]
    assert last.text.splitlines() == [
        "filter parent 1: protocol all pref 50 basic chain 0 handle 0x1 flowid :1 ",
        " police 0x1 rate 10Kbit burst 1b mtu 64Kb action drop overhead 0b ",
    ]


def test_no_filter_is_a_legitimate_answer() -> None:
    assert parse_traffic_filters("\n") == ()


@pytest.mark.parametrize(
    "line",
    [
        "tap2i0 ingress \taction order 1: gact action drop",  # below no filter
        "tap2i0 sideways filter protocol all pref 1 matchall chain 0",
        "tap2i0 ingress filter of another form",
        "Error: something",
    ],
)
def test_a_line_that_belongs_to_no_filter_is_reported(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_traffic_filters(f"{line}\n")
    assert repr(line)[1:20] in str(caught.value)
