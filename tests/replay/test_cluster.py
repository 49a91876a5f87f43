"""Audits by the workers of a Dask cluster: near their hosts, with their own keys, come what may."""

from __future__ import annotations

import json
import pickle
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dask import config

from app.audit import cluster, cluster_worker, clustered
from drift.engine import chosen_ids
from overlay.loading import load_inventory
from replay.fleet import RECORDINGS, ReplayFleet
from tasks.files import FRR_CONF
from tasks.plan import FileState
from tests.cli.audits import ROOT, Ended, call
from tests.docs.documents import DOCS, blocks
from tests.replay.dask_cluster import DaskCluster, copy_of, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

SITES = {"node1": {"site": "fra"}, "node2": {"site": "ams"}, "node3": {"site": "fra"}}
NO_KEY = {"key_file": "/nonexistent/key"}


@pytest.fixture(scope="module")
def nodes() -> Iterator[ReplayFleet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        with ReplayFleet(ROOT / "inventory", RECORDINGS, scene="fault") as running:
            yield running


@pytest.fixture
def inventory(nodes: ReplayFleet, tmp_path: Path) -> Iterator[Path]:
    """All hosts with their sites, and the keys to all of them."""
    for node in nodes.nodes.values():
        node.login_takes = 0
    yield copy_of(nodes.inventory, tmp_path / "all", **SITES)
    for node in nodes.nodes.values():
        node.login_takes = 0


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path) as running:
        yield running


def audit(inventory: Path, output: Path, *more: object) -> Ended:
    return call("--inventory", inventory, "audit", "--no-history", "-o", output, *more)


def report(folder: Path) -> dict[str, Any]:
    """An audit's report without what differs between two runs of the same."""
    said: dict[str, Any] = json.loads((folder / "report.json").read_text())
    for key in ("id", "started", "finished", "inventory"):
        del said["run"][key]
    return said


def without_keys(inventory: Path, folder: Path, *hosts: str) -> Path:
    return copy_of(inventory, folder, **dict.fromkeys(hosts, NO_KEY))


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[DaskCluster]:
    """A cluster whose keys were made, and are named, as docs/cluster.md shows; so are ours."""
    keys = tmp_path / "keys"
    keys.mkdir()
    shown = blocks(DOCS / "cluster.md")
    making = next(block.text for block in shown if block.text.startswith("openssl"))
    naming = next(block.text for block in shown if "ca-file" in block.text)
    subprocess.run(["/bin/sh", "-ec", making], cwd=keys, check=True, capture_output=True)
    file = keys / "tls.yaml"
    text = naming.replace("/etc/dask", str(keys))
    file.write_text(text)
    ours = config.merge(config.get("distributed.comm"), yaml.safe_load(text)["distributed"]["comm"])
    with config.set({"distributed.comm": ours}), DaskCluster(tmp_path, file) as running:
        yield running


def test_each_host_is_audited_near_it_with_the_workers_own_keys_and_the_report_is_the_same(
    inventory: Path, over_tls: DaskCluster, tmp_path: Path
) -> None:
    dask = over_tls
    assert dask.address.startswith("tls://")
    # Neither who audits has a key to any node, nor a worker to nodes of another site.
    ours = without_keys(inventory, tmp_path / "ours", *SITES)
    dask.work("fra-1", without_keys(inventory, tmp_path / "fra", "node2"), site="fra")
    dask.work("ams-1", without_keys(inventory, tmp_path / "ams", "node1", "node3"), site="ams")
    alone = audit(inventory, tmp_path / "alone", "--keep-snapshot")
    shared = audit(ours, tmp_path / "shared", "--keep-snapshot", "--scheduler", dask.address)
    assert shared.code == alone.code == 2, shared.err
    assert json.dumps(report(tmp_path / "shared")) == json.dumps(report(tmp_path / "alone"))
    assert tree(tmp_path / "shared" / "snapshot") == tree(tmp_path / "alone" / "snapshot")
    assert "Warning" not in shared.err

    options = ("--scheduler", dask.address, "-o", tmp_path / "collected")
    collected = call("--inventory", ours, "collect", *options)
    assert collected.code == 0, collected.err
    assert tree(tmp_path / "collected") == tree(tmp_path / "alone" / "snapshot")


def test_each_plan_is_made_near_its_host_with_the_workers_own_passwords_and_is_the_same(
    inventory: Path, dask: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric = yaml.safe_load((inventory / "fabric.yaml").read_text())
    fabric["bgp"].setdefault("session", {})["password"] = {"env": "BGP_OF_THE_TEST"}
    (inventory / "fabric.yaml").write_text(yaml.safe_dump(fabric, sort_keys=False))
    ours = without_keys(inventory, tmp_path / "ours", *SITES)
    with monkeypatch.context() as here:
        # The password is where the workers are, and nowhere else.
        here.setenv("BGP_OF_THE_TEST", "hunter2")
        dask.work("fra-1", without_keys(inventory, tmp_path / "fra", "node2"), site="fra")
        dask.work("ams-1", without_keys(inventory, tmp_path / "ams", "node1", "node3"), site="ams")
        for form in ((), ("--json",)):
            alone = call("--inventory", inventory, "plan", *form)
            here.delenv("BGP_OF_THE_TEST")
            shared = call("--inventory", ours, "plan", *form, "--scheduler", dask.address)
            here.setenv("BGP_OF_THE_TEST", "hunter2")
            assert shared.code == alone.code, shared.err
            assert "+++ " in alone.out
            assert "<redacted>" in alone.out
            assert shared.out == alone.out
            assert "hunter2" not in shared.out


def test_a_host_that_a_worker_cannot_reach_is_in_the_plan_as_without_workers(
    inventory: Path, dask: DaskCluster, tmp_path: Path
) -> None:
    bad = without_keys(inventory, tmp_path / "bad", "node2")
    dask.work("any", bad)
    alone = call("--inventory", bad, "plan")
    shared = call("--inventory", bad, "plan", "--scheduler", dask.address)
    assert "node2" in alone.err
    assert (shared.code, shared.out) == (alone.code, alone.out)
    assert "/nonexistent/key" in shared.err


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_hosts_of_a_lost_worker_are_audited_by_another_one_of_its_site(
    inventory: Path, dask: DaskCluster, nodes: ReplayFleet, tmp_path: Path
) -> None:
    audit(inventory, tmp_path / "alone")
    dask.work("fra-1", inventory, site="fra")
    dask.work("fra-2", inventory, site="fra")
    dask.work("ams-1", without_keys(inventory, tmp_path / "ams", "node1", "node3"), site="ams")
    for name in ("node1", "node3"):
        nodes.nodes[name].login_takes = 5
    ended = in_background(inventory, tmp_path / "out", "--scheduler", dask.address)
    busy: dict[str, int] = {}
    wait_for(lambda: busy.update(dask.busy()) or busy["fra-1"] or busy["fra-2"])
    dask.kill("fra-1" if busy["fra-1"] else "fra-2")
    shared = ended()
    assert shared.code == 2, shared.err
    assert "Warning" not in shared.err
    assert report(tmp_path / "out") == report(tmp_path / "alone")


def test_hosts_of_a_site_without_workers_are_audited_by_any_and_that_is_said(
    inventory: Path,
    dask: DaskCluster,
    nodes: ReplayFleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_BACK_WITHIN", 2)
    audit(inventory, tmp_path / "alone")
    dask.work("ber-1", inventory, site="ber")
    dask.work("fra-1", inventory, site="fra")
    for name in ("node1", "node3"):
        nodes.nodes[name].login_takes = 5
    ended = in_background(inventory, tmp_path / "out", "--scheduler", dask.address)
    wait_for(lambda: dask.busy()["fra-1"])
    dask.kill("fra-1")
    shared = ended()
    assert shared.code == 2, shared.err
    assert "no worker is of the site ams: its 1 host" in shared.err
    assert "the site fra has lost its workers: its remaining 2 hosts are audited by" in shared.err
    assert report(tmp_path / "out") == report(tmp_path / "alone")


def test_a_lost_scheduler_is_an_error_that_says_what_to_do(
    inventory: Path, dask: DaskCluster, nodes: ReplayFleet, tmp_path: Path
) -> None:
    dask.work("fra-1", inventory, site="fra")
    for node in nodes.nodes.values():
        node.login_takes = 5
    ended = in_background(inventory, tmp_path / "out", "--scheduler", dask.address)
    wait_for(lambda: dask.busy()["fra-1"])
    dask.kill("scheduler")
    shared = ended()
    assert shared.code == 1
    assert f"the connection to the scheduler {dask.address} was lost" in shared.err
    assert "audit again" in shared.err
    again = audit(inventory, tmp_path / "out", "--scheduler", dask.address)
    assert again.code == 1
    assert f"--scheduler {dask.address}: no Dask scheduler was reached there" in again.err


def test_another_intent_and_another_code_are_refused_before_any_host_is_asked(
    inventory: Path, dask: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_REACHED_WITHIN", 3)
    none = audit(inventory, tmp_path / "out", "--scheduler", dask.address)
    assert f"the scheduler {dask.address} has no worker" in none.err

    old = copy_of(inventory, tmp_path / "old")
    with (old / "fabric.yaml").open("a") as file:
        file.write("# of yesterday\n")
    dask.work("fra-1", inventory, site="fra")
    dask.work("ams-1", old, site="ams")
    shared = audit(inventory, tmp_path / "out", "--scheduler", dask.address)
    assert shared.code == 1
    assert f"1 worker of 2 cannot take part: ams-1: the intent in {old} is another" in shared.err
    dask.kill("ams-1")
    monkeypatch.setattr(clustered, "CODE", "another")
    shared = audit(inventory, tmp_path / "out", "--scheduler", dask.address)
    assert shared.code == 1
    assert "fra-1: its evpn-fleet is of another version" in shared.err
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_cluster_of_this_computer_reports_the_same(inventory: Path, tmp_path: Path) -> None:
    alone = audit(inventory, tmp_path / "alone", "--deadline", 120)
    shared = audit(inventory, tmp_path / "shared", "--cluster", 2, "--deadline", 120)
    assert shared.code == alone.code == 2, shared.err
    assert report(tmp_path / "shared") == report(tmp_path / "alone")
    assert "Warning" not in shared.err


def test_nothing_that_a_node_says_of_its_secrets_leaves_a_worker(
    inventory: Path, nodes: ReplayFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cluster_worker.INVENTORY_VARIABLE, str(inventory))
    loaded = load_inventory(inventory)
    secret = "router bgp 1234\n neighbor 192.168.0.2 password hunter2\nexit\n"
    monkeypatch.setitem(nodes.nodes["node1"].files, FRR_CONF.path, FileState(secret))
    for chosen in (None, chosen_ids(None, ())):
        ticket = clustered.ticket_of(loaded, chosen, raw=True)
        sent = pickle.dumps((ticket, cluster_worker.look(ticket, "node1")))
        assert b"neighbor 192.168.0.2 password" in sent
        assert b"hunter2" not in sent


def test_options_that_contradict_each_other(inventory: Path, tmp_path: Path) -> None:
    both = audit(inventory, tmp_path, "--scheduler", "tcp://127.0.0.1:1", "--cluster", 2)
    assert both.code == 1
    assert "--scheduler names a cluster, and --cluster starts one" in both.err
    old = audit(inventory, tmp_path, "--from", RECORDINGS / "fault", "--cluster", 2)
    assert old.code == 1
    assert "--scheduler and --cluster look at live nodes" in old.err


def in_background(inventory: Path, output: Path, *more: object) -> Any:
    """Begins an audit in a thread; what is returned waits for its end."""
    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(audit(inventory, output, *more)))
    thread.start()

    def wait() -> Ended:
        thread.join(120)
        assert ended, "the audit does not end"
        return ended[0]

    return wait
