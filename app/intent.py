"""What can be said of an intent without touching a node: whether it is valid, its nodes' files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from overlay.crosscheck.lan_ports import dangers
from overlay.crosscheck.waiting_sessions import waiting_sessions
from overlay.errors import FleetError
from overlay.loading import FABRIC_FILE
from overlay.problems import dotted
from overlay.yamlfile import read_yaml
from reports.text import counted
from tasks.ssh.hosts import read_hosts, time_limit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.context import Context
    from overlay.expected import FabricIntent
    from overlay.loading import Inventory
    from tasks.ssh.fleet import Fleet


def validate(context: Context) -> None:
    """Loads all there is and says how large it is. Raises IntentError with every problem."""
    inventory = context.load(suppressions=True)
    for host in read_hosts(context.inventory, 1).inventory.hosts.values():
        time_limit(host)  # Nornir must be able to read it too
    fabric = inventory.intent.fabric
    _warn(context, inventory)
    sizes = ", ".join(
        counted(len(things), noun)
        for things, noun in (
            (inventory.intent.nodes, "node"),
            (inventory.intent.external, "external node"),
            (fabric.networks, "network"),
            (fabric.vrfs, "VRF"),
        )
        if things or noun != "external node"
    )
    context.out.print(
        f"{context.inventory}: fabric {fabric.name} is valid: {sizes}, "
        f"mode {fabric.mode.value}, routing {fabric.routing.value}",
        markup=False,
        soft_wrap=True,
    )


def _warn(context: Context, inventory: Inventory) -> None:
    """Says what may be right and is easily wrong, which no file shows."""
    found = [*dangers(inventory.intent.fabric), *waiting_sessions(inventory.intent, {})]
    file = read_yaml(inventory.folder / FABRIC_FILE, "the intent") if found else None
    for key, reason, hint in found:
        line = file.position(key)[0] if file else None
        place = FABRIC_FILE if line is None else f"{FABRIC_FILE}:{line}"
        context.warn(f"{place}: {dotted(key)}: {reason}", hint)


def write_files(context: Context, fleet: Fleet, intent: FabricIntent, output: Path) -> None:
    """Writes each node's files below `output`, as they would lie on the node."""
    from tasks.render import render_all  # noqa: PLC0415 - templates, which `validate` has no use for

    count = 0
    for host, files in render_all(fleet, intent):
        _write(output / host, files)
        count += 1
    context.say(f"wrote the files of {count} nodes below {output}")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        if folder.is_dir():
            # A file that is rendered no more must not stay behind as if it still were.
            shutil.rmtree(folder / "etc", ignore_errors=True)
        for path, text in files.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{folder}: cannot be written: {error}", "name another --output") from None
