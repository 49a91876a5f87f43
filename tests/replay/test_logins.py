"""How one may log in: a key that the inventory names, one's own, one that an agent holds."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.replay.conftest import HOSTS
from tests.replay.test_mishaps import collect, edit, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet

pytestmark = pytest.mark.ssh


@pytest.fixture
def home(fleet: ReplayFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder; the inventory names no key any more, and the key's file is `home/key`."""
    key = fleet.inventory.parent / "id_ed25519"
    edit(fleet.inventory, "groups.yaml", f"key_file: {key}", "site: somewhere")
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    shutil.move(key, folder / "key")
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def agent(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    socket = tmp_path / "agent"
    # In the foreground, so that it is a process of ours to end.
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it says where it listens when it does
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    subprocess.run(["ssh-add", "-q", home / "key"], check=True)
    (home / "key").unlink()
    yield
    process.terminate()
    process.wait(timeout=10)


def test_without_a_key_file_ones_own_keys_are_tried(
    fleet: ReplayFleet, intent: FabricIntent, home: Path
) -> None:
    shutil.move(home / "key", home / ".ssh" / "id_ed25519")
    assert collect(fleet, intent) == {host: whole(host) for host in HOSTS}


def test_a_key_that_an_agent_holds_is_enough(
    fleet: ReplayFleet, intent: FabricIntent, agent: None
) -> None:
    assert collect(fleet, intent) == {host: whole(host) for host in HOSTS}


def test_ssh_config_names_the_key_and_the_address(
    fleet: ReplayFleet, intent: FabricIntent, home: Path
) -> None:
    config = home / "config"
    config.write_text(f"Host fabric-*\n  HostName 127.0.0.1\n  IdentityFile {home}/key\n")
    edit(fleet.inventory, "hosts.yaml", "hostname: 127.0.0.1", "hostname: fabric-node")
    edit(fleet.inventory, "groups.yaml", "site: somewhere", f"ssh_config: {config}")
    assert collect(fleet, intent) == {host: whole(host) for host in HOSTS}


def test_nobody_to_log_in_as_is_explained(
    fleet: ReplayFleet, intent: FabricIntent, home: Path
) -> None:
    for capture in collect(fleet, intent).values():
        assert "there is no key to log in with as root" in str(capture.error)
        assert "load one into ssh-agent" in str(capture.error)
