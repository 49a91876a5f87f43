"""What nftables prints of tables that translate addresses, and the rules that it is read as."""

from __future__ import annotations

import json
from typing import Any

from overlay.records import NatChain, NatRule

HEAD = {"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5"}}
TABLE = {"table": {"family": "inet", "name": "evpn_fleet_snat", "handle": 9}}
IN = {"family": "inet", "table": "evpn_fleet_snat"}
HOOKED = {"type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"}
POSTROUTING = {"chain": {**IN, "name": "postrouting", "handle": 1, **HOOKED}}
SOURCE = {"payload": {"protocol": "ip", "field": "saddr"}}
SNAT = {"snat": {"family": "ip", "addr": "192.168.0.1"}}


def rule(*expressions: Any) -> dict[str, Any]:
    return {"rule": {**IN, "chain": "postrouting", "handle": 3, "expr": list(expressions)}}


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def chain(*rules: NatRule) -> dict[str, NatChain]:
    return {"postrouting": NatChain("postrouting", "nat postrouting 100 accept", rules)}


def said(expression: Any) -> str:
    return json.dumps(expression, sort_keys=True)


NAMED = match(SOURCE, "@guests")
PORTS = {"snat": {"family": "ip", "addr": "192.168.0.1", "port": 4000}}
NAT_LISTINGS: dict[tuple[str, str], tuple[Any, Any]] = {
    ("nat", "no table of ours"): ({"nftables": [HEAD]}, {}),
    ("nat", "nft of Debian 12, of a file that we wrote"): (
        {
            "nftables": [
                HEAD,
                TABLE,
                POSTROUTING,
                rule(
                    match({"meta": {"key": "oifname"}}, {"set": ["vrf1", "vmbr2"]}),
                    {"accept": None},
                ),
                rule(match(SOURCE, {"prefix": {"addr": "10.0.2.0", "len": 23}}), SNAT),
            ]
        },
        chain(
            NatRule("accept", devices=("vmbr2", "vrf1")),
            NatRule("snat", sources=("10.0.2.0/23",), address="192.168.0.1"),
        ),
    ),
    ("nat", "neighbouring prefixes, which it makes a range"): (
        {
            "nftables": [
                POSTROUTING,
                rule(
                    match(SOURCE, {"set": [{"range": ["10.0.2.0", "10.0.4.255"]}, "10.0.9.1"]}),
                    {"counter": {"packets": 0, "bytes": 0}},
                    SNAT,
                ),
            ]
        },
        chain(
            NatRule(
                "snat",
                sources=("10.0.2.0/23", "10.0.4.0/24", "10.0.9.1/32"),
                address="192.168.0.1",
            )
        ),
    ),
    ("nat", "what we never write is kept"): (
        {
            "nftables": [
                POSTROUTING,
                rule(NAMED, PORTS),
                rule(match(SOURCE, "10.0.2.1", "!="), {"masquerade": None}),
            ]
        },
        chain(
            NatRule("continue", more=(said(NAMED), said(PORTS))),
            NatRule(
                "continue",
                more=(said(match(SOURCE, "10.0.2.1", "!=")), said({"masquerade": None})),
            ),
        ),
    ),
    ("nat", "a chain that is not hooked"): (
        {"nftables": [{"chain": {**IN, "name": "postrouting", "handle": 1}}]},
        {"postrouting": NatChain("postrouting", "")},
    ),
}
