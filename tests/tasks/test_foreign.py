"""Which statements of a node's files are foreign: not rendered, and not written by us before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.configuration import chosen_statements
from tasks.files import (
    DAEMONS,
    FRR_CONF,
    INTERFACES,
    KEPT_INTERFACES,
    MARK,
    OVERLAY_INTERFACES,
    SYSCTL,
)
from tasks.foreign.statements import (
    foreign_in_running,
    foreign_refusals,
    foreign_statements,
    is_taken_over,
)

if TYPE_CHECKING:
    from tasks.files import ManagedFile
    from tasks.foreign.statements import Foreign

WANTED = f"""\
! {MARK} for n: do not edit, change the intent and deploy
frr defaults traditional
hostname n
log syslog informational
service integrated-vtysh-config
!
vrf vrf1
 vni 4000
exit-vrf
!
router bgp 1234
 bgp router-id 192.168.0.1
 neighbor 192.168.0.2 remote-as 1234
 !
 address-family l2vpn evpn
  neighbor 192.168.0.2 activate
  advertise-all-vni
 exit-address-family
exit
!
"""
# A blank node's, as Debian and Proxmox VE install it.
PACKAGED = "# default to using syslog\nlog syslog informational\n"
SAVED = (
    "frr version 10.3\nfrr defaults datacenter\nhostname n\nlog syslog informational\n"
    "no ip forwarding\nno ipv6 forwarding\nservice integrated-vtysh-config\n!\nline vty\n!\nend\n"
)
OSPF = "router ospf\n network 10.0.0.0/8 area 0\nexit\n!\n"


def said(file: ManagedFile, now: str | None, wanted: str, last: str | None = None) -> list[str]:
    return [one.statement for one in foreign(file, now, wanted, last)]


def foreign(
    file: ManagedFile, now: str | None, wanted: str | None, last: str | None = None
) -> tuple[Foreign, ...]:
    said = ({} if text is None else {file.path: text} for text in (now, wanted, last))
    return foreign_statements(*said)


@pytest.mark.parametrize("now", [None, "", PACKAGED, SAVED, WANTED, WANTED + "\n! by hand\n"])
def test_what_is_not_foreign_in_frr_conf(now: str | None) -> None:
    assert said(FRR_CONF, now, WANTED) == []


FRR_CASES = {
    "another protocol": (OSPF, ["router ospf / network 10.0.0.0/8 area 0"]),
    "an empty instance": ("router ospf\nexit\n", ["router ospf"]),
    "a static route": ("ip route 10.1.0.0/16 192.168.0.254\n", None),
    "a neighbour": (
        "router bgp 1234\n neighbor 192.0.2.1 remote-as 65000\nexit\n",
        ["router bgp 1234 / neighbor 192.0.2.1 remote-as 65000"],
    ),
    "in another family": (
        "router bgp 1234\n address-family ipv4 unicast\n  neighbor 192.168.0.2 activate\n",
        ["router bgp 1234 / address-family ipv4 unicast / neighbor 192.168.0.2 activate"],
    ),
    "a filter": ("route-map LEAVES permit 10\n set metric 5\nexit\n",
                 ["route-map LEAVES permit 10 / set metric 5"]),
    "logging": ("log file /var/log/frr/mine.log\n", None),
    "an address": ("interface lo\n ip address 10.0.0.1/32\nexit\n",
                   ["interface lo / ip address 10.0.0.1/32"]),
}  # fmt: skip


@pytest.mark.parametrize(("added", "wanted"), FRR_CASES.values(), ids=FRR_CASES)
@pytest.mark.parametrize("base", [PACKAGED, SAVED, WANTED], ids=["blank", "saved", "ours"])
def test_what_is_foreign_in_frr_conf(base: str, added: str, wanted: list[str] | None) -> None:
    wanted = wanted or [added.strip()]
    assert said(FRR_CONF, base + added, WANTED) == wanted
    # Taken into the intent it is not; nor when we wrote it ourselves, and the intent dropped it.
    assert said(FRR_CONF, base + added, WANTED + added) == []
    assert said(FRR_CONF, base + added, WANTED, WANTED + added) == []
    # A file that a rollback put back was deployed by us, and is not ours.
    assert said(FRR_CONF, base + added, WANTED, PACKAGED + added) == wanted


def test_the_line_is_that_of_the_file() -> None:
    (one,) = foreign(FRR_CONF, PACKAGED + OSPF, WANTED)
    assert (PACKAGED + OSPF).splitlines()[one.line - 1].strip() == one.words
    (text,) = foreign_refusals("n", [one])
    assert "n: /etc/frr/frr.conf holds" in text
    assert f"line {one.line}: router ospf / network 10.0.0.0/8 area 0" in text
    assert "`frr_extra:`" in text
    assert "--replace-foreign" in text


def test_a_secret_is_named_without_its_value() -> None:
    now = "router bgp 1234\n neighbor 192.0.2.1 password hunter2\n"
    assert said(FRR_CONF, now, WANTED) == [
        "router bgp 1234 / neighbor 192.0.2.1 password <redacted>"
    ]


def test_another_password_than_the_intents_is_not_foreign() -> None:
    block = "router bgp 1234\n neighbor 192.0.2.1 password {}\n"
    now, wanted = block.format("hunter2"), block.format("hunter3")
    assert said(FRR_CONF, now, WANTED + wanted) == []
    running = f"Current configuration:\n{block.format('typed')}end\n"
    assert foreign_in_running(running, now, wanted, None) == ()


OURS = f'# {MARK} for n\nbgpd=yes\nvtysh_enable=yes\nbgpd_options="   -A 127.0.0.1"\n'


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ('bgpd=no\nospfd=no\nvtysh_enable=yes\nospf6d_options=" -A ::1"\n', []),
        ("zebra=yes\n#ospfd=yes\nMAX_FDS\n", []),
        ("bgpd=yes\nospfd=yes\n", ["ospfd=yes"]),
        ("ospfd=no\nospfd=yes # mine\n", ["ospfd=yes"]),
        ('bgpd_options="-A 127.0.0.1 -M rpki"\n', ["bgpd_options=-A 127.0.0.1 -M rpki"]),
        ("MAX_FDS=4096\nfrr_profile='datacenter'\n", ["MAX_FDS=4096", "frr_profile=datacenter"]),
    ],
)  # fmt: skip
def test_daemons(now: str, found: list[str]) -> None:
    assert said(DAEMONS, now, OURS) == found
    assert said(DAEMONS, now, OURS, OURS + now) == []
    assert said(DAEMONS, now, OURS + now) == []


def test_kernel_settings() -> None:
    ours = f"# {MARK} for n\nnet.ipv4.ip_forward = 1\n"
    mine = ours.replace("= 1", "=0") + "net.ipv4.tcp_mtu_probing=1\n"
    assert said(SYSCTL, mine, ours) == ["net.ipv4.tcp_mtu_probing = 1"]
    assert said(SYSCTL, mine, ours, mine) == []


def test_the_overlay_scopes_file_is_not_asked() -> None:
    assert said(OVERLAY_INTERFACES, "iface eno9\n", "iface eno1\n") == []


FABRIC = f"""\
# {MARK} for n

auto eno1
iface eno1 inet manual
        mtu 1550

auto vmbr0
iface vmbr0 inet static
        address 192.168.0.1/24
        gateway 192.168.0.254
        bridge-ports eno1
        bridge-stp off
        mtu 1550

auto vxlan2
iface vxlan2 inet manual
        vxlan-id 2
        mtu 1500
"""
BY_HAND = FABRIC.partition("\n")[2]
INTERFACES_CASES = {
    "as a person writes it": (
        BY_HAND.replace("bridge-ports", "bridge_ports")
        .replace("address 192.168.0.1/24", "address 192.168.0.1\n netmask 255.255.255.0")
        .replace("bridge-stp off", "bridge_stp no\n bridge_maxwait 0\n # a comment"),
        [],
    ),
    "another value": (BY_HAND.replace("mtu 1550", "mtu 9000"), []),
    "the address below": (
        "iface eno1 inet static\n address 192.168.0.1/24\n gateway 192.168.0.254\n", []
    ),
    "what an intent says by leaving it out": (
        BY_HAND + " vxlan-remoteip 192.168.0.9\n bridge-learning on\n", []
    ),
    "the folder that we read, too": (BY_HAND + "source-directory interfaces.d\n", []),
    "a bridge": ("auto vmbr9\niface vmbr9\n bridge-ports eno2\n", ["iface vmbr9"]),
    "a VLAN": (BY_HAND + "auto eno1.30\niface eno1.30 inet manual\n", ["iface eno1.30"]),
    "an address": (
        BY_HAND + "iface vmbr0 inet6 static\n address fd00::1\n netmask 64\n",
        ["iface vmbr0: address fd00::1/64"],
    ),
    "an alias": (
        BY_HAND + "iface vmbr0:1\n address 10.1.0.1/24\n", ["iface vmbr0: address 10.1.0.1/24"]
    ),
    "a command": (
        BY_HAND + "iface eno1\n post-up ethtool -K eno1 gro off\n",
        ["iface eno1: post-up ethtool -K eno1 gro off"],
    ),
    "a setting": (
        BY_HAND.replace("bridge-stp off", "bridge-vlan-aware yes"),
        ["iface vmbr0: bridge-vlan-aware yes"],
    ),
    "another way out": (
        BY_HAND.replace("0.254", "0.253").replace("gateway", "hwaddress 02:00:00:00:00:01\n #"),
        ["iface vmbr0: hwaddress 02:00:00:00:00:01"],
    ),
    "another file": (BY_HAND + "source more/*.conf\n", ["source more/*.conf"]),
    "a template": (BY_HAND + "% for i in (1, 2):\n", ["% for i in (1, 2):"]),
}  # fmt: skip


@pytest.mark.parametrize(("now", "found"), INTERFACES_CASES.values(), ids=INTERFACES_CASES)
def test_interfaces(now: str, found: list[str]) -> None:
    assert said(INTERFACES, now, FABRIC) == found
    # Ours of yesterday is not foreign, and no more is what moves to the file of what is kept.
    assert said(INTERFACES, now, FABRIC, f"# {MARK} for n\n{now}") == []
    wanted = {INTERFACES.path: FABRIC, KEPT_INTERFACES.path: now}
    assert foreign_statements({INTERFACES.path: now}, wanted, {}) == ()
    assert foreign_statements({KEPT_INTERFACES.path: now}, {INTERFACES.path: FABRIC}, {}) == tuple(
        replace(one, path=KEPT_INTERFACES.path) for one in foreign(INTERFACES, now, FABRIC)
    )


@pytest.mark.parametrize(
    ("now", "wanted", "taken"),
    [
        (WANTED + OSPF, WANTED + OSPF, True),
        (WANTED + OSPF, WANTED, True),  # all of it is named as foreign
        (WANTED + "! by hand\n" + OSPF, WANTED + OSPF, False),
        (WANTED.replace("  advertise-all-vni\n", ""), WANTED, False),
        (WANTED.replace("  advertise-all-vni\n", ""),
         WANTED.replace("  advertise-all-vni\n", ""), True),
    ],
    ids=["in the intent", "foreign", "a comment", "removed by hand", "removed in the intent too"],
)  # fmt: skip
def test_an_edit_that_the_intent_has_taken_over(now: str, wanted: str, *, taken: bool) -> None:
    found = foreign(FRR_CONF, now, wanted, WANTED)
    assert is_taken_over(WANTED, now, wanted, found) is taken


BLOCKS = st.sampled_from([added for added, _ in FRR_CASES.values()])


@given(mine=st.lists(BLOCKS), last=st.lists(BLOCKS), kept=st.lists(BLOCKS))
def test_foreign_is_what_neither_the_intent_nor_we_wrote(
    mine: list[str], last: list[str], kept: list[str]
) -> None:
    """Whatever a node held before, what we deployed, and what the intent says today."""
    ours, wanted = WANTED + "".join(last), WANTED + "".join(kept)
    found = said(FRR_CONF, ours + "".join(mine), wanted, ours)
    known = chosen_statements(wanted).keys() | chosen_statements(ours).keys()
    openers = {statement[:1] for statement in known}
    expected = chosen_statements("".join(mine)).keys() - known - openers
    assert set(found) == {" / ".join(statement) for statement in expected}
