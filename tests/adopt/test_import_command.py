"""`import hosts` as other programs call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from overlay.loading import load_inventory
from overlay.outputs import file_slug
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
        "    0 devices kept beside it, as found",
        "    0 statements of FRR and the kernel kept, as found",
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


BESIDE = """
# the storage network
auto lo eno2
iface eno2 inet static
\taddress 10.99.0.{number}
\tnetmask 255.255.255.0
#storage, switch 2

# stands alone

allow-hotplug bond0
iface bond0
    bond-slaves eno3 \\
        eno4
auto vmbr9
iface vmbr9 inet manual
    bridge_ports bond0
iface vmbr0 inet6 static
    address fd00:99::{number}
    netmask 64
iface eno1
    post-up ethtool -K eno1 gro off
source more/*.conf
"""
KEPT = """\
# the storage network
auto eno2
iface eno2 inet static
\taddress 10.99.0.{number}
\tnetmask 255.255.255.0
#storage, switch 2

allow-hotplug bond0
iface bond0
    bond-slaves eno3 \\
        eno4

auto vmbr9
iface vmbr9 inet manual
    bridge_ports bond0
    # Added by `import`: stock ifupdown2 would take guests off this bridge at each reload.
    bridge-ports-condone-regex ^(tap|veth|fwpr|fwln)[0-9]+

source /etc/network/more/*.conf
"""


def laid_by_hand(folder: Path) -> Path:
    """Rendered files with more in them, as a person has written it."""
    assert call("--inventory", EXAMPLES / "l2-evpn", "render", "-o", folder).code == 0
    for number in (1, 2, 3):
        file = folder / f"node{number}" / "etc" / "network" / "interfaces"
        text = file.read_text().partition("\n")[2] + BESIDE.replace("{number}", str(number))
        file.write_text(text)
    return folder


def test_what_is_beside_the_fabric_is_kept_in_files_that_the_intent_names(tmp_path: Path):
    by_hand, imported = laid_by_hand(tmp_path / "by-hand"), tmp_path / "imported"

    ended = call("import", "hosts", "--from", by_hand, "-o", imported)

    assert ended.code == 0, ended.err
    assert "   15 devices kept beside it, as found\n    0 statements of FRR" in ended.out
    assert "    0 statements that the intent does not say\n" in ended.out
    report = (imported / "import.md").read_text()
    assert "- `kept/node2.interfaces: bond0, eno2, vmbr9, vmbr0, eno1`\n" in report
    assert call("--inventory", imported, "render", "-o", tmp_path / "out").code == 0
    for number in (1, 2, 3):
        network = tmp_path / "out" / f"node{number}" / "etc" / "network"
        kept = (network / "interfaces.d" / "evpn-fleet-kept").read_text()
        assert kept.partition("\n\n")[2] == KEPT.replace("{number}", str(number))
        main = (network / "interfaces").read_text()
        assert "        mtu 1550\n        post-up ethtool -K eno1 gro off\n\n" in main
        assert f"        mtu 1550\n        address fd00:99::{number}/64\n\n" in main
    # What was deployed is found again, as it is.
    again = tmp_path / "imported-again"
    ended = call("import", "hosts", "--from", tmp_path / "out", "-o", again, "--name", "imported")
    assert ended.code == 0, ended.err
    assert "    0 statements that the intent does not say\n    0 statements that a" in ended.out
    assert call("--inventory", again, "render", "-o", tmp_path / "out-again").code == 0
    assert texts(tmp_path / "out-again") == texts(tmp_path / "out")


def test_one_word_is_between_an_observed_fabric_and_a_managed_one(tmp_path: Path):
    by_hand, observed = laid_by_hand(tmp_path / "by-hand"), tmp_path / "observed"
    asked = ["import", "hosts", "--from", by_hand, "--name", "rack1"]
    assert call(*asked, "-o", tmp_path / "managed").code == 0
    assert call(*asked, "-o", observed, "--scope", "observed").code == 0
    assert call("--inventory", observed, "validate").code == 0
    assert {node.scope.value for node in load_inventory(observed).intent.nodes.values()} == {
        "observed"
    }
    fabric = observed / "fabric.yaml"
    fabric.write_text(fabric.read_text().replace("scope: observed\n", ""))
    assert fabric.read_text() == (tmp_path / "managed" / "fabric.yaml").read_text()
    assert texts(observed)["kept"] == texts(tmp_path / "managed")["kept"]


def test_nothing_is_kept_of_a_template_and_that_is_said(tmp_path: Path):
    by_hand = laid_by_hand(tmp_path / "by-hand")
    file = by_hand / "node2" / "etc" / "network" / "interfaces"
    file.write_text(file.read_text() + "% for i in (1, 2):\niface dummy${i}\n% endfor\n")
    ended = call("import", "hosts", "--from", by_hand, "-o", tmp_path / "imported")
    assert ended.code == 0, ended.err
    assert (
        "node2/etc/network/interfaces: it is a Mako template, which ifupdown2 alone can run: "
        "nothing of it is kept, and `plan` names what a deployment removes"
    ) in ended.out
    assert {file.name for file in (tmp_path / "imported" / "kept").iterdir()} == {
        "node1.interfaces", "node3.interfaces",
    }  # fmt: skip


def test_comments_of_what_is_ours_are_listed(tmp_path: Path):
    by_hand, imported = laid_by_hand(tmp_path / "by-hand"), tmp_path / "imported"
    etc = by_hand / "node2" / "etc"
    interfaces, frr = etc / "network" / "interfaces", etc / "frr" / "frr.conf"
    interfaces.write_text(
        interfaces.read_text().replace("iface vmbr0", "# the uplink, `rack 7`\niface vmbr0")
    )
    frr.write_text(frr.read_text() + "! do not touch: password hunter2\n")
    assert call("import", "hosts", "--from", by_hand, "-o", imported).code == 0
    gone = (imported / "import.md").read_text().partition("## Comments that a deployment removes")
    assert "- `! do not touch: password <redacted>` (node2:" in gone[2]
    assert "- `# the uplink, 'rack 7'` (node2:" in gone[2]
    assert "storage" not in gone[2]  # it is kept with what it stands above


def test_a_snapshot_holds_what_an_import_needs(tmp_path: Path):
    example = EXAMPLES / "exit-multi-gateway"
    assert call("--inventory", example, "render", "-o", tmp_path / "files").code == 0
    for host in (tmp_path / "files").iterdir():
        for path in (p for p in (host / "etc").rglob("*") if p.is_file()):
            file = tmp_path / "snapshot" / host.name / f"{file_slug(str(path))}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path.read_text())
        # What FRR runs counts where the file was not collected, and so does what the kernel does.
        (file.parent / "file_frr_conf.txt").rename(file.parent / "running_config.txt")
        (file.parent / "sysctl.txt").write_text("net.ipv4.ip_forward = 1\n")
    imported = tmp_path / "imported"
    ended = call("import", "hosts", "--from", tmp_path / "snapshot", "-o", imported)
    assert ended.code == 0, ended.err
    assert load_inventory(imported).intent.nodes == load_inventory(example).intent.nodes


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
