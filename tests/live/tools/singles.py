"""An inventory with one VXLAN device for all VNIs in the place of a device for each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from lab import fabric

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

# Debian 12 has FRR 8.4, which does not know such a device: node1 runs 13 meanwhile.
_TOO_OLD, _OLDEST = "node1", "trixie"


@contextmanager
def no_vtep_too_old(lab: Lab) -> Iterator[None]:
    """Within, the machine of Debian 12 that is a VTEP of most examples runs Debian 13."""
    before = lab.whole
    fabric.power_off(before, _TOO_OLD)
    newer = replace(before.nodes[_TOO_OLD], release=_OLDEST)
    lab.whole = replace(before, nodes={**before.nodes, _TOO_OLD: newer})
    try:
        yield
    finally:
        # Who boots it again finds another release, and gives it a fresh disk.
        fabric.power_off(before, _TOO_OLD)
        lab.whole = before


def as_single(inventory: Path) -> Path:
    """Rewrites an inventory: `overlay.device: single`, guests in VLANs of its bridge."""
    with changed(inventory, "fabric.yaml") as intent:
        intent["overlay"]["device"] = "single"
        intent["bgp"].setdefault("frr", "10.3")
    with changed(inventory, "lab.yaml") as lab:
        if _TOO_OLD in lab["nodes"]:
            lab["nodes"][_TOO_OLD]["release"] = _OLDEST
        for guest in lab["machines"].values():
            guest |= {"bridge": "vmbr1", "vlan": int(guest["bridge"].removeprefix("vmbr"))}
    return inventory


@contextmanager
def changed(inventory: Path, name: str) -> Iterator[Any]:
    """The content of a YAML file of an inventory, which is written back when it ends."""
    path = inventory / name
    content = yaml.safe_load(path.read_text())
    yield content
    path.write_text(yaml.safe_dump(content, sort_keys=False))
