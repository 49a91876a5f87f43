"""Hosts that a plugin of Nornir knows: `nornir.yaml` beside `fabric.yaml`, and no hosts.yaml."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from nornir.core.inventory import Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.inventory import InventoryPluginRegister

from overlay.loading import load_inventory
from tasks.plan import FileState
from tests.cli.audits import call
from tests.rendering import render
from tests.replay.conftest import HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replay.fleet import ReplayFleet

NAME = "FromJson"


class FromJson:
    """A small plugin: a JSON file with a list of machines, as a source of truth may print it."""

    def __init__(self, file: str, site: str = "") -> None:
        self._file, self._site = file, site

    def load(self) -> Inventory:
        defaults = Defaults()
        with open(self._file, encoding="utf-8") as file:  # noqa: PTH123 - as plugins do
            machines = json.load(file)
        hosts = Hosts()
        for name, keys in machines.items():
            data = {key: keys[key] for key in ("key_file", "known_hosts", "site") if key in keys}
            hosts[name] = Host(
                name, hostname=keys["ip"], port=keys["port"], username="root", data=data,
                defaults=defaults,
            )  # fmt: skip
        return Inventory(hosts=hosts, groups=Groups(), defaults=defaults)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    InventoryPluginRegister.register(NAME, FromJson)
    yield
    InventoryPluginRegister.deregister(NAME)


def machines(fleet: ReplayFleet) -> dict[str, dict[str, object]]:
    """The replayed nodes, and one that is not a node of the fabric."""
    hosts = yaml.safe_load((fleet.inventory / "hosts.yaml").read_text())
    data = yaml.safe_load((fleet.inventory / "groups.yaml").read_text())["replay"]["data"]
    found = {
        name: {"ip": "127.0.0.1", "port": host["port"], "site": "fra"} | data
        for name, host in hosts.items()
    }
    return found | {"printer": {"ip": "127.0.0.1", "port": 9}}


def lay(
    folder: Path, known: dict[str, dict[str, object]], plugin: str = NAME, **options: object
) -> None:
    for name in ("hosts.yaml", "groups.yaml", "defaults.yaml"):
        (folder / name).unlink()
    (folder / "source").mkdir()
    (folder / "source" / "machines.json").write_text(json.dumps(known))
    said = {"plugin": plugin, "options": {"file": "./source/machines.json"} | options}
    (folder / "nornir.yaml").write_text(yaml.safe_dump({"inventory": said}))


@pytest.mark.ssh
def test_the_plugins_hosts_are_asked(fleet: ReplayFleet, tmp_path: Path):
    lay(fleet.inventory, machines(fleet))
    assert call("--inventory", fleet.inventory, "validate").code == 0
    ended = call("--inventory", fleet.inventory, "collect", "-o", tmp_path / "snapshot")
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'snapshot'}: 3 of 3 nodes\n")
    assert sorted(p.name for p in (tmp_path / "snapshot").iterdir() if p.is_dir()) == sorted(HOSTS)
    one = call("--inventory", fleet.inventory, "plan", "--limit", "node1", "--filter", "site=fra")
    assert "reading the managed files of 1 nodes" in one.err


@pytest.mark.ssh
def test_lint_and_import_ask_them_before_there_is_an_intent(fleet: ReplayFleet, tmp_path: Path):
    known = machines(fleet)
    del known["printer"]
    lay(fleet.inventory, known)
    wanted = load_inventory(fleet.inventory).intent
    for name, files in render(wanted).items():
        fleet.nodes[name].files = {path: FileState(text) for path, text in files.items()}
    (fleet.inventory / "fabric.yaml").unlink()
    refused = call("--inventory", fleet.inventory, "import", "hosts", "-o", tmp_path / "other")
    assert refused.code == 1
    assert f"write the intent beside it: --output {fleet.inventory}" in refused.err
    assert call("--inventory", fleet.inventory, "lint").code == 0
    ended = call("--inventory", fleet.inventory, "import", "hosts", "-o", fleet.inventory)
    assert ended.code == 0, ended.err
    assert load_inventory(fleet.inventory).intent.nodes == wanted.nodes
    assert not (fleet.inventory / "hosts.yaml").exists()


@pytest.mark.ssh
def test_what_is_wrong_is_said(fleet: ReplayFleet):
    known = machines(fleet)
    known["nod3"] = known.pop("node3")
    lay(fleet.inventory, known)

    def said() -> str:
        ended = call("--inventory", fleet.inventory, "plan")
        assert ended.code == 1
        return ended.err

    assert "the inventory plugin FromJson knows no host node3" in said()
    assert "did you mean nod3?" in said()
    file = fleet.inventory / "nornir.yaml"
    file.write_text("inventory: {plugin: NetBoxx}\n")
    assert "no inventory plugin NetBoxx is installed" in said()
    assert "known are: " in said()
    file.write_text("inventory: {plugin: FromJson, options: {file: ./absent.json}}\n")
    assert "the inventory plugin FromJson failed: FileNotFoundError" in said()
    file.write_text("inventory: {plugin: FromJson, optoins: {}}\n")
    assert "nornir.yaml:1:31: inventory.optoins: unknown key `optoins`" in said()
    assert "did you mean `options`?" in call("--inventory", fleet.inventory, "validate").err


@pytest.mark.ssh
def test_an_inventory_of_ansible(fleet: ReplayFleet, tmp_path: Path):
    """As its users lay it: groups within groups, and the variables of a group beside them."""
    pytest.importorskip("nornir_ansible", reason="it is not installed: pip install '.[test]'")
    known = machines(fleet)
    lay(fleet.inventory, known, "AnsibleInventory")
    source = fleet.inventory / "source"
    (source / "group_vars").mkdir()
    (source / "group_vars" / "fabric.yml").write_text(
        yaml.safe_dump({"ansible_user": "root", "site": "fra"} | _reaching(known["node1"]))
    )
    hosts = {
        name: {"ansible_host": "127.0.0.1", "ansible_port": keys["port"]}
        for name, keys in known.items()
        if name != "printer"
    }
    told = {
        "fabric": {"children": {"rack1": {"hosts": hosts}}},
        "office": {"hosts": {"printer": {}}},
    }
    (source / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": told}}))
    options = {"hostsfile": "./source/hosts.yml"}
    (fleet.inventory / "nornir.yaml").write_text(
        yaml.safe_dump({"inventory": {"plugin": "AnsibleInventory", "options": options}})
    )
    ended = call("--inventory", fleet.inventory, "collect", "-o", tmp_path / "snapshot")
    assert (ended.code, ended.out) == (0, f"{tmp_path / 'snapshot'}: 3 of 3 nodes\n"), ended.err
    some = call(
        "--inventory", fleet.inventory, "plan", "--filter", "site=fra", "--limit", "node[12]"
    )
    assert "reading the managed files of 2 nodes" in some.err


def _reaching(machine: dict[str, object]) -> dict[str, object]:
    return {key: machine[key] for key in ("key_file", "known_hosts") if key in machine}
