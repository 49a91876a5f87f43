"""A receiver of notifications on this computer, as apprise's json:// knows it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "s3cr3t-t0ken"


@dataclass
class Inbox:
    """What arrived. `status` is what the next message is answered with, after `delay` seconds."""

    port: int = 0
    status: int = 200
    delay: float = 0.0
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.port}/hook/{SECRET}"


@contextlib.contextmanager
def inbox() -> Iterator[Inbox]:
    """Yield an Inbox that listens until the block ends."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(box.delay)
            if box.status == 200:
                box.messages.append(json.loads(body))
            self.send_response(box.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
