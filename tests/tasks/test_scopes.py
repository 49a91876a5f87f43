"""The managed scope: which file is ours, and what the node's other files must leave to it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from overlay.derive import derive
from overlay.errors import DeployError
from overlay.intent import Fabric
from tasks.files import INTERFACES, OVERLAY_INTERFACES, SYSCTL
from tasks.plan import FileChange, FileState
from tasks.scopes import elsewhere_section, matches, require_scope
from tasks.steps import apply_sections, verify_sections
from tests.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

    from overlay.expected import FabricIntent, NodeIntent

SOURCED = "/etc/network/interfaces:source /etc/network/interfaces.d/*\n"
OURS = f"{OVERLAY_INTERFACES.path}:iface vxlan2 inet manual\n"


def fabric(**changes: Any) -> FabricIntent:
    base: dict[str, Any] = {
        "mode": "evpn",
        "routing": "symmetric",
        "scope": "overlay",
        "bgp": {"asn": 1234},
        "underlay": {"prefix": "192.168.0.0/24"},
        "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
        "vrfs": {"vrf1": {"l3vni": 4000}},
        "networks": [{"vni": 2, "vrf": "vrf1", "gateways": ["10.0.2.254/24"]}],
        "nodes": {"node1": {"address": "192.168.0.1"}},
    }
    return derive(Fabric.model_validate({**base, **changes}))


def node(**changes: Any) -> NodeIntent:
    return fabric(**changes).nodes["node1"]


def test_the_overlay_scope_writes_a_file_of_its_own_without_the_underlay() -> None:
    files = render(fabric())["node1"]
    assert INTERFACES.path not in files
    lines = files[OVERLAY_INTERFACES.path].splitlines()
    devices = [line.split()[1] for line in lines if line.startswith("iface ")]
    assert devices == ["vrf1", "vxlan2", "vxlan4000", "vmbr2", "vmbr4000"]
    assert [line.split()[1] for line in lines if line.startswith("allow-evpn ")] == devices
    assert [line.split()[1] for line in lines if line.startswith("auto ")] == devices
    assert not [line for line in lines if line.startswith("source")]


def test_both_scopes_write_the_same_stanzas() -> None:
    overlay = render(fabric())["node1"][OVERLAY_INTERFACES.path]
    whole = render(fabric(scope="whole"))["node1"][INTERFACES.path]
    ours = [stanza for stanza in overlay.split("\n\n")[1:] if stanza]
    for stanza in ours:
        assert stanza.replace(f"allow-evpn {stanza.split()[1]}\n", "").strip() in whole


def test_only_our_devices_are_reloaded_and_verified() -> None:
    text = render(fabric())["node1"][OVERLAY_INTERFACES.path]
    change = FileChange(OVERLAY_INTERFACES, FileState(None), FileState(text))
    commands = {section.slug: section.command for section in apply_sections((change,), "/tmp/s")}
    assert commands["ifreload"].partition(" && ")[0] == "ifreload --allow evpn"
    # Where the kernel differs it is reloaded again: our devices alone, then, too.
    assert commands["ifreload"].count("ifreload") == commands["ifreload"].count("--allow evpn") == 2
    (verify,) = verify_sections((change,))
    assert "--check vrf1 vxlan2 vxlan4000 vmbr2 vmbr4000)" in verify.command


def test_a_file_that_is_half_installed_is_never_sourced() -> None:
    change = FileChange(OVERLAY_INTERFACES, FileState(None), FileState("x\n"))
    command = next(s for s in apply_sections((change,), "/tmp/s") if s.slug.startswith("install"))
    assert "/etc/network/interfaces.d/.evpn-fleet.evpn-fleet-new" in command.command


def test_a_node_that_sources_the_folder_is_accepted() -> None:
    require_scope(node(), SOURCED + OURS + "/etc/network/interfaces:iface vmbr0 inet static\n")
    require_scope(node(), f"/etc/network/interfaces:source {OVERLAY_INTERFACES.path}\n")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "/etc/network/interfaces:source /etc/network/other.d/*\n",
        "/etc/network/interfaces.d/x:source /etc/network/interfaces.d/*\n",
        "/etc/network/interfaces:iface source inet manual\n",
    ],
)
def test_a_node_that_does_not_source_the_folder_is_refused(said: str) -> None:
    with pytest.raises(DeployError) as caught:
        require_scope(node(), said)
    assert "does not source /etc/network/interfaces.d/*" in caught.value.what
    assert "add the line `source /etc/network/interfaces.d/*`" in caught.value.hint


@pytest.mark.parametrize("file", ["/etc/network/interfaces", "/etc/network/interfaces.d/sdn"])
def test_a_device_that_another_file_defines_is_refused(file: str) -> None:
    with pytest.raises(DeployError) as caught:
        require_scope(node(), f"{SOURCED}{file}:iface vmbr2 inet manual\n{file}:iface vrf1\n")
    assert caught.value.what == f"node1: {file} defines vmbr2, vrf1 already"
    assert f"take their stanzas out of {file}" in caught.value.hint


def test_a_file_of_the_overlay_scope_is_in_the_way_of_the_whole_one() -> None:
    whole = node(scope="whole")
    require_scope(whole, SOURCED + "/etc/network/interfaces:iface vmbr2 inet manual\n")
    require_scope(whole, "/etc/network/interfaces.d/x:iface vmbr2 inet static\n")
    with pytest.raises(DeployError, match="remove that file"):
        require_scope(whole, OURS)


def test_the_command_prints_what_is_read(tmp_path: Path) -> None:
    main, folder = tmp_path / "interfaces", tmp_path / "interfaces.d"
    folder.mkdir()
    main.write_text("auto lo\niface lo inet loopback\n  source\t/x/*\n#iface vmbr9\nifacex y\n")
    (folder / "sdn").write_text("iface vmbr2 inet manual\n        bridge-ports vxlan2\n")
    command = elsewhere_section().command.replace("/etc/network/interfaces", str(main))
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert said == (
        f"{main}:iface lo inet loopback\n{main}:  source\t/x/*\n"
        f"{folder}/sdn:iface vmbr2 inet manual\n"
    )
    assert all(matches(line.partition(":")[2]) for line in said.splitlines())
    assert not matches("#iface vmbr9")


def test_without_any_interfaces_file_the_command_still_ends_well(tmp_path: Path) -> None:
    command = elsewhere_section().command.replace("/etc/network", str(tmp_path))
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_other_files_of_a_node_do_not_depend_on_its_scope() -> None:
    overlay, whole = render(fabric())["node1"], render(fabric(scope="whole"))["node1"]
    assert overlay[SYSCTL.path] == whole[SYSCTL.path]
    assert overlay.keys() - {OVERLAY_INTERFACES.path} == whole.keys() - {INTERFACES.path}
