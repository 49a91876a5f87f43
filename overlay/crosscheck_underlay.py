"""Cross-validation of the underlay: what does not go over IPv6, and what needs it to be ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Fabric, Mode, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint


# zebra keeps a VXLAN device's tunnel source as `struct in_addr vtep_ip` (zebra/zebra_l2.h), so bgpd
# has no next hop for an IPv6 one. FRR 10.6.0 is the first release that has ("BGP IPv6 VTEP support"
# in its notes; FRRouting/frr pull requests 19498 and 19721, issue 5885 before them).
_NO_IPV6_EVPN = (
    "EVPN over an IPv6 underlay needs FRR 10.6: 8.4 of Debian 12 and 10.3 of Debian 13 know "
    "IPv4 VTEPs only"
)
_INSTEAD = (
    "use an IPv4 prefix (IPv6 within the overlay is fine), or mode unicast or multicast, which go "
    "over IPv6"
)


def ipv6(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.underlay.prefix.version != 6:
        return
    if fabric.mode is Mode.EVPN:
        yield ("underlay", "prefix"), _NO_IPV6_EVPN, _INSTEAD
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
            if node is not None and (node.scope or fabric.scope) is Scope.OVERLAY:
                yield (
                    ("vips", index, "priorities", name),
                    f"a floating address is part of the underlay, which is not ours on {name}",
                    f"set `scope: whole` for {name}, or remove it here",
                )


CHECKS = (ipv6, scopes)
