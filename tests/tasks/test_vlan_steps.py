"""What a change of VLANs takes on a node beside ifreload."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from overlay.derive import derive
from overlay.intent import Fabric
from tasks.files import INTERFACES
from tasks.interfaces.vlans import (
    guests_follow,
    guests_noted,
    other_kinds,
    single_devices,
    unmapped,
)
from tasks.plan import FileChange, FileState
from tasks.steps import validate_sections
from tests.rendering import render
from tests.workers import can_be_apart

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "single-device" / "fabric.yaml"


def interfaces(**network: Any) -> str:
    """node1's file in the example, with other keys of its network without a gateway."""
    keys = yaml.safe_load(EXAMPLE.read_text())
    keys["networks"][2] |= network
    return render(derive(Fabric.model_validate(keys)))["node1"][INTERFACES.path]


def apart() -> str:
    """The same networks with a device and a bridge each."""
    keys = yaml.safe_load(EXAMPLE.read_text())
    del keys["overlay"]["device"], keys["bgp"]["frr"], keys["networks"][2]["vlan"]
    return render(derive(Fabric.model_validate(keys)))["node1"][INTERFACES.path]


def change(before: str, after: str) -> FileChange:
    return FileChange(INTERFACES, FileState(before), FileState(after))


def commands(sections: list[Any]) -> str:
    return "\n".join(section.command for section in sections)


def test_ifquery_is_asked_of_no_device_with_several_vnis() -> None:
    assert single_devices(interfaces()) == {"vxlan0"}
    assert single_devices(apart()) == frozenset()


def test_what_maps_no_more_is_taken_away_first() -> None:
    other = commands(unmapped(change(interfaces(), interfaces(vni=10021))))
    assert other.splitlines() == [
        "bridge vlan del dev vxlan0 vid 20 tunnel_info id 10020 2>/dev/null || :",
        "bridge vni del dev vxlan0 vni 10020 2>/dev/null || :",
    ]
    moved = commands(unmapped(change(interfaces(), interfaces(vlan=21))))
    assert moved == "bridge vlan del dev vxlan0 vid 20 tunnel_info id 10020 2>/dev/null || :"
    assert unmapped(change(interfaces(), interfaces())) == []
    assert unmapped(change(interfaces(), apart())) == []  # it goes with its device


def test_a_bridge_that_becomes_a_vlan_is_made_again() -> None:
    for before, after in ((apart(), interfaces()), (interfaces(), apart())):
        assert other_kinds(change(before, after)) == ["vmbr2", "vmbr3", "vmbr4000"]
    assert other_kinds(change(interfaces(), interfaces())) == []


def test_guests_move_only_where_their_network_does() -> None:
    assert guests_noted(change(apart(), apart())) == []
    assert guests_noted(change(interfaces(), interfaces())) == []
    assert guests_follow(change(interfaces(), interfaces(vni=10021))) == []
    noted = commands(guests_noted(change(interfaces(), interfaces(vlan=21))))
    assert "10020 20" in noted
    assert " 2 " not in noted


# A stand-in for the kernel: ports under /sys, and programs that say what they were told.
_PROGRAMS = r"""
bridge() {
    case "$1 $2" in
    "vlan show") printf 'port              vlan-id  \n%-18s%s PVID Egress Untagged\n' "$4" "$(cat /run/pvid/$4)" ;;
    "fdb del") ;;
    "fdb show") printf '%s master b\n%s master b permanent\n' "02:00:00:00:00:${4#tap}" 06:00:00:00:00:09 ;;
    *) echo "bridge $*" ;;
    esac
}
ip() { echo "ip $*"; case $* in *master*) ln -sfn ../$5 /sys/class/net/$3/master ;; esac; }
sleep() { :; }
plug() {
    mkdir -p /run/pvid /sys/class/net/$1 /sys/class/net/$2/brif/$1
    ln -sfn ../$2 /sys/class/net/$1/master
    echo ${3:-1} > /run/pvid/$1
}
unplug() { rm /sys/class/net/$1/master; rm -r /sys/class/net/*/brif/$1; }
"""


def told(script: str) -> list[str]:
    """What a script has told `ip` and `bridge`, on a node with the ports that it plugs in first."""
    script = f"set -eu\nmount -t tmpfs tmpfs /run\nmount -t tmpfs tmpfs /sys\n{_PROGRAMS}\n{script}"
    argv = ["unshare", "--mount", "bash", "-c", script]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


apart_from_us = pytest.mark.skipif(not can_be_apart(), reason="no namespace can be made here")


@apart_from_us
def test_guests_follow_their_networks_into_vlans() -> None:
    there = change(apart(), interfaces())
    said = told(
        "plug tap2 vmbr2; plug vxlan2 vmbr2; plug tap3 vmbr3; plug tap20 vmbr10020; plug tap9 other\n"
        f"{commands(guests_noted(there))}\n"
        # The old bridges go, and somebody plugs a guest in elsewhere meanwhile.
        "unplug tap2; unplug tap20; unplug tap3; plug tap3 other; rm -r /sys/class/net/vxlan2\n"
        f"{commands(guests_follow(there))}\n[ ! -e /run/evpn-fleet-guests ]"
    )
    assert said == [
        "ip link set tap2 master vmbr1",
        "bridge vlan add dev tap2 vid 2 pvid untagged",
        "bridge vlan del dev tap2 vid 1",
        "ip link set tap20 master vmbr1",
        "bridge vlan add dev tap20 vid 20 pvid untagged",
        "bridge vlan del dev tap20 vid 1",
        "bridge fdb replace 02:00:00:00:00:2 dev tap2 master dynamic vlan 2",
        "bridge fdb replace 02:00:00:00:00:20 dev tap20 master dynamic vlan 20",
    ]


@apart_from_us
def test_guests_follow_their_networks_out_of_vlans() -> None:
    back = change(interfaces(), apart())
    said = told(
        "plug tap2 vmbr1 2; plug tap3 vmbr1 3; plug tap7 vmbr1 7; plug tap20 vmbr1 20\n"
        f"{commands(guests_noted(back))}\nfor it in 2 3 7 20; do unplug tap$it; done\n"
        f"{commands(guests_follow(back))}"
    )
    assert said == [
        "ip link set tap2 master vmbr2",
        "ip link set tap3 master vmbr3",
        "ip link set tap20 master vmbr10020",
        "bridge fdb replace 02:00:00:00:00:2 dev tap2 master dynamic",
        "bridge fdb replace 02:00:00:00:00:3 dev tap3 master dynamic",
        "bridge fdb replace 02:00:00:00:00:20 dev tap20 master dynamic",
    ]


@apart_from_us
def test_guests_follow_a_vlan_that_gets_another_number() -> None:
    moves = change(interfaces(), interfaces(vlan=21))
    said = told(
        "plug tap2 vmbr1 2; plug tap20 vmbr1 20\n"
        f"{commands(guests_noted(moves))}\n{commands(guests_follow(moves))}"
    )
    assert said == [
        "ip link set tap20 master vmbr1",
        "bridge vlan add dev tap20 vid 21 pvid untagged",
        "bridge vlan del dev tap20 vid 20",
        "bridge fdb replace 02:00:00:00:00:20 dev tap20 master dynamic vlan 21",
    ]


@apart_from_us
def test_guests_of_a_reload_that_failed_are_put_back_by_the_restoration() -> None:
    there, back = change(apart(), interfaces()), change(interfaces(), apart())
    said = told(
        f"plug tap2 vmbr2\n{commands(guests_noted(there))}\nunplug tap2\n"
        f"{commands(guests_noted(back))}\n{commands(guests_follow(back))}"
    )
    assert said[0] == "ip link set tap2 master vmbr2"


def test_ifupdown2_may_say_that_a_vlan_is_no_bridge_where_it_is_to_become_one() -> None:
    def checked(before: str, after: str) -> str:
        (section,) = [
            it
            for it in validate_sections((change(before, after),), "/tmp/stage")
            if it.slug == f"validate:{INTERFACES.path}"
        ]
        return section.command

    assert " -e 'non-bridge interface (vmbr3)'" in checked(interfaces(), apart())
    assert "non-bridge" not in checked(apart(), apart())
