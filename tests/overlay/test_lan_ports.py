"""Ports to a LAN: what is made of them on each node, and what is warned of."""

from __future__ import annotations

from typing import Any

from overlay.crosscheck.fabric import contradictions
from overlay.crosscheck.lan_ports import dangers
from overlay.derivation.lan_ports import vlan_of
from overlay.derive import derive
from overlay.expected import LanPort
from overlay.intent import Fabric


def fabric(*ports: dict[str, list[str]], **keys: Any) -> Fabric:
    """VNIs 2, 3, … with those ports; pve1 and pve2 carry each, in the whole and overlay scope."""
    found = Fabric.model_validate(
        {
            "mode": "evpn",
            "bgp": {"asn": 1234},
            "underlay": {"prefix": "10.0.0.0/24", "mtu": 9000},
            "networks": [{"vni": 2 + n, "ports": said} for n, said in enumerate(ports)],
            "nodes": {
                "pve1": {"address": "10.0.0.1"},
                "pve2": {"address": "10.0.0.2", "scope": "overlay"},
            },
        }
        | keys
    )
    assert list(contradictions(found)) == []
    return found


def lan_ports(of: Fabric, node: str) -> tuple[LanPort, ...]:
    return derive(of).nodes[node].lan_ports


def test_vlans_are_known_by_their_names() -> None:
    assert vlan_of("bond0.20") == ("bond0", 20)
    assert vlan_of("eno1.100.20") == ("eno1.100", 20)
    assert [vlan_of(name) for name in ("eno2", "eno2.0", "eno2.4095", "eno2.x", ".5")] == [None] * 5


def test_what_a_vlan_is_on_stands_before_it_once_and_has_room_for_all() -> None:
    of = fabric({"pve*": ["bond0.20"]}, {"pve1": ["bond0.30", "eno2"]})
    of = of.model_copy(
        update={
            "networks": (of.networks[0], of.networks[1].model_copy(update={"mtu": 8000})),
        }
    )
    assert lan_ports(of, "pve1") == (
        LanPort("bond0", "", 8000),
        LanPort("bond0.20", "vmbr2", 1500, "bond0", 20),
        LanPort("bond0.30", "vmbr3", 8000, "bond0", 30),
        LanPort("eno2", "vmbr3", 8000),
    )


def test_in_the_overlay_scope_only_vlans_are_made() -> None:
    of = fabric({"pve2": ["bond0.20", "eno2"]})
    assert [(p.name, p.written) for p in lan_ports(of, "pve2")] == [
        ("bond0", False),
        ("bond0.20", True),
        ("eno2", False),
    ]
    assert "eno2" not in derive(of).nodes["pve2"].own_devices


def test_a_vlan_on_the_underlays_devices_or_on_a_port_says_nothing_more_of_them() -> None:
    of = fabric({"pve1": ["eno1.20", "vmbr0.21", "eno2"]}, {"pve1": ["eno2.22"]})
    assert [port.name for port in lan_ports(of, "pve1")] == [
        "eno1.20",
        "vmbr0.21",
        "eno2",
        "eno2.22",
    ]


def test_a_port_that_several_globs_name_is_one() -> None:
    of = fabric({"pve*": ["eno2"], "pve1": ["eno2", "eno3"]})
    assert derive(of).nodes["pve1"].bridges[1].ports == ("vxlan2", "eno2", "eno3")


def test_two_ways_between_a_vni_and_a_lan_are_warned_of() -> None:
    assert list(dangers(fabric({"pve1": ["eno2"]}, {"pve2": ["eno2"]}))) == []
    said = list(dangers(fabric({"pve1": ["eno2"]}, {"pve*": ["eno3"]})))
    assert [(key, reason.partition(": ")[0]) for key, reason, _ in said] == [
        (
            ("networks", 1, "ports"),
            "VNI 3 has several ports to a LAN, on pve1 (eno3), pve2 (eno3)",
        )
    ]
    said = list(dangers(fabric({"pve1": ["eno2", "eno3"]})))
    assert "on pve1 (eno2, eno3)" in said[0][1]
