"""Whether FRR runs its file, as a node's own shell tells."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tasks.files import FRR_CONF
from tasks.frr.loading import FRR_RUNS_FILE

if TYPE_CHECKING:
    from pathlib import Path


RUNNING = """Building configuration...

Current configuration:
!
frr version 10.3
frr defaults traditional
service integrated-vtysh-config
!
vrf vrf1
 vni 4000
exit-vrf
!
vrf gone
exit-vrf
!
ip prefix-list SUBNETS seq 10 permit 10.0.2.0/24
!
router bgp 1234
 neighbor 192.0.2.1 timers connect 10
 neighbor 192.0.2.1 description spine
 !
 address-family l2vpn evpn
  neighbor 192.0.2.1 activate
  vni 2
   rd 192.0.2.9:2
  exit-vni
 exit-address-family
exit
!
end
"""
IN_ITS_FILE = """! made by somebody
!
frr defaults traditional
service integrated-vtysh-config
router bgp 1234
 neighbor 192.0.2.1 description spine
 neighbor 192.0.2.1 timers connect 10
 address-family l2vpn evpn
  vni 2
   rd 192.0.2.9:2
  exit-vni
  neighbor 192.0.2.1 activate
 exit-address-family
exit
vrf vrf1
 vni 4000
exit-vrf
ip prefix-list SUBNETS seq 10 permit 10.0.2.0/24
"""


def runs_its_file(folder: Path, written: str) -> bool:
    """What the shell of a node says of a file and an FRR that runs RUNNING."""
    (folder / "frr.conf").write_text(written)
    (folder / "running").write_text(RUNNING)
    vtysh = folder / "vtysh"
    vtysh.write_text(f"#!/bin/sh\ncat {folder}/running\n")
    vtysh.chmod(0o755)
    command = FRR_RUNS_FILE.replace(FRR_CONF.path, f"{folder}/frr.conf")
    path = f"{folder}:/usr/bin:/bin"
    return subprocess.run(["sh", "-c", command], env={"PATH": path}, check=False).returncode == 0


def test_frr_runs_its_file_in_an_order_of_its_own(tmp_path: Path) -> None:
    assert runs_its_file(tmp_path, IN_ITS_FILE)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (" vni 4000\n", ""),
        (" vni 4000\nexit-vrf\n", "exit-vrf\nvni 4000\n"),
        ("  neighbor 192.0.2.1 activate\n", ""),
        ("  vni 2\n   rd 192.0.2.9:2\n", "  vni 3\n   rd 192.0.2.9:2\n"),
        ("description spine", "description spine2"),
        ("router bgp 1234\n", "router bgp 1235\n"),
        ("exit\nvrf", "exit\nvrf vrf2\n vni 4001\nexit-vrf\nvrf"),
    ],
)
def test_frr_that_runs_something_else_is_found_out(tmp_path: Path, line: str, instead: str) -> None:
    changed = IN_ITS_FILE.replace(line, instead)
    assert changed != IN_ITS_FILE
    assert not runs_its_file(tmp_path, changed)
