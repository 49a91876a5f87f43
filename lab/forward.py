"""TCP forwarder: ports of this computer's 127.77.0.0/24 to addresses inside a network namespace.

Run as ``python -m lab.forward NAMESPACE_FILE LISTEN=TARGET …``, each side ``ADDRESS:PORT``.  The
sockets that listen are opened here; then the process moves into the namespace, and what it opens
from then on belongs there.  A socket keeps the namespace it was made in, so one process has both.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CLONE_NEWNET = 0x40000000
_CHUNK = 65536
_CONNECT_TIMEOUT = 10.0

_log = logging.getLogger("lab.forward")

Endpoint = tuple[str, int]


def parse_pair(text: str) -> tuple[Endpoint, Endpoint]:
    """``127.77.0.1:2222=10.255.0.1:22`` as two endpoints; ValueError."""
    listen, separator, target = text.partition("=")
    if not separator:
        raise ValueError(f"{text!r} is not LISTEN=TARGET")
    return _endpoint(listen), _endpoint(target)


def main(arguments: Sequence[str]) -> int:
    """Listen, enter the namespace, relay until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    namespace = Path(arguments[0])
    pairs = [parse_pair(text) for text in arguments[1:]]
    listening = [(_listen(listen), target) for listen, target in pairs]
    enter_network_namespace(namespace)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(listening))
    return 0


def enter_network_namespace(path: Path) -> None:
    """Move this process into a network namespace; OSError.  (``os.setns`` came with 3.12.)"""
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open() as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))


async def _serve(listening: Sequence[tuple[socket.socket, Endpoint]]) -> None:
    servers = []
    for opened, target in listening:

        async def relay(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            target: Endpoint = target,
        ) -> None:
            await _relay(reader, writer, target)

        servers.append(await asyncio.start_server(relay, sock=opened))
    _log.info("forwarding %d ports", len(servers))
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Endpoint
) -> None:
    try:
        far_reader, far_writer = await asyncio.wait_for(
            asyncio.open_connection(*target), _CONNECT_TIMEOUT
        )
    except (OSError, TimeoutError) as error:
        _log.info("%s:%d does not answer: %s", *target, error or "timeout")
        writer.close()
        return
    await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    for end in (far_writer, writer):
        end.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """One direction until its end; an end of input is passed on, the other way stays open."""
    with suppress(OSError):
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
        return
    # A reset on one side must end both, or the other direction would wait forever.
    sink.close()


def _listen(endpoint: Endpoint) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(endpoint)
    opened.listen(128)
    return opened


def _endpoint(text: str) -> Endpoint:
    host, _separator, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
