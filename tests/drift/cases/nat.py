"""Cases of an exit that should translate its guests' addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overlay.derive import derive
from overlay.intent import Fabric
from tests.drift.cases.case import Case
from tests.drift.worlds import example, json

if TYPE_CHECKING:
    from collections.abc import Callable

    from overlay.expected import FabricIntent
    from tests.drift.worlds import Mutation

_TABLE = "table inet evpn_fleet_snat"
_FROM_GUESTS = "from 10.0.2.0/23: snat to 192.168.0.1"


def TRANSLATED() -> FabricIntent:  # noqa: N802 - beside its like
    """The example in which every node is an exit, and each translates."""
    keys = example("exit-multi-gateway").fabric.model_dump(mode="json", exclude_none=True)
    keys["vrfs"]["vrf1"]["snat"] = {}
    return derive(Fabric.model_validate(keys))


def _without(*kinds: str) -> Callable[[Any], None]:
    def change(listing: Any) -> None:
        listing["nftables"] = [it for it in listing["nftables"] if not it.keys() & {*kinds}]

    return change


def _rules(change: Callable[[list[Any]], object]) -> Mutation:
    """Changes the rules' expressions, in their order."""

    def mutate(listing: Any) -> None:
        rules = [it for it in listing["nftables"] if "rule" in it]
        expressions = [it["rule"]["expr"] for it in rules]
        change(expressions)
        rest = [it for it in listing["nftables"] if "rule" not in it]
        like = rules[0]["rule"]
        listing["nftables"] = [*rest, *({"rule": like | {"expr": it}} for it in expressions)]

    return json("node1", "nat", mutate)


def _chain(**changes: Any) -> Mutation:
    def mutate(listing: Any) -> None:
        next(it["chain"] for it in listing["nftables"] if "chain" in it).update(changes)

    return json("node1", "nat", mutate)


def _to(address: str) -> Callable[[list[Any]], None]:
    return lambda rules: rules[-1][-1]["snat"].update(addr=address)


NAT: dict[tuple[str, str], Case] = {
    ("snat", "table removed"): Case(
        json("node1", "nat", _without("table", "chain", "rule")),
        "node1",
        _TABLE,
        "rules - Expected: to device vmbr2, vmbr3, vmbr4000, vrf1: accept; "
        f"to 10.0.2.0/23: accept; {_FROM_GUESTS} Actual: absent",
        TRANSLATED,
    ),
    ("snat", "rule removed"): Case(
        _rules(lambda rules: rules.pop()),
        "node1",
        _TABLE,
        f"rules - Expected: {_FROM_GUESTS} Actual: absent",
        TRANSLATED,
    ),
    ("snat", "another address"): Case(
        _rules(_to("192.168.0.9")),
        "node1",
        _TABLE,
        f"rules - Expected: {_FROM_GUESTS} Actual: from 10.0.2.0/23: snat to 192.168.0.9",
        TRANSLATED,
    ),
    ("snat", "a rule beside them"): Case(
        _rules(lambda rules: rules.insert(0, [{"masquerade": None}])),
        "node1",
        _TABLE,
        'rules - Expected: absent Actual: with {"masquerade": null}: continue',
        TRANSLATED,
    ),
    ("snat", "another order"): Case(
        _rules(lambda rules: rules.reverse()),
        "node1",
        _TABLE,
        "order of rules - Expected: to device vmbr2",
        TRANSLATED,
    ),
    ("snat", "no longer hooked"): Case(
        _chain(hook="prerouting"),
        "node1",
        _TABLE,
        "hook - Expected: nat postrouting 100 accept Actual: nat prerouting 100 accept",
        TRANSLATED,
    ),
}  # fmt: skip
