"""Hosts that a plugin of Nornir knows (NetBox, Ansible, …), by what `nornir.yaml` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nornir.core.exceptions import PluginNotRegistered
from nornir.core.plugins.inventory import InventoryPluginRegister

from overlay.errors import FleetError, IntentError
from overlay.loading import FABRIC_FILE, NORNIR_FILE, anchored, external_names
from overlay.problems import few, nearest
from overlay.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nornir.core import Nornir

    from overlay.loading import InventoryPlugin


def from_plugin(
    folder: Path, plugin: InventoryPlugin, start: Callable[[dict[str, Any]], Nornir]
) -> Nornir:
    """A Nornir of the plugin's hosts; beside a fabric.yaml of those that are its nodes.

    Raises FleetError where the plugin is not installed or fails, IntentError where it does not know
    a node.
    """
    options = anchored(plugin, folder)
    try:
        nornir = start({"plugin": plugin.plugin, "options": options})
    except PluginNotRegistered:
        known = ", ".join(sorted(InventoryPluginRegister.available)) or "none"
        raise FleetError(
            f"{folder / NORNIR_FILE}: no inventory plugin {plugin.plugin} is installed",
            f"install its package where evpn-fleet is installed; known are: {known}",
        ) from None
    except Exception as error:
        raise FleetError(
            f"{folder / NORNIR_FILE}: the inventory plugin {plugin.plugin} failed: "
            f"{type(error).__name__}: {error}",
            "compare `options:` with the plugin's documentation",
        ) from error
    wanted = _nodes(folder)
    if wanted is None:
        return nornir
    names = nornir.inventory.hosts.keys()
    missing = sorted(wanted - names)
    if missing:
        close = nearest(missing[0], names)
        raise IntentError(
            f"{folder / FABRIC_FILE}: the inventory plugin {plugin.plugin} knows no host "
            f"{few(missing)}",
            (f"did you mean {close}? " if close else "")
            + f"a node under `nodes:` is called as its host is there, which knows {few(names)}",
        )
    return nornir.filter(filter_func=lambda host: host.name in wanted)


def _nodes(folder: Path) -> set[str] | None:
    """The nodes of ours that fabric.yaml names; None where there is none yet: before an import."""
    if not (folder / FABRIC_FILE).exists():
        return None
    data = read_yaml(folder / FABRIC_FILE, "the intent").data
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return set(map(str, nodes)) - external_names(folder) if isinstance(nodes, dict) else set()
