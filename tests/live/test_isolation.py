"""Two tenants of the symmetric topology: kept apart since VRFs end their lookups, and not before.

Those of the other topologies are in test_topologies.py, where each is deployed anyway.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import yaml

from lab import guests
from tests.live.tenants import (
    BLUE,
    RED,
    TENANTS,
    captured,
    deploy_as_before,
    furnish,
    nodes_themselves,
    start_capture,
    strip,
    vteps,
    with_two_tenants,
)
from tests.live.tools.isolation import reach_their_own, seen, stay_apart
from tests.live.tools.probes import on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _leaves_no_address(lab: Lab) -> Iterator[None]:
    yield
    strip(lab)


def test_it_was_not_so_before_and_deploying_it_loses_no_packet(lab: Lab, tmp_path: Path) -> None:
    lab.use(with_two_tenants(tmp_path, "l3-symmetric"))
    deploy_as_before(lab, tmp_path)
    guests.start_all(lab.spec)
    furnish(lab)
    reach_their_own(lab, outside=False)
    start_capture(lab)
    hole = seen(lab, lambda lab, _: nodes_themselves(lab))
    leaked = captured(lab)
    for number in vteps(lab.spec.nodes):
        mine = {f"192.168.0.{number}", f"10.255.0.{number}"}
        other = number % 3 + 1
        for tenant in TENANTS:
            assert mine <= hole[tenant.guest(number)], hole
            # To IPv6 a node's own answer finds no way back into the VRF, but the packets leave.
            for guest, vtep in zip(
                tenant.addresses(number), (f"192.168.0.{other}", f"fd00:192::{other}"), strict=True
            ):
                assert f" {guest} > {vtep}: " in leaked[f"node{number}"], leaked
    asked = lab.audit("--check", "vrf-isolation")
    assert {f["host"] for f in asked.roots} == set(lab.spec.nodes), asked.text

    def ping(number: int) -> str:
        other = RED.addresses(number % 3 + 1)[0]
        script = f"timeout -s INT 60 ping -n -q -i 0.1 -W 2 {other}"
        return guests.run(lab.spec, RED.guest(number), script, timeout=120).out

    with ThreadPoolExecutor() as pool:
        pings = [pool.submit(ping, number) for number in vteps(lab.spec.nodes)]
        lab.deploy()
        for done in pings:
            assert " 0% packet loss" in done.result(), done.result()
    furnish(lab)
    stay_apart(lab)
    once_and_taken_back(lab)


def ends(lab: Lab, name: str) -> list[int]:
    """How many unreachable defaults a node's first VRF has, IPv4 and IPv6."""
    said = on(
        lab,
        name,
        "for f in -4 -6; do ip $f route show vrf vrf1 type unreachable | grep -c default; done; :",
    )
    return [int(word) for word in said.split()]


def once_and_taken_back(lab: Lab) -> None:
    nodes = list(lab.spec.nodes)
    assert "Plan: 0 to change" in lab.deploy().stdout
    for name in nodes:
        said = on(lab, name, "ifreload -a && ifreload -a && ifquery --check vrf1 vrf2")
        assert "[fail]" not in said
        assert ends(lab, name) == [1, 1], name
        told = on(
            lab,
            name,
            "vtysh -c 'show bgp l2vpn evpn route type prefix' -c 'show bgp vrf all ipv4 unicast' "
            "-c 'show bgp vrf all ipv6 unicast'",
        )
        assert "[5]:[0]:[0]" not in told
        assert not {"0.0.0.0/0", "::/0"} & set(told.split()), told
    done = lab.run("rollback", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in nodes:
        assert ends(lab, name) == [0, 0], name
        assert "unreachable" not in on(lab, name, "cat /etc/network/interfaces")
    lab.deploy()
    assert all(ends(lab, name) == [1, 1] for name in nodes)
    no_trace_of_a_vrf_that_goes(lab)


def no_trace_of_a_vrf_that_goes(lab: Lab) -> None:
    """The kernel would keep an IPv4 route in the table, for the next VRF that gets it."""
    nodes = list(lab.spec.nodes)
    table = "ip -d link show vrf2 | sed -n 's/.*vrf table \\([0-9]*\\) .*/\\1/p'"
    tables = {name: int(on(lab, name, table)) for name in nodes}
    intent = yaml.safe_load((lab.inventory / "fabric.yaml").read_text())
    del intent["vrfs"][BLUE.vrf]
    intent["networks"] = [it for it in intent["networks"] if it["vrf"] != BLUE.vrf]
    (lab.inventory / "fabric.yaml").write_text(yaml.safe_dump(intent, sort_keys=False))
    lab.deploy()
    for name, number in tables.items():
        left = f"ip route show table {number}; ip -6 route show table {number}; ls /sys/class/net"
        assert "unreachable" not in on(lab, name, left + " 2>&1 || :")
        assert "vrf2" not in on(lab, name, "ls /sys/class/net").split()
