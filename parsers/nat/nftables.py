"""`nft -j list table` → the chains that translate addresses, by name."""

from __future__ import annotations

from ipaddress import ip_address, ip_network, summarize_address_range
from typing import TYPE_CHECKING, Any, NotRequired

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.records import NatChain, NatRule
from overlay.snat.intended import merged
from parsers._json import KEEP, READ, check, printed, read_json, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network

COMMAND = "nft -j list table"


@with_config(READ)
class _Listing(TypedDict):
    nftables: list[dict[str, Any]]


@with_config(READ)
class _Chain(TypedDict):
    name: str
    type: NotRequired[str]
    hook: NotRequired[str]
    prio: NotRequired[int]
    policy: NotRequired[str]


@with_config(KEEP)
class _Rule(TypedDict):
    chain: str
    expr: list[dict[str, Any]]


_LISTING = TypeAdapter(_Listing)
_CHAIN = TypeAdapter(_Chain)
_RULE = TypeAdapter(_Rule)
# Count, and change nothing.
_HARMLESS = frozenset({"counter"})
_VERDICTS = frozenset({"accept", "drop", "continue", "return"})
_LEAVING = {"meta": {"key": "oifname"}}
_ADDRESSES = {
    ("ip", "saddr"): "sources", ("ip6", "saddr"): "sources",
    ("ip", "daddr"): "targets", ("ip6", "daddr"): "targets",
}  # fmt: skip


def parse_nat_chains(text: str) -> dict[str, NatChain]:
    """The chains of our table with their rules; none where there is no such table.

    Raises ParseError. What a rule says beyond what we write is kept in its `more`.
    """
    chains: dict[str, NatChain] = {}
    rules: dict[str, list[NatRule]] = {}
    for position, entry in enumerate(read_json(COMMAND, text, _LISTING)["nftables"]):
        place = ("nftables", position)
        if "chain" in entry:
            said = check(COMMAND, (*place, "chain"), entry["chain"], _CHAIN)
            chains[said["name"]] = NatChain(said["name"], _hook(said))
        elif "rule" in entry:
            rule = check(COMMAND, (*place, "rule"), entry["rule"], _RULE)
            rules.setdefault(rule["chain"], []).append(_rule(rule))
    if strange := rules.keys() - chains.keys():
        raise wrong(COMMAND, ("nftables",), "a rule of a chain that is not listed", min(strange))
    return {
        name: NatChain(name, chain.hook, tuple(rules.get(name, ())))
        for name, chain in chains.items()
    }


def _hook(chain: _Chain) -> str:
    words = (chain.get(key) for key in ("type", "hook", "prio", "policy"))
    return " ".join(str(word) for word in words if word is not None)


def _rule(said: _Rule) -> NatRule:
    fields: dict[str, Any] = {}
    verdict, more = "", []
    for expression in said["expr"]:
        word = next(iter(expression)) if len(expression) == 1 else ""
        value: Any = expression.get(word)
        if word in _HARMLESS:
            continue
        match = _match(value) if word == "match" else None
        address = _address(value) if word == "snat" else None
        if match is not None and match[0] not in fields:
            fields[match[0]] = match[1]
        elif address is not None and not verdict:
            verdict, fields["address"] = word, address
        elif word in _VERDICTS and not verdict:
            verdict = word
        else:
            more.append(printed(expression))
    return NatRule(verdict or "continue", more=tuple(more), text=printed(said["expr"]), **fields)


def _address(snat: object) -> str | None:
    """The one address of a translation; None where it has several, or is about ports, too."""
    if not isinstance(snat, dict) or not snat.keys() <= {"addr", "family"}:
        return None
    try:
        return str(ip_address(snat["addr"]))
    except (ValueError, KeyError):
        return None


def _match(value: object) -> tuple[str, tuple[str, ...]] | None:
    """The field of a rule that a match fills, and what with; None for one that we never write."""
    if not isinstance(value, dict) or value.get("op") != "==":
        return None
    left, right = value.get("left"), value.get("right")
    members = right.get("set", [right]) if isinstance(right, dict) else [right]
    if not isinstance(members, list):
        return None
    if left == _LEAVING:
        names = [it for it in members if isinstance(it, str)]
        return ("devices", tuple(sorted(names))) if names == members else None
    payload = left.get("payload") if isinstance(left, dict) else None
    if not isinstance(payload, dict):
        return None
    field = _ADDRESSES.get((str(payload.get("protocol")), str(payload.get("field"))))
    try:
        networks = [network for member in members for network in _networks(member)]
    except (ValueError, TypeError, KeyError):
        return None  # a set that has a name, for one
    return (field, merged(map(str, networks))) if field else None


def _networks(member: object) -> Iterator[Network]:
    """What one member of a set stands for: an address, a prefix, or a range of addresses."""
    if isinstance(member, dict) and "range" in member:
        first, last = map(ip_address, member["range"])
        yield from summarize_address_range(first, last)
    elif isinstance(member, dict):
        prefix = member["prefix"]
        yield ip_network(f"{prefix['addr']}/{prefix['len']}")
    else:
        yield ip_network(str(member))
