"""The hosts of an inventory folder, as Nornir reads them, and the choice among them.

Nothing here needs an SSH library: loading those takes longer than loading 500 nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.exceptions import PluginNotRegistered
from nornir.core.plugins.inventory import InventoryPluginRegister
from nornir.init_nornir import load_inventory
from nornir.plugins.runners import ThreadedRunner
from ruamel.yaml.error import YAMLError

from overlay.errors import FleetError, IntentError
from overlay.loading import (
    FABRIC_FILE,
    NORNIR_FILE,
    anchored,
    external_names,
    inventory_plugin,
)
from overlay.plainfile import check_plain, is_there
from overlay.problems import few, nearest
from overlay.yamlfile import read_yaml

if TYPE_CHECKING:
    from nornir.core.inventory import Host

    from overlay.loading import InventoryPlugin

TIMEOUT = 26.0
"""Seconds that one node gets to be collected, its connection included, unless the inventory
(`data: {timeout: …}`) or --timeout says otherwise: within 30 s an audit says that one is gone."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts a command is for: `limit` are name globs, `filters` key=value pairs of data."""

    limit: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


def read_hosts(folder: Path, workers: int) -> Nornir:
    """The hosts of an inventory folder. Raises IntentError when a file is not an inventory."""
    plugin = inventory_plugin(folder)
    if plugin is not None:
        return _from_plugin(folder, plugin, workers)
    options = {
        f"{kind}_file": str(folder / f"{name}.yaml")
        for kind, name in (("host", "hosts"), ("group", "groups"), ("defaults", "defaults"))
    }
    try:
        for path in map(Path, options.values()):
            if is_there(path):
                check_plain(path)  # Nornir would wait for a FIFO, and miss a loop of links
        return start({"plugin": "SimpleInventory", "options": options}, workers)
    except (YAMLError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntentError(
            f"{folder}: Nornir cannot read hosts.yaml, groups.yaml or defaults.yaml: "
            f"{type(error).__name__}: {error}",
            "each maps a name to hostname, port, username, groups and data; a group that a host "
            "names must exist in groups.yaml",
        ) from None


def start(inventory: dict[str, Any], workers: int) -> Nornir:
    """A Nornir over an inventory plugin and its options."""
    # As InitNornir does it, but for one thing: that loads every connection plugin that is
    # installed, and with it Netmiko for 300 kinds of devices. Ours is registered by `plugin`.
    config = Config.from_dict(inventory=inventory)
    return Nornir(load_inventory(config), config, runner=ThreadedRunner(workers))


def _from_plugin(folder: Path, plugin: InventoryPlugin, workers: int) -> Nornir:
    """The hosts that a plugin knows (NetBox, Ansible, …); beside a fabric.yaml, its nodes alone.

    Raises FleetError where the plugin is not installed or fails, IntentError where it does not know
    a node.
    """
    options = anchored(plugin, folder)
    try:
        nornir = start({"plugin": plugin.plugin, "options": options}, workers)
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
    wanted = _nodes_of(folder)
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


def _nodes_of(folder: Path) -> set[str] | None:
    """The nodes of ours that fabric.yaml names; None where there is none yet: before an import."""
    if not (folder / FABRIC_FILE).exists():
        return None
    data = read_yaml(folder / FABRIC_FILE, "the intent").data
    nodes = data.get("nodes") if isinstance(data, dict) else None
    return set(map(str, nodes)) - external_names(folder) if isinstance(nodes, dict) else set()


def choose(nornir: Nornir, selection: Selection, folder: Path) -> Nornir:
    """Those that are asked for, of the hosts of `folder`.

    Raises IntentError where a glob, or all of it, matches no host, and where it names an external
    node.
    """
    names = tuple(nornir.inventory.hosts)
    for glob in selection.limit:
        if not any(fnmatchcase(name, glob) for name in names):
            if theirs := sorted(n for n in external_names(folder) if fnmatchcase(n, glob)):
                raise IntentError(
                    f"--limit {glob}: {few(theirs)} is external (`role: external`), so nobody logs "
                    "in to it and nothing is written there",
                    "an audit of the nodes that peer with it says how it looks from there",
                )
            close = nearest(glob, names)
            hint = f"did you mean {close}? " if close else ""
            raise IntentError(
                f"--limit {glob}: no host of the inventory has a matching name",
                f"{hint}the first hosts are {', '.join(names[:5])}",
            )
    wanted = [_pair(text) for text in selection.filters]

    def keep(host: Host) -> bool:
        by_name = not selection.limit or any(fnmatchcase(host.name, g) for g in selection.limit)
        return by_name and all(value in values_of(host, key) for key, value in wanted)

    chosen = nornir.filter(filter_func=keep)
    if not chosen.inventory.hosts:
        asked = [f"--limit {glob}" for glob in selection.limit]
        asked += [f"--filter {text}" for text in selection.filters]
        raise IntentError(
            f"{' '.join(asked)}: no host of the inventory matches",
            "compare with `data:` in hosts.yaml and groups.yaml",
        )
    return chosen


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise FleetError(f"--filter {text}: not of the form key=value", "such as --filter site=fra")
    return key, value


def values_of(host: Host, key: str) -> tuple[str, ...]:
    """What the inventory says of `key`, as text: one value, several of groups, or none."""
    if key == "group":
        return tuple(group.name for group in host.groups)
    if key in ("name", "hostname", "platform", "username"):
        return (str(getattr(host, key)),)
    found = host.get(key)
    return () if found is None else (str(found),)


def time_limit(host: Host) -> float:
    """Seconds in which a node must have been collected. Raises IntentError for no such number."""
    given = host.get("timeout", TIMEOUT)
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        raise IntentError(
            f"{host.name}: its `timeout` in hosts.yaml or groups.yaml is {given!r}",
            "write a number of seconds, such as `data: {timeout: 60}`",
        )
    return float(given)
