"""Which steps a change takes on a node, from the files alone."""

from __future__ import annotations

from tasks.deploy import apply_sections, vxlan_stanzas
from tasks.files import DAEMONS, FRR_CONF, INTERFACES, SYSCTL
from tasks.plan import FileChange, FileState

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


def change(file, before: str | None, after: str) -> FileChange:
    return FileChange(file, FileState(before), FileState(after))


def steps(*changes: FileChange) -> list[str]:
    return [section.slug for section in apply_sections(changes, "/tmp/stage")]


def test_frr_is_configured_before_the_interfaces():
    done = steps(
        change(DAEMONS, None, "bgpd=yes\n"), change(FRR_CONF, None, "!\n"),
        change(SYSCTL, None, "a = 1\n"), change(INTERFACES, None, EVPN),
    )  # fmt: skip
    assert done.index("frr-restart") < done.index(f"install:{INTERFACES.path}")
    assert done.index("rt-tables") < done.index("ifreload") == len(done) - 1
    assert done[0] == "backup"


def test_a_comment_in_the_daemons_file_restarts_nothing():
    done = steps(change(DAEMONS, "# old\nbgpd=yes\n", "# new\nbgpd=yes\n"))
    assert "frr-reload" in done
    assert "frr-restart" not in done


def test_another_daemon_restarts_frr():
    assert "frr-restart" in steps(change(DAEMONS, "bgpd=no\n", "bgpd=yes\n"))


def test_interfaces_alone_leave_frr_alone():
    done = steps(change(INTERFACES, EVPN, EVPN + "auto x\n"))
    assert not [step for step in done if step.startswith("frr")]


def test_a_device_that_learns_no_more_is_made_anew():
    before = EVPN.replace("vxlan-learning off", "vxlan-learning on")
    done = steps(change(INTERFACES, before, EVPN))
    assert done.index("remake:vxlan2") < done.index("ifreload")


def test_a_device_that_stays_as_it_is_stays():
    done = steps(change(INTERFACES, EVPN, EVPN.replace("mtu 1500", "mtu 1400")))
    assert not [step for step in done if step.startswith("remake")]


def test_only_vxlan_devices_have_what_is_fixed_at_birth():
    assert vxlan_stanzas(EVPN) == {"vxlan2": frozenset({"vxlan-id 2", "vxlan-learning off"})}
