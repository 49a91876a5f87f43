"""TCP ports in front of replayed nodes: an sshd with too many logins, and a host that is gone."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.fleet import ReplayFleet

LOOPBACK = "127.0.0.1"


class CrowdedDoor:
    """Drops each connection at once for `seconds` from the first, then leads to `target`."""

    def __init__(self, target: int, seconds: float) -> None:
        self._target = target
        self._seconds = seconds
        self._server = socket.create_server((LOOPBACK, 0))
        self._open_at: float | None = None
        self.dropped = 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                guest, _ = self._server.accept()
                now = time.monotonic()
                self._open_at = self._open_at or now + self._seconds
                if now < self._open_at:
                    self.dropped += 1
                    guest.close()
                    continue
                node = socket.create_connection((LOOPBACK, self._target))
                for ends in ((guest, node), (node, guest)):
                    threading.Thread(target=_pass, args=ends, daemon=True).start()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port that answers nothing: its queue is full, so that the kernel drops what knocks."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        port = int(server.getsockname()[1])
        for _ in range(4):
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex((LOOPBACK, port))
        yield port


def port_of(fleet: ReplayFleet, name: str) -> int:
    return int(yaml.safe_load((fleet.inventory / "hosts.yaml").read_text())[name]["port"])


def move(fleet: ReplayFleet, name: str, port: int) -> None:
    """From now on the node is reached at that port, with the same host key."""
    old = port_of(fleet, name)
    path = fleet.inventory / "hosts.yaml"
    hosts = yaml.safe_load(path.read_text())
    hosts[name]["port"] = port
    path.write_text(yaml.safe_dump(hosts))
    known = fleet.inventory.parent / "known_hosts"
    known.write_text(known.read_text().replace(f"[127.0.0.1]:{old} ", f"[127.0.0.1]:{port} "))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as server:
        return int(server.getsockname()[1])
