"""The SSH connection: Netmiko's options without its interactive shell.

It stops after the transport is authenticated: waiting for a login shell's prompt costs more
than the whole audit, and scraping one loses exit status, stderr and the last line.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import paramiko
from netmiko.linux import LinuxSSH
from paramiko.ssh_exception import NoValidConnectionsError

from overlay.errors import CommandError, ConnectError
from tasks.ssh.retries import has_no_key, is_bad_key_file, is_unknown_host_key, retrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.ssh.known_hosts import KnownHosts
    from tasks.ssh.script import Script

# sshd drops unauthenticated connections at random beyond MaxStartups (10 by default), and many
# handshakes at once only wait for each other on one core.
_CONNECTORS = threading.BoundedSemaphore(24)
_READ_SIZE = 1 << 18
MOST_OF_A_SESSION = 256 * 1024 * 1024
"""Bytes that are read over one connection, of all its commands together: a node that never stops
talking must not take the memory that the audit of all others needs."""
# Seconds for which output may still come after the shell's exit status.
_LATE_OUTPUT = 1.0
# After so many seconds without output the node is asked whether it is still there, and has so long
# to answer. TCP alone would not tell: behind a jump host its connection outlives the node.
_SILENCE = 5.0
_ANSWERS_WITHIN = 5.0


def _with_gcm_first(sock: Any, /, **given: Any) -> paramiko.Transport:
    """Paramiko's transport, which asks for AES-GCM before AES-CTR, as OpenSSH does.

    Paramiko compares the MAC of each packet byte by byte in Python, and GCM has none apart: an
    audit's 820 kB of a node take 9.2 ms of CPU, login included, and 11.5 with AES-CTR.
    """
    transport = paramiko.Transport(sock, **given)
    options = transport.get_security_options()
    options.ciphers = sorted(options.ciphers, key=lambda name: "-gcm@" not in name)
    return transport


class NotTriedError(ConnectError):
    """Too many others were connecting: of the node itself nothing is known."""


class FleetSSH(LinuxSSH):
    """A Netmiko connection that is only a transport: `run(script)` and `open_sftp()`."""

    def __init__(
        self, *, known_hosts: KnownHosts, give_up_at: float | None = None, **kwargs: Any
    ) -> None:
        """`give_up_at`: no attempt to connect begins or waits after this `time.monotonic()`."""
        self._known_hosts = known_hosts
        self._give_up_at = give_up_at
        self._last_failure: BaseException | None = None
        self.cut_by: Literal["", "time", "size"] = ""
        super().__init__(**kwargs)

    def _client_for(self, host: str, port: int) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        name = host if port == paramiko.config.SSH_PORT else f"[{host}]:{port}"
        for key in self._known_hosts.of(name):
            client.get_host_keys().add(name, key.get_name(), key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        return client

    def establish_connection(self, width: int = 511, height: int = 1000) -> None:  # noqa: ARG002
        """Opens and authenticates the transport; raises ConnectError that says what to do."""
        try:
            retrying()(self._connect_once)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._refusal(error) from error

    def _connect_once(self) -> None:
        given = self._connect_params_dict()
        # OpenSSH's order: the key that is named, those that ssh_config names, then ~/.ssh/id_*.
        given["key_filename"] = given["key_filename"] or self._identity_files()
        given["look_for_keys"] = not given["key_filename"]
        # Under the name that is dialled, which ssh_config may have changed.
        client = self._client_for(given["hostname"], given["port"])
        try:
            given |= self._short_timeouts()
            if given.get("sock") is None:
                # Before it is one of the few that shake hands: a host that does not answer at all
                # would keep those waiting that do.
                where = given["hostname"], given["port"]
                given["sock"] = socket.create_connection(where, given["timeout"])
            with _CONNECTORS:
                client.connect(**given | self._short_timeouts(), transport_factory=_with_gcm_first)
        except BaseException as error:
            client.close()
            self._last_failure = error
            raise
        self.remote_conn_pre = client
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(15)

    def _identity_files(self) -> list[str]:
        """Returns the private keys that ssh_config names for this host and that are there."""
        if not self.ssh_config_file or not Path(self.ssh_config_file).is_file():
            return []
        named = paramiko.SSHConfig.from_path(str(self.ssh_config_file)).lookup(self.host)
        return [file for file in named.get("identityfile", []) if Path(file).is_file()]

    def _short_timeouts(self) -> dict[str, float]:
        """Returns the timeouts of an attempt that begins now, if they have to be shorter."""
        if self._give_up_at is None:
            return {}
        left = self._give_up_at - time.monotonic()
        if left <= 0 and self._last_failure is not None:
            raise self._refusal(self._last_failure)
        if left <= 0:
            raise NotTriedError(f"{self.host}: time ran out before it was contacted")
        given = {
            "timeout": self.conn_timeout,
            "banner_timeout": self.banner_timeout,
            "auth_timeout": self.auth_timeout,
        }
        return {name: min(left, seconds or left) for name, seconds in given.items()}

    def _refusal(self, error: BaseException) -> ConnectError:
        """Says in the field's words why there is no connection, and what to do about it."""
        port = self.port or 22
        where, scan = f"{self.host} port {port}", f"ssh-keyscan -p {port} {self.host}"
        if isinstance(error, paramiko.BadHostKeyException):
            return ConnectError(
                f"{where}: THE HOST KEY HAS CHANGED: it does not match {self._known_hosts.path}",
                "if the node was reinstalled, replace its line there; if not, somebody may "
                "intercept the connection: compare the fingerprint on the node's console first "
                f"(`{scan}`)",
            )
        if is_unknown_host_key(error):
            return ConnectError(
                f"{where}: its host key is not in {self._known_hosts.path}, and unknown keys are "
                "never accepted",
                f"compare the fingerprint on the node, then append the output of `{scan}`",
            )
        if isinstance(error, paramiko.AuthenticationException):
            return ConnectError(
                f"{where}: it refused the login of user {self.username}: {error}",
                "check username and key_file in the inventory, and the node's authorized_keys",
            )
        if has_no_key(error):
            return ConnectError(
                f"{where}: there is no key to log in with as {self.username}",
                "name one in the inventory (`data: {key_file: ...}`), load one into ssh-agent, or "
                "have one where OpenSSH looks for it (~/.ssh/id_ed25519)",
            )
        if isinstance(error, FileNotFoundError) and self.key_file:
            return ConnectError(
                f"{where}: there is no key file {self.key_file}",
                "correct `key_file` in the inventory, or bring the lab up if it is the lab's",
            )
        if is_bad_key_file(error):
            return ConnectError(
                f"{where}: {self.key_file} cannot be used as a private key: {error}",
                "name the private half of an OpenSSH key in `key_file`, not the .pub file",
            )
        if isinstance(error, socket.gaierror):
            return ConnectError(f"{where}: the name does not resolve: {error}", "correct hostname")
        if isinstance(error, NoValidConnectionsError):
            error = next(iter(error.errors.values()))  # "Unable to connect" says not why
        reason = str(error) or type(error).__name__
        return ConnectError(
            f"{where}: no SSH connection: {reason}",
            "check that the node is up and its sshd answers",
        )

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: FBT001, FBT002
        """Nothing to prepare: there is no shell."""

    def is_alive(self) -> bool:
        client = self.remote_conn_pre
        transport = client.get_transport() if client else None
        return bool(transport and transport.is_active())

    def open_sftp(self) -> paramiko.SFTPClient:
        """An SFTP session on the same transport."""
        return self._client().open_sftp()

    def _client(self) -> paramiko.SSHClient:
        if self.remote_conn_pre is None:
            raise ConnectError(f"{self.host}: the connection is closed", "run the command again")
        return self.remote_conn_pre

    def _ask_if_there(self) -> None:
        """Returns when the node's sshd answers; raises SSHException when it does not, in time."""
        try:
            self._open_channel(_ANSWERS_WITHIN).close()
        except paramiko.ChannelException:
            return  # it refuses another channel, and that is an answer
        except paramiko.SSHException as error:
            raise paramiko.SSHException(
                f"the node has stopped answering ({error or type(error).__name__})"
            ) from error

    def _open_channel(self, timeout: float) -> paramiko.Channel:
        transport = self._client().get_transport()
        if transport is None:
            raise paramiko.SSHException("the transport is gone")
        return transport.open_session(timeout=timeout)

    def run(
        self, script: Script, *, sudo: bool = False, deadline: float = 120
    ) -> tuple[bytes, bytes]:
        """Runs `script` in one exec and returns all of its stdout and stderr.

        The script goes through stdin, so nothing of it shows in the node's process list. What came
        until then is returned when `deadline` (seconds) is over or the connection breaks: the
        frames tell which sections are whole, and `cut_by` which limit of ours ended it, if one did.
        Raises CommandError when no shell could be started, or when the node itself stops
        answering: a command may be silent for long, a node not.
        """
        limit = time.monotonic() + deadline
        self.cut_by = ""
        shell = "sudo -n /bin/sh -s" if sudo else "/bin/sh -s"
        try:
            channel = self._open_channel(min(deadline, 15))
            with contextlib.closing(channel):
                channel.settimeout(15)
                channel.exec_command(shell)
                channel.sendall(script.text.encode())
                channel.shutdown_write()
                room = (script.cap + 8192) * max(1, len(script.slugs))
                room = min(room, MOST_OF_A_SESSION)
                out, err = _drain(channel, limit, room, self._ask_if_there)
                if len(out) + len(err) >= room:
                    self.cut_by = "size"
                elif time.monotonic() >= limit:
                    self.cut_by = "time"
                return out, err
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise CommandError(
                f"{self.host}: the SSH connection broke: {error or type(error).__name__}",
                "check the node and the path to it, then run the command again",
            ) from error


def _drain(
    channel: paramiko.Channel,
    limit: float,
    room: int,
    ask_if_there: Callable[[], None] = lambda: None,
) -> tuple[bytes, bytes]:
    # Both streams are read as they come: one that is not read blocks the other when it is full.
    out, err = bytearray(), bytearray()
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    heard = asked = time.monotonic()
    while len(out) + len(err) < room:
        # Asked before the streams are emptied, so that nothing can arrive in between unread.
        ended = channel.eof_received or channel.closed
        exited = channel.exit_status_ready()
        # One piece of each at a time: a node that talks without end must not outlast the limits.
        got = channel.recv_ready()
        if got:
            out += channel.recv(_READ_SIZE)
        if channel.recv_stderr_ready():
            err += channel.recv_stderr(_READ_SIZE)
            got = True
        now = time.monotonic()
        heard = now if got else heard
        # The exit status may overtake the last output, so it ends nothing by itself; but a process
        # that was left behind on the node may hold the streams open for ever.
        if (ended and not got) or (exited and now - heard > _LATE_OUTPUT) or now >= limit:
            break
        if not got:
            poll.poll(min(limit - now, _LATE_OUTPUT) * 1000)
            if time.monotonic() - max(heard, asked) > _SILENCE:
                ask_if_there()
                asked = time.monotonic()
    return bytes(out), bytes(err)
