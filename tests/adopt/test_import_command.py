"""`import hosts` as other programs call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.loading import load_inventory
from tests.adopt.folders import EXAMPLES, SEED, texts
from tests.cli.audits import call

if TYPE_CHECKING:
    from pathlib import Path


def test_render_import_render_is_the_same(tmp_path: Path):
    example = EXAMPLES / "route-reflectors"
    assert call("--inventory", example, "render", "-o", tmp_path / "one").code == 0
    imported = tmp_path / "route-reflectors"
    ended = call("import", "hosts", "--from", tmp_path / "one", "-o", imported)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        f"{imported}: 5 nodes, 2 networks, mode evpn, routing symmetric",
        "    0 faults of the files themselves (`lint` lists them)",
        "    0 remarks where hosts differ, or the intent says less",
        "    0 lines not understood",
        "    0 statements that the intent does not say",
        "    0 statements that a deployment adds",
    ]
    assert load_inventory(imported).intent.nodes == load_inventory(example).intent.nodes
    assert call("--inventory", imported, "validate").code == 0
    assert call("--inventory", imported, "render", "-o", tmp_path / "two").code == 0
    assert texts(tmp_path / "two") == texts(tmp_path / "one")


def test_what_is_not_said_is_listed_beside_the_intent(tmp_path: Path):
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", tmp_path / "one").code == 0
    interfaces = tmp_path / "one" / "node1" / "etc" / "network" / "interfaces"
    added = "iface bond0\n bond-slaves eno3 `eno4`\n% if x:\n"
    interfaces.write_text(interfaces.read_text().replace("mtu 1550", "mtu 9000", 1) + added)
    imported = tmp_path / "imported"
    ended = call("import", "hosts", "--from", tmp_path / "one", "-o", imported, "--name", "rack1")
    assert ended.code == 0, ended.err
    text = (imported / "import.md").read_text()
    remark = (
        "node1/etc/network/interfaces:10: the underlay's MTU is 9000 here and 1550 on most hosts: "
        "the intent takes what most say"
    )
    assert f"- `{remark}`\n" in text
    assert remark in ended.out
    assert "- `iface bond0: bond-slaves eno3 'eno4'` (node1:59)\n" in text
    assert "a line of a Mako template" in text
    fabric = (imported / "fabric.yaml").read_text()
    assert f"# {remark}\nname: rack1\n" in fabric


def test_an_inventory_that_is_there_is_not_overwritten(tmp_path: Path):
    (tmp_path / "fabric.yaml").write_text("name: mine\n")
    ended = call("import", "hosts", "--from", SEED / "l3-symmetric", "-o", tmp_path)
    assert ended.code == 1
    assert "there is a fabric.yaml already" in ended.err
    assert (tmp_path / "fabric.yaml").read_text() == "name: mine\n"


def test_files_that_contradict_each_other_are_an_error_that_names_lint(tmp_path: Path):
    ended = call("import", "hosts", "--from", SEED / "l2-evpn", "-o", tmp_path / "new")
    assert ended.code == 1
    assert "192.168.0.2 is already the VTEP address of node2" in ended.err
    assert f"`lint {SEED / 'l2-evpn'}`" in ended.err
