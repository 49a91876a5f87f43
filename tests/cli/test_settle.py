"""A fabric that converges while it is looked at: with a clock of our own, and over real SSH."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from app.audit.settle import PAUSE, second_look, settle, unsettled
from overlay.records import HostState
from replay.fleet import RECORDINGS, ReplayFleet
from tests.cli.audits import call
from tests.cli.test_command_line import SHIPPED
from tests.reports import examples

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from reports.model import Report


# The recorded nodes were never deployed to: of their files and settings there is nothing to say.
CHOICE = ("--skip", "config-*,sysctl")


class Fabric:
    """Reports one after the other; a look takes `cost` seconds of its clock."""

    def __init__(self, *reports: Report, cost: float = 1.0) -> None:
        self.reports = list(reports)
        self.cost = cost
        self.now = 100.0
        self.asked: list[set[str]] = []
        self.said: list[str] = []

    def look(self, hosts: Collection[str]) -> Report:
        self.asked.append(set(hosts))
        self.now += self.cost
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def settle(self, seconds: float) -> Report:
        return settle(
            self.reports.pop(0),
            self.look,
            seconds=seconds,
            say=self.said.append,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def report(*findings, incomplete: Collection[str] = ()) -> Report:
    hosts = examples.states(["leaf1", "leaf2", "leaf3"])
    hosts |= {name: HostState(name, error="no answer") for name in incomplete}
    return examples.report(hosts, findings)


def test_only_who_is_not_in_sync_is_asked_again_until_nobody_is_left() -> None:
    fabric = Fabric(
        report(examples.learning("leaf1"), incomplete=["leaf3"]),
        report(examples.learning("leaf1")),
        report(),
    )
    assert not fabric.settle(60).findings
    assert fabric.asked == [{"leaf1", "leaf3"}, {"leaf1"}]
    assert fabric.said == [
        "settle: round 1, 2 nodes (leaf1, leaf3), 58 s left",
        "settle: round 2, 1 node (leaf1), 55 s left",
        "settle: settled after 2 rounds",
    ]


def test_the_deadline_is_total_and_no_round_begins_after_it() -> None:
    drift = report(examples.learning("leaf1"))
    fabric = Fabric(drift, drift, cost=3)
    assert fabric.settle(12) is drift
    assert len(fabric.asked) == 3  # at 2, 7 and 12 seconds
    assert fabric.now <= 100 + 12 + fabric.cost
    assert fabric.said[-1] == "settle: time is over after 3 rounds"


@pytest.mark.parametrize("seconds", [0, PAUSE / 2])
def test_without_time_it_looks_once_more_at_most(seconds: float) -> None:
    drift = report(examples.learning("leaf1"))
    fabric = Fabric(drift, drift)
    fabric.settle(seconds)
    assert len(fabric.asked) == (1 if seconds else 0)


def test_nothing_is_asked_of_a_fabric_in_sync() -> None:
    fabric = Fabric(report())
    fabric.settle(60)
    assert (fabric.asked, fabric.said) == ([], [])


@pytest.mark.parametrize(
    ("check", "until", "looks"),
    [("fdb-stale", None, 1), ("flood-missing", None, 1), ("vxlan-learning", None, 0),
     ("fdb-stale", 0.0, 0)],
)  # fmt: skip
def test_what_may_just_be_moving_is_looked_at_twice(
    check: str, until: float | None, looks: int
) -> None:
    drift = report(replace(examples.learning("leaf1"), check=check))
    fabric = Fabric(report())
    after = second_look(drift, fabric.look, until=until, say=fabric.said.append, sleep=fabric.sleep)
    assert fabric.asked == [{"leaf1"}] * looks
    assert len(after.findings) == 1 - looks


def test_a_route_that_is_missing_for_a_moment_takes_a_look_at_all_nodes() -> None:
    """Each look finds another MAC under way; what two looks in a row show is drift."""
    passing = replace(examples.learning("leaf1"), check="mac-route-missing")
    other = replace(passing, object="VNI 2 MAC 02:00:00:00:00:01")
    everyone = {"leaf1", "leaf2", "leaf3"}

    moving = Fabric(report(passing), report(other), report())
    after = second_look(
        moving.look(set()), moving.look, until=None, say=moving.said.append, sleep=moving.sleep
    )
    assert moving.asked == [set(), everyone, everyone]
    assert after.findings == ()

    lost = Fabric(report(passing), report(passing))
    after = second_look(
        lost.look(set()), lost.look, until=None, say=lost.said.append, sleep=lost.sleep
    )
    assert lost.asked == [set(), everyone]
    assert len(after.findings) == 1


def test_what_the_second_look_alone_shows_is_looked_at_once_more() -> None:
    """A router MAC was just on its way to the kernel when a machine's stale entry had gone."""
    left = replace(examples.learning("leaf1"), check="fdb-stale", object="vxlan2 MAC 02:00::1")
    underway = replace(left, check="fdb-missing", object="vxlan4000 RMAC 06:00:02:a3:00:01")

    def looked_at(*reports: Report) -> tuple[Fabric, Report]:
        fabric = Fabric(*reports)
        first = fabric.look(set())
        last = second_look(
            first, fabric.look, until=None, say=fabric.said.append, sleep=fabric.sleep
        )
        return fabric, last

    moving, after = looked_at(report(left), report(underway), report())
    assert moving.asked == [set(), {"leaf1"}, {"leaf1"}]
    assert after.findings == ()

    lost, after = looked_at(report(left, underway), report(underway))
    assert lost.asked == [set(), {"leaf1"}]
    assert len(after.findings) == 1


def test_what_shows_only_between_nodes_needs_all_of_them() -> None:
    twice = replace(examples.learning("leaf1"), check="vtep-duplicate")
    assert unsettled(report(twice)) == {"leaf1", "leaf2", "leaf3"}


def test_what_is_suppressed_is_not_waited_for() -> None:
    assert unsettled(examples.suppressed()) == {"leaf1"}


@pytest.fixture
def broken() -> Iterator[ReplayFleet]:
    with ReplayFleet(SHIPPED, RECORDINGS, scene="fault") as fleet:
        yield fleet


@pytest.mark.ssh
def test_over_ssh_a_fault_that_goes_away_in_time_is_no_drift(
    broken: ReplayFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []

    def fix_meanwhile(seconds: float) -> None:
        naps.append(seconds)
        broken.play("deployed")

    monkeypatch.setattr("app.audit.run.settle_down", partial(settle, sleep=fix_meanwhile))
    ended = call(
        "--inventory",
        broken.inventory,
        "audit",
        *CHOICE,
        "--settle",
        30,
        "--keep-snapshot",
        "-o",
        tmp_path,
    )
    assert ended.code == 0, ended.out
    assert len(naps) == 1
    assert "settle: round 1, 1 node" in ended.err
    assert "settle: settled after 1 round" in ended.err
    # The snapshot holds all nodes, each as it was last seen.
    again = call(
        "--inventory",
        broken.inventory,
        "audit",
        *CHOICE,
        "--from",
        tmp_path / "snapshot",
        "-o",
        tmp_path,
    )
    assert again.code == 0, again.out


def test_a_snapshot_does_not_settle(tmp_path: Path) -> None:
    ended = call(
        "--inventory",
        SHIPPED,
        "audit",
        "--settle",
        5,
        "--from",
        RECORDINGS / "fault",
        "-o",
        tmp_path / "x",
    )
    assert ended.code == 1
    assert "--settle looks at live nodes again, and --from reads a snapshot" in ended.err
    assert not (tmp_path / "x").exists()
