"""Cross-validation of the underlay: what does not go over IPv6, and what needs it to be ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.crosscheck.frr_versions import Need, too_old
from overlay.derivation.scopes import scope_of
from overlay.intent import FRR_WITH_IPV6_VTEPS, Fabric, Mode, Role, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint


_IPV6_VTEPS = Need(
    what="EVPN over an IPv6 underlay",
    frr=FRR_WITH_IPV6_VTEPS,
    older="supports IPv4 VTEPs only",
    asked=("underlay", "prefix"),
    instead="or use an IPv4 prefix (IPv6 within the overlay is fine), or mode unicast or "
    "multicast, which run without FRR",
)


def ipv6(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.underlay.prefix.version != 6:
        return
    if fabric.mode is Mode.EVPN:
        speakers = [
            name
            for name, node in fabric.nodes.items()
            if node.managed and node.role is not Role.ROUTER
        ]
        yield from too_old(fabric, _IPV6_VTEPS, speakers)
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
