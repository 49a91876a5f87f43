"""The chosen hosts of an inventory, each to be reached over a connection of its own."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from nornir.core.inventory import ConnectionOptions
from nornir.core.plugins.inventory import InventoryPluginRegister
from nornir.core.processor import Processors
from nornir.core.task import Task
from nornir.plugins.runners import SerialRunner

from overlay.errors import ConnectError
from tasks.ssh.given_hosts import PLUGIN, GivenHosts
from tasks.ssh.hosts import Selection, choose, read_hosts, start, time_limit, values_of
from tasks.ssh.known_hosts import KnownHosts
from tasks.ssh.plugin import CONNECTION, NETMIKO, register

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from nornir.core import Nornir
    from nornir.core.inventory import Host
    from nornir.core.task import MultiResult, Result

    from tasks.ssh.connection import FleetSSH
    from tasks.ssh.given_hosts import GivenHost

_DEFAULT_KNOWN_HOSTS = "~/.ssh/known_hosts"


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
        return " ".join(values_of(self.nornir.inventory.hosts[host], key))

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
    chosen = choose(read_hosts(folder, workers), selection or Selection(), folder)
    return _ready(chosen, timeout)


def open_given(hosts: Sequence[GivenHost], *, workers: int = 50) -> Fleet:
    """A fleet of hosts that were named on the command line. Connects to nobody."""
    InventoryPluginRegister.register(PLUGIN, GivenHosts)
    return _ready(start({"plugin": PLUGIN, "options": {"hosts": tuple(hosts)}}, workers))


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


def run_on_one(fleet: Fleet, name: str, task: Callable[..., Result], **fields: Any) -> MultiResult:
    """Runs a Nornir task on one host in the caller's thread; any host of the fleet, several at a
    time.
    """
    made = Task(task, fleet.nornir, False, Processors([]), **fields)
    return SerialRunner().run(made, [fleet.nornir.inventory.hosts[name]])[name]


def needs_sudo(host: Host) -> bool:
    """True when we do not log in as root, so that some commands need `sudo -n`."""
    return (host.get_connection_parameters(CONNECTION).username or "") != "root"
