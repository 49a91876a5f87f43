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
