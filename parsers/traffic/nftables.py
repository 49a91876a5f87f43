"""`nft -j list ruleset` → the chains of the packet filter, with what their rules ask and do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from overlay.records import PacketChain, PacketRule, PacketTest
from parsers._json import KEEP, READ, check, printed, read_json, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND = "nft -j list ruleset"


@with_config(READ)
class _Listing(TypedDict):
    nftables: list[dict[str, Any]]


@with_config(READ)
class _Chain(TypedDict):
    family: str
    table: str
    name: str
    hook: NotRequired[str]
    policy: NotRequired[str]
    dev: NotRequired[str | list[str]]


@with_config(KEEP)
class _Rule(TypedDict):
    family: str
    table: str
    chain: str
    expr: list[dict[str, Any]]


_LISTING = TypeAdapter(_Listing)
_CHAIN = TypeAdapter(_Chain)
_RULE = TypeAdapter(_Rule)
_VERDICTS = frozenset({"accept", "drop", "reject", "continue", "return", "queue"})
_JUMPS = frozenset({"jump", "goto"})
# Packets go on, as they are or changed.
_GO_ON = frozenset(
    {"counter", "log", "mangle", "notrack", "set", "map", "flow", "dup", "secmark", "ct helper"}
    | {"ct timeout", "ct expectation", "last", "comment"}
)
# They end a chain as `accept` does.
_TRANSLATE = frozenset({"snat", "dnat", "masquerade", "redirect", "tproxy"})
_UNKNOWN = PacketTest()
# Where the node has no names of protocols, or others than nftables' own.
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "ipv6-icmp", "icmpv6": "ipv6-icmp"}
_OF_PROTOCOLS = {"ip protocol": "meta l4proto", "ip6 nexthdr": "meta l4proto"}


def parse_packet_filters(text: str) -> tuple[PacketChain, ...]:
    """Each chain with its rules in their order; none where there is no output.

    Raises ParseError. What is not understood of a rule is a test without a field; a literal verdict
    map is a rule for each of its elements.
    """
    if not text.strip():
        return ()
    chains: dict[tuple[str, str, str], _Chain] = {}
    rules: dict[tuple[str, str, str], list[PacketRule]] = {}
    for position, entry in enumerate(read_json(COMMAND, text, _LISTING)["nftables"]):
        place = ("nftables", position)
        if "chain" in entry:
            said = check(COMMAND, (*place, "chain"), entry["chain"], _CHAIN)
            chains[said["family"], said["table"], said["name"]] = said
        elif "rule" in entry:
            rule = check(COMMAND, (*place, "rule"), entry["rule"], _RULE)
            key = rule["family"], rule["table"], rule["chain"]
            rules.setdefault(key, []).extend(_rules(rule["expr"]))
    if strange := rules.keys() - chains.keys():
        raise wrong(COMMAND, ("nftables",), "a rule of a chain that is not listed", min(strange))
    return tuple(_chain(said, tuple(rules.get(key, ()))) for key, said in chains.items())


def _chain(said: _Chain, rules: tuple[PacketRule, ...]) -> PacketChain:
    devices = said.get("dev", [])
    return PacketChain(
        family=said["family"],
        table=said["table"],
        name=said["name"],
        hook=said.get("hook", ""),
        devices=(devices,) if isinstance(devices, str) else tuple(devices),
        policy=said.get("policy", "accept"),
        rules=rules,
    )


def _rules(statements: list[dict[str, Any]]) -> Iterator[PacketRule]:
    """What one rule says, as one or several: a statement ends it if it decides."""
    text = printed(statements)
    tests: list[PacketTest] = []
    for statement in statements:
        word = next(iter(statement)) if len(statement) == 1 else ""
        value: Any = statement.get(word)
        if word == "match":
            tests.append(_test(value))
        elif word == "vmap":
            yield from _mapped(value, tuple(tests), text)
            return
        elif (decided := _verdict(word, value)) is not None:
            yield PacketRule(tuple(tests), *decided, text=text)
            return
        elif word not in _GO_ON:
            tests.append(_UNKNOWN)
    yield PacketRule(tuple(tests), text=text)


def _verdict(word: str, value: Any) -> tuple[str, str] | None:
    """A verdict with the chain that it leads to; None for what is none."""
    if word in _VERDICTS:
        return word, ""
    if word in _TRANSLATE:
        return "accept", ""
    if word in _JUMPS and isinstance(value, dict):
        return word, str(value.get("target", ""))
    return None


def _mapped(
    vmap: Mapping[str, Any], tests: tuple[PacketTest, ...], text: str
) -> Iterator[PacketRule]:
    """The elements of a verdict map. Of one that has a name nothing is known."""
    data = vmap.get("data") if isinstance(vmap, dict) else None
    elements = data.get("set") if isinstance(data, dict) else None
    if not isinstance(elements, list):
        yield PacketRule((*tests, _UNKNOWN), "queue", text=text)
        return
    for element in elements:
        key, verdict = element if isinstance(element, list) and len(element) == 2 else (None, {})
        word = next(iter(verdict), "") if isinstance(verdict, dict) else ""
        decided = _verdict(word, verdict.get(word)) if word else None
        asked = _test({"op": "==", "left": vmap.get("key"), "right": key})
        yield PacketRule((*tests, asked), *(decided or ("queue", "")), text=text)


def _test(match: Any) -> PacketTest:
    """A comparison, as far as it is one of a field with values that stand there."""
    if not isinstance(match, dict) or match.get("op") not in {"==", "!=", "in"}:
        return _UNKNOWN
    asked, values = _field(match.get("left")), _values(match.get("right"))
    if not asked or values is None:
        return _UNKNOWN
    asked = _OF_PROTOCOLS.get(asked, asked)
    if asked == "meta l4proto":
        values = tuple(_PROTOCOLS.get(value, value) for value in values)
    return PacketTest(asked, values, differs=match["op"] == "!=")


def _field(left: Any) -> str:
    """`ip saddr`, `meta iifname`, `ct state`; empty for what is more than a field."""
    if not isinstance(left, dict) or len(left) != 1:
        return ""
    kind, said = next(iter(left.items()))
    if not isinstance(said, dict):
        return ""
    if kind == "payload":
        return f"{said.get('protocol')} {said.get('field')}" if "protocol" in said else ""
    if kind == "meta" or (kind == "ct" and said.keys() == {"key"}):
        return f"{kind} {said.get('key')}"
    return ""


def _values(right: Any) -> tuple[str, ...] | None:
    """What stands to the right, each member as a text; None where a set has a name, for one."""
    if isinstance(right, dict) and isinstance(right.get("set"), list):
        members = right["set"]
    else:
        members = right if isinstance(right, list) else [right]
    found = [_value(member) for member in members]
    return None if None in found else tuple(str(it) for it in found)


def _value(member: Any) -> str | None:
    """A number or a name, a prefix as `10.0.0.0/8`, a range as `1-5`."""
    if isinstance(member, dict):
        if "elem" in member and isinstance(member["elem"], dict):
            return _value(member["elem"].get("val"))
        prefix, between = member.get("prefix"), member.get("range")
        if isinstance(prefix, dict):
            return f"{prefix.get('addr')}/{prefix.get('len')}"
        if isinstance(between, list) and len(between) == 2:
            return f"{between[0]}-{between[1]}"
        return None
    if isinstance(member, bool) or not isinstance(member, int | str):
        return None
    text = str(member)
    return None if text.startswith("@") else text
