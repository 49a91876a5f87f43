"""Cross-validation of external nodes: what can be said of a node that is not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.intent import Fabric, Mode
from overlay.peering.systems import Systems
from overlay.problems import few

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.problems import Complaint


def nodes(fabric: Fabric) -> Iterator[Complaint]:
    networks = {network.vni for network in fabric.networks}
    ours = {str(node.address): name for name, node in fabric.nodes.items() if node.managed}
    for name, node in fabric.nodes.items():
        if node.managed:
            yield from _of_ours(fabric, name)
            continue
        for index, vni in enumerate(node.vnis):
            if vni not in networks:
                yield (
                    ("nodes", name, "vnis", index),
                    f"no network has the VNI {vni}",
                    f"name VNIs of `networks:`: {few(sorted(map(str, networks))) or 'none yet'}",
                )
        if node.tunnel_end in ours and node.vtep is not None:
            yield (
                ("nodes", name, "vtep"),
                f"{node.vtep} is the VTEP address of {ours[node.tunnel_end]}",
                "name the address that its own tunnels end at",
            )


def _of_ours(fabric: Fabric, name: str) -> Iterator[Complaint]:
    node = fabric.nodes[name]
    if node.vnis:
        yield (
            ("nodes", name, "vnis"),
            "what a node of ours carries is said by its networks (`nodes:`)",
            "remove it, or set `role: external` if this node is not ours",
        )
    if node.vtep is not None:
        yield (
            ("nodes", name, "vtep"),
            "the tunnels of a node of ours end at its address",
            "remove it, or set `role: external` if this node is not ours",
        )


def sessions(fabric: Fabric) -> Iterator[Complaint]:
    if fabric.mode is not Mode.EVPN or fabric.bgp is None:
        return
    reflectors = [n for n, node in fabric.nodes.items() if node.reflects and node.managed]
    several = Systems(fabric).several  # then a reflector names its clients
    for name, node in fabric.nodes.items():
        if node.managed:
            continue
        if (
            reflectors
            and not several
            and not node.reflects
            and node.address not in fabric.underlay.prefix
        ):
            yield (
                ("nodes", name, "address"),
                f"it is outside the underlay, and so can be no client of {few(reflectors)}",
                "have it peer from an address in the underlay's prefix",
            )


CHECKS = (nodes, sessions)
