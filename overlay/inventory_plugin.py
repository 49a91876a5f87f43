"""`nornir.yaml`: the plugin of Nornir that knows the hosts, where hosts.yaml is not the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from overlay.intent import Strict
from overlay.problems import Problems
from overlay.validation import validated
from overlay.yamlfile import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

NORNIR_FILE = "nornir.yaml"


class InventoryPlugin(Strict):
    """A plugin by its name, and its own options."""

    plugin: str = Field(min_length=1, description="Its name, as Nornir knows it.")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Its options; a text that begins with ./ or ../ is a path from this file.",
    )


class NornirFile(Strict):
    """The whole content of `nornir.yaml`."""

    inventory: InventoryPlugin


def inventory_plugin(folder: Path, problems: Problems | None = None) -> InventoryPlugin | None:
    """The plugin that the folder's `nornir.yaml` names; None without such a file.

    What is wrong with the file goes to `problems`, and None is returned; without them IntentError
    is raised.
    """
    if not (folder / NORNIR_FILE).exists():
        return None
    found = problems or Problems()
    file = read_yaml(folder / NORNIR_FILE, "the inventory plugin")
    read = validated(file, NornirFile, found, begin="`inventory:`")
    if problems is None:
        found.check()
    return read.inventory if read else None


def anchored(plugin: InventoryPlugin, folder: Path) -> dict[str, Any]:
    """Its options, with paths that are told from the file's place."""
    return {key: _anchored(value, folder) for key, value in plugin.options.items()}


def _anchored(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and value.startswith(("./", "../")):
        return str(folder / value)
    if isinstance(value, list):
        return [_anchored(part, folder) for part in value]
    if isinstance(value, dict):
        return {key: _anchored(part, folder) for key, part in value.items()}
    return value
