"""The replayed fleet: recordings of the lab behind real SSH, with an inventory that leads there."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from overlay.errors import FleetError
from overlay.loading import FABRIC_FILE, HOSTS_FILE, load_inventory
from replay.node import ReplayNode, read_tree
from tasks.snapshot import read_snapshot

if TYPE_CHECKING:
    from asyncssh import SSHKey

RECORDINGS = Path(__file__).resolve().parent / "recordings"
BLANK = "blank"
_GROUP = "replay"
_KEY_TYPE = "ssh-ed25519"


class ReplayFleet:
    """Every node of an inventory as an SSH server on 127.0.0.1 that replays `recordings`.

    `recordings` has one folder per scene, each in the form of a snapshot (`collect --output`),
    and `blank/<host>/etc/…`: the managed files before the first deployment. While the `with` block
    runs, `inventory` is a folder for the commands' `--inventory`: the same intent, with hosts,
    host keys and a login key of its own, in a private temporary folder that goes with the block.
    """

    def __init__(
        self, inventory: Path, recordings: Path = RECORDINGS, *, scene: str | None = None
    ) -> None:
        self._source = inventory
        self._recordings = recordings
        self._scene = scene
        self._stack = contextlib.ExitStack()
        self._servers: Any = None
        self.inventory = Path()
        self.nodes: dict[str, ReplayNode] = {}

    def __enter__(self) -> Self:
        """Raises IntentError or SnapshotError for the folders, FleetError without asyncssh."""
        names = tuple(load_inventory(self._source).intent.nodes)
        with self._stack:
            home = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="evpn-fleet-replay-"))
            )
            self.nodes = {name: self._make_node(name, home) for name in names}
            if self._scene is not None:
                self.play(self._scene)
            self._servers = self._stack.enter_context(_servers())
            self.inventory = self._serve(home)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def play(self, scene: str) -> None:
        """From now on the reading commands show `scene`; a host without it answers nothing.

        Raises SnapshotError when there is no such scene.
        """
        for capture in read_snapshot(self._recordings / scene, self.nodes):
            self.nodes[capture.host].recording = capture.outputs

    def power_off(self, name: str) -> None:
        """Closes the node's port and breaks its sessions; it stays down."""
        self._servers.stop(name)

    def _make_node(self, name: str, home: Path) -> ReplayNode:
        files = read_tree(self._recordings / BLANK / name)
        return ReplayNode(name, home / "nodes" / name, files)

    def _serve(self, home: Path) -> Path:
        """Starts the servers and writes their inventory; returns its folder."""
        client, authorized = _make_login(home)
        known, hosts = [], {}
        for name, node in self.nodes.items():
            host_key = _generate_key()
            port = self._servers.start(node, host_key, authorized)
            known.append(f"[127.0.0.1]:{port} {_public(host_key)}")
            hosts[name] = {"hostname": "127.0.0.1", "port": port, "groups": [_GROUP]}
        known_hosts = home / "known_hosts"
        known_hosts.write_text("".join(known), encoding="utf-8")
        login = {"key_file": str(client), "known_hosts": str(known_hosts)}
        folder = home / "inventory"
        folder.mkdir()
        shutil.copyfile(self._source / FABRIC_FILE, folder / FABRIC_FILE)
        _write_yaml(folder / HOSTS_FILE, hosts)
        _write_yaml(folder / "groups.yaml", {_GROUP: {"username": "root", "data": login}})
        _write_yaml(folder / "defaults.yaml", {"data": {}})
        return folder


def _servers() -> contextlib.AbstractContextManager[Any]:
    try:
        from replay.server import Servers  # noqa: PLC0415 - asyncssh is of the extra `demo` only
    except ModuleNotFoundError as error:
        raise FleetError(
            f"the replayed fleet needs the library {error.name}, which is not installed",
            "run setup.sh, or `pip install 'evpn-fleet[demo]'`",
        ) from None
    return Servers()


def _generate_key() -> SSHKey:
    import asyncssh  # noqa: PLC0415 - as above

    return asyncssh.generate_private_key(_KEY_TYPE)


def _public(key: SSHKey) -> str:
    return key.export_public_key("openssh").decode()


def _make_login(home: Path) -> tuple[Path, Path]:
    """A fresh login key: its private file, which only we may read, and an authorized_keys file."""
    key = _generate_key()
    private, authorized = home / "id_ed25519", home / "authorized_keys"
    private.touch(mode=0o600)
    private.write_bytes(key.export_private_key("openssh"))
    authorized.write_text(_public(key), encoding="utf-8")
    return private, authorized


def _write_yaml(path: Path, data: object) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
