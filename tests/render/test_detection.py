"""`bgp.timers` and `bgp.bfd`: what is rendered for VTEPs, reflectors and routers outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from overlay.derive import derive
from overlay.intent import Fabric
from tests.rendering import render

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
DAEMONS, FRR = "/etc/frr/daemons", "/etc/frr/frr.conf"


def rendered(example: str, **bgp: Any) -> dict[str, dict[str, str]]:
    data = yaml.safe_load((EXAMPLES / example / "fabric.yaml").read_text())
    data["bgp"] |= bgp
    return render(derive(Fabric.model_validate(data)))


def about(text: str, word: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if word in line]


@pytest.mark.parametrize("spelling", [{"bfd": True}, {"bfd": {}}, {"bfd": {"interval": 300}}])
def test_bfd_is_with_every_neighbour_and_its_daemon_runs(spelling: dict[str, Any]) -> None:
    files = rendered("exit-upstream-bgp", **spelling)
    peers = ["192.168.0.2", "192.168.0.3", "192.168.0.254"]
    assert about(files["node1"][FRR], "bfd") == [f"neighbor {peer} bfd" for peer in peers]
    assert about(files["router"][FRR], "bfd") == ["neighbor 192.168.0.1 bfd"]
    assert all("bfdd=yes\n" in node[DAEMONS] for node in files.values())


@pytest.mark.parametrize("spelling", [{}, {"bfd": False}, {"bfd": None}])
def test_without_bfd_its_daemon_is_not_named(spelling: dict[str, Any]) -> None:
    # A line `bfdd=no` more would restart every FRR of a fleet that is in sync.
    files = rendered("exit-upstream-bgp", **spelling)
    assert not any("bfdd=" in node[DAEMONS] or " bfd" in node[FRR] for node in files.values())


def test_other_probes_than_frrs_own_are_a_profile() -> None:
    files = rendered("route-reflectors", bfd={"interval": 500, "multiplier": 4})
    conf = files["rrserver1"][FRR]
    assert about(conf, "bfd") == [
        "bfd",
        "neighbor fabric bfd",
        "neighbor fabric bfd profile EVPN-FLEET",
    ]
    assert (
        "bfd\n profile EVPN-FLEET\n  detect-multiplier 4\n  transmit-interval 500\n"
        "  receive-interval 500\n exit\n !\nexit\n" in conf
    )
    assert "neighbor 192.168.0.200 bfd profile EVPN-FLEET" in files["node1"][FRR]


def test_timers_are_those_of_each_speaker_and_only_who_connects_retries() -> None:
    files = rendered("route-reflectors", timers={"keepalive": 5, "hold": 20, "connect": 7})
    assert about(files["node1"][FRR], "timers") == [
        "timers bgp 5 20",
        "neighbor 192.168.0.200 timers connect 7",
        "neighbor 192.168.0.201 timers connect 7",
    ]
    assert about(files["rrserver1"][FRR], "timers") == ["timers bgp 5 20"]


def test_what_frr_does_by_itself_is_not_written() -> None:
    files = rendered("l3-symmetric", timers={"keepalive": 60, "hold": 180, "connect": 120})
    assert about(files["node1"][FRR], "timers") == []
