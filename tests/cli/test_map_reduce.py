"""However the nodes of an audit are spread over processes, its report is the same, byte for byte."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.audit import mapping
from app.audit.mapping import Orders, Workers
from app.audit.pipeline import gather, judge
from drift.catalogue import ACROSS
from drift.engine import chosen_ids
from drift.facts.examined import Gathered
from overlay.derive import derive
from overlay.errors import FleetError
from overlay.intent import Fabric
from reports.build import run_info
from reports.formats import render_report
from tasks.commands import HostCapture
from tasks.snapshot import Snapshot, open_snapshot, write_capture, write_meta
from tests.rendering import render, rendered_nodes
from tests.simulated.fleet import Fleet
from tests.simulated.printed import outputs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from overlay.expected import FabricIntent
    from reports.model import Report

NODES = 14
FINDINGS = {"vtep-duplicate", "rd-duplicate", "mac-route-missing", "rmac-conflict", "router-id"}

FABRIC = {
    "routing": "symmetric",
    "underlay": {"prefix": "192.168.0.0/24"},
    "overlay": {"gateway_mac": "44:39:39:ff:40:94"},
    "bgp": {"asn": 1234},
    "vrfs": {"red": {"l3vni": 9001}},
    "networks": [
        {"vni": 10, "vrf": "red", "gateways": ["10.0.10.254/24"]},
        {"vni": 20, "nodes": ["n0*"]},
    ],
    "nodes": {f"n{n:02}": {"address": f"192.168.0.{n}"} for n in range(1, NODES + 1)},
}


@pytest.fixture(scope="module")
def intent() -> FabricIntent:
    return derive(Fabric.model_validate(FABRIC))


def _edit(text: Callable[[str], str], slug: str, captures: dict[str, HostCapture], host: str):
    outputs = captures[host].outputs
    changed = replace(outputs[slug], text=text(outputs[slug].text))
    assert changed != outputs[slug], f"{slug} of {host} was not changed"
    captures[host] = HostCapture(host, {**outputs, slug: changed})


@pytest.fixture(scope="module")
def folder(intent: FabricIntent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot with faults of the nodes' own and with some that show only across nodes."""
    fleet = Fleet(intent, guests=2, stopped=frozenset({"n04"}), rendered=rendered_nodes(intent))
    captures = {name: HostCapture(name, outputs_of(s)) for name, s in fleet.states().items()}
    _edit(
        lambda t: t.replace("local 192.168.0.5 ", "local 192.168.0.6 "), "ip_link", captures, "n05"
    )
    _edit(lambda t: t.replace("mtu 1500", "mtu 1400", 3), "ip_link", captures, "n02")
    lost_mac = "02:00:03:00:0a:01"  # of n03 in VNI 10, not passed on to n08
    _edit(lambda t: _without(t, lost_mac), "bgp_l2vpn_evpn", captures, "n08")
    _edit(
        lambda t: t.replace("192.168.0.9:2\n", "192.168.0.10:2\n"),
        "bgp_l2vpn_evpn",
        captures,
        "n13",
    )
    _edit(
        lambda t: t.replace("router ID is 192.168.0.11", "router ID is 192.168.0.12"),
        "bgp_l2vpn_evpn",
        captures,
        "n11",
    )
    _edit(lambda t: t.replace("06:00:02:", "06:00:01:"), "ip_link", captures, "n02")
    _edit(lambda t: t + "what is this\n", "bridge_fdb", captures, "n12")
    captures["n14"] = HostCapture("n14", {}, "n14: no route to host")
    folder = tmp_path_factory.mktemp("snapshot")
    for capture in captures.values():
        write_capture(folder, capture)
    write_meta(folder, captures.values())
    return folder


def _without(table: str, mac: str) -> str:
    """The table less the routes of a MAC, its footer counting them no more."""
    lines = table.split("\n")
    keep, gone, skipping = [], 0, 0
    for line in lines:
        if mac in line and line.startswith("*>"):
            gone, skipping = gone + 1, 3
        if not skipping:
            keep.append(line)
        skipping = max(0, skipping - 1)
    number = int(table.rpartition("Displayed ")[2].split()[0])
    return "\n".join(keep).replace(
        f"Displayed {number} out of {number}", f"Displayed {number - gone} out of {number - gone}"
    )


def _report(intent: FabricIntent, folder: Path, hosts: list[str]) -> Report:
    orders = Orders(intent, chosen_ids(None, ()))
    snapshot, files, gathered = open_snapshot(folder, hosts), render(intent), Gathered()
    with Workers(orders, len(hosts)) as workers:
        begun = [workers.examine_snapshot(snapshot.of(h), h, files[h]) for h in hosts]
        for future in begun:
            gathered.add(future.result())
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    run = run_info(
        started=moment, finished=moment, run_id="r", tool_version="0", inventory="i",
        source="snapshot",
    )  # fmt: skip
    return judge(run, orders, gathered)


@pytest.fixture(scope="module")
def serial(intent: FabricIntent, folder: Path) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapping, "_FEW_HOSTS", NODES + 1)
        return _report(intent, folder, sorted(intent.nodes))


def test_the_faults_across_nodes_are_among_the_findings(serial: Report) -> None:
    found = {finding.check for finding in serial.findings}
    assert found >= FINDINGS, FINDINGS - found
    assert {part.check.id for part in ACROSS} & FINDINGS == FINDINGS
    assert serial.hosts["n14"].status == serial.hosts["n12"].status == "incomplete"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["forwards", "backwards"])
def test_processes_report_what_one_thread_does(
    intent: FabricIntent, folder: Path, serial: Report, order: str
) -> None:
    hosts = sorted(intent.nodes, reverse=order == "backwards")
    pooled = _report(intent, folder, hosts)
    assert render_report(pooled, "json") == render_report(serial, "json")


def test_what_is_kept_of_a_node_does_not_grow_with_what_is_equal_on_all(
    intent: FabricIntent, folder: Path
) -> None:
    # The second node of a process tells nothing again that the first one told.
    mapper, files = mapping.Mapper(Orders(intent, chosen_ids(None, ()))), render(intent)
    snapshot = open_snapshot(folder, list(intent.nodes))
    news = [len(mapper.of_snapshot(snapshot, h, files[h]).news) for h in ("n06", "n07", "n09")]
    assert news[0] > 20
    assert max(news[1:]) < 8, news


def test_nodes_with_the_same_vnis_go_to_one_worker_until_it_has_enough_to_do(
    intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping.os, "cpu_count", lambda: 2)
    with Workers(Orders(intent, chosen_ids(None, ())), NODES) as workers:
        taken = [workers._take_place("n01") for _ in range(2 * mapping._QUEUED)]
    assert taken == [taken[0]] * mapping._QUEUED + [1 - taken[0]] * mapping._QUEUED


def test_groups_of_nodes_take_turns_and_reflectors_are_first(
    intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping.os, "cpu_count", lambda: 2)
    nodes = {"rr": {"role": "reflector", "address": "192.168.0.99"}}
    nodes |= {name: {"address": node.address} for name, node in intent.nodes.items()}
    networks = [{"vni": 10, "nodes": ["n0*"]}, {"vni": 20, "nodes": ["n1*"]}]
    fabric = {**FABRIC, "routing": "none", "vrfs": {}, "networks": networks, "nodes": nodes}
    reflected = derive(Fabric.model_validate(fabric))
    with Workers(Orders(reflected, chosen_ids(None, ())), len(nodes)) as workers:
        turns = workers.in_turns(sorted(reflected.nodes))
    assert sorted(turns) == sorted(reflected.nodes)
    assert turns[0] == "rr"
    assert [host[:2] for host in turns[1:9]] == ["n0", "n1"] * 4


class Fatal(Snapshot):
    """A snapshot whose reader ends its process, as the kernel does when memory is out."""

    def read(self, host: str) -> Any:
        os._exit(1)


@pytest.mark.slow
def test_a_worker_that_was_ended_is_an_error_that_says_what_to_do(
    intent: FabricIntent, tmp_path: Path
) -> None:
    orders = Orders(intent, chosen_ids(None, ()))
    with Workers(orders, NODES) as workers, pytest.raises(FleetError) as caught:
        gather([workers.examine_snapshot(Fatal(tmp_path, {}), "n01", {})], Gathered())
    assert "a worker process that compares nodes has ended" in caught.value.what
    assert "dmesg" in caught.value.hint
