"""Where the lab keeps its files; everything hangs on the environment, nothing on the cwd."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Sockets, because their paths may not exceed 107 characters, and the marker of the one lab
# that this computer can hold: both belong to this boot, not to a user's home.
RUNTIME = Path("/run/evpn-fleet-lab")


@dataclass(frozen=True, slots=True)
class NodePaths:
    """The files of one node."""

    folder: Path

    @property
    def cow(self) -> Path:
        """The node's own disk blocks; deleting it makes the node blank."""
        return self.folder / "disk.cow"

    @property
    def seed(self) -> Path:
        """The second disk: a tar with the node's identity, unpacked at every boot."""
        return self.folder / "seed.tar"

    @property
    def pid(self) -> Path:
        """The process id of the node's UML kernel."""
        return self.folder / "pid"

    @property
    def console(self) -> Path:
        """What the node's kernel and systemd printed."""
        return self.folder / "console.log"

    @property
    def record(self) -> Path:
        """What the node was started as (JSON), to see when the inventory asks for another."""
        return self.folder / "node.json"

    @property
    def host_key(self) -> Path:
        """The node's SSH host key; it outlives the disk."""
        return self.folder / "ssh_host_ed25519_key"


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The lab's state folder, its caches and its run-time folder."""

    state: Path
    images: Path
    runtime: Path = RUNTIME

    @property
    def kernels(self) -> Path:
        """The folder of fetched kernels, and of what is known of them on this computer."""
        return self.images.parent / "kernels"

    def node(self, name: str) -> NodePaths:
        """The files of that node."""
        return NodePaths(self.nodes / name)

    @property
    def nodes(self) -> Path:
        """The folder that holds one folder for each node."""
        return self.state / "nodes"

    @property
    def client_key(self) -> Path:
        """The private key that opens every node."""
        return self.state / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Every node's real host key, written before the first connection."""
        return self.state / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """``ssh -F`` this file and a node's name is all it takes."""
        return self.state / "ssh_config"

    @property
    def forward_pid(self) -> Path:
        """The process id of the forwarder."""
        return self.state / "forward.pid"

    @property
    def forward_log(self) -> Path:
        """What the forwarder had to say."""
        return self.state / "forward.log"

    @property
    def lock(self) -> Path:
        """Held while the lab changes."""
        return self.state / "lock"

    @property
    def owner(self) -> Path:
        """The state folder of the lab that runs now."""
        return self.runtime / "owner"

    @property
    def sockets(self) -> Path:
        """The control sockets of shared SSH connections."""
        return self.runtime / "ssh"


def lab_paths(environ: Mapping[str, str] = os.environ) -> LabPaths:
    """The lab's folders under the XDG base directories; creates nothing."""
    home = Path(environ.get("HOME") or "~").expanduser()
    # An empty or relative XDG variable is to be ignored, says the XDG specification.
    state = _absolute(environ.get("XDG_STATE_HOME")) or home / ".local" / "state"
    cache = _absolute(environ.get("XDG_CACHE_HOME")) or home / ".cache"
    return LabPaths(state / "evpn-fleet" / "lab", cache / "evpn-fleet" / "images")


def _absolute(value: str | None) -> Path | None:
    return Path(value) if value and Path(value).is_absolute() else None
