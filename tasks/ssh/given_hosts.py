"""Hosts that were named on the command line, as a Nornir inventory of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory, ParentGroups

from overlay.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN = "evpn_fleet_given"
_GIVEN = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?P<name>\[[0-9A-Fa-f:.]+\]|[^@:\s]+)(?::(?P<port>[0-9]{1,5}))?"
)
_SSH_CONFIG = "~/.ssh/config"


@dataclass(frozen=True, slots=True)
class GivenHost:
    """One host, and how it is reached. `data` is what `data:` of its entry in `hosts.yaml` says."""

    name: str
    port: int
    username: str
    data: dict[str, str]

    def as_keys(self) -> dict[str, Any]:
        """Its entry of `hosts.yaml`."""
        keys: dict[str, Any] = {"hostname": self.name, "username": self.username}
        keys |= {"port": self.port} if self.port != paramiko.config.SSH_PORT else {}
        return keys | ({"data": self.data} if self.data else {})


def given_hosts(words: Sequence[str], ssh_config: Path | None = None) -> list[GivenHost]:
    """The hosts of `[USER@]NAME[:PORT]` words, as OpenSSH would reach them.

    `ssh_config` is ~/.ssh/config by default. Raises FleetError for a word that is none of these,
    a host that is named twice, and a configuration that is not there or is not one.
    """
    named = ssh_config or Path(_SSH_CONFIG)
    config = _read(named.expanduser(), needed=ssh_config is not None)
    found: dict[str, GivenHost] = {}
    for word in words:
        host = _given(word, config, named)
        if host.name in found:
            raise FleetError(f"--host {word}: it is named twice", "name each host once")
        found[host.name] = host
    return list(found.values())


def _read(file: Path, *, needed: bool) -> paramiko.SSHConfig | None:
    if not file.is_file():
        if needed:
            raise FleetError(f"--ssh-config {file}: there is no such file", "name an ssh_config(5)")
        return None
    try:
        return paramiko.SSHConfig.from_path(str(file))
    except (paramiko.ConfigParseError, OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{file}: not an ssh_config(5): {error}", "correct that line") from None


def _given(word: str, config: paramiko.SSHConfig | None, file: Path) -> GivenHost:
    match = _GIVEN.fullmatch(word)
    if match is None:
        raise FleetError(
            f"--host {word}: not of the form [USER@]NAME[:PORT]",
            "such as node1, root@192.0.2.1 or [2001:db8::1]:2222",
        )
    name = match["name"].strip("[]")
    said = dict(config.lookup(name)) if config else {}
    data = {}
    if said not in ({}, {"hostname": name}):  # a name is always said
        data["ssh_config"] = str(file)
        known = str(said.get("userknownhostsfile", "")).split()
        data |= {"known_hosts": known[0]} if known else {}
    port = match["port"] or said.get("port") or paramiko.config.SSH_PORT
    return GivenHost(name, int(port), match["user"] or str(said.get("user", "root")), data)


class GivenHosts:
    """Nornir's inventory plugin of that name: its hosts are a list of GivenHost."""

    def __init__(self, hosts: Sequence[GivenHost]) -> None:
        self._hosts = hosts

    def load(self) -> Inventory:
        """One Host each, without groups."""
        defaults = Defaults()
        hosts = Hosts()
        for given in self._hosts:
            hosts[given.name] = Host(
                name=given.name,
                hostname=given.name,
                port=given.port,
                username=given.username,
                groups=ParentGroups(),
                data=dict(given.data),
                defaults=defaults,
            )
        return Inventory(hosts=hosts, groups=Groups(), defaults=defaults)
