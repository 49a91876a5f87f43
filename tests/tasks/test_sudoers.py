"""What an account that is not root may run: all that it must, and not a word more."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Literal

import pytest

from overlay.errors import FleetError
from tasks.commands import COMMANDS, as_section
from tasks.ssh.script import build_script
from tasks.sudoers import sudoers

if TYPE_CHECKING:
    from pathlib import Path

# Written down by hand: these programs read, with these words, and nothing else becomes root.
MAY_RUN = {
    "/usr/bin/vtysh -c show bgp l2vpn evpn",
    "/usr/bin/vtysh -c show bgp l2vpn evpn summary json",
    "/usr/bin/vtysh -c show evpn vni json",
    "/usr/bin/vtysh -c show ip ospf neighbor json",
    "/usr/bin/vtysh -c show isis neighbor json",
    "/usr/bin/vtysh -c show openfabric neighbor json",
    "/usr/bin/vtysh -c show evpn mac vni all duplicate json",
    "/usr/bin/vtysh -c show evpn arp-cache vni all duplicate json",
    "/usr/bin/vtysh -c show bgp summary json",
    "/usr/bin/vtysh -c show vrrp json",
    "/usr/bin/vtysh -c show bfd peers json",
    "/usr/bin/vtysh -c show running-config",
    "/usr/sbin/nft -j list table inet evpn_fleet_snat",
    "/usr/sbin/nft -j list tables inet",
    "/usr/bin/test ! -e /sys/module/nf_tables",
    "/usr/sbin/nft -j list ruleset",
    "/usr/bin/test ! -e /sys/module/xfrm_user",
    "/usr/bin/ip xfrm policy show",
    "/usr/bin/ip xfrm state list nokeys",
    "/usr/bin/test ! -e /etc/frr/daemons",
    "/usr/bin/cat /etc/frr/daemons",
    "/usr/bin/test ! -e /etc/frr/frr.conf",
    "/usr/bin/cat /etc/frr/frr.conf",
}
# Stands in for sudo: writes down what it is asked to run, word by word, and fails, as where a file
# is not there, so that whatever is tried instead is asked for, too; of two things instead each.
SUDO = """#!/bin/sh
[ "$1" = -n ] || echo "sudo would ask for a password" >> "$ASKED"
shift
case $1 in nft) where=/usr/sbin ;; *) where=/usr/bin ;; esac
echo "$where/$*" >> "$ASKED"
[ "$1" = ip ]
"""


def allowed(text: str) -> set[str]:
    return {line.partition("NOPASSWD: ")[2] for line in text.splitlines() if line[0] != "#"}


def asked_of_sudo(folder: Path) -> set[str]:
    """What a whole audit's script asks of sudo when a shell runs it: all commands of every role."""
    for name in ("vtysh", "bridge", "ip", "sysctl"):
        (folder / name).write_text("#!/bin/sh\n:\n")
    (folder / "sudo").write_text(SUDO)
    for program in folder.iterdir():
        program.chmod(0o755)
    script = build_script([as_section(command, sudo=True) for command in COMMANDS])
    asked = folder / "asked"
    asked.touch()
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "ASKED": str(asked)}
    subprocess.run(["/bin/sh"], input=script.text, text=True, env=environ, check=False,
                   capture_output=True, timeout=60)  # fmt: skip
    return set(asked.read_text().splitlines())


def test_an_audit_may_run_exactly_what_it_runs(tmp_path: Path) -> None:
    assert allowed(sudoers("evpn-audit", "audit")) == MAY_RUN
    assert asked_of_sudo(tmp_path) == MAY_RUN


def test_without_sudo_nothing_is_asked_of_it() -> None:
    assert not any("sudo" in as_section(command, sudo=False).command for command in COMMANDS)


def test_no_entry_matches_more_than_itself() -> None:
    for words in allowed(sudoers("evpn-audit", "audit")):
        assert not re.search(r"(?<!\\)[*?\[\]:,=#]", words)


def test_who_deploys_is_as_good_as_root_and_told_so() -> None:
    text = sudoers("evpn-deploy", "deploy")
    assert allowed(text) == {"/bin/sh -s"}
    assert "as good as root" in text


@pytest.mark.parametrize("user", ["", "ALL=(ALL) ALL", "a\nb ALL", "%wheel", "-x"])
@pytest.mark.parametrize("purpose", ["audit", "deploy"])
def test_a_name_cannot_smuggle_a_rule(user: str, purpose: Literal["audit", "deploy"]) -> None:
    with pytest.raises(FleetError, match="not the name of an account"):
        sudoers(user, purpose)
