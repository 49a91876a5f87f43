"""What TTP reads from a recorded text equals the JSON that the same machine gave at that moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import parsers
from tests.oracle import evpn_from_json, fdb_from_json, links_from_json

RECORDINGS = Path(__file__).parent / "recordings"
MACHINES = sorted(path.name for path in RECORDINGS.iterdir() if path.is_dir())


def _text(machine: str, name: str) -> str:
    return (RECORDINGS / machine / f"{name}.txt").read_text(encoding="utf-8")


def _json(machine: str, name: str):
    return json.loads((RECORDINGS / machine / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("machine", MACHINES)
def test_fdb_equals_its_json(machine):
    assert parsers.parse_fdb(_text(machine, "bridge_fdb")) == fdb_from_json(
        _json(machine, "bridge_fdb")
    )


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("form", ["ip_link", "ip_link_oneline"])
def test_links_equal_their_json(machine, form):
    expected = links_from_json(_json(machine, "ip_link"))
    found = parsers.parse_links(_text(machine, form))
    assert found == expected
    assert {link.kind for link in found} >= {"bridge", "vrf", "vxlan", None}


@pytest.mark.parametrize("machine", MACHINES)
def test_evpn_equals_its_json(machine):
    expected = evpn_from_json(_json(machine, "bgp_l2vpn_evpn"))
    found = parsers.parse_evpn(_text(machine, "bgp_l2vpn_evpn"))
    assert found.router_id == expected.router_id
    assert found.paths == expected.paths


@pytest.mark.parametrize("machine", MACHINES)
def test_a_filtered_table_holds_the_same_paths(machine):
    whole = parsers.parse_evpn(_text(machine, "bgp_l2vpn_evpn"))
    filtered = parsers.parse_evpn(_text(machine, "bgp_l2vpn_evpn_type2"))
    assert filtered.paths == tuple(path for path in whole.paths if path.route_type == 2)


@pytest.mark.parametrize("machine", MACHINES)
def test_statistics_change_nothing_but_the_statistics(machine):
    plain = parsers.parse_fdb(_text(machine, "bridge_fdb"))
    with_use = parsers.parse_fdb(_text(machine, "bridge_fdb_s"))
    assert len(plain) == len(with_use)
    assert any(entry.used for entry in with_use)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_line_is_the_evidence_of_one_record(machine):
    links = parsers.parse_links(_text(machine, "ip_link"))
    assert "\n".join(link.text for link in links) == _text(machine, "ip_link").rstrip("\n")
    entries = parsers.parse_fdb(_text(machine, "bridge_fdb"))
    assert "\n".join(entry.text for entry in entries) == _text(machine, "bridge_fdb").rstrip("\n")
