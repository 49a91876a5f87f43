"""What is inferred of devices that few hosts have: ports to a LAN, one tunnel for several VNIs."""

from __future__ import annotations

import pytest

from adopt.hostfiles import read_host, read_hosts
from adopt.infer import infer
from adopt.kept.interfaces import kept_of
from overlay.derive import derive
from overlay.intent import Fabric
from tests.adopt.infer.test_infer import NET, intent_of
from tests.rendering import render

SINGLE = "carries several VNIs, by VLANs of its bridge"
NOT_SAID = (
    "the intent has no such network. It says one such device on all nodes alone, with a map by "
    "commands (overlay.device: single)"
)
BOND = """\
auto bond0
iface bond0 inet manual
        bond-slaves eno3 eno4
        bond-mode 802.3ad

auto vmbr2
"""


def changed(**texts: tuple[str, str]):
    """The files of `l2-evpn`, in which one text of a host's interfaces is another."""
    files = render(derive(intent_of("l2-evpn")))
    for host, (old, new) in texts.items():
        assert old in files[host][NET]
        files[host][NET] = files[host][NET].replace(old, new)
    return files


def test_ports_to_a_lan_are_read_back():
    ports = "bridge-ports vxlan2"
    files = changed(
        node1=(f"{ports}\n", f"{ports} eno2.20 tap100i0 bond0\n"),
        node2=(f"{ports}\n", f"{ports} eno1\n"),
    )
    found = infer(read_hosts(files), "x")
    assert found.fabric["networks"][0]["ports"] == {"node1": ["eno2.20", "bond0"]}
    assert [str(remark) for remark in found.remarks] == [
        f"node2{NET}:44: eno1 is a port of vmbr2 and of vmbr0: the intent leaves it out"
    ]


def test_a_bond_that_is_such_a_port_is_kept_as_it_is():
    files = changed(node1=("auto vmbr2\n", BOND))
    files["node1"][NET] = files["node1"][NET].replace("ports vxlan2\n", "ports vxlan2 bond0\n")
    found = Fabric.model_validate(infer(read_hosts(files), "x").fabric)
    rendered = render(derive(found))["node1"]
    kept = kept_of("node1", files["node1"], rendered, found.overlay.guest_ports)
    lines = [line.strip() for line in kept.text.splitlines() if line and line[0] != "#"]
    assert lines == ["iface bond0", "bond-slaves eno3 eno4", "bond-mode 802.3ad"]
    node = found.nodes["node1"].model_copy(update={"interfaces_extra": kept.text})
    again = found.model_copy(update={"nodes": {**found.nodes, "node1": node}})
    stanza = render(derive(again))["node1"][NET].partition("iface bond0")[2].partition("\n\n")[0]
    assert "bond-slaves eno3 eno4" in stanza
    assert "mtu 1500" in stanza


BY_ATTRIBUTES = """\
 vxlan-local-tunnelip 192.168.0.1
 bridge-vlan-vni-map 104=4
 bridge-vlan-vni-map 105=5
"""
BY_A_COMMAND = """\
 pre-up ip link add vxlan0 type vxlan external vnifilter local 192.168.0.1 dstport 4789 nolearning
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (BY_ATTRIBUTES, f"{SINGLE} (104=4, 105=5): {NOT_SAID}"),
        (BY_A_COMMAND, f"{SINGLE}: {NOT_SAID}"),
    ],
    ids=["by attributes", "by a command"],
)
def test_a_device_for_several_vnis_is_named(lines, said):
    files = changed(node1=("auto vxlan3\n", f"iface vxlan0\n{lines}\nauto vxlan3\n"))
    found = infer(read_hosts(files), "x")
    assert [str(remark) for remark in found.remarks] == [f"node1{NET}:23: vxlan0 {said}"]


@pytest.mark.parametrize(
    "source",
    ["source-directory /etc/network/interfaces.d/", "source-directory interfaces.d", "source interfaces.d/*",
     "source /etc/network/*.d/more", "source interfaces.d/more"],
)  # fmt: skip
def test_each_spelling_of_source_reads_the_file(source):
    main, more = "/etc/network/interfaces", "/etc/network/interfaces.d/more"
    host = read_host("x", {main: f"{source}\n", more: "iface br9\n bridge-ports none\n"})
    assert (list(host.devices), host.unread) == (["br9"], ())
