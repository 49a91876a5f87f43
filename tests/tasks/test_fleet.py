"""Choosing hosts of an inventory, and how each is reached; nobody is connected to here."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest

from overlay.errors import ConnectError, FleetError, IntentError
from tasks.ssh.fleet import Selection, connect, needs_sudo, open_fleet
from tasks.ssh.plugin import CONNECTION

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = """\
fra-pve1: {hostname: 127.0.0.1, port: 2201, groups: [fra], data: {rack: 7}}
fra-pve2: {hostname: 127.0.0.1, port: 2202, groups: [fra], data: {site: lon}}
lon-pve1: {hostname: 127.0.0.1, groups: [lon]}
bare:
  hostname: bare.example
  username: deploy
  connection_options: {netmiko: {port: 2222, username: root}}
"""
GROUPS = """\
fra:
  username: root
  data: {site: fra, key_file: ~/keys/fra, known_hosts: $FLEET_HOME/known_hosts}
lon:
  username: deploy
  data: {site: lon}
  connection_options: {netmiko: {extras: {conn_timeout: 3}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "fleet"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    (tmp_path / "groups.yaml").write_text(GROUPS)
    (tmp_path / "defaults.yaml").write_text("---\ndata: {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "filters", "hosts"),
    [
        ((), (), ("fra-pve1", "fra-pve2", "lon-pve1", "bare")),
        (("fra-*",), (), ("fra-pve1", "fra-pve2")),
        (("bare", "fra-pve1"), (), ("fra-pve1", "bare")),
        (("*-pve1",), (), ("fra-pve1", "lon-pve1")),
        ((), ("site=lon",), ("fra-pve2", "lon-pve1")),
        ((), ("rack=7",), ("fra-pve1",)),
        ((), ("group=fra",), ("fra-pve1", "fra-pve2")),
        ((), ("name=bare",), ("bare",)),
        ((), ("username=deploy",), ("lon-pve1", "bare")),
        (("fra-*",), ("site=lon",), ("fra-pve2",)),
        ((), ("site=lon", "group=lon"), ("lon-pve1",)),
    ],
)
def test_the_chosen_hosts_are_in_the_inventorys_order(
    folder: Path, limit: tuple[str, ...], filters: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    with open_fleet(folder, Selection(limit, filters)) as fleet:
        assert fleet.hosts == hosts


def test_one_of_a_hosts_groups_is_enough(folder: Path) -> None:
    hosts = HOSTS.replace("groups: [lon]", "groups: [lon, fra]")
    (folder / "hosts.yaml").write_text(hosts)
    with open_fleet(folder, Selection(filters=("group=fra",))) as fleet:
        assert fleet.hosts == ("fra-pve1", "fra-pve2", "lon-pve1")


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(limit=("fra-pve",)), "? the first hosts are fra-pve1, "),
        (Selection(limit=("bare", "nobody")), "--limit nobody: no host of the inventory"),
        (Selection(filters=("site=par",)), "--filter site=par: no host of the inventory"),
        (Selection(filters=("nothing=1",)), "compare with `data:` in hosts.yaml"),
        (Selection(limit=("bare",), filters=("site=fra",)), "--limit bare --filter site=fra"),
        (Selection(filters=("site",)), "--filter site: not of the form key=value"),
        (Selection(filters=("=x",)), "--filter =x: not of the form key=value"),
    ],
)
def test_a_choice_of_nobody_is_explained(folder: Path, selection: Selection, says: str) -> None:
    with pytest.raises(FleetError, match=re.escape(says)):
        open_fleet(folder, selection)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("hosts.yaml", "a: {hostname: [1"),
        ("hosts.yaml", "- a\n- b\n"),
        ("hosts.yaml", "a: 3\n"),
        ("hosts.yaml", "a: {groups: [nowhere]}\n"),
        ("hosts.yaml", "a: {groups: 3}\n"),
        ("groups.yaml", "- x\n"),
        ("groups.yaml", "\tx: 1\n"),
        ("defaults.yaml", "- x\n"),
    ],
)
def test_a_file_that_nornir_cannot_read_is_explained(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(IntentError, match="Nornir cannot read"):
        open_fleet(folder)


def test_an_absent_hosts_file_is_explained(folder: Path) -> None:
    (folder / "hosts.yaml").unlink()
    with pytest.raises(IntentError, match=r"hosts\.yaml"):
        open_fleet(folder)


def test_keys_and_known_hosts_are_expanded(folder: Path) -> None:
    with open_fleet(folder) as fleet:
        hosts = fleet.nornir.inventory.hosts
        fra = hosts["fra-pve1"].get_connection_parameters(CONNECTION)
        lon = hosts["lon-pve1"].get_connection_parameters(CONNECTION)
        bare = hosts["bare"].get_connection_parameters(CONNECTION)
    assert fra.extras is not None
    assert lon.extras is not None
    assert fra.port == 2201
    assert fra.extras["key_file"] == str(folder / "keys/fra")
    assert fra.extras["known_hosts"].path == folder / "fleet/known_hosts"
    assert lon.extras["known_hosts"].path == folder / ".ssh/known_hosts"
    assert lon.extras["conn_timeout"] == 3, "Netmiko's options in the inventory are kept"
    assert (bare.hostname, bare.port, bare.username) == ("bare.example", 2222, "root")


def test_a_wrong_option_of_netmiko_is_explained(folder: Path) -> None:
    (folder / "groups.yaml").write_text(GROUPS.replace("conn_timeout", "conn_timout"))
    with open_fleet(folder) as fleet, pytest.raises(ConnectError) as caught:
        connect(fleet.nornir.inventory.hosts["lon-pve1"], fleet.nornir)
    assert str(caught.value).startswith("lon-pve1: Netmiko refuses the connection's options: ")
    assert "'conn_timout'" in caught.value.what
    assert "connection_options" in caught.value.hint


def test_a_known_hosts_file_is_read_once(folder: Path) -> None:
    with open_fleet(folder) as fleet:
        hosts = fleet.nornir.inventory.hosts
        one, two = (
            (hosts[name].get_connection_parameters(CONNECTION).extras or {})["known_hosts"]
            for name in ("fra-pve1", "fra-pve2")
        )
    assert one is two


def test_sudo_is_for_those_who_are_not_root(folder: Path) -> None:
    with open_fleet(folder) as fleet:
        hosts = fleet.nornir.inventory.hosts
        assert [needs_sudo(host) for host in hosts.values()] == [False, False, True, False]


def test_nothing_is_written_and_secrets_are_not_logged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    logging.getLogger("netmiko").setLevel(logging.DEBUG)
    with open_fleet(folder):
        assert not logging.getLogger("netmiko").isEnabledFor(logging.DEBUG)
    assert list((folder / "empty").iterdir()) == [], "Nornir would write nornir.log there"
