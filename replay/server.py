"""SSH servers on loopback, one per replayed node, in an event loop with a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self

import asyncssh

from replay.node import SHELLS, Mishap

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from replay.node import ReplayNode

LOOPBACK = "127.0.0.1"
_ENOUGH = 30.0


class Servers:
    """The running servers; `with` ends them, and every session that is still open."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="replay", daemon=True)
        self._ports: dict[str, _Port] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for name in list(self._ports):
            self.stop(name)
        self._call(_settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ENOUGH)
        self._loop.close()

    def start(self, node: ReplayNode, host_key: asyncssh.SSHKey, authorized: Path) -> int:
        """Serves `node` to whom `authorized` (an authorized_keys file) admits; returns the port."""
        port = _Port(node)
        number = self._call(port.listen(host_key, authorized))
        self._ports[node.name] = port
        return int(number)

    def stop(self, name: str) -> None:
        """Closes a node's port and breaks its sessions, as a power failure does."""
        port = self._ports.pop(name, None)
        if port is not None:
            self._call(port.close())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ENOUGH)


class _Port:
    """One node's listening socket and its connections; lives in the servers' loop."""

    def __init__(self, node: ReplayNode) -> None:
        self._node = node
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def listen(self, host_key: asyncssh.SSHKey, authorized: Path) -> int:
        node = self._node

        async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
            await _answer(node, process)

        self._acceptor = await asyncssh.listen(
            LOOPBACK,
            0,
            server_factory=lambda: _Guest(self._connections),
            server_host_keys=[host_key],
            authorized_client_keys=str(authorized),
            process_factory=answer,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(node.home)),
            encoding=None,
            agent_forwarding=False,
            gss_host=None,
        )
        return self._acceptor.get_port()

    async def close(self) -> None:
        if self._acceptor is None:
            return
        self._acceptor.close()
        for connection in list(self._connections):
            connection.abort()
        await self._acceptor.wait_closed()


class _Guest(asyncssh.SSHServer):
    """Keeps the set of open connections; whom to admit is asyncssh's own matter."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections
        self._mine: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._mine = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's own
        if self._mine is not None:
            self._connections.discard(self._mine)


async def _settle() -> None:
    """Lets the tasks of broken sessions come to their end."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _answer(node: ReplayNode, process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Answers one exec: the script on its stdin is read, never run."""
    with contextlib.suppress(asyncssh.Error, OSError):  # the client may leave at any moment
        if process.command not in SHELLS:
            process.stderr.write(f"not recorded: {process.command}\n".encode())
            process.exit(127)
            return
        script = (await process.stdin.read()).decode("utf-8", "replace")
        await asyncio.sleep(node.login_takes)
        try:
            out, err, mishap = node.answer_script(script)
        except ValueError as error:
            out, err, mishap = b"", f"not recorded: {error}\n".encode(), None
        process.stdout.write(out)
        process.stderr.write(err)
        if mishap is Mishap.HANG:
            await process.wait_closed()
        elif mishap is Mishap.CUT:
            process.channel.get_connection().disconnect(
                asyncssh.DISC_BY_APPLICATION, "a connection that breaks"
            )
        else:
            await process.stdout.drain()
            process.exit(127 if not out else 0)
