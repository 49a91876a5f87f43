"""The command line as other programs call it: arguments in, exit code out, on recordings of the lab."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from replay.fleet import RECORDINGS, ReplayFleet
from tests.cli.audits import ROOT, call

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.ssh

SHIPPED = ROOT / "inventory"


@pytest.fixture(scope="module")
def fleet() -> Iterator[ReplayFleet]:
    with ReplayFleet(SHIPPED, RECORDINGS) as running:
        yield running


def test_plan_deploy_plan_over_real_ssh(fleet: ReplayFleet) -> None:
    planned = call("--inventory", fleet.inventory, "plan")
    assert planned.code == 2
    assert "+iface vxlan2 inet manual" in planned.out
    refused = call("--inventory", fleet.inventory, "deploy")
    assert refused.code == 1
    assert "add --yes" in refused.err
    assert call("--inventory", fleet.inventory, "deploy", "--dry-run").code == 2
    assert call("--inventory", fleet.inventory, "deploy", "--yes").code == 0
    assert call("--inventory", fleet.inventory, "plan").code == 0
    again = call("--inventory", fleet.inventory, "deploy", "--yes")
    assert again.code == 0
    assert "Plan: 0 to change, 3 in sync" in again.out


def test_audit_exit_codes_and_reports(fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("deployed")
    clean = call("--inventory", fleet.inventory, "audit", "-o", tmp_path / "clean")
    assert (clean.code, "In sync" in clean.out) == (0, True), clean.out + clean.err
    fleet.play("fault")
    broken = call("--inventory", fleet.inventory, "audit", "-o", tmp_path / "broken")
    assert broken.code == 2
    assert "flood-missing" in broken.out
    report = json.loads((tmp_path / "broken" / "report.json").read_text())
    assert [f["check"] for f in report["findings"] if f["caused_by"] is None] == ["flood-missing"]
    assert "flood-missing" in (tmp_path / "broken" / "report.html").read_text()
    compared = call("compare", tmp_path / "clean/report.json", tmp_path / "broken/report.json")
    assert compared.code == 2
    assert "flood-missing" in compared.out
    back = call("compare", tmp_path / "broken/report.json", tmp_path / "clean/report.json")
    assert back.code == 0


def test_a_snapshot_audits_like_the_live_fabric(fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("fault")
    assert call("--inventory", fleet.inventory, "collect", "-o", tmp_path / "snap").code == 0
    live = call(
        "--inventory", fleet.inventory, "audit", "--no-history", "--json", "-o", tmp_path / "a"
    )
    read = call(
        "--inventory", fleet.inventory, "audit", "--json", "--from", tmp_path / "snap",
        "-o", tmp_path / "b",
    )  # fmt: skip
    assert live.code == read.code == 2
    assert json.loads(live.out)["findings"] == json.loads(read.out)["findings"]


def test_a_dead_node_is_incomplete(fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("deployed")
    with ReplayFleet(SHIPPED, RECORDINGS, scene="deployed") as other:
        other.power_off("node3")
        ended = call("--inventory", other.inventory, "audit", "-o", tmp_path)
    assert ended.code == 3
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["hosts"]["node3"]["status"] == "incomplete"
    assert report["summary"]["hosts"]["incomplete"] == 1
    assert not [f for f in report["findings"] if f["host"] == "node3"]


def test_audits_latest_points_at_the_last_audit(fleet: ReplayFleet) -> None:
    fleet.play("deployed")
    assert call("--inventory", fleet.inventory, "audit").code == 0
    latest = fleet.inventory.parent / "audits" / "latest"
    assert latest.is_symlink()
    assert (latest / "report.html").is_file()
    first = latest.resolve()
    assert call("--inventory", fleet.inventory, "audit").code == 0
    assert latest.resolve() != first


@pytest.mark.parametrize("slug", ["bridge_fdb", "ip_link", "bgp_l2vpn_evpn"])
def test_parse_prints_a_json_array(slug: str) -> None:
    file = RECORDINGS / "deployed" / "node2" / f"{slug}.txt"
    ended = call("parse", slug, file)
    assert ended.code == 0
    records = json.loads(ended.out)
    text = file.read_text()
    expected = {
        "bridge_fdb": len(text.splitlines()),
        "ip_link": len(re.findall(r"^\d+: ", text, re.MULTILINE)),
        "bgp_l2vpn_evpn": len(re.findall(r"^ [*s]", text, re.MULTILINE)),
    }[slug]
    assert len(records) == expected


@pytest.mark.parametrize("form", ["html", "markdown", "junit", "csv", "json", "text"])
def test_report_renders_again(form: str, fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("fault")
    call("--inventory", fleet.inventory, "audit", "-o", tmp_path)
    ended = call("report", tmp_path / "report.json", "--format", form)
    assert ended.code == 0
    assert "flood-missing" in ended.out


def test_render_is_byte_stable_and_complete(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert call("render", "--output", tmp_path / name).code == 0
    files = sorted(
        p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file()
    )
    assert [str(f) for f in files if f.parts[0] == "node1"] == [
        "node1/etc/frr/daemons", "node1/etc/frr/frr.conf", "node1/etc/network/interfaces",
        "node1/etc/sysctl.d/90-evpn-fleet.conf",
    ]  # fmt: skip
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_checks_prints_the_catalogue() -> None:
    listed = json.loads(call("checks", "--json").out)
    assert {"id", "severity", "compares", "needs"} <= set(listed[0])
    assert "flood-missing" in call("checks").out


MISUSE = {
    "no such command": (["bogus"], "No such command"),
    "no such option": (["audit", "--bogus"], "No such option"),
    "missing option": (["render"], "Missing option '--output'"),
    "no inventory": (["--inventory", "/nonexistent", "validate"], "there is no such file"),
    "no such host": (["plan", "--limit", "nod1"], "did you mean node1?"),
    "filter without value": (["plan", "--filter", "site"], "not of the form key=value"),
    "filter that fits nobody": (["plan", "--filter", "site=fra"], "no host of the inventory"),
    "no such snapshot": (["audit", "--from", "/nonexistent"], "there is no such folder"),
    "snapshot of others": (["audit", "--from", "/usr"], "no folder of any host"),
    "no such slug": (["parse", "bogus", "/dev/null"], "no parser for 'bogus'"),
    "no such file to parse": (["parse", "ip_link", "/nonexistent"], "cannot be read"),
    "no such report": (["report", "/nonexistent.json"], "/nonexistent.json"),
    "a report that is none": (["report", str(SHIPPED / "hosts.yaml")], "hosts.yaml"),
    "no such format": (["report", "x.json", "--format", "bogus"], "x.json"),
    "no such fault": (["lab", "fault", "bogus"], "there is no fault 'bogus'"),
    "no such machine": (["lab", "ping", "bogus", "vm1"], "bogus"),
}


@pytest.mark.parametrize("case", MISUSE, ids=lambda case: case.replace(" ", "-"))
def test_misuse_is_exit_code_1_and_says_what_to_do(case: str, tmp_path: Path) -> None:
    arguments, words = MISUSE[case]
    if arguments[0] == "audit" and "--from" in arguments:
        arguments = [*arguments, "-o", str(tmp_path)]
    ended = call(*arguments)
    assert ended.code == 1
    assert words in ended.err
    assert "next: " in ended.err


def test_a_lab_command_without_a_lab_says_so(tmp_path: Path) -> None:
    for name in ("fabric", "hosts", "groups", "defaults"):
        (tmp_path / f"{name}.yaml").write_text((SHIPPED / f"{name}.yaml").read_text())
    ended = call("--inventory", tmp_path, "lab", "status")
    assert ended.code == 1
    assert "this inventory has no lab" in ended.err


@pytest.mark.parametrize(
    ("typed", "machine", "wanted"),
    [
        (True, "node1", ["node1"]),
        (True, "vm1", ["node1", "-t", "ip netns exec vm1 bash"]),
        (False, "node1", ["node1", "-T", "bash -s"]),
        (False, "vm1", ["node1", "-T", "ip netns exec vm1 bash -s"]),
    ],
)
def test_a_shell_of_the_lab_is_typed_into_or_reads_a_file(
    *, typed: bool, machine: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execvp", lambda _program, argv: called.append(argv))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: typed)
    assert (
        call("--inventory", ROOT / "examples" / "l3-symmetric", "lab", "shell", machine).code == 0
    )
    ((_ssh, _option, _configuration, *rest),) = called
    assert rest == wanted


def test_options_come_from_the_environment(fleet: ReplayFleet) -> None:
    environment = {**os.environ, "EVPN_FLEET_INVENTORY": str(fleet.inventory)}
    done = subprocess.run(
        [sys.executable, ROOT / "run.py", "validate"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert str(fleet.inventory) in done.stdout


def test_stdout_carries_the_result_and_nothing_else(fleet: ReplayFleet, tmp_path: Path) -> None:
    fleet.play("deployed")
    ended = call("--inventory", fleet.inventory, "audit", "--json", "-o", tmp_path)
    json.loads(ended.out)
    quiet = call("--quiet", "--inventory", fleet.inventory, "audit", "-o", tmp_path)
    assert quiet.err == ""


def test_the_demo_on_recordings_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "run.py", "demo", "--replay"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replays recordings of the lab, over real SSH on loopback" in done.stdout
    assert "flood-missing" in done.stdout
    report = re.search(r"broken fabric: (\S+)", done.stdout)
    assert report
    assert Path(report[1]).is_file()
