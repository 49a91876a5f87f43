"""A Nornir over an inventory folder: its hosts, how to reach them, and the choice among them."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from nornir import InitNornir
from nornir.core.inventory import ConnectionOptions
from nornir.core.plugins.inventory import InventoryPluginRegister
from ruamel.yaml.error import YAMLError

from overlay.errors import ConnectError, FleetError, IntentError
from overlay.loading import inventory_plugin
from overlay.problems import nearest
from tasks.ssh.given_hosts import PLUGIN, GivenHosts
from tasks.ssh.known_hosts import KnownHosts
from tasks.ssh.plugin import CONNECTION, NETMIKO, register
from tasks.ssh.plugin_hosts import from_plugin

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nornir.core import Nornir
    from nornir.core.inventory import Host

    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.given_hosts import GivenHost

TIMEOUT = 26.0
"""Seconds that one node gets to be collected, its connection included, unless the inventory
(`data: {timeout: …}`) or --timeout says otherwise: within 30 s an audit says that one is gone."""
_DEFAULT_KNOWN_HOSTS = "~/.ssh/known_hosts"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts a command is for: `limit` are name globs, `filters` key=value pairs of data."""

    limit: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """A Nornir with its hosts chosen. Close it with `with`, so that no connection stays open."""

    nornir: Nornir
    hosts: tuple[str, ...] = field(default=())

    def only(self, hosts: Collection[str]) -> Fleet:
        """The same Nornir with some of its hosts; a failure before this does not bar them."""
        self.nornir.data.reset_failed_hosts()
        chosen = self.nornir.filter(filter_func=lambda host: host.name in hosts)
        return Fleet(chosen, tuple(chosen.inventory.hosts))

    def said(self, host: str, key: str) -> str:
        """What the inventory says of a host's `key`, as text; empty where it says nothing."""
        return " ".join(_values(self.nornir.inventory.hosts[host], key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        # A task for each of 1,000 hosts without a connection costs as much as reading their YAML.
        held = self.nornir.filter(filter_func=lambda host: bool(host.connections))
        if held.inventory.hosts:
            held.close_connections(on_good=True, on_failed=True)


def open_fleet(
    folder: Path,
    selection: Selection | None = None,
    *,
    workers: int = 50,
    timeout: float | None = None,
) -> Fleet:
    """Loads the inventory of `folder` into Nornir, filtered by `selection`. Connects to nobody.

    `timeout` (seconds) counts before what the inventory says of any host. Raises IntentError when
    a file is not an inventory or the selection matches no host.
    """
    return _ready(_choose(_of_folder(folder, workers), selection or Selection()), timeout)


def open_given(hosts: Sequence[GivenHost], *, workers: int = 50) -> Fleet:
    """A fleet of hosts that were named on the command line. Connects to nobody."""
    InventoryPluginRegister.register(PLUGIN, GivenHosts)
    return _ready(_init({"plugin": PLUGIN, "options": {"hosts": tuple(hosts)}}, workers))


def _ready(nornir: Nornir, timeout: float | None = None) -> Fleet:
    # Netmiko's DEBUG log holds what is sent; paramiko's prints tracebacks of failed handshakes.
    logging.getLogger("netmiko").setLevel(logging.WARNING)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    register()
    known: dict[Path, KnownHosts] = {}
    for host in nornir.inventory.hosts.values():
        if timeout is not None:
            host.data["timeout"] = timeout
        time_limit(host)
        _set_connection(host, known)
    return Fleet(nornir, tuple(nornir.inventory.hosts))


def _init(inventory: dict[str, Any], workers: int) -> Nornir:
    return InitNornir(
        logging={"enabled": False},
        runner={"plugin": "threaded", "options": {"num_workers": workers}},
        inventory=inventory,
    )


def _of_folder(folder: Path, workers: int) -> Nornir:
    plugin = inventory_plugin(folder)
    if plugin is not None:
        return from_plugin(folder, plugin, lambda inventory: _init(inventory, workers))
    options = {
        f"{kind}_file": str(folder / f"{name}.yaml")
        for kind, name in (("host", "hosts"), ("group", "groups"), ("defaults", "defaults"))
    }
    try:
        return _init({"plugin": "SimpleInventory", "options": options}, workers)
    except (YAMLError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise IntentError(
            f"{folder}: Nornir cannot read hosts.yaml, groups.yaml or defaults.yaml: "
            f"{type(error).__name__}: {error}",
            "each maps a name to hostname, port, username, groups and data; a group that a host "
            "names must exist in groups.yaml",
        ) from None


def _choose(nornir: Nornir, selection: Selection) -> Nornir:
    names = tuple(nornir.inventory.hosts)
    for glob in selection.limit:
        if not any(fnmatchcase(name, glob) for name in names):
            close = nearest(glob, names)
            hint = f"did you mean {close}? " if close else ""
            raise IntentError(
                f"--limit {glob}: no host of the inventory has a matching name",
                f"{hint}the first hosts are {', '.join(names[:5])}",
            )
    wanted = [_pair(text) for text in selection.filters]

    def keep(host: Host) -> bool:
        by_name = not selection.limit or any(fnmatchcase(host.name, g) for g in selection.limit)
        return by_name and all(value in _values(host, key) for key, value in wanted)

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


def _values(host: Host, key: str) -> tuple[str, ...]:
    """What the inventory says of `key`, as text: one value, several of groups, or none."""
    if key == "group":
        return tuple(group.name for group in host.groups)
    if key in ("name", "hostname", "platform", "username"):
        return (str(getattr(host, key)),)
    found = host.get(key)
    return () if found is None else (str(found),)


def _set_connection(host: Host, known: dict[Path, KnownHosts]) -> None:
    """Fills in what `FleetSSH` needs; Netmiko's options of the inventory are kept."""
    given = host.get_connection_parameters(NETMIKO)
    path = _path(host.get("known_hosts") or _DEFAULT_KNOWN_HOSTS)
    if path not in known:
        known[path] = KnownHosts.read(path)
    extras: dict[str, Any] = {
        "known_hosts": known[path],
        "allow_agent": bool(os.environ.get("SSH_AUTH_SOCK")),
        "conn_timeout": 6,
        "banner_timeout": max(6, time_limit(host) / 4),
        "auth_timeout": max(10, time_limit(host) / 2),
    }
    if host.get("key_file"):
        extras["key_file"] = str(_path(host["key_file"]))
    if host.get("ssh_config"):
        extras["ssh_config_file"] = str(_path(host["ssh_config"]))
    host.connection_options[CONNECTION] = ConnectionOptions(
        hostname=given.hostname,
        port=given.port,
        username=given.username,
        password=given.password,
        extras={**extras, **(given.extras or {})},
    )


def _path(text: str) -> Path:
    return Path(os.path.expandvars(text)).expanduser()


def connect(host: Host, nornir: Nornir) -> FleetSSH:
    """The host's open connection, opened now if need be. Raises ConnectError."""
    try:
        return cast("FleetSSH", host.get_connection(CONNECTION, nornir.config))
    except ConnectError as error:
        # The connection knows only the address; people look for the inventory's name.
        raise ConnectError(f"{host.name}: {error.what}", error.hint) from error


def time_limit(host: Host) -> float:
    """Seconds in which a node must have been collected. Raises IntentError for no such number."""
    given = host.get("timeout", TIMEOUT)
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        raise IntentError(
            f"{host.name}: its `timeout` in hosts.yaml or groups.yaml is {given!r}",
            "write a number of seconds, such as `data: {timeout: 60}`",
        )
    return float(given)


def needs_sudo(host: Host) -> bool:
    """True when we do not log in as root, so that some commands need `sudo -n`."""
    return (host.get_connection_parameters(CONNECTION).username or "") != "root"
