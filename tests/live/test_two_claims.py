"""A MAC that two nodes claim, again and again: no single node can be broken to show it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.live.tools.probes import on

if TYPE_CHECKING:
    from tests.live.conftest import Lab

pytestmark = pytest.mark.lab

MAC = "02:00:00:00:00:77"
CLAIMANTS = ("node1", "node2")


def port(lab: Lab, node: str) -> str:
    """The port of a virtual machine in the bridge of VNI 2."""
    return on(lab, node, "ls /sys/class/net/vmbr2/brif | grep -v ^vxlan | head -n 1").strip()


def test_a_mac_that_two_nodes_claim(fleet: Lab) -> None:
    fleet.audit_clean()
    ports = {node: port(fleet, node) for node in CLAIMANTS}
    try:
        # Each claims it back from the other: every time its sequence number grows by one.
        claims = (
            f"for _ in $(seq 30); do bridge fdb replace {MAC} dev %s master static; sleep 1; done"
        )
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: on(fleet, node, claims % ports[node]), CLAIMANTS))
        audit = fleet.audit_until(
            lambda audit: [f["check"] for f in audit.roots] == ["mac-mobility"]
        )
        assert [f["check"] for f in audit.roots] == ["mac-mobility"], audit.text
        assert MAC in audit.roots[0]["object"]
        assert audit.roots[0]["evidence"]
        assert audit.code == 2
    finally:
        for node in CLAIMANTS:
            on(fleet, node, f"bridge fdb del {MAC} dev {ports[node]} master 2>/dev/null || :")
    _forget(fleet, MAC)
    fleet.audit_clean()


# Freezing is off unless somebody asks for it.
_DETECTION = (
    "vtysh -c 'configure terminal' -c 'router bgp 1234' -c 'address-family l2vpn evpn' "
    "-c 'dup-addr-detection max-moves {moves} time 180' -c '{no}dup-addr-detection freeze permanent'"
)


def test_a_mac_that_frr_has_frozen(fleet: Lab) -> None:
    """On node2 alone, after few moves: too few for `mac-mobility`."""
    fleet.audit_clean()
    ports = {node: port(fleet, node) for node in CLAIMANTS}
    on(fleet, "node2", _DETECTION.format(moves=2, no=""))
    try:
        for _ in range(2):
            for node in CLAIMANTS:
                claim = f"bridge fdb replace {MAC} dev {ports[node]} master static; sleep 2"
                on(fleet, node, claim)
        audit = fleet.audit_until(lambda audit: [f["check"] for f in audit.roots] == ["mac-frozen"])
        assert audit.brief == [("node2", "mac-frozen", f"VNI 2 MAC {MAC}")], audit.text
        assert audit.roots[0]["evidence"]
    finally:
        for node in CLAIMANTS:
            on(fleet, node, f"bridge fdb del {MAC} dev {ports[node]} master 2>/dev/null || :")
        on(fleet, "node2", _DETECTION.format(moves=5, no="no "))
    _forget(fleet, MAC)
    fleet.audit_clean()


def _forget(fleet: Lab, *macs: str) -> None:
    # zebra may go on announcing a MAC that it saw move so often, and leaves the tunnel's entry of
    # one that was here for a while; the audit would say so.
    forget = "; ".join(
        f"bridge fdb show dev vxlan2 | grep ^{mac} | grep -o 'dst [^ ]*' | "
        f"while read dst; do bridge fdb del {mac} dev vxlan2 $dst self; done; "
        f"bridge fdb del {mac} dev vxlan2 master 2>/dev/null || :"
        for mac in macs
    )
    for node in CLAIMANTS:
        on(fleet, node, f"systemctl stop frr; {forget}; systemctl reset-failed frr")
    for node in CLAIMANTS:
        on(fleet, node, "systemctl start frr")
    for node in fleet.spec.nodes:
        on(fleet, node, f"sleep 3; {forget}")
