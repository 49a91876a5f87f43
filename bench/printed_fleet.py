"""A healthy fleet as it prints itself: an inventory, and a snapshot of all its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from make_inventory import write_inventory

from overlay.intent import Role
from overlay.loading import load_inventory
from tasks.commands import HostCapture
from tasks.snapshot import write_capture
from tests.rendering import rendered_nodes
from tests.simulated.fleet import Fleet
from tests.simulated.printed import outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from overlay.expected import NodeIntent


class Groups(Fleet):
    """A fleet whose nodes hear only those that they share a VNI with, and reflectors all."""

    def _hears(self, node: NodeIntent) -> Iterator[NodeIntent]:
        mine = {vxlan.vni for vxlan in node.vxlans}
        for other in super()._hears(node):
            if node.role is Role.REFLECTOR or any(vxlan.vni in mine for vxlan in other.vxlans):
                yield other


def write_fleet(
    folder: Path, *, nodes: int, vnis: int, guests: int, reflectors: int = 0, group: int = 0
) -> tuple[Path, Path]:
    """Writes inventory and snapshot into `folder`, and returns both folders."""
    inventory, snapshot = folder / "inventory", folder / "snapshot"
    write_inventory(inventory, nodes=nodes, vnis=vnis, vrfs=1, reflectors=reflectors, group=group)
    intent = load_inventory(inventory).intent
    fleet = Groups(intent, guests=guests, rendered=rendered_nodes(intent))
    for node in intent.nodes.values():
        state = fleet._state(node)  # noqa: SLF001 - one at a time: together they fill the memory
        write_capture(snapshot, HostCapture(node.name, outputs_of(state)))
    return inventory, snapshot
