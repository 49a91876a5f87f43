"""Nodes under load, slow ones and ones that are gone: none costs another one, and each says why."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import yaml

from app.audit.pipeline import asked
from overlay.errors import IntentError
from overlay.records import RawOutput
from parsers import parse_host
from replay.node import Mishap
from tasks.collect import collect_all
from tasks.ssh import connection
from tasks.ssh.fleet import open_fleet
from tasks.ssh.hosts import TIMEOUT, time_limit
from tasks.ssh.retries import CONNECT_BUDGET
from tests.replay.conftest import HOSTS, outputs
from tests.replay.doors import CrowdedDoor, black_hole, free_port, move, port_of

if TYPE_CHECKING:
    from overlay.expected import FabricIntent
    from replay.fleet import ReplayFleet
    from tasks.commands import HostCapture

pytestmark = pytest.mark.ssh

HOW_TO_RAISE = "with --timeout, or with `timeout` in the data of the host or of its group"


def collect(
    fleet: ReplayFleet, intent: FabricIntent, timeout: float | None = None
) -> dict[str, tuple[float, HostCapture]]:
    """Each host's capture, and after how many seconds it came."""
    found: dict[str, tuple[float, HostCapture]] = {}
    begun = time.monotonic()

    def done(capture: HostCapture) -> None:
        found[capture.host] = time.monotonic() - begun, capture

    with open_fleet(fleet.inventory, timeout=timeout) as session:
        collect_all(session, asked(intent, session.hosts), done)
    return found


def test_an_sshd_that_drops_logins_for_some_seconds_loses_no_node(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    # As MaxStartups does while many log in; the promise is CONNECT_BUDGET.
    with CrowdedDoor(port_of(fleet, "node2"), CONNECT_BUDGET / 3) as door:
        move(fleet, "node2", door.port)
        found = collect(fleet, intent)
    assert door.dropped >= 3
    assert {host: capture.error for host, (_, capture) in found.items()} == dict.fromkeys(HOSTS)


def test_nodes_that_are_gone_do_not_hold_up_those_that_answer(
    fleet: ReplayFleet, intent: FabricIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CONNECTORS", threading.BoundedSemaphore(1))
    with black_hole() as nowhere:
        move(fleet, "node1", nowhere)
        move(fleet, "node2", free_port())
        found = collect(fleet, intent)
    silent, refused, healthy = (found[host] for host in HOSTS)
    assert healthy[1].error is None
    assert "timed out" in str(silent[1].error)
    assert "refused" in str(refused[1].error)
    assert healthy[0] < silent[0] / 2, (
        "only one may shake hands at a time, and it was not waited for"
    )
    assert refused[0] < 6 < silent[0] < TIMEOUT


def test_a_login_shell_that_is_slow_says_which_limit_it_ran_into(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node1"].login_takes = 4
    _, capture = collect(fleet, intent, timeout=2)["node1"]
    assert "then nothing came within the node's time limit of 2 s" in str(capture.error)
    assert HOW_TO_RAISE in str(capture.error)
    assert "its shell ran no command" not in str(capture.error)
    assert collect(fleet, intent, timeout=12)["node1"][1].outputs == outputs("node1", "deployed")


def test_a_command_that_hangs_is_ended_and_says_so_and_the_others_are_read(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    # What a node prints when timeout(1) ended its command.
    fleet.nodes["node1"].recording = {
        **fleet.nodes["node1"].recording, "evpn_vni": RawOutput("", 124),
    }  # fmt: skip
    _, capture = collect(fleet, intent)["node1"]
    said = parse_host("node1", capture.outputs).commands
    assert said["evpn_vni"].status == "failed"
    assert (
        said["evpn_vni"].error
        == f"the time limit of a command, 20 s, ended it: raise it {HOW_TO_RAISE}"
    )
    assert said["bridge_fdb"].status == "ok"


def test_a_node_that_falls_silent_says_that_its_time_was_over(
    fleet: ReplayFleet, intent: FabricIntent
) -> None:
    fleet.nodes["node1"].mishaps["ip_link"] = Mishap.HANG
    _, capture = collect(fleet, intent, timeout=3)["node1"]
    said = parse_host("node1", capture.outputs).commands
    assert said["ip_link"].error == (
        f"cut off: the node's time limit of 3 s ended it: raise it {HOW_TO_RAISE}"
    )


def test_the_time_limit_is_that_of_the_command_line_then_the_host_then_its_group(
    fleet: ReplayFleet,
) -> None:
    groups, hosts = fleet.inventory / "groups.yaml", fleet.inventory / "hosts.yaml"
    in_group, in_hosts = yaml.safe_load(groups.read_text()), yaml.safe_load(hosts.read_text())
    limits = []
    for change in (
        lambda: None,
        lambda: in_group["replay"]["data"].update(timeout=40),
        lambda: in_hosts["node1"].update(data={"timeout": 60}),
    ):
        change()
        groups.write_text(yaml.safe_dump(in_group))
        hosts.write_text(yaml.safe_dump(in_hosts))
        for given in (None, 5.0):
            with open_fleet(fleet.inventory, timeout=given) as session:
                limits.append([time_limit(h) for h in session.nornir.inventory.hosts.values()])
    assert limits == [[26] * 3, [5] * 3, [40] * 3, [5] * 3, [60, 40, 40], [5] * 3]
    in_hosts["node1"]["data"]["timeout"] = "a minute"
    hosts.write_text(yaml.safe_dump(in_hosts))
    with pytest.raises(IntentError, match="node1: its `timeout`"):
        open_fleet(fleet.inventory)
