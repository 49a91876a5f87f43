"""The order of a rollout: who is deployed together with whom, and after whom. Pure.

First the canary, so that a bad intent meets one node. Then those that others depend on, one at a
time: reflectors, exits, outside routers. Then the plain VTEPs in batches, whose sessions with the
former can be verified by then.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.errors import FleetError
from overlay.intent import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from overlay.expected import FabricIntent, NodeIntent

NO_CANARY = "none"
_RANKS = ("reflector", "spine", "exit", "router", "vtep")
_SHARE = 0.10
_SMALLEST_DEFAULT = 2
_BATCH = re.compile(r"([1-9][0-9]*)(%?)")


@dataclass(frozen=True, slots=True)
class Member:
    """A node to be deployed; `groups` are the redundancy groups that it is in."""

    name: str
    kind: str
    groups: frozenset[str] = frozenset()


def kind_of(node: NodeIntent) -> str:
    """`reflector`, `spine`, `exit`, `router` or `vtep`: by what others lose when it is down."""
    if node.reflects:
        return "reflector"
    if node.role is Role.SPINE:
        return "spine"
    if node.role is Role.ROUTER:
        return "router"
    return "exit" if node.forwards else "vtep"


def batch_size(batch: str, total: int) -> int:
    """How many nodes are deployed at once: `N`, `P%` (rounded down, at least 1), or the default.

    The default is a tenth, but two where a tenth is less. Raises FleetError for anything else.
    """
    if not batch:
        return max(_SMALLEST_DEFAULT, math.ceil(total * _SHARE))
    found = _BATCH.fullmatch(batch)
    if found is None or (found[2] and int(found[1]) > 100):
        raise FleetError(
            f"--batch {batch}: neither a number of nodes nor a percentage",
            "such as --batch 5 or 20%",
        )
    return max(1, total * int(found[1]) // 100) if found[2] else int(found[1])


def schedule(
    members: Sequence[Member],
    *,
    batch: str = "",
    canary: str | None = None,
    redundancy: Mapping[str, frozenset[str]] | None = None,
    together: frozenset[str] = frozenset(),
) -> list[tuple[str, ...]]:
    """The batches in their order; each member is in exactly one.

    `redundancy` maps a group to all its members, those that need no deployment too: no batch holds
    all members of a group of two or more. The canary `none` is none at all. Those that are
    `together` are one batch in the canary's place. Raises FleetError for a canary that is not a
    member, or one of several that are `together`.
    """
    if not members:
        return []
    first: tuple[str, ...] = ()
    if canary != NO_CANARY:
        first = (_canary(members, canary).name,)
    if len(together) > 1:
        if canary in together:
            raise FleetError(
                f"--canary {canary}: the plan changes what routes the underlay on it and "
                f"{len(together) - 1} more, which it reaches by that",
                "leave --canary out: these nodes are deployed together",
            )
        first = tuple(member.name for member in members if member.name in together)
    batches: list[tuple[str, ...]] = [first] if first else []
    rest = [member for member in members if member.name not in first]
    for kind in _RANKS[:-1]:
        batches += [(member.name,) for member in rest if member.kind == kind]
    plain = [member for member in rest if member.kind == _RANKS[-1]]
    size = batch_size(batch, len(members))
    groups = {name: group for name, group in (redundancy or {}).items() if len(group) > 1}
    while plain:
        taken = _take(plain, size, groups)
        batches.append(tuple(member.name for member in taken))
        plain = [member for member in plain if member not in taken]
    return batches


def _canary(members: Sequence[Member], wanted: str | None) -> Member:
    if wanted is not None:
        found = next((member for member in members if member.name == wanted), None)
        if found is None:
            names = ", ".join(member.name for member in members[:5])
            raise FleetError(
                f"--canary {wanted}: the plan does not change a node of that name",
                f"name a node that the plan changes, such as {names}",
            )
        return found
    return next((member for member in members if member.kind == "vtep"), members[0])


def _take(plain: Sequence[Member], size: int, groups: Mapping[str, frozenset[str]]) -> list[Member]:
    taken: list[Member] = []
    names: set[str] = set()
    for member in plain:
        whole = any(groups[g] <= names | {member.name} for g in member.groups if g in groups)
        if not whole:
            taken.append(member)
            names.add(member.name)
        if len(taken) == size:
            break
    return taken


def members_of(
    intent: FabricIntent, names: Iterable[str], groups: Mapping[str, frozenset[str]]
) -> list[Member]:
    """The named nodes as members, with the inventory's groups and the floating addresses."""
    everything = redundancy_of(intent, groups)
    return [
        Member(
            name,
            kind_of(intent.nodes[name]),
            frozenset(group for group, held in everything.items() if name in held),
        )
        for name in names
    ]


def redundancy_of(
    intent: FabricIntent, groups: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Who stands in for whom: the inventory's groups, and those that share a floating address."""
    floating = {f"vip {vip.address}": frozenset(vip.priorities) for vip in intent.fabric.vips}
    return {**groups, **floating}
