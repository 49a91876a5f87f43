"""Cross-validation of what not every FRR can do: the nodes must be said to have one that can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overlay.problems import few
from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from overlay.intent import Fabric
    from overlay.problems import Complaint, KeyPath

_TOLD_BY = "`vtysh -c 'show version'` tells; Debian 12 has 8.4, Debian 13 has 10.3"


@dataclass(frozen=True, slots=True)
class Need:
    """What needs an FRR: `asked` is the key that asks for it, `instead` what else can be done.

    `older` says of an older one what it does, behind `on node1 it is 8.4, which `.
    """

    what: str
    frr: str
    older: str
    asked: KeyPath
    instead: str


def too_old(fabric: Fabric, need: Need, nodes: Collection[str]) -> Iterator[Complaint]:
    """Each of these nodes must be said to have an FRR that meets the need."""
    needed = f"{need.what} needs FRR {need.frr}"
    default = fabric.bgp.frr if fabric.bgp else None
    heirs = [name for name in nodes if fabric.nodes[name].frr is None]

    def older(who: str, version: str) -> tuple[str, str]:
        return (
            f"{needed}: on {who} it is {version}, which {need.older}",
            f"install a newer FRR there and set its version here; {need.instead}",
        )

    if heirs and default is None:
        say = f"if all nodes have it, set `frr: '{need.frr}'` under `bgp:`"
        reason = f"{needed}, and no `frr:` is set for {few(heirs)}"
        yield need.asked, reason, f"{say} ({_TOLD_BY}); {need.instead}"
    elif heirs and default is not None and version_of(default) < version_of(need.frr):
        yield ("bgp", "frr"), *older(few(heirs), default)
    for name in nodes:
        version = fabric.nodes[name].frr
        if version is not None and version_of(version) < version_of(need.frr):
            yield ("nodes", name, "frr"), *older(name, version)
