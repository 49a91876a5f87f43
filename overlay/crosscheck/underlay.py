"""Cross-validation of the underlay: what does not go over IPv6, and what needs it to be ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.derivation.scopes import scope_of
from overlay.intent import FRR_WITH_IPV6_VTEPS, Fabric, Mode, Role, Scope
from overlay.problems import few
from overlay.values import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint


_NEEDED = f"EVPN over an IPv6 underlay needs FRR {FRR_WITH_IPV6_VTEPS}"
_TOLD_BY = "`vtysh -c 'show version'` tells; Debian 12 has 8.4, Debian 13 has 10.3"
_INSTEAD = (
    "or use an IPv4 prefix (IPv6 within the overlay is fine), or mode unicast or multicast, which "
    "run without FRR"
)


def ipv6(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.underlay.prefix.version != 6:
        return
    if fabric.mode is Mode.EVPN:
        yield from _frr_of_speakers(fabric)
        for name, vrf in fabric.vrfs.items():
            if vrf.exits:
                yield (
                    ("vrfs", name, "exits"),
                    "an exit needs an IPv4 underlay",
                    "remove the exits, or use an IPv4 prefix",
                )
    for index in range(len(fabric.vips)):
        yield (
            ("vips", index),
            "a floating address needs an IPv4 underlay",
            "remove it, or use an IPv4 prefix",
        )


def _frr_of_speakers(fabric: Fabric) -> Iterator[Complaint]:
    """Every speaker of EVPN must be said to have an FRR that knows IPv6 VTEPs."""
    default = fabric.bgp.frr if fabric.bgp else None
    needed = version_of(FRR_WITH_IPV6_VTEPS)
    speakers = {
        n: node for n, node in fabric.nodes.items() if node.managed and node.role is not Role.ROUTER
    }
    heirs = [name for name, node in speakers.items() if node.frr is None]
    if heirs and default is None:
        reason = f"{_NEEDED}, and no `frr:` is set for {few(heirs)}"
        say = f"if all nodes have it, set `frr: '{FRR_WITH_IPV6_VTEPS}'` under `bgp:`"
        yield ("underlay", "prefix"), reason, f"{say} ({_TOLD_BY}); {_INSTEAD}"
    elif heirs and default is not None and version_of(default) < needed:
        yield ("bgp", "frr"), *_too_old(few(heirs), default)
    for name, node in speakers.items():
        if node.frr is not None and version_of(node.frr) < needed:
            yield ("nodes", name, "frr"), *_too_old(name, node.frr)


def _too_old(who: str, version: str) -> tuple[str, str]:
    return (
        f"{_NEEDED}: on {who} it is {version}, which supports IPv4 VTEPs only",
        f"install a newer FRR there and set its version here; {_INSTEAD}",
    )


def scopes(fabric: Fabric) -> Iterator[Complaint]:
    for index, vip in enumerate(fabric.vips):
        for name in vip.priorities:
            node = fabric.nodes.get(name)
            if node is not None and scope_of(fabric, node) is Scope.OVERLAY:
                yield (
                    ("vips", index, "priorities", name),
                    f"a floating address is part of the underlay, which is not managed on {name}",
                    f"set `scope: whole` for {name}, or remove it here",
                )


CHECKS = (ipv6, scopes)
