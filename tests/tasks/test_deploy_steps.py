"""Which steps a change takes on a node, from the files alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from overlay.loading import load_inventory
from tasks.files import (
    DAEMONS,
    FRR_CONF,
    INTERFACES,
    KEPT_INTERFACES,
    MARK,
    OVERLAY_INTERFACES,
    SNAT,
    SOURCED,
    SYSCTL,
    interfaces_file,
)
from tasks.interfaces.made import made_devices, vxlan_stanzas
from tasks.plan import FileChange, FileState
from tasks.steps import (
    apply_sections,
    validate_sections,
    verify_sections,
)
from tests.rendering import render
from tests.workers import can_be_apart

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EVPN = """
auto vxlan2
iface vxlan2 inet manual
        vxlan-id 2
        vxlan-learning off
        mtu 1500

auto vmbr2
iface vmbr2 inet manual
        bridge-ports vxlan2
"""

ADDRESS = "fd00:2::fe/64"


def change(file, before: str | None, after: str) -> FileChange:
    """A change to a file of ours."""
    meta = f"{file.mode:o} {file.owner} {file.group}"
    return FileChange(file, FileState(before), FileState(f"# {MARK} for node1\n{after}", meta))


def steps(*changes: FileChange) -> list[str]:
    return [section.slug for section in apply_sections(changes, "/tmp/stage")]


def test_frr_is_configured_before_the_interfaces():
    done = steps(
        change(DAEMONS, None, "bgpd=yes\n"), change(FRR_CONF, None, "!\n"),
        change(SYSCTL, None, "a = 1\n"), change(INTERFACES, None, EVPN),
    )  # fmt: skip
    assert done.index("frr-restart") < done.index(f"install:{INTERFACES.path}")
    assert done.index("rt-tables") < done.index("ifreload")
    assert done[-2:] == ["ifreload", "sysctl-again"]  # of interfaces that were not there before


def test_rules_that_translate_are_loaded_before_the_interfaces_load_them():
    done = steps(change(SNAT, None, "table inet t {}\n"), change(INTERFACES, None, EVPN))
    assert done.index(f"install:{SNAT.path}") < done.index("snat") < done.index("ifreload")


def test_rules_that_are_not_wanted_any_more_leave_the_kernel():
    gone = FileChange(SNAT, FileState("table inet evpn_fleet_snat {}\n"), FileState(None))
    sections = {section.slug: section for section in apply_sections((gone,), "/tmp/stage")}
    assert sections[f"install:{SNAT.path}"].command.startswith(f"rm -f {SNAT.path}")
    assert sections["snat"].command.startswith("nft delete table inet evpn_fleet_snat")


def test_a_node_without_nft_is_told_before_anything_is_replaced(tmp_path):
    sections = validate_sections((change(SNAT, None, "table inet t {}\n"),), str(tmp_path))
    checked = next(section for section in sections if section.slug == f"validate:{SNAT.path}")
    assert checked.stop
    done = subprocess.run(
        ["/bin/sh", "-c", checked.command], env={"PATH": str(tmp_path)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == "nft is not there: apt install nftables\n"


@pytest.mark.skipif(not can_be_apart(), reason="no network namespace can be made here")
@pytest.mark.parametrize(("detection", "left"), [("0", ""), ("1", ADDRESS)])
def test_ipv6_gateways_do_not_stay_tentative(detection, left):
    """An underlay's own address, with its duplicate address detection on, is left alone."""
    routed = EVPN.replace(
        "iface vmbr2 inet manual", f"iface vmbr2 inet static\n        address {ADDRESS}"
    )
    assert routed != EVPN
    sections = apply_sections((change(INTERFACES, None, routed),), "/tmp/stage")
    usable = next(section for section in sections if section.slug == "gateways-usable")
    show = "ip -6 -o address show dev vmbr2 scope global tentative | awk '{print $4}'"
    # Also without detection the kernel takes the mark away in work of its own, a moment later.
    settled = "" if left else f'for _ in $(seq 100); do [ -z "$({show})" ] || sleep 0.05; done'
    script = f"""set -e
        ip link add vmbr2 type bridge
        ip link set vmbr2 up
        ip -6 address add {ADDRESS} dev vmbr2
        {show}
        echo {detection} > /proc/sys/net/ipv6/conf/vmbr2/accept_dad
        {usable.command}
        {settled}
        {show}
        ip -6 -o address show dev vmbr2 scope global | awk '{{print $4}}'"""
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [ADDRESS, *filter(None, [left]), ADDRESS]
    assert "gateways-usable" not in steps(change(INTERFACES, None, EVPN))


@pytest.mark.skipif(shutil.which("sysctl") is None, reason="Debian's package procps is needed")
@pytest.mark.parametrize(("mark", "code"), [("-", 0), ("", 1)])
def test_only_a_setting_that_may_be_absent_may_be_absent_after_the_reload(mark, code, tmp_path):
    """By the sysctl of this computer: with a minus sign alone it fails as well."""
    settings = tmp_path / "settings.conf"
    settings.write_text(f"# ours\n{mark}net.ipv6.conf.lo.no_such_setting = 1\n")
    sections = apply_sections((change(INTERFACES, None, EVPN),), "/tmp/stage")
    again = next(section for section in sections if section.slug == "sysctl-again")
    command = again.command.replace(SYSCTL.path, str(settings))
    assert subprocess.run(["sh", "-c", command], check=False).returncode == code


def test_an_frr_conf_that_is_not_ours_is_loaded_by_a_restart():
    foreign = FileChange(FRR_CONF, FileState("!\n"), FileState("frr version 8.4\n", "640 frr frr"))
    assert steps(foreign) == [f"install:{FRR_CONF.path}", "frr-restart"]


def test_a_file_that_was_not_there_is_removed_again():
    gone = FileChange(SYSCTL, FileState("a = 1\n"), FileState(None))
    remove, load = apply_sections((gone,), "/tmp/stage")
    assert remove.command == f"rm -f {SYSCTL.path} && sync /etc/sysctl.d"
    assert load.command == "sysctl --quiet --system"


def test_a_comment_in_the_daemons_file_restarts_nothing():
    done = steps(change(DAEMONS, "# old\nbgpd=yes\n", "# new\nbgpd=yes\n"))
    assert "frr-reload" in done
    assert "frr-restart" not in done


def test_another_as_number_restarts_frr():
    """A running bgpd refuses it: it is of one AS until it ends."""
    before, after = "router bgp 1\n exit\n", "router bgp 2\n exit\n"
    assert "frr-restart" in steps(change(FRR_CONF, before, after))
    assert "frr-restart" not in steps(change(FRR_CONF, before, f"{before}!\n"))


def test_another_daemon_restarts_frr():
    assert "frr-restart" in steps(change(DAEMONS, "bgpd=no\n", "bgpd=yes\n"))


def test_interfaces_alone_leave_frr_alone():
    done = steps(change(INTERFACES, EVPN, EVPN + "auto x\n"))
    assert not [step for step in done if step.startswith("frr")]


def test_a_device_that_learns_no_more_is_made_again():
    before = EVPN.replace("vxlan-learning off", "vxlan-learning on")
    done = steps(change(INTERFACES, before, EVPN))
    assert done.index("remake:vxlan2") < done.index("ifreload")


def test_a_device_that_stays_as_it_is_stays():
    done = steps(change(INTERFACES, EVPN, EVPN.replace("mtu 1500", "mtu 1400")))
    assert not [step for step in done if step.startswith("remake")]


def test_only_vxlan_devices_have_what_is_fixed_at_birth():
    assert vxlan_stanzas(EVPN) == {"vxlan2": frozenset({"vxlan-id 2", "vxlan-learning off"})}


EXIT = """vrf vrf1
 ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default
 vni 4000
exit-vrf
!
router bgp 1234
exit
!
router bgp 1234 vrf vrf1
 bgp router-id 192.168.0.1
exit
"""


def test_a_vrf_instance_that_goes_restarts_frr():
    """Taking its L3VNI away for a moment costs FRR 8.4 the other VTEPs' router MACs."""
    done = steps(change(FRR_CONF, EXIT, EXIT.partition("router bgp 1234 vrf")[0]))
    assert "frr-restart" in done
    assert "frr-reload" not in done


def test_a_vrf_instance_that_stays_restarts_nothing():
    assert "frr-restart" not in steps(change(FRR_CONF, EXIT, EXIT + "!\n"))


def test_what_is_verified_is_ours():
    lo = "auto lo\niface lo inet loopback\n"
    (section,) = verify_sections((change(INTERFACES, None, lo + EVPN),))
    assert "vxlan2 vmbr2" in section.command
    assert "lo" not in section.command.partition("--check ")[2].partition(")")[0].split()
    assert verify_sections((change(FRR_CONF, None, "!"),)) == []


def test_another_flood_list_over_ipv6_makes_the_device_again():
    made = "        pre-up ip link add vxlan2 type vxlan id 2 local fd00::1\n"
    before = EVPN.replace(
        "        vxlan-id 2\n", made + "        up bridge fdb append dst fd00::2\n"
    )
    after = before.replace("dst fd00::2", "dst fd00::3")
    assert "remake:vxlan2" in steps(change(INTERFACES, before, after))
    assert "remake:vxlan2" not in steps(change(INTERFACES, before, before + "auto x\n"))


def test_tunnels_that_move_between_ipv4_and_ipv6_are_reloaded_again_where_the_first_fails():
    made = "        pre-up ip link add vxlan2 type vxlan id 2 local fd00::1\n"
    over_ipv6 = EVPN.replace("        vxlan-id 2\n", made)
    for before, after in ((EVPN, over_ipv6), (over_ipv6, EVPN)):
        said = apply_sections((change(INTERFACES, before, after),), "/tmp/stage")
        (reload,) = [section for section in said if section.slug == "ifreload"]
        assert reload.command.startswith("ifreload --all || ifreload --all && {")
    for before, after in ((None, over_ipv6), (EVPN, EVPN + "auto x\n"), (EVPN, "")):
        said = apply_sections((change(INTERFACES, before, after),), "/tmp/stage")
        (reload,) = [section for section in said if section.slug == "ifreload"]
        assert reload.command.partition(" && ")[0] == "ifreload --all"


OVER_IPV6 = """auto vxlan2
iface vxlan2 inet manual
        pre-up ip link show vxlan2 >/dev/null 2>&1 || {}
        post-down ip link del vxlan2
"""


def test_what_is_said_around_the_command_that_makes_a_device_does_not_make_it_anew():
    made = "ip link add vxlan2 type vxlan id 2 local {} dstport 4789 nolearning"
    before = OVER_IPV6.format(made.format("fd00::2"))
    waits = OVER_IPV6.format("{ " + made.format("fd00::2") + " && sleep 0.1; }")
    other = OVER_IPV6.format("{ " + made.format("fd00::3") + " && sleep 0.1; }")
    assert not [s for s in steps(change(INTERFACES, before, waits)) if s.startswith("remake")]
    assert vxlan_stanzas(before) == vxlan_stanzas(waits) != vxlan_stanzas(other)


def test_what_udev_has_overtaken_is_reloaded_again(tmp_path):
    """The kernel is asked after the reload; it is reloaded again only where it differs."""
    mac = "44:39:39:FF:40:94"
    text = EVPN.replace("bridge-ports vxlan2", f"hwaddress {mac}\n        bridge-ports vxlan2 tap7")
    assert mac in text
    said = apply_sections((change(INTERFACES, None, text),), "/tmp/stage")
    (reload,) = [section for section in said if section.slug == "ifreload"]
    kernel, program, log = tmp_path / "vmbr2", tmp_path / "ifreload", tmp_path / "log"
    program.write_text(f"#!/bin/sh\necho reload >>{log}\n")
    program.chmod(0o755)
    (kernel / "brif").mkdir(parents=True)
    for is_there, it_has, reloads in (
        (True, mac.lower(), 1), (True, "02:00:00:00:00:01", 2), (False, mac.lower(), 2),
    ):  # fmt: skip
        log.write_text("")
        (kernel / "address").write_text(f"{it_has}\n")
        port = kernel / "brif" / "vxlan2"
        port.touch() if is_there else port.unlink()
        command = reload.command.replace("/sys/class/net", str(tmp_path))
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        assert subprocess.call(["sh", "-c", command], env=environ) == 0
        assert log.read_text().count("reload") == reloads


def test_what_is_kept_is_there_before_the_other_file_lacks_it_and_is_loaded_by_itself():
    kept = change(KEPT_INTERFACES, None, "iface vmbr9\n")
    both = steps(kept, change(INTERFACES, None, EVPN))
    at = both.index(f"install:{KEPT_INTERFACES.path}")
    assert both[at : at + 4] == [
        f"install:{KEPT_INTERFACES.path}", f"install:{INTERFACES.path}", "rt-tables", "ifreload",
    ]  # fmt: skip
    alone = [f"install:{KEPT_INTERFACES.path}", "rt-tables", "ifreload", "sysctl-again"]
    assert steps(kept)[:4] == alone
    gone = FileChange(KEPT_INTERFACES, FileState("iface vmbr9\n"), FileState(None))
    assert steps(gone)[:4] == alone
    (reload,) = [s for s in apply_sections((gone,), "/tmp/stage") if s.slug == "ifreload"]
    assert reload.command == "ifreload --all"


@pytest.mark.parametrize("example", sorted(f.parent.name for f in EXAMPLES.glob("*/fabric.yaml")))
def test_every_device_that_a_file_makes_is_found_in_it(example):
    intent = load_inventory(EXAMPLES / example).intent
    for name, files in render(intent).items():
        node = intent.nodes[name]
        made = {vxlan.name for vxlan in node.vxlans} | {vrf.name for vrf in node.vrfs}
        made |= {bridge.name for bridge in node.owned_bridges}
        made |= {port.name for port in node.lan_ports if port.vlan or port.name.startswith("bond")}
        if node.single is not None:  # a VNI's part is no device, nor is a VLAN without a gateway
            made = {name for name in made if " V" not in name}
            made |= {node.single.name, node.single.bridge}
        assert made_devices(files[interfaces_file(node).path]) == made


def test_a_file_of_the_overlay_scope_that_goes_takes_its_devices_along():
    gone = FileChange(OVERLAY_INTERFACES, FileState(EVPN), FileState(None))
    assert steps(gone) == [
        f"install:{OVERLAY_INTERFACES.path}", "unmake:vmbr2", "unmake:vxlan2",
    ]  # fmt: skip


VRF = """auto red
iface red
        vrf-table auto
        post-up ip route replace vrf red unreachable 0.0.0.0/0 metric 9
        post-up ip -6 route replace vrf red unreachable ::/0 metric 9
"""
GONE = [
    "ip route del vrf red unreachable 0.0.0.0/0 metric 9 2>/dev/null || :",
    "ip -6 route del vrf red unreachable ::/0 metric 9 2>/dev/null || :",
]


def routes_gone(before: str | None, after: str | None) -> list[str]:
    found = apply_sections((change(INTERFACES, before, after),), "/tmp/stage")
    return [section.command for section in found if section.slug.startswith("route-gone:")]


def test_routes_that_a_vrf_is_given_no_more_are_taken_away():
    """ifupdown2 runs no `pre-down` of a stanza that only changed."""
    without = VRF.partition("        post-up")[0]
    assert routes_gone(VRF, without) == GONE
    assert routes_gone(VRF, VRF.replace("        post-up ip -6", "#")) == GONE[1:]
    assert routes_gone(without, VRF) == []
    assert routes_gone(VRF, VRF + "auto x\n") == []


def test_routes_go_before_the_vrf_that_nobody_defines_any_more():
    gone = FileChange(OVERLAY_INTERFACES, FileState(VRF), FileState(None))
    commands = [section.command for section in apply_sections((gone,), "/tmp/stage")]
    deleted = next(at for at, command in enumerate(commands) if "ip link del red" in command)
    assert commands[deleted - 2 : deleted] == GONE


# It prints each device that is defined in two of the files.
IFUP = r"""#!/bin/sh
for word; do file=$word; done
sourced=$(sed -n 's/^source //p' "$file")
cat "$file" $sourced 2>/dev/null | sed -n 's/^iface \([^ ]*\).*/\1/p' | sort | uniq -d
"""


@pytest.mark.parametrize(
    ("kept", "said"), [(None, ""), ("iface bond0\n", "bond0"), ("iface eno2\n", "")]
)
def test_interfaces_are_checked_with_the_files_beside_them_as_they_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str | None, said: str
) -> None:
    """A device that moves back into the main file is not in both, whatever lies there now."""
    tool, folder, stage = tmp_path / "bin" / "ifup", tmp_path / "interfaces.d", tmp_path / "stage"
    for each in (tool.parent, folder, stage):
        each.mkdir()
    tool.write_text(IFUP)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (folder / "evpn-fleet-kept").write_text("iface bond0\n")
    changes = (
        change(INTERFACES, None, f"source {SOURCED}/*\niface bond0\n"),
        FileChange(KEPT_INTERFACES, FileState("iface bond0\n"), FileState(kept)),
    )
    for one in changes:
        if one.after.text is not None:
            (stage / one.file.name).write_text(one.after.text)
    rooted = [
        section.command.replace(f"{SOURCED}/.", f"{folder}/.").replace(
            f"-d {SOURCED}", f"-d {folder}"
        )
        for section in validate_sections(changes, str(stage))
    ]
    ran = [
        subprocess.run(["sh", "-c", it], check=False, capture_output=True, text=True)
        for it in rooted
    ]
    assert [done.returncode for done in ran[:2]] == [0, 1 if said else 0], ran
    assert ran[1].stdout.strip() == said
