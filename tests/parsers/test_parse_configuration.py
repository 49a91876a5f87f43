"""FRR's configuration and interfaces files: what they mean, whoever wrote them."""

from __future__ import annotations

import pytest

from overlay.errors import ParseError
from overlay.host_records import InterfacesFile, Stanza, StatementElsewhere
from parsers.configuration import (
    configured_peers,
    lines_on_peer,
    parse_frr_config,
    parse_running_config,
)
from parsers.frr import read_frr_config
from parsers.interfaces import parse_interfaces, parse_statements_elsewhere
from tests.parsers.shapes import DRIFTED

NODES = sorted(folder for folder in DRIFTED.iterdir() if folder.is_dir())
BGP = "router bgp 1234"

STATEMENTS = {
    "in its blocks": (
        (
            f"{BGP}\n neighbor 10.0.0.2 remote-as 1234\n !\n address-family l2vpn evpn\n"
            "  advertise-all-vni\n exit-address-family\nexit\n"
        ),
        {
            (BGP, "neighbor 10.0.0.2 remote-as 1234"),
            (BGP, "address-family l2vpn evpn", "advertise-all-vni"),
        },
    ),
    "what FRR says by itself": (
        "Building configuration...\nfrr version 10.3\nhostname x\nlog syslog\n!\nend\n",
        set(),
    ),
    "FRR's defaults": ("interface vmbr0\n vrrp 1 priority 100\n", set()),
    "the version that FRR leaves out": (
        "interface vmbr0\n vrrp 1 version 3\n",
        {("interface vmbr0", "vrrp 1")},
    ),
    "an empty block": ("vrf vrf1\nexit-vrf\n!\ninterface eno1\nexit\n", set()),
    "an entry that says something by itself": (
        "route-map X permit 10\nexit\n",
        {("route-map X permit 10",)},
    ),
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_statements(what):
    text, statements = STATEMENTS[what]
    assert parse_frr_config(text) == statements


@pytest.mark.parametrize("folder", NODES, ids=lambda folder: folder.name)
def test_a_recorded_running_configuration_means_what_its_file_says(folder):
    text = (folder / "running_config.txt").read_text()
    found = parse_running_config(text)
    wanted = parse_frr_config((folder / "frr.conf").read_text())
    # An instance without a statement is one in the file; there are statements in it.
    blocks = {statement[:1] for statement in found if len(statement) > 1}
    assert wanted
    assert wanted - found <= blocks
    assert found - wanted == set()


@pytest.mark.parametrize("folder", NODES, ids=lambda folder: folder.name)
def test_a_running_configuration_that_stops_early_is_refused(folder):
    lines = (folder / "running_config.txt").read_text().rstrip().splitlines()
    for end in range(len(lines)):
        with pytest.raises(ParseError):
            parse_running_config("\n".join(lines[:end]))


CONF = (
    f"{BGP}\n neighbor fabric peer-group\n neighbor fabric timers 3 9\n"
    " neighbor 10.0.0.2 remote-as 1234\n neighbor 10.0.0.2 bfd\n"
    " neighbor fd00::1 remote-as 1234\n bgp listen range 10.0.0.0/24 peer-group fabric\n"
)


def test_an_entry_without_a_number_is_the_one_that_frr_numbers():
    file = (
        "access-list a permit 10.0.0.0/8\naccess-list a seq 12 deny any\naccess-list a permit any\n"
        "ip prefix-list b deny any\nipv6 access-list a permit any\n"
    )
    printed = (
        "access-list a seq 5 permit 10.0.0.0/8\naccess-list a seq 12 deny any\n"
        "access-list a seq 15 permit any\nip prefix-list b seq 5 deny any\n"
        "ipv6 access-list a seq 5 permit any\n"
    )
    assert parse_frr_config(file) == parse_frr_config(printed)
    assert parse_frr_config(file) != parse_frr_config(printed.replace("seq 15", "seq 20"))


def test_peers_of_a_file_and_what_shapes_their_sessions():
    assert configured_peers(CONF) == {"10.0.0.2", "fd00::1"}
    general = {
        BGP,
        "neighbor fabric peer-group",
        "neighbor fabric timers 3 9",
        "bgp listen range 10.0.0.0/24 peer-group fabric",
    }
    assert lines_on_peer("fd00::1", CONF) == general | {"neighbor fd00::1 remote-as 1234"}
    assert lines_on_peer("10.0.0.9", CONF) == general


VMBR2 = Stanza(
    "vmbr2",
    "inet",
    "static",
    (("address", "10.0.2.254/24"), ("bridge-ports", "vxlan2 tap1"), ("up", "echo # x")),
    line=2,
)

FILES = {
    "empty": ("", InterfacesFile()),
    "a bridge": (
        (
            "auto lo vmbr2\niface vmbr2 inet static\n  # its gateway\n\taddress 10.0.2.254/24\n"
            "\tbridge-ports vxlan2 tap1\n\tup   echo # x\n\nsource /etc/network/interfaces.d/*\n"
        ),
        InterfacesFile((VMBR2,), ("lo", "vmbr2"), ("/etc/network/interfaces.d/*",)),
    ),
    "a line that goes on": (
        "iface vmbr2\n bridge-ports vxlan2 \\\n   tap1\n mtu 1500",
        InterfacesFile(
            (Stanza("vmbr2", options=(("bridge-ports", "vxlan2 tap1"), ("mtu", "1500")), line=1),)
        ),
    ),
    "one name twice": (
        "iface eno1 inet dhcp\niface eno1 inet6 auto\nallow-hotplug eno1\n",
        InterfacesFile(
            (Stanza("eno1", "inet", "dhcp", line=1), Stanza("eno1", "inet6", "auto", line=2)),
            ("eno1",),
        ),
    ),
    "a mapping's lines are not an interface's": (
        "iface eno1\nmapping eth*\n script /bin/x\nallow-ovs vmbr9\n",
        InterfacesFile((Stanza("eno1", line=1),)),
    ),
    "lines of no meaning": (
        "address 10.0.0.1\niface eno1\n% for x in y:\n\nauto\n",
        InterfacesFile(
            (Stanza("eno1", options=(("auto", ""),), line=2),),
            strange=((1, "address 10.0.0.1"), (3, "% for x in y:")),
        ),
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_interfaces(what):
    text, expected = FILES[what]
    assert parse_interfaces(text) == expected
    assert parse_interfaces(text.replace("\n", "\r\n")) == expected


def test_values_of_a_stanza():
    assert VMBR2.values("bridge-ports", "bridge_ports") == ("vxlan2 tap1",)
    assert VMBR2.values("mtu") == ()


def test_statements_elsewhere():
    text = "/etc/network/interfaces:iface vmbr0 inet static\n/etc/a:source /etc/b/*\n"
    assert parse_statements_elsewhere(text) == (
        StatementElsewhere("/etc/network/interfaces", "iface", "vmbr0"),
        StatementElsewhere("/etc/a", "source", "/etc/b/*"),
    )
    assert parse_statements_elsewhere("") == ()
    with pytest.raises(ParseError, match="1 of 2 lines read; not understood: 'grep: denied'"):
        parse_statements_elsewhere("/etc/a:iface x\ngrep: denied\n")


IN_CONTEXT = {
    "indentation says nothing": (
        "router bgp 1\naddress-family l2vpn evpn\nadvertise-all-vni\n",
        [
            ("router bgp 1",),
            ("router bgp 1", "address-family l2vpn evpn"),
            ("router bgp 1", "address-family l2vpn evpn", "advertise-all-vni"),
        ],
    ),
    "a second family is not within the first": (
        "router bgp 1\n address-family ipv4\n address-family l2vpn evpn\n  advertise-all-vni\n",
        [
            ("router bgp 1",),
            ("router bgp 1", "address-family ipv4"),
            ("router bgp 1", "address-family l2vpn evpn"),
            ("router bgp 1", "address-family l2vpn evpn", "advertise-all-vni"),
        ],
    ),
    "what an instance alone knows leaves the family": (
        "router bgp 1\n address-family l2vpn evpn\n  neighbor 10.0.0.2 remote-as 1\n",
        [
            ("router bgp 1",),
            ("router bgp 1", "address-family l2vpn evpn"),
            ("router bgp 1", "neighbor 10.0.0.2 remote-as 1"),
        ],
    ),
    "an instance begins wherever it is written": (
        "router bgp 1\n address-family l2vpn evpn\n router bgp 1 vrf red\n bgp router-id 1.1.1.1\n",
        [
            ("router bgp 1",),
            ("router bgp 1", "address-family l2vpn evpn"),
            ("router bgp 1 vrf red",),
            ("router bgp 1 vrf red", "bgp router-id 1.1.1.1"),
        ],
    ),
    "exit leaves one block, end all": (
        (
            "vrf red\n vni 1\n ip route 0.0.0.0/0 10.0.0.1\nexit\nip route 10.0.0.0/8 blackhole\n"
            "router bgp 1\n address-family ipv4\nend\nneighbor 10.0.0.2 activate\n"
        ),
        [
            ("vrf red",),
            ("vrf red", "vni 1"),
            ("vrf red", "ip route 0.0.0.0/0 10.0.0.1"),
            ("ip route 10.0.0.0/8 blackhole",),
            ("router bgp 1",),
            ("router bgp 1", "address-family ipv4"),
            ("neighbor 10.0.0.2 activate",),
        ],
    ),
    "a prefix-list ends the block that it is written in": (
        "router bgp 1\n bgp router-id 1.1.1.1\n ip prefix-list X seq 5 permit any\n",
        [
            ("router bgp 1",),
            ("router bgp 1", "bgp router-id 1.1.1.1"),
            ("ip prefix-list X seq 5 permit any",),
        ],
    ),
    "comments, and what is none": (
        "! one\n# two\n  ! three\nvrf red\n vni 1 # four\n",
        [("vrf red",), ("vrf red", "vni 1 # four")],
    ),
}


@pytest.mark.parametrize("what", IN_CONTEXT)
def test_lines_in_the_context_that_frr_reads_them_in(what):
    text, statements = IN_CONTEXT[what]
    assert [line.statement for line in read_frr_config(text)] == statements


def test_each_line_has_its_number():
    text = "!\nvrf red\n\n vni 1\n"
    assert [(line.line, line.words) for line in read_frr_config(text)] == [
        (2, ["vrf", "red"]),
        (4, ["vni", "1"]),
    ]


def test_each_option_and_each_auto_has_its_number():
    found = parse_interfaces("auto a b\n\niface a\n  # x\n  mtu 1500\n  autoconf 1\nauto c\n")
    assert found.starts == ((1, "a"), (1, "b"), (7, "c"))
    assert found.stanzas[0].lines == (5, 6)
    assert found.stanzas[0].options == (("mtu", "1500"), ("autoconf", "1"))
