"""Real outputs of a healthy lab (FRR 8.4.4 and 10.3, iproute2 6.1 and 6.15) are in sync."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drift.engine import audit
from overlay.loading import load_inventory
from parsers import RawOutput, parse_host
from tests.drift.applicable import VRF_TABLES
from tests.drift.worlds import BY_RENDER, unfolded
from tests.simulated.fleet import TEXT_SLUGS

if TYPE_CHECKING:
    from overlay.records import HostState

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests" / "parsers" / "recordings"
NODES = {"node1": "bookworm", "node2": "trixie", "node3": "bookworm-node3"}
JSON_SLUGS = ("evpn_summary", "evpn_vni", "ip_address")


@pytest.fixture
def states() -> dict[str, HostState]:
    return {node: _read(node, RECORDINGS / folder) for node, folder in NODES.items()}


def _read(node: str, folder: Path) -> HostState:
    files = [*(f"{slug}.txt" for slug in TEXT_SLUGS), *(f"{slug}.json" for slug in JSON_SLUGS)]
    outputs = {Path(name).stem: RawOutput((folder / name).read_text()) for name in files}
    return parse_host(node, outputs)


def test_a_real_healthy_fabric_is_in_sync(states: dict[str, HostState]) -> None:
    intent = load_inventory(ROOT / "inventory").intent

    result = audit(intent, states)

    # The lab was set up as the seed says, which sets the MTU of eno1 and leaves vmbr0, where the
    # tunnels' packets leave, at 1500: too small for VXLAN, and rightly found.
    assert unfolded(result) == {("mtu", node, "vmbr0") for node in NODES}
    # Recorded before there were checks of these.
    assert {skip.check for skip in result.skipped} == {
        "gateway-route", "mac-frozen", "neighbor-missing", "neighbor-static", "sysctl",
        "packet-filter", "vrf-route-missing", "vrf-route-stale", "vrf-rule", "underlay-diverted", "traffic-control",
            *VRF_TABLES,
        *BY_RENDER,
    }  # fmt: skip


def test_one_entry_less_in_it_is_found(states: dict[str, HostState]) -> None:
    intent = load_inventory(ROOT / "inventory").intent
    fdb = states["node2"].fdb or ()
    lost = next(e for e in fdb if e.device == "vxlan2" and e.dst and not e.is_flood)
    states["node2"] = replace(states["node2"], fdb=tuple(e for e in fdb if e != lost))

    result = audit(intent, states, skip=["mtu"])

    assert unfolded(result) == {("fdb-missing", "node2", f"vxlan2 MAC {lost.mac}")}


@pytest.mark.parametrize("node", NODES)
def test_a_router_mac_less_in_it_is_found(states: dict[str, HostState], node: str) -> None:
    intent = load_inventory(ROOT / "inventory").intent
    fdb = states[node].fdb or ()
    lost = [entry for entry in fdb if entry.device == "vxlan4000" and entry.dst]
    assert len(lost) == 2
    states[node] = replace(states[node], fdb=tuple(e for e in fdb if e not in lost))

    result = audit(intent, states, skip=["mtu"])

    assert unfolded(result) == {("fdb-missing", node, f"vxlan4000 RMAC {e.mac}") for e in lost}
    assert {f.expected for f in result.findings} == {entry.dst for entry in lost}
