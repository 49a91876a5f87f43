"""How a deployment is to be done: what the command line says, in one place."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.ssh.remote_node import RemoteNode


class Verify(Protocol):
    """One more verification of a deployed node."""

    def __call__(self, node: RemoteNode, files: Mapping[str, str], until: float) -> str | None:
        """Why the node is not good, or None. Raises FleetError when it cannot tell.

        `node` has a connection open, `files` are the node's as rendered, by path, and `until` (a
        `time.monotonic()`) is when the answer must be there. Called in a thread of each node.
        """


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """`confirm_within` is how long a node waits for us before it restores itself, in seconds.

    `intent` names the intent (a hash), `version` us. `verify` is one more verification, asked of
    each node after ours.
    """

    confirm_within: int = 120
    batch: str = ""
    canary: str | None = None
    max_failures: int = 1
    break_lock: bool = False
    take_over: bool = False
    overwrite: bool = False
    replace_foreign: bool = False
    intent: str = ""
    version: str = ""
    verify: Verify | None = None


def who_we_are() -> str:
    """The person and the computer that deploy, as locks and manifests name them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "nobody known"
    return f"{user}@{socket.gethostname()}"
