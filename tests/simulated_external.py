"""External nodes as the others see them: VTEPs that route nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from overlay.intent import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import FabricIntent, NodeIntent


def external_vteps(intent: FabricIntent) -> Iterator[NodeIntent]:
    """Each external node that carries something, as if it were one of ours."""
    for number, external in enumerate(intent.external.values(), start=1):
        carried = {
            vxlan.vni: (node, vxlan)
            for node in intent.nodes.values()
            for vxlan in node.vxlans
            if vxlan.vni in external.vnis
        }
        if not carried:
            continue
        like = next(iter(carried.values()))[0]
        names = {vxlan.bridge for _, vxlan in carried.values()}
        bridges = (bridge for node, _ in carried.values() for bridge in node.bridges)
        router_id = f"10.254.0.{number}"
        yield replace(
            like,
            name=external.name,
            address=external.vtep,
            role=Role.VTEP,
            vxlans=tuple(
                replace(vxlan, local=external.vtep, by_hand=replace(vxlan.by_hand, rd=None))
                for _, vxlan in carried.values()
            ),
            bridges=tuple(
                {b.name: replace(b, vrf=None) for b in bridges if b.name in names}.values()
            ),
            vrfs=(),
            bgp=like.bgp
            and replace(like.bgp, router_id=router_id, exits=(), upstreams=(), reflector=None),
        )
