"""A replayed fleet with small recordings that are made here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from overlay.loading import load_inventory
from overlay.outputs import file_slug
from overlay.records import RawOutput
from replay.fleet import ReplayFleet
from tasks.commands import HostCapture
from tasks.files import DAEMONS, FRR_CONF, INTERFACES, SYSCTL
from tasks.snapshot import write_capture, write_meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from overlay.expected import FabricIntent

INVENTORY = Path(__file__).resolve().parents[2] / "inventory"
HOSTS = ("node1", "node2", "node3")
FILES = (DAEMONS, FRR_CONF, SYSCTL, INTERFACES)
BLANK_INTERFACES = "auto lo\niface lo inet loopback\n\nsource /etc/network/interfaces.d/*\n"


def outputs(host: str, scene: str) -> dict[str, RawOutput]:
    """What one host printed in one scene; each text is told from every other."""
    return {
        "bridge_fdb": RawOutput(f"33:33:00:00:00:01 dev {host} self permanent\n" * 3),
        "bridge_fdb_later": RawOutput(f"33:33:00:00:00:02 dev {host} self permanent\n"),
        "ip_link": RawOutput(f"1: lo: {scene} ä no final newline"),
        "bgp_l2vpn_evpn": RawOutput("", 1, "Exiting: failed to connect to any daemons.\n"),
        "evpn_summary": RawOutput("{}\n"),
        "evpn_vni": RawOutput('{"2": {}}\n', 0, "a warning\n"),
        "evpn_duplicate_macs": RawOutput('{"2": {"numMacs": 0}}\n'),
        "evpn_duplicate_addresses": RawOutput('{"2": {"numArpNd": 0}}\n'),
        "ip_address": RawOutput("[]"),
        "ip_route": RawOutput("[]"),
        "ip6_route": RawOutput("[]"),
        "ip_rule": RawOutput("[]"),
        "ip6_rule": RawOutput("[]"),
        "ip_neigh": RawOutput("[]"),
        "tc_qdisc": RawOutput("[]"),
        "tc_filter": RawOutput(""),
        "packet_filters": RawOutput(""),
        "ipsec_policies": RawOutput(""),
        "sysctl": RawOutput("net.ipv4.ip_forward = 1\n"),
        "running_config": RawOutput("Current configuration:\n!\nend\n"),
        **{file_slug(file.path): RawOutput(f"# {scene}\n") for file in FILES},
    }


def record(folder: Path, scene: str) -> None:
    captures = [HostCapture(host, outputs(host, scene)) for host in HOSTS]
    for capture in captures:
        write_capture(folder / scene, capture)
    write_meta(folder / scene, captures)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    record(folder, "deployed")
    record(folder, "fault")
    for host in HOSTS:
        file = folder / "blank" / host / "etc/network/interfaces"
        file.parent.mkdir(parents=True)
        file.write_text(BLANK_INTERFACES)
    return folder


@pytest.fixture
def fleet(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplayFleet]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with ReplayFleet(INVENTORY, recordings, scene="deployed") as running:
        yield running


@pytest.fixture(scope="session")
def intent() -> FabricIntent:
    return load_inventory(INVENTORY).intent
