"""Nornir's connection plugin for our nodes, registered with Nornir under a name of its own.

It is nornir-netmiko's, but for how it opens: that would open only what Netmiko's own table of
device types lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir_netmiko.connections import Netmiko

from overlay.errors import ConnectError
from tasks.ssh.connection import FleetSSH

if TYPE_CHECKING:
    from nornir.core.configuration import Config

CONNECTION = "evpn_fleet"
# Where the inventory gives Netmiko's options: `connection_options: {netmiko: {extras: ...}}`.
NETMIKO = "netmiko"
# Netmiko looks at it for the kind of transport, and writes it into some of its messages.
_DEVICE_TYPE = "linux"


class FleetConnection(Netmiko):
    """Opens a `FleetSSH` for a host; `extras` are Netmiko's options and ours."""

    connection: FleetSSH

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,  # noqa: ARG002 - Nornir's signature; all our nodes are Linux
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,
    ) -> None:
        """Connects and logs in. Raises ConnectError."""
        given = {"host": hostname, "username": username, "password": password, "port": port}
        if configuration is not None:
            given["ssh_config_file"] = configuration.ssh.config_file
        try:
            self.connection = FleetSSH(**{**given, "device_type": _DEVICE_TYPE, **(extras or {})})
        except (TypeError, ValueError) as error:
            raise ConnectError(
                f"Netmiko refuses the connection's options: {error}",
                "correct `connection_options: {netmiko: {extras: ...}}` in the inventory",
            ) from error


def register() -> None:
    """Makes the plugin known to Nornir; again has no effect."""
    ConnectionPluginRegister.register(CONNECTION, FleetConnection)
