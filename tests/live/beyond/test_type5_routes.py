"""VRFs that route more than their networks: static routes, leaks, an exit with guests, type 5.

On three releases. Each kind of route is broken on one of them, with the guest's ping beside it.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from lab import guests
from tests.live.matrix import ROOT
from tests.live.tenants import answering
from tests.live.test_topologies import (
    OUTSIDE,
    assert_as_intended,
    assert_imported,
    outside,
    reaches,
)
from tests.live.tools.leaving import leave_to
from tests.live.tools.probes import eventually, on
from tests.live.tools.singles import as_single, no_vtep_too_old

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab


def test_onto_blank_nodes(lab: Lab) -> None:
    lab.use(ROOT / "examples" / "type5-routes")
    lab.blank()
    lab.deploy()
    assert_as_intended(lab)
    guests.start_all(lab.spec)
    _assert_a_silent_guest_is_reached(lab)
    lab.ping("vm1", "vm2")
    lab.ping("vm3", "vm1")
    lab.audit_clean()
    assert_imported(lab, kept=2, kept_statements=1)
    assert "Plan: 0 to change" in lab.deploy().stdout


def _assert_a_silent_guest_is_reached(lab: Lab) -> None:
    """From node1, which does not carry the network of vm3: by the subnet that its nodes announce."""
    table = "vtysh -c 'show bgp l2vpn evpn route'"
    for origin in ("192.168.0.2", "192.168.0.3"):
        subnet = rf"\[5\]:\[0\]:\[24\]:\[10\.0\.3\.0\][^[]*\s{re.escape(origin)}[ (]"
        eventually(f"{origin} announces no subnet", lambda s=subnet: bool(  # type: ignore[misc]
            re.search(s, on(lab, "node1", table))
        ))  # fmt: skip
    assert "]:[32]:[10.0.3.3]" not in on(lab, "node1", table), "vm3 has said something"
    lab.ping("vm1", "vm3")


def _lost(lab: Lab, guest: str, target: str) -> bool:
    """Whether none of two pings is answered."""
    return " 0 received" in guests.run(lab.spec, guest, f"ping -c 2 -W 1 {target} || :").out


def test_vrfs_route_as_declared(lab: Lab) -> None:
    """Follows the one before."""
    # By a static route of the node itself, on each release; and by one that node1 tells of.
    for guest in ("vm1", "vm2", "vm3"):
        reaches(lab, guest, "10.9.0.1")
        reaches(lab, guest, "10.10.0.1")
    # From VRF to VRF and back, over two L3VNIs: node1 has no network of shared, node2 has both.
    for guest in ("vm1", "vm2"):
        reaches(lab, guest, "10.0.7.7")
        reaches(lab, guest, "fd00:7::7")
    # What nobody declared is shut: another prefix of tenant, and transit.
    assert answering(lab, "vm7", {"10.0.3.3", "10.0.8.8", "10.0.2.1"}) == {"10.0.2.1"}
    assert answering(lab, "vm1", {"10.0.8.8"}) == set()
    # The exit serves its own guest as it does those of other nodes.
    outside(lab)
    for guest in ("vm3", "vm1", "vm2"):
        reaches(lab, guest, OUTSIDE)
    # What is connected to node1's transit by hand is announced, though it has no network there.
    reaches(lab, "vm8", "10.0.40.2")
    on(lab, "node1", "ip link set eno1.40 down")
    eventually("the VLAN is gone and still told of", lambda: _lost(lab, "vm8", "10.0.40.2"))
    on(lab, "node1", "ip link set eno1.40 up")
    reaches(lab, "vm8", "10.0.40.2")
    lab.audit_clean()


IN_VRF = "vtysh -c 'configure terminal' -c 'vrf"
LEAK = (
    f"{IN_VRF} tenant' -c 'ip route 10.0.8.0/24 transit nexthop-vrf transit' && "
    f"{IN_VRF} transit' -c 'ip route 10.0.3.0/24 tenant nexthop-vrf tenant'"
)
# Of each release, where it is typed, what is, the ping that it stops or lets pass, and what is found.
STRAYS = (
    (
        "node1",
        f"{IN_VRF} tenant' -c 'no ip route 10.10.0.0/24 10.0.2.1'",
        ("vm2", "10.10.0.1", True),
        ("vrf-static-route", "VRF tenant 10.10.0.0/24"),
    ),
    # The way there is told by other nodes as well; the way back is node2's alone.
    (
        "node2",
        f"{IN_VRF} shared' -c 'no ip route 10.0.2.0/24 tenant nexthop-vrf tenant'",
        ("vm2", "10.0.7.7", True),
        ("vrf-static-route", "VRF shared 10.0.2.0/24"),
    ),
    (
        "node3",
        LEAK,
        ("vm3", "10.0.8.8", False),
        ("vrf-leak", "VRF tenant 10.0.8.0/24"),
    ),
)


def test_what_strays_from_the_declared_routes_is_found(lab: Lab) -> None:
    """Follows the one before: each with the guest's ping that it stops, or lets pass."""
    for node, typed, (guest, target, stops), (check, named) in STRAYS:
        eventually(
            f"{guest} and {target}", lambda g=guest, t=target, s=stops: _lost(lab, g, t) != s
        )
        on(lab, node, typed)
        eventually(
            f"{guest} and {target}", lambda g=guest, t=target, s=stops: _lost(lab, g, t) == s
        )
        wanted = (node, check, named)
        audit = lab.audit_until(
            lambda audit, it=wanted: (
                it in audit.brief and {(host, found) for host, found, _ in audit.brief} == {it[:2]}
            )
        )
        assert wanted in audit.brief, audit.text
        assert {(host, found) for host, found, _ in audit.brief} == {(node, check)}, audit.text
        on(lab, node, "/usr/lib/frr/frr-reload.py --reload /etc/frr/frr.conf")
        lab.audit_clean()


def test_it_leaves_nothing_behind(lab: Lab) -> None:
    """Follows the one before: the node's VLAN, static routes and leaks go with their VRFs."""
    leave_to(lab, ROOT / "examples" / "exit-single-gateway")
    for name in ("node1", "router"):
        assert "eno1.40" not in on(lab, name, "ip -br link")
    assert "10.0.8.0/24" not in on(lab, "router", "ip route")


def test_one_device_for_all_vnis_routes_the_same(lab: Lab, tmp_path: Path) -> None:
    """Follows the one before: over what it left, and node1 with a blank disk of Debian 13."""
    inventory = tmp_path / "single"
    shutil.copytree(ROOT / "examples" / "type5-routes", inventory)
    with no_vtep_too_old(lab), lab.using(as_single(inventory)):
        lab.deploy()
        assert_as_intended(lab)
        guests.start_all(lab.spec)
        for guest in ("vm1", "vm2", "vm3"):
            reaches(lab, guest, "10.9.0.1")
            reaches(lab, guest, "10.10.0.1")
        for target in ("10.0.7.7", "fd00:7::7"):
            reaches(lab, "vm1", target)
        assert answering(lab, "vm7", {"10.0.3.3", "10.0.8.8", "10.0.2.1"}) == {"10.0.2.1"}
        reaches(lab, "vm8", "10.0.40.2")
        lab.audit_clean()
        assert_imported(lab, kept=2, kept_statements=1)
        assert "Plan: 0 to change" in lab.deploy().stdout
