"""How a deployment is to be done: what the command line says, in one place."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # A host's name → why it is not good, or None. Raises FleetError when it cannot tell.
    Prove = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """`confirm_within` is how long a node waits for us before it restores itself, in seconds.

    `intent` names the intent (a hash), `version` us. `prove` is one more proof, asked for each
    node after ours.
    """

    confirm_within: int = 120
    batch: str = ""
    canary: str | None = None
    max_failures: int = 1
    break_lock: bool = False
    take_over: bool = False
    overwrite: bool = False
    intent: str = ""
    version: str = ""
    prove: Prove | None = None


def who_we_are() -> str:
    """The person and the machine that deploy, as locks and manifests name them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "nobody known"
    return f"{user}@{socket.gethostname()}"
