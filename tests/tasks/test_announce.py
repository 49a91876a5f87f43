"""An exit whose default is announced with VNI 0: found, taken away, given back with its L3VNI."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tasks.announce import announce_sections
from tasks.files import FRR_CONF, INTERFACES, MARK, SYSCTL
from tasks.plan import FileChange, FileState

if TYPE_CHECKING:
    from pathlib import Path

EXIT = """\
vrf vrf1
 ip route 0.0.0.0/0 192.168.0.254 nexthop-vrf default
 vni 4000
exit-vrf
!
vrf vrf2
 vni 4001
exit-vrf
!
router bgp 1234
 bgp router-id 192.168.0.1
 address-family l2vpn evpn
  advertise-all-vni
 exit-address-family
exit
!
router bgp 1234 vrf vrf1
 address-family l2vpn evpn
  default-originate ipv4
  default-originate ipv6
 exit-address-family
exit
!
router bgp 1234 vrf vrf2
 address-family l2vpn evpn
  default-originate ipv4
  route-target export 65000:7
 exit-address-family
exit
"""
# As FRR 8.4 and 10.3 print it; the labels are kept in a file each, by L3VNI and family.
_ROUTE = """\
BGP routing table entry for {rd}:[5]:[0]:[0]:[{prefix}]
Paths: (1 available, best #1)
  Not advertised to any peer
  Route [5]:[0]:[0]:[{prefix}] VNI $label
  Local
    {origin}
      Extended Community: ET:8 RT:{target} Rmac:4e:53:94:4a:c0:8f
"""
# Of one VRF FRR's own, of the other by hand.
TARGETS = {4000: "1234:4000", 4001: "65000:7"}
_OWN = (
    "192.168.0.1 from 0.0.0.0 (192.168.0.1)\n      Origin IGP, weight 32768, valid, sourced, local"
)
_OTHERS = (
    "192.168.0.2 from 192.168.0.2 (192.168.0.2)\n      Origin IGP, localpref 100, valid, internal"
)


def shown(vni: int, family: str, origin: str = _OWN) -> str:
    prefix = "0.0.0.0" if family == "ipv4" else "::"
    route = _ROUTE.format(rd="192.168.0.1:2", prefix=prefix, origin=origin, target=TARGETS[vni])
    return (
        f"[ ! -e {vni}.{family} ] || {{ read -r label < {vni}.{family}; cat <<EOF\n{route}EOF\n}}\n"
    )


FAKE = f"""#!/bin/sh
cd "$STATE" || exit 1
case "$*" in
  *"evpn vni "*) echo "  Type: L3" ;;
  *"detail type prefix"*)
{shown(4000, "ipv4")}{shown(4000, "ipv6")}{shown(4001, "ipv4")}
label=0; cat <<EOF
{_ROUTE.format(rd="192.168.0.2:2", prefix="0.0.0.0", origin=_OTHERS, target=TARGETS[4001])}EOF
  ;;
  *" no default-originate "*) echo "$*" >> said; rm "$(number "$*").${{*##* }}" ;;
  *" default-originate "*) echo "$*" >> said; vni=$(number "$*"); echo "$LABEL" > "$vni.${{*##* }}"
    [ "$LABEL" != own ] || echo "$vni" > "$vni.${{*##* }}" ;;
esac
"""
NUMBER = '#!/bin/sh\ncase "$1" in *vrf1*) echo 4000 ;; *) echo 4001 ;; esac\n'


def change(file, before: str | None, after: str | None) -> FileChange:
    said = after and f"# {MARK} for node1\n{after}"
    return FileChange(file, FileState(before), FileState(said, "640 frr frr"))


def run(
    folder: Path, labels: dict[str, int], label: str = "own"
) -> subprocess.CompletedProcess[str]:
    (section,) = announce_sections((change(FRR_CONF, None, EXIT),))
    (folder / "frr.conf").write_text(EXIT)
    (folder / "bin").mkdir()
    for name, text in {"vtysh": FAKE, "number": NUMBER, "sleep": "#!/bin/sh\n"}.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    for name, number in labels.items():
        (folder / name).write_text(f"{number}\n")
    return subprocess.run(
        ["sh", "-c", section.command.replace(FRR_CONF.path, str(folder / "frr.conf"))],
        env=os.environ | {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "STATE": str(folder), "LABEL": label},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def said(folder: Path) -> list[str]:
    path = folder / "said"
    return path.read_text().splitlines() if path.exists() else []


GOOD = {"4000.ipv4": 4000, "4000.ipv6": 4000, "4001.ipv4": 4001}


def test_defaults_with_their_l3vni_are_left_alone(tmp_path):
    assert run(tmp_path, GOOD).returncode == 0
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "vrf", "family"),
    [("4000.ipv4", "vrf1", "ipv4"), ("4000.ipv6", "vrf1", "ipv6"), ("4001.ipv4", "vrf2", "ipv4")],
)
def test_one_with_vni_0_is_taken_away_and_given_back(tmp_path, name, vrf, family):
    done = run(tmp_path, GOOD | {name: 0})
    assert done.returncode == 0, done.stderr
    words = f"-c configure terminal -c router bgp 1234 vrf {vrf} -c address-family l2vpn evpn -c "
    assert said(tmp_path) == [
        f"{words}no default-originate {family}",
        f"{words}default-originate {family}",
    ]
    assert (tmp_path / name).read_text().strip() == name.partition(".")[0]


def test_one_that_stays_so_fails_with_its_l3vni(tmp_path):
    done = run(tmp_path, GOOD | {"4001.ipv4": 0}, label="0")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("not their L3VNI; route target: 65000:7 ipv4")


def test_a_node_that_is_no_exit_has_no_such_step():
    assert announce_sections((change(FRR_CONF, EXIT, "router bgp 1234\n"),)) == []
    assert announce_sections((change(SYSCTL, None, "a = 1\n"),)) == []
    assert announce_sections((change(INTERFACES, "auto lo\n", None),)) == []
    # Whether this one is an exit, its frr.conf says, which stays.
    assert len(announce_sections((change(INTERFACES, "auto lo\n", "auto lo\n"),))) == 1
